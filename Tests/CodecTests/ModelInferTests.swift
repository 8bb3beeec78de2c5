import FuzzSupport
import GRPC
import Glibc
import Inference
import Primitives
import SwiftProtobuf
import Testing

@testable import Codec

/// What ModelInfer's messages become, held against swift-protobuf: it parses the same bytes, a few plain lines say
/// what of them is a request for this model, and values, wishes and answers must agree.
@Suite(.serialized) struct ModelInferTests {
    struct Outcome: Equatable {
        var values: [Double]
        var rows: Int
        var id: String
        var wishes: [OutputKind]
        var isRaw: Bool

        static func == (left: Outcome, right: Outcome) -> Bool {
            same(left.values, right.values) && left.rows == right.rows && left.id == right.id
                && left.wishes == right.wishes && left.isRaw == right.isRaw
        }
    }

    private static let codec = ModelCodec.loose

    // MARK: Both readers

    private func decode(_ body: [UInt8], _ request: inout InferenceRequest) -> Result<Outcome, RequestError> {
        withUnsafeMutablePointer(to: &request) { request in
            withPadded(body) { body in
                do throws(RequestError) {
                    try ModelInferDecoder.decode(ModelInferEnvelope(body), codec: Self.codec, into: request)
                } catch {
                    return .failure(error)
                }
                return .success(Self.outcome(request))
            }
        }
    }

    private static func outcome(_ request: UnsafeMutablePointer<InferenceRequest>) -> Outcome {
        let pointer = request.pointee.values.pointer
        let isFloat = request.pointee.valueType == .float32
        return Outcome(
            values: (0..<request.pointee.rowCount * 4).map {
                isFloat
                    ? Double(pointer.load(fromByteOffset: 4 * $0, as: Float.self))
                    : pointer.load(fromByteOffset: 8 * $0, as: Double.self)
            }, rows: request.pointee.rowCount, id: String(decoding: request.pointee.id.bytes, as: UTF8.self),
            wishes: (0..<request.pointee.wishCount).map { request.pointee.wishes[$0].kind },
            isRaw: request.pointee.wishes[0].binary)
    }

    /// What the request asks, as swift-protobuf sees it; nil: it is to be refused.
    private func expectation(_ body: [UInt8]) -> Outcome? {
        guard let request = try? OracleRequest(serializedBytes: body), request.inputs.count == 1,
            request.parameters.allSatisfy(isFine)
        else { return nil }
        let tensor = request.inputs[0]
        guard tensor.name == "features", tensor.shape.count == 2, tensor.shape[1] == 4, 1...8 ~= tensor.shape[0],
            !tensor.parameters.contains(where: isSharedMemory)
        else { return nil }
        let rows = Int(tensor.shape[0])
        var wishes: [OutputKind] = []
        for output in request.outputs {
            guard let kind = OutputKind.allCases.first(where: { Self.name($0) == output.name }), !wishes.contains(kind),
                !output.parameters.contains(where: { $0.key == "classification" || isSharedMemory($0) })
            else { return nil }
            wishes.append(kind)
        }
        if wishes.isEmpty { wishes = [.score] }
        guard explain(request, &wishes) else { return nil }
        let isRaw = !request.raw.isEmpty
        if isRaw, request.raw.count != 1 || !(tensor.contents?.isEmpty ?? true) { return nil }
        let values =
            isRaw ? raw(tensor.datatype, Array(request.raw[0]), rows * 4) : typed(tensor.datatype, tensor.contents)
        guard let values, values.count == rows * 4 else { return nil }
        return Outcome(values: values, rows: rows, id: request.id, wishes: wishes, isRaw: isRaw)
    }

    private static func name(_ kind: OutputKind) -> String { kind == .predictionID ? "prediction_id" : "\(kind)" }

    /// Adds the outputs that `parameters.explain` stands for; false: it, or what goes with it, is to be refused.
    private func explain(_ request: OracleRequest, _ wishes: inout [OutputKind]) -> Bool {
        // One score, so no classes.
        if request.parameters.contains(where: { $0.key == "explain_class" }) { return false }
        var count = 0
        var isAsked = false
        if let parameter = request.parameters.last(where: { $0.key == "explain" }) {
            switch parameter.value?.choice {
            case .bool(let flag): (isAsked, count) = (flag, flag ? 4 : 0)
            case .int64(let number) where 0...4 ~= number: (isAsked, count) = (true, Int(number))
            case .uint64(let number) where 0...4 ~= number: (isAsked, count) = (true, Int(number))
            default: return false
            }
        }
        guard isAsked else { return true }
        if count == 0, wishes.contains(.reasons) { return false }
        if !wishes.contains(.contributions) { wishes.append(.contributions) }
        if count > 0, !wishes.contains(.reasons) { wishes.append(.reasons) }
        return true
    }

    private func isSharedMemory(_ parameter: OracleEntry) -> Bool {
        ["shared_memory_region", "shared_memory_byte_size", "shared_memory_offset"].contains(parameter.key)
    }

    private func isFine(_ parameter: OracleEntry) -> Bool {
        guard parameter.key == "timeout" || parameter.key == "priority" else { return true }
        switch parameter.value?.choice {
        case .int64(let value): return value >= 0
        case .uint64: return true
        default: return false
        }
    }

    private func raw(_ type: String, _ bytes: [UInt8], _ count: Int) -> [Double]? {
        func read<Value: BitwiseCopyable>(_: Value.Type, _ make: (Value) -> Double) -> [Double]? {
            let size = MemoryLayout<Value>.size
            guard bytes.count == count * size else { return nil }
            return (0..<count).map { index in
                bytes.withUnsafeBytes { make($0.loadUnaligned(fromByteOffset: index * size, as: Value.self)) }
            }
        }
        switch type {
        case "FP32": return read(Float.self) { Double($0) }
        case "FP64": return read(Double.self) { $0 }
        case "FP16": return read(UInt16.self) { Double(Float16(bitPattern: $0)) }
        case "BF16": return read(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case "BOOL": return bytes.allSatisfy { $0 < 2 } ? read(UInt8.self) { Double($0) } : nil
        case "INT8": return read(Int8.self) { Double($0) }
        case "INT16": return read(Int16.self) { Double($0) }
        case "INT32": return read(Int32.self) { Double($0) }
        case "INT64": return read(Int64.self) { Double($0) }
        case "UINT8": return read(UInt8.self) { Double($0) }
        case "UINT16": return read(UInt16.self) { Double($0) }
        case "UINT32": return read(UInt32.self) { Double($0) }
        case "UINT64": return read(UInt64.self) { Double($0) }
        default: return nil
        }
    }

    private func typed(_ type: String, _ contents: OracleContents?) -> [Double]? {
        guard var others = contents else { return nil }
        let values: [Double]
        switch type {
        case "FP32": (values, others.floats) = (others.floats.map { Double($0) }, [])
        case "FP64": (values, others.doubles) = (others.doubles, [])
        case "BOOL": (values, others.bools) = (others.bools.map { $0 ? 1 : 0 }, [])
        case "INT8": (values, others.ints) = (others.ints.compactMap { Int8(exactly: $0).map { Double($0) } }, [])
        case "INT16": (values, others.ints) = (others.ints.compactMap { Int16(exactly: $0).map { Double($0) } }, [])
        case "INT32": (values, others.ints) = (others.ints.map { Double($0) }, [])
        case "INT64": (values, others.int64s) = (others.int64s.map { Double($0) }, [])
        case "UINT8": (values, others.uints) = (others.uints.compactMap { UInt8(exactly: $0).map { Double($0) } }, [])
        case "UINT16":
            (values, others.uints) = (others.uints.compactMap { UInt16(exactly: $0).map { Double($0) } }, [])
        case "UINT32": (values, others.uints) = (others.uints.map { Double($0) }, [])
        case "UINT64": (values, others.uint64s) = (others.uint64s.map { Double($0) }, [])
        default: return nil
        }
        let count = contents.map { $0.floats.count + $0.doubles.count + $0.bools.count } ?? 0
        let integers = contents.map { $0.ints.count + $0.int64s.count + $0.uints.count + $0.uint64s.count } ?? 0
        return others.isEmpty && values.count == count + integers ? values : nil
    }

    // MARK: Tests

    @Test func modelInferFuzz() {
        var rounds = FuzzRounds(2500)
        var maker = ModelInferMaker(seed: rounds.seed)
        var request = InferenceRequest()
        var (decoded, refused, answered) = (0, 0, 0)
        while rounds.next() {
            let body = maker.message()
            request.reset()
            let wanted = expectation(body)
            switch decode(body, &request) {
            case .success(let outcome):
                decoded += 1
                #expect(outcome == wanted, "\(body)")
                if check(answerTo: &request, &maker) { answered += 1 }
            case .failure(let error):
                refused += 1
                #expect(wanted == nil, "\(error.message): \(body)")
                #expect(error.status == 400 && !error.message.isEmpty)
                #expect(!error.message.contains(ModelInferMaker.secret), "\(error.message)")
            }
        }
        print("fuzz ModelInfer: \(decoded) decoded, \(refused) refused")
        #expect(decoded > 0 && refused > 0 && answered == decoded)
    }

    @Test(arguments: [(14, true), (8, false), (6, false)])
    func contentsBesideRawOnesAreThoseThatAreKnown(field: Int, isFine: Bool) {
        var contents = ProtobufWriter()
        contents.element(field, bytes: [1, 2, 3, 4])
        var tensor = ProtobufWriter()
        tensor.field(1, "features")
        tensor.field(2, "FP32")
        tensor.packed(3, [1, 4])
        tensor.element(5, bytes: contents.bytes)
        var body = ProtobufWriter()
        body.element(5, bytes: tensor.bytes)
        body.element(7, bytes: [UInt8](repeating: 0, count: 16))
        var request = InferenceRequest()
        let outcome = try? decode(body.bytes, &request).get()
        #expect((outcome != nil) == isFine && (expectation(body.bytes) != nil) == isFine)
    }

    /// swift-protobuf reads in the answer what was put into the slot.
    private func check(answerTo request: inout InferenceRequest, _ maker: inout ModelInferMaker) -> Bool {
        let isDouble = Bool.random(using: &maker.random)
        let codec = ModelCodec.test(
            type: isDouble ? .float64 : .float32, columns: Int.random(in: 1...3, using: &maker.random))
        let count = request.rowCount * codec.columns
        let numbers = (0..<2 * count).map { _ in Double(Float.random(in: 0...1, using: &maker.random)) }
        put(Array(numbers[..<count]), &request.scores, isDouble)
        put(Array(numbers[count...]), &request.margins, isDouble)
        let contributions = (0..<5 * count).map { _ in Double(Float.random(in: -1...1, using: &maker.random)) }
        put(contributions, &request.contributions, isDouble)
        let ids = (0..<request.rowCount).map { "id-\(1000 + $0)" }
        request.predictionIDs.reset()
        for id in ids { request.predictionIDs.append(string: id) }
        var out = GrowableBuffer()
        out.append("prefix")
        var told = ServingFacts(arm: "stable", tier: "full")
        if request.explanation.isWanted { told.explanation = .full }
        let header = withUnsafeMutablePointer(to: &request) {
            ResponseEncoder.encode($0, codec: codec, facts: told, into: &out)
        }
        let bytes = Array(out.bytes.dropFirst(6))
        guard header == nil, let response = try? OracleResponse(serializedBytes: bytes) else {
            Issue.record("the answer is not a message: \(bytes)")
            return false
        }
        let facts = Dictionary(uniqueKeysWithValues: response.parameters.map { ($0.key, $0.value?.choice) })
        var wanted: [String: OracleParameter.Choice?] = [
            "serin-version": .text("1"), "serin-arm": .text("stable"), "serin-tier": .text("full"),
        ]
        if request.explanation.isWanted { wanted["serin-explanation"] = .text("full") }
        #expect(facts == wanted)
        #expect(response.model == "fraud" && response.version == "1")
        #expect(response.id == String(decoding: request.id.bytes, as: UTF8.self))
        #expect(response.outputs.count == request.wishCount)
        for index in 0..<request.wishCount {
            let wish = request.wishes[index]
            switch wish.kind {
            case .score: check(response, index, wish, Array(numbers[..<count]), request.rowCount, codec, isDouble)
            case .margin: check(response, index, wish, Array(numbers[count...]), request.rowCount, codec, isDouble)
            case .label: check(response, index, wish, nil, request.rowCount, codec, isDouble)
            case .contributions: check(response, index, wish, contributions, request.rowCount, codec, isDouble)
            case .predictionID: check(response, index, wish, ids)
            case .reasons:
                let texts = Self.reasons(
                    contributions, scores: Array(numbers[..<count]), codec.columns, request.explanation.reasons)
                check(response, index, wish, texts)
            }
        }
        return true
    }

    /// The reasons of every row, in plain lines: of the class with the highest score, the features that moved it up most.
    private static func reasons(_ all: [Double], scores: [Double], _ columns: Int, _ count: Int) -> [String] {
        (0..<scores.count / columns).flatMap { row in
            let own = scores[row * columns..<(row + 1) * columns]
            let column = own.firstIndex(of: own.max()!)! - own.startIndex
            let first = (row * columns + column) * 5
            let ranked = (0..<4).filter { all[first + $0] > 0 }.sorted { all[first + $0] > all[first + $1] }
            let texts = ranked.prefix(count).map { ModelCodec.features[$0].name }
            return texts + [String](repeating: "", count: count - texts.count)
        }
    }

    private func check(_ response: OracleResponse, _ index: Int, _ wish: OutputWish, _ texts: [String]) {
        let output = response.outputs[index]
        let count = Int(output.shape.last ?? 0)
        #expect(output.name == Self.name(wish.kind) && output.datatype == "BYTES")
        #expect(output.shape == [Int64(texts.count / max(count, 1)), Int64(count)])
        if wish.binary {
            let bytes = texts.flatMap { text in
                withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
            }
            #expect(Array(response.raw[index]) == bytes)
        } else {
            #expect(output.contents?.texts.map { String(decoding: $0, as: UTF8.self) } == texts)
        }
    }

    private func check(
        _ response: OracleResponse, _ index: Int, _ wish: OutputWish, _ numbers: [Double]?, _ rows: Int,
        _ codec: ModelCodec, _ isDouble: Bool
    ) {
        let output = response.outputs[index]
        let isWide = wish.kind == .contributions
        let columns = numbers == nil ? 1 : codec.columns * (isWide ? 5 : 1)
        let shape = isWide ? (codec.columns > 1 ? [rows, codec.columns, 5] : [rows, 5]) : [rows, columns]
        #expect(output.name == Self.name(wish.kind) && output.shape == shape.map { Int64($0) })
        let type = numbers == nil ? "INT64" : isDouble ? "FP64" : "FP32"
        #expect(output.datatype == type)
        let found: [Double]?
        if wish.binary {
            #expect(output.contents == nil && response.raw.count == response.outputs.count)
            found = raw(type, Array(response.raw[index]), rows * columns)
        } else {
            #expect(response.raw.isEmpty)
            found = typed(type, output.contents)
        }
        #expect(found?.count == rows * columns)
        if let numbers { #expect(found == numbers) } else { #expect(found?.allSatisfy { 0...2 ~= $0 } == true) }
    }

    private func put(_ numbers: [Double], _ buffer: inout GrowableBuffer, _ isDouble: Bool) {
        buffer.reset()
        for number in numbers {
            if isDouble {
                withUnsafeBytes(of: number) { buffer.append($0) }
            } else {
                withUnsafeBytes(of: Float(number)) { buffer.append($0) }
            }
        }
    }
}
