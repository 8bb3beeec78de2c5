// Bodies that nobody sends by mistake: structure-aware mutations of V2, V1 and binary bodies.
//
// Checked of every one: it is decoded or refused with status 400 and a message; what was decoded
// keeps the rules of the schema and can be answered with valid JSON; and no message carries the
// secret that the mutator plants in values.  How long, and from which seed: FuzzRounds; best
// under the address sanitizer.

import FuzzSupport
import Glibc
import Inference
import JSON
import Primitives
import Testing

@testable import Codec

/// JSON as text in pieces, so that mutations keep most of the structure.
private struct Mutator {
    var random: SplitMix
    static let secret = "4929817264"

    static let values = [
        "0", "1", "-1", "1.5", "1e39", "1e308", "-0.0", "null", "true", "false", "[]", "{}", "[1]", "[[1]]", "\"\"",
        "\"DE\"", "\"FR\"", "\"XX\"", "\"FP32\"", "\"FP64\"", "\"INT8\"", "\"UINT64\"", "\"BOOL\"", "\"BYTES\"",
        "\"features\"", "\"score\"", "[1,4]", "[2,4]", "[-1,4]", "[9223372036854775807,4]", "[4611686018427387905,4]",
        "18446744073709551615", "100000000000000000000", "9007199254740993", secret, "\"\(secret)\"", "[\(secret)]",
        "{\"amount\":\(secret)}", "{\"amount\":\"\(secret)\"}", "{\"binary_data_size\":16}", "{\"binary_data\":true}",
        "{\"binary_data_output\":true}", "{\"triton_x\":1}", "[1,2,0,1]", "[[1,2,0,1],[3,4,1,null]]", "NaN",
        "\"\\u0000\"", "{\"explain\":true}", "{\"explain\":2}", "{\"explain_class\":1}", "\"contributions\"",
        "\"reasons\"",
    ]
    static let keys = [
        "inputs", "outputs", "id", "parameters", "name", "shape", "datatype", "data", "instances", "signature_name",
        "amount", "hour", "online", "country", "binary_data_size", "binary_data", "binary_data_output", "x", "",
        "feature with spaces", "timeout", "explain", "explain_class", "reasons", "class",
    ]

    mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random)! }
    mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    /// Usually `value`, at times anything else.
    mutating func perhaps(_ value: String) -> String { chance(60) ? pick(Self.values) : value }

    mutating func object(_ members: [(String, String)]) -> String {
        var members = members
        if chance(4) { members.shuffle(using: &random) }
        if chance(15), !members.isEmpty { members.remove(at: Int.random(in: 0..<members.count, using: &random)) }
        if chance(10) { members.append((pick(Self.keys), pick(Self.values))) }
        return "{" + members.map { "\"\($0.0)\":\(perhaps($0.1))" }.joined(separator: ",") + "}"
    }

    /// A value of one of the four columns, usually of its kind.
    mutating func number(_ column: Int) -> String {
        if chance(200) { return pick(Self.values) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return "null"
        case 1 where column == 0: return "\(Double.random(in: -1000...1000, using: &random))"
        default: return "\(Int.random(in: 0...1, using: &random))"
        }
    }

    mutating func array(_ count: Int, _ element: (inout Mutator, Int) -> String) -> String {
        let count = chance(60) ? Int.random(in: 0...10, using: &random) : count
        return "[" + (0..<count).map { element(&self, $0) }.joined(separator: ",") + "]"
    }

    mutating func v2(rows: Int, binarySize: Int?, type: String) -> String {
        var data =
            chance(2)
            ? array(rows * 4) { $0.number($1 % 4) } : array(rows) { mutator, _ in mutator.array(4) { $0.number($1) } }
        data = perhaps(data)
        let shape = "[\(rows),4]"
        var tensor = [("name", "\"features\""), ("shape", shape), ("datatype", "\"\(type)\"")]
        if let binarySize {
            let parameters = object([("binary_data_size", "\(binarySize)")])
            tensor.append(("parameters", parameters))
        } else {
            tensor.append(("data", data))
        }
        let output = object([
            ("name", pick(["\"score\"", "\"label\"", "\"margin\"", "\"contributions\"", "\"reasons\""])),
            ("parameters", pick(["{}", "{\"binary_data\":true}"])),
        ])
        let input = object(tensor)
        return object([
            ("id", "\"an id\""), ("inputs", "[\(input)]"), ("outputs", "[\(output)]"), ("parameters", parameters()),
        ])
    }

    mutating func parameters() -> String {
        guard chance(2) else { return "{\"a\":1}" }
        var members = [("explain", pick(["true", "false", "0", "1", "4", "5", "-1", "\"\(Self.secret)\""]))]
        if chance(3) { members.append(("explain_class", pick(["0", "2", "3", "\"\(Self.secret)\"", "\"b\""]))) }
        return object(members)
    }

    /// `:explain` of the same rows.
    mutating func v1Explain() -> String {
        let body = v1()
        guard body.hasSuffix("}") else { return body }
        var members = ""
        if chance(2) { members += ",\"reasons\":\(pick(["0", "1", "4", "5", "true", "null", Self.secret]))" }
        if chance(3) { members += ",\"class\":\(pick(["0", "2", "3", "\"b\"", "\"\(Self.secret)\"", "null"]))" }
        return String(body.dropLast()) + members + "}"
    }

    /// A V2 body in the form that is read without a tape, or nearly so.
    mutating func plain(rows: Int) -> String {
        let blank = chance(3) ? " " : ""
        let numbers = (0..<rows * 4).map { index in chance(3) ? decimal() : number(index % 4) }
        let data = chance(30) ? pick(Self.values) : "[\(blank)" + numbers.joined(separator: ",\(blank)") + "]"
        var tensor = [
            ("name", "\"features\""), ("shape", "[\(rows),\(blank)4]"),
            ("datatype", chance(3) ? "\"FP64\"" : "\"FP32\""),
        ]
        if chance(3) { tensor.shuffle(using: &random) }
        tensor.append(("data", data))
        let members = tensor.map { "\"\($0.0)\":\(blank)\(chance(100) ? pick(Self.values) : $0.1)" }
        let inputs = "\(blank)\"inputs\":[{\(members.joined(separator: ",\(blank)"))}]"
        return "{" + (chance(3) ? "\"id\":\"\(pick(["", "a", "ü", "\\n"]))\"," : "") + inputs + "}\(blank)"
    }

    private mutating func decimal() -> String {
        let digits = (0..<Int.random(in: 1...20, using: &random)).map { _ in pick(["0", "1", "5", "9"]) }.joined()
        return pick(["", "-", " "]) + digits + pick(["", ".5", ".", "e1", ".00000000000001", "E-3", " "])
    }

    mutating func v1() -> String {
        let rows = Int.random(in: 1...4, using: &random)
        if chance(3) {
            let columns = object(
                ["amount", "hour", "online", "country"].enumerated().map { column, name in
                    (name, array(rows) { mutator, _ in mutator.number(column) })
                })
            return object([("inputs", columns)])
        }
        let instances = array(rows) { mutator, _ in
            if mutator.chance(2) { return mutator.array(4) { $0.number($1) } }
            let country = mutator.pick(["\"DE\"", "\"FR\"", "\"\(Self.secret)\"", "1"])
            return mutator.object([
                ("amount", mutator.number(0)), ("hour", mutator.number(1)), ("online", mutator.pick(["true", "0"])),
                ("country", country),
            ])
        }
        return object([("instances", instances)])
    }

    /// Now and then bytes are broken too.
    mutating func bend(_ text: [UInt8]) -> [UInt8] {
        guard chance(6), !text.isEmpty else { return text }
        var text = text
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<text.count, using: &random)
            text[place] =
                chance(2)
                ? .random(in: 0...255, using: &random) : Array("{}[],:\"\\0e-".utf8).randomElement(using: &random)!
        }
        return text
    }
}

@Suite(.serialized) struct FuzzTests {
    private enum Form { case v2, v1, v1Explain, binary, raw, plain }
    private static let types: [(String, Int)] = [
        ("FP32", 4), ("FP64", 8), ("BOOL", 1), ("INT8", 1), ("INT16", 2), ("INT32", 4), ("INT64", 8), ("UINT8", 1),
        ("UINT16", 2), ("UINT32", 4), ("UINT64", 8),
        ("FP16", 2), ("BF16", 2),
    ]

    @Test func v2Bodies() { fuzz(.v2) }
    @Test func v1Bodies() { fuzz(.v1) }
    @Test func explainBodies() { fuzz(.v1Explain) }
    @Test func plainBodies() { fuzz(.plain) }
    @Test func binaryBodies() { fuzz(.binary) }
    @Test func rawBodies() { fuzz(.raw) }

    private func fuzz(_ form: Form) {
        var rounds = FuzzRounds(2500)
        var mutator = Mutator(random: SplitMix(seed: rounds.seed))
        let codecs = [ModelCodec.test(), strictCodec()]
        var decoder = RequestDecoder(maxBytes: 1 << 20)
        var parser = JSONParser(maxBytes: 1 << 20)
        var request = InferenceRequest()
        var (decoded, refused, plain) = (0, 0, 0)
        while rounds.next() {
            let (body, headerLength) = make(form, &mutator)
            let codec = codecs[mutator.chance(2) ? 0 : 1]
            request.reset()
            if form == .plain || form == .v2 { plain += compareReaders(body, codec, &decoder) }
            let outcome = decode(
                body, v1: form == .v1 || form == .v1Explain, isExplain: form == .v1Explain, headerLength: headerLength,
                codec: codec, &decoder, &request)
            switch outcome {
            case .success(let result):
                decoded += 1
                check(result, codec, body)
                answer(&request, codec, &parser)
            case .failure(let error):
                refused += 1
                #expect(error.status == 400 && !error.message.isEmpty)
                #expect(!error.message.contains(Mutator.secret), "\(error.message)")
            }
        }
        print("fuzz \(form): \(decoded) decoded, \(refused) refused, \(plain) without a tape")
        #expect(decoded > 0 && refused > 0)
        #expect(form != .plain || plain > 0)
    }

    /// What is read without a tape is what the tape says; 1: it was read so.
    private func compareReaders(_ body: [UInt8], _ codec: ModelCodec, _ decoder: inout RequestDecoder) -> Int {
        var plain = InferenceRequest()
        var strict = InferenceRequest()
        var isPlain = false
        let agree = withPadded(body) { bytes in
            isPlain = PlainBody.decode(bytes, codec: codec, opening: &decoder.opening, into: &plain)
            guard isPlain else { return true }
            guard (try? decoder.decodeStrictly(bytes, binaryHeaderLength: nil, codec: .loose, into: &strict)) != nil,
                plain.rowCount == strict.rowCount, plain.valueType == strict.valueType
            else { return false }
            return plain.values.bytes.elementsEqual(strict.values.bytes)
                && plain.id.bytes.elementsEqual(strict.id.bytes)
        }
        #expect(agree, "\(String(decoding: body, as: UTF8.self))")
        return isPlain ? 1 : 0
    }

    private func strictCodec() -> ModelCodec {
        var features = ModelCodec.features
        features[0].range = -500...500
        features[0].onRange = .clip
        features[1].missing = .value(-1)
        features[3].unknown = .missing
        features[0].reason = "A \"large\" amount"
        features[1].reason = "A late hour"
        return .test(features, type: .float64, columns: 3, classes: ["a", "b", "c"])
    }

    private func make(_ form: Form, _ mutator: inout Mutator) -> ([UInt8], Int?) {
        let rows = Int.random(in: 1...8, using: &mutator.random)
        switch form {
        case .plain: return (mutator.bend(Array(mutator.plain(rows: rows).utf8)), nil)
        case .v1: return (mutator.bend(Array(mutator.v1().utf8)), nil)
        case .v1Explain: return (mutator.bend(Array(mutator.v1Explain().utf8)), nil)
        case .v2:
            let type = mutator.chance(2) ? "FP32" : Self.types.randomElement(using: &mutator.random)!.0
            return (mutator.bend(Array(mutator.v2(rows: rows, binarySize: nil, type: type).utf8)), nil)
        case .raw:
            let count = mutator.chance(4) ? Int.random(in: 0...200, using: &mutator.random) : rows * 16
            let noise = mutator.chance(2)
            let body: [UInt8] = (0..<count).map { index in
                noise && index % 16 < 4 ? .random(in: 0...255, using: &mutator.random) : 0
            }
            return (body, 0)
        case .binary:
            let (type, size) = Self.types.randomElement(using: &mutator.random)!
            let json = mutator.bend(Array(mutator.v2(rows: rows, binarySize: rows * 4 * size, type: type).utf8))
            let count = mutator.chance(10) ? Int.random(in: 0...300, using: &mutator.random) : rows * 4 * size
            let tail: [UInt8] = (0..<count).map { _ in
                mutator.chance(8) && type.hasPrefix("FP") ? .random(in: 0...255, using: &mutator.random) : 0
            }
            let length = mutator.chance(20) ? Int.random(in: -2...500, using: &mutator.random) : json.count
            return (json + tail, length)
        }
    }

    /// What was decoded keeps the schema's rules.
    private func check(_ result: Decoded, _ codec: ModelCodec, _ body: [UInt8]) {
        #expect((1...codec.maxRows).contains(result.rowCount))
        #expect(result.values.count == result.rowCount * 4)
        for row in 0..<result.rowCount {
            let values = result.values[4 * row..<4 * row + 4]
            let (amount, hour, online, country) = (
                values[4 * row], values[4 * row + 1], values[4 * row + 2], values[4 * row + 3]
            )
            #expect(hour.isNaN || hour == hour.rounded(), "\(hour) in \(String(decoding: body, as: UTF8.self))")
            #expect(online.isNaN || online == 0 || online == 1)
            if codec.columns == 3 {
                #expect(amount.isNaN || (-500...500).contains(amount))
                #expect(!hour.isNaN)
                #expect(country.isNaN || [0, 1, 2].contains(country))
            }
        }
        #expect((1...5).contains(result.wishes.count) && Set(result.wishes).count == result.wishes.count)
    }

    /// The answer to it is JSON, and as long as it says.
    private func answer(_ request: inout InferenceRequest, _ codec: ModelCodec, _ parser: inout JSONParser) {
        let bytes = request.rowCount * codec.columns * codec.scoreType.byteCount
        request.scores.reserve(bytes)
        request.margins.reserve(bytes)
        request.contributions.reserve(5 * bytes)
        request.contributions.count = 5 * bytes
        memset(request.contributions.pointer, 0x3e, 5 * bytes)
        memset(request.scores.pointer, 0x3e, bytes)
        memset(request.margins.pointer, 0x3e, bytes)
        var out = GrowableBuffer()
        let facts = ServingFacts(arm: "stable", tier: "full")
        let length = withUnsafeMutablePointer(to: &request) {
            ResponseEncoder.encode($0, codec: codec, facts: facts, into: &out)
        }
        do throws(JSONError) {
            let root = try parser.parse(copying: Array(out.bytes[..<(length ?? out.count)]))
            #expect(root.kind == .object)
        } catch {
            Issue.record("answer is not JSON: \(error)")
        }
    }
}
