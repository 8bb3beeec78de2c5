import Inference
import Primitives
import Testing

@testable import Codec

/// What asks for an explanation, and how it is written.
@Suite struct ExplanationTests {
    // MARK: Requests

    private let data = #""name":"features","shape":[1,4],"datatype":"FP32","data":[1,2,0,1]"#

    private func v2(_ parameters: String, outputs: String = "", codec: ModelCodec = .test()) throws -> Decoded {
        let wanted = outputs.isEmpty ? "" : #""outputs":[\#(outputs)],"#
        return try decodeV2(body(data, "\(wanted)\"parameters\":{\(parameters)},"), codec: codec)
    }

    private func message(_ parameters: String, outputs: String = "", codec: ModelCodec = .test()) -> String? {
        let wanted = outputs.isEmpty ? "" : #""outputs":[\#(outputs)],"#
        return refusal(body(data, "\(wanted)\"parameters\":{\(parameters)},"), codec: codec)
    }

    @Test func aPredictionAsksForNone() throws {
        #expect(try v2(#""a":1"#).explanation == ExplanationWish())
        #expect(try v2(#""explain":false"#).explanation.need == .none)
        #expect(try decodeV1(#"{"instances":[[1,2,0,1]]}"#).explanation == ExplanationWish())
    }

    @Test func theParameterAddsOutputsWhereTheyFit() throws {
        let all = try v2(#""explain":true"#)
        #expect(all.wishes == [.score, .contributions, .reasons])
        #expect(all.explanation.need == .whereItFits && all.explanation.reasons == 4 && all.explanation.column == -1)
        #expect(try v2(#""explain":2"#).explanation.reasons == 2)
        let none = try v2(#""explain":0"#, outputs: #"{"name":"margin"}"#)
        #expect(none.wishes == [.margin, .contributions] && none.explanation.reasons == 0)
        var few = ReasonPolicy()
        few.top = 2
        #expect(try v2(#""explain":true"#, codec: .test(reasons: few)).explanation.reasons == 2)
        let binary = try v2(#""explain":true,"binary_data_output":true"#)
        #expect(binary.binary == [true, true, true])
    }

    @Test func anOutputThatIsNamedIsRequired() throws {
        let named = try v2("", outputs: #"{"name":"contributions"}"#)
        #expect(named.wishes == [.contributions])
        #expect(named.explanation.need == .required && named.explanation.reasons == 0)
        let reasons = try v2("", outputs: #"{"name":"reasons"},{"name":"score"}"#)
        #expect(reasons.wishes == [.reasons, .score] && reasons.explanation.reasons == 4)
        let both = try v2(#""explain":3"#, outputs: #"{"name":"contributions"}"#)
        #expect(both.wishes == [.contributions, .reasons] && both.explanation.need == .required)
    }

    @Test func classesAreNamedOrNumbered() throws {
        let codec = ModelCodec.test(columns: 3, classes: ["low", "middle", "high"])
        #expect(try v2(#""explain":true,"explain_class":"high""#, codec: codec).explanation.column == 2)
        #expect(try v2(#""explain_class":1,"explain":true"#, codec: codec).explanation.column == 1)
        let unknown =
            "parameters.explain_class: expected one of the model's 3 classes, by its name or its number from 0"
        #expect(message(#""explain":true,"explain_class":"secret""#, codec: codec) == "\(unknown), got another")
        #expect(message(#""explain":true,"explain_class":3"#, codec: codec) == "\(unknown), got another")
        #expect(message(#""explain":true,"explain_class":true"#, codec: codec) == "\(unknown), got a boolean")
        #expect(
            message(#""explain":true,"explain_class":0"#)
                == "parameters.explain_class: the model has one score, and no classes to choose from")
        let useless = "parameters.explain_class: has no effect without reasons, which nothing asks for"
        #expect(message(#""explain_class":0"#, codec: codec) == useless)
        #expect(message(#""explain":0,"explain_class":0"#, codec: codec) == useless)
    }

    @Test func mistakesAreNamed() {
        let expected = "parameters.explain: expected true, false or a number of reasons from 0 to 4"
        #expect(message(#""explain":5"#) == "\(expected), got another number")
        #expect(message(#""explain":-1"#) == "\(expected), got another number")
        #expect(message(#""explain":1.5"#) == "\(expected), got another number")
        #expect(message(#""explain":"yes""#) == "\(expected), got a string")
        #expect(message(#""explain":null"#) == "\(expected), got null")
        #expect(message(#""explain":true,"explain":true"#) == "parameters.explain: duplicate key")
        #expect(
            message(#""explain":0"#, outputs: #"{"name":"reasons"}"#)
                == "outputs: reasons are asked for, and parameters.explain says 0 of them")
    }

    @Test func explainTakesReasonsAndClass() throws {
        func explain(_ members: String, codec: ModelCodec = .test()) throws -> ExplanationWish {
            let text = "{\"instances\":[[1,2,0,1]]\(members)}"
            return try decode(Array(text.utf8), v1: true, isExplain: true, codec: codec).get().explanation
        }
        let plain = try explain("")
        #expect(plain.need == .required && plain.reasons == 4 && plain.column == -1)
        #expect(try explain(#","reasons":0"#).reasons == 0)
        #expect(try explain(#","reasons":null"#).reasons == 4)
        let codec = ModelCodec.test(columns: 2, classes: ["no", "yes"])
        #expect(try explain(#","class":"yes""#, codec: codec).column == 1)
        func refused(_ members: String, codec: ModelCodec = .test()) -> String? {
            do { _ = try explain(members, codec: codec) } catch { return (error as? RequestError)?.message }
            return nil
        }
        let count = "reasons: expected a number of reasons from 0 to 4"
        #expect(refused(#","reasons":5"#) == "\(count), got another number")
        #expect(refused(#","reasons":true"#) == "\(count), got a boolean")
        #expect(refused(#","class":"yes""#) == "class: the model has one score, and no classes to choose from")
        let unknown = refused(#","class":"x""#, codec: codec)
        #expect(unknown?.hasPrefix("class: expected one of the model's 2 classes") == true)
        #expect(
            refused(#","top":1"#)
                == "top: unknown key; expected instances, inputs, reasons, class or signature_name")
        #expect(refused(#","reasons":1,"reasons":1"#) == "reasons: duplicate key")
        #expect(
            refusal(#"{"instances":[[1,2,0,1]],"reasons":1}"#, v1: true)
                == "reasons: unknown key; expected instances, inputs or signature_name")
    }

    @Test func rowsAreBounded() throws {
        let features = (0..<255).map { FeatureSpec(name: "f\($0)", kind: .number) }
        let codec = ModelCodec.test(features, columns: 4, maxRows: 1000)
        let row = "[" + [String](repeating: "0", count: 255).joined(separator: ",") + "]"
        func explain(_ rows: Int) -> RequestError? {
            let text = "{\"instances\":[\([String](repeating: row, count: rows).joined(separator: ","))]}"
            guard case .failure(let error) = decode(Array(text.utf8), v1: true, isExplain: true, codec: codec) else {
                return nil
            }
            return error
        }
        #expect(explain(256) == nil)
        #expect(
            explain(257)?.message == "explanations: expected at most 256 rows of this model at once, got 257")
    }

    // MARK: Answers

    /// The answer to rows with these contributions: [row][column][features + 1].
    private func answer(
        _ contributions: [Double], scores: [Double], codec: ModelCodec, dialect: Dialect = .v1Instances,
        reasons: Int = 4, column: Int = -1, wishes: [OutputWish] = [OutputWish(.score, binary: false)]
    ) -> (Int?, [UInt8]) {
        var request = InferenceRequest()
        request.dialect = dialect
        request.rowCount = scores.count / codec.columns
        request.explanation.need = .required
        (request.explanation.reasons, request.explanation.column) = (reasons, column)
        for (index, wish) in wishes.enumerated() { request.wishes[index] = wish }
        request.wishCount = wishes.count
        bytes(scores.map { Float($0) }).withUnsafeBytes { request.scores.append($0) }
        bytes(contributions.map { Float($0) }).withUnsafeBytes { request.contributions.append($0) }
        var out = GrowableBuffer()
        var facts = ServingFacts(arm: "stable", tier: "full")
        facts.explanation = .full
        let length = withUnsafeMutablePointer(to: &request) {
            ResponseEncoder.encode($0, codec: codec, facts: facts, into: &out)
        }
        return (length, Array(out.bytes))
    }

    private func text(_ answer: (Int?, [UInt8])) -> String { String(decoding: answer.1, as: UTF8.self) }

    @Test func v1() {
        let found = answer([0.5, -1, 2, 0, -3], scores: [0.25], codec: .test())
        #expect(
            text(found) == #"{"predictions":[0.25],"explanations":[{"base":-3.0,"contributions":"#
                + #"{"amount":0.5,"hour":-1.0,"online":2.0,"country":0.0},"reasons":["#
                + #"{"feature":"online","contribution":2.0,"reason":"online"},"#
                + #"{"feature":"amount","contribution":0.5,"reason":"amount"}]}]}"#)
        let none = answer([0, 0, 0, 0, 1], scores: [0.5], codec: .test(), dialect: .v1Inputs, reasons: 0)
        #expect(
            text(none) == #"{"outputs":[0.5],"explanations":[{"base":1.0,"contributions":"#
                + #"{"amount":0.0,"hour":0.0,"online":0.0,"country":0.0}}]}"#)
    }

    @Test func v1OfManyClassesSaysWhoseReasonsTheyAre() {
        let features = [FeatureSpec(name: "a", kind: .number), FeatureSpec(name: "b", kind: .number)]
        let contributions: [Double] = [1, 2, 3, -1, -2, -3]
        let named = ModelCodec.test(features, columns: 2, classes: ["no", "yes"])
        let best = text(answer(contributions, scores: [0.75, 0.25], codec: named, reasons: 1))
        #expect(
            best == #"{"predictions":[[0.75,0.25]],"explanations":[{"base":[3.0,-3.0],"contributions":"#
                + #"{"a":[1.0,-1.0],"b":[2.0,-2.0]},"class":"no","reasons":["#
                + #"{"feature":"b","contribution":2.0,"reason":"b"}]}]}"#)
        let numbered = text(
            answer(contributions, scores: [0.75, 0.25], codec: .test(features, columns: 2), column: 1))
        #expect(numbered.hasSuffix(#""class":1,"reasons":[]}]}"#))
    }

    @Test func reasonsAreTheManifestsWords() {
        var features = ModelCodec.features
        features[0].reason = "A \"large\" amount"
        features[1].reason = "Time"
        features[2].reason = "Time"
        let higher = ModelCodec.test(features)
        func reasons(_ contributions: [Double], _ codec: ModelCodec, _ count: Int = 4) -> String {
            let wish = [OutputWish(.reasons, binary: false)]
            let all = text(
                answer(contributions, scores: [0.5], codec: codec, dialect: .v2, reasons: count, wishes: wish))
            return String(all[all.ranges(of: #""data":"#).last!.upperBound...].dropLast(3))
        }
        // `country` has no words, and `hour` and `online` are one reason, whichever comes first.
        #expect(reasons([1, 2, 3, 9, 0], higher, 3) == #"["Time","A \"large\" amount",""]"#)
        #expect(reasons([1, 3, 2, 9, 0], higher, 3) == #"["Time","A \"large\" amount",""]"#)
        #expect(reasons([4, 3, 2, 9, 0], higher, 1) == #"["A \"large\" amount"]"#)
        #expect(reasons([-1, -2, -3, -9, 0], higher, 2) == #"["",""]"#)
        var policy = ReasonPolicy()
        policy.toward = .lower
        #expect(reasons([1, -2, -3, -9, 0], .test(features, reasons: policy), 2) == #"["Time",""]"#)
    }

    @Test func equalContributionsKeepTheManifestsOrder() {
        let features = (0..<40).map { FeatureSpec(name: "f\($0)", kind: .number) }
        let codec = ModelCodec.test(features)
        let wish = [OutputWish(.reasons, binary: false)]
        let contributions = [Double](repeating: 1, count: 41)
        let all = text(answer(contributions, scores: [0.5], codec: codec, dialect: .v2, reasons: 16, wishes: wish))
        let wanted = (0..<16).map { "\"f\($0)\"" }.joined(separator: ",")
        #expect(all.hasSuffix(#""datatype":"BYTES","shape":[1,16],"data":[\#(wanted)]}]}"#))
    }

    @Test func v2SaysWhatBecameOfItAndGivesShapes() {
        let wishes = [OutputWish(.contributions, binary: false), OutputWish(.reasons, binary: false)]
        let one = text(
            answer([0.5, -1, 2, 0, -3], scores: [0.25], codec: .test(), dialect: .v2, reasons: 1, wishes: wishes))
        #expect(one.contains(#""serin-tier":"full","serin-explanation":"full"},"outputs":["#))
        let tensor = #"{"name":"contributions","datatype":"FP32","shape":[1,5],"data":[0.5,-1.0,2.0,0.0,-3.0]},"#
        #expect(one.contains(tensor))
        #expect(one.hasSuffix(#"{"name":"reasons","datatype":"BYTES","shape":[1,1],"data":["online"]}]}"#))
        let many = text(
            answer(
                [Double](repeating: 1, count: 20), scores: [1, 0, 0, 1], codec: .test(columns: 2), dialect: .v2,
                wishes: wishes))
        #expect(many.contains(#""name":"contributions","datatype":"FP32","shape":[2,2,5]"#))
    }

    @Test func v2BinaryTail() throws {
        let wishes = [OutputWish(.reasons, binary: true), OutputWish(.contributions, binary: true)]
        let contributions: [Double] = [0.5, -1, 2, 0, -3]
        let (length, all) = answer(
            contributions, scores: [0.25], codec: .test(), dialect: .v2, reasons: 3, wishes: wishes)
        let head = try #require(length)
        let json = String(decoding: all[..<head], as: UTF8.self)
        #expect(json.contains(#""shape":[1,3],"parameters":{"binary_data_size":24}"#))
        #expect(json.contains(#""shape":[1,5],"parameters":{"binary_data_size":20}"#))
        let texts = ["online", "amount", ""].flatMap { bytes([UInt32($0.utf8.count)]) + Array($0.utf8) }
        #expect(Array(all[head...]) == texts + bytes(contributions.map { Float($0) }))
    }

    /// The longest digits, names and texts: the reserved room must do.
    @Test func worstCasesFitTheReservedRoom() {
        let longest = -2.2250738585072014e-308
        let features = (0..<20).map { index in
            FeatureSpec(
                name: String(repeating: "\u{1}", count: 250) + "\(index)", kind: .number,
                reason: String(repeating: "\"", count: 250) + "\(index)")
        }
        var policy = ReasonPolicy()
        policy.toward = .lower
        for (columns, rows) in [(1, 1), (1, 30), (3, 10)] {
            let codec = ModelCodec.test(
                features, type: .float64, columns: columns, maxRows: 100,
                classes: (0..<columns).map { String(repeating: "\\", count: 200) + "\($0)" }, reasons: policy)
            for dialect in [Dialect.v1Instances, .v2, .modelInfer] {
                var request = InferenceRequest()
                (request.dialect, request.rowCount, request.wishCount) = (dialect, rows, 3)
                (request.explanation.need, request.explanation.reasons) = (.required, 16)
                request.wishes[1] = OutputWish(.contributions, binary: false)
                request.wishes[2] = OutputWish(.reasons, binary: false)
                let numbers = [Double](repeating: longest, count: rows * columns * 21)
                bytes(numbers).withUnsafeBytes { request.contributions.append($0) }
                bytes(Array(numbers.prefix(rows * columns))).withUnsafeBytes { request.scores.append($0) }
                var out = GrowableBuffer()
                var facts = ServingFacts(arm: "stable", tier: "full")
                facts.explanation = .preparing
                _ = withUnsafeMutablePointer(to: &request) {
                    ResponseEncoder.encode($0, codec: codec, facts: facts, into: &out)
                }
                #expect(out.count <= out.capacity && out.count > rows * 16 * 250)
            }
        }
    }
}
