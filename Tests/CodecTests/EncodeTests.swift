import Inference
import JSON
import Primitives
import Testing

@testable import Codec

/// A slot as the lane leaves it.
private struct Answer {
    var scores: [Double]
    var margins: [Double] = []
    var rows = 1
    var dialect = Dialect.v2
    var wishes: [OutputWish] = [OutputWish(.score, binary: false)]
    var id = ""
    /// All of one length.
    var predictionIDs: [String] = []

    /// Encodes it; returns the header length and all bytes.
    func encode(_ codec: ModelCodec) -> (Int?, [UInt8]) {
        var request = InferenceRequest()
        request.rowCount = rows
        request.dialect = dialect
        request.wishCount = wishes.count
        for (index, wish) in wishes.enumerated() { request.wishes[index] = wish }
        request.id.append(string: id)
        for text in predictionIDs { request.predictionIDs.append(string: text) }
        fill(&request.scores, scores, codec.scoreType)
        fill(&request.margins, margins, codec.scoreType)
        var out = GrowableBuffer()
        out.append("before")
        let facts = ServingFacts(arm: "stable", tier: "full")
        let length = withUnsafeMutablePointer(to: &request) {
            ResponseEncoder.encode($0, codec: codec, facts: facts, into: &out)
        }
        #expect(out.bytes.prefix(6).elementsEqual("before".utf8))
        return (length, Array(out.bytes.dropFirst(6)))
    }

    func text(_ codec: ModelCodec) -> String {
        let (length, bytes) = encode(codec)
        #expect(length == nil)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func fill(_ buffer: inout GrowableBuffer, _ values: [Double], _ type: ValueType) {
        let data = type == .float32 ? bytes(values.map { Float($0) }) : bytes(values)
        data.withUnsafeBytes { buffer.append($0) }
    }
}

@Suite struct EncodeTests {
    private let head =
        #"{"model_name":"fraud","model_version":"1","parameters":{"serin-version":"1","serin-arm":"stable","serin-tier":"full"},"outputs":["#

    @Test func v2Score() {
        let score = Answer(scores: [0.1]).text(.test())
        #expect(score == head + #"{"name":"score","datatype":"FP32","shape":[1,1],"data":[0.1]}]}"#)
        let doubles = Answer(scores: [0.1, 1], rows: 2).text(.test(type: .float64))
        #expect(doubles == head + #"{"name":"score","datatype":"FP64","shape":[2,1],"data":[0.1,1.0]}]}"#)
        let classes = Answer(scores: [0.25, 0.5, 0.25, 1, 0, 0], rows: 2).text(.test(columns: 3))
        #expect(
            classes == head + #"{"name":"score","datatype":"FP32","shape":[2,3],"data":[0.25,0.5,0.25,1.0,0.0,0.0]}]}"#)
    }

    @Test func v2EchoesTheID() {
        let text = Answer(scores: [0.5], id: "é\"\\\n").text(.test())
        #expect(text.hasPrefix(#"{"model_name":"fraud","model_version":"1","id":"é\"\\\n","parameters":{"#))
    }

    @Test func v2EveryOutputInOrder() {
        let wishes = [
            OutputWish(.label, binary: false), OutputWish(.margin, binary: false), OutputWish(.score, binary: false),
        ]
        let text = Answer(scores: [0.75, 0.25], margins: [1.5, -2], rows: 2, wishes: wishes).text(.test())
        #expect(
            text == head
                + #"{"name":"label","datatype":"INT64","shape":[2,1],"data":[1,0]},"#
                + #"{"name":"margin","datatype":"FP32","shape":[2,1],"data":[1.5,-2.0]},"#
                + #"{"name":"score","datatype":"FP32","shape":[2,1],"data":[0.75,0.25]}]}"#)
    }

    @Test func v2BinaryTail() throws {
        let wishes = [
            OutputWish(.score, binary: true), OutputWish(.margin, binary: false), OutputWish(.label, binary: true),
        ]
        let answer = Answer(scores: [0.75, 0.25], margins: [1.5, -2], rows: 2, wishes: wishes)
        let (length, all) = answer.encode(.test())
        let count = try #require(length)
        let json = String(decoding: all[..<count], as: UTF8.self)
        #expect(
            json == head
                + #"{"name":"score","datatype":"FP32","shape":[2,1],"parameters":{"binary_data_size":8}},"#
                + #"{"name":"margin","datatype":"FP32","shape":[2,1],"data":[1.5,-2.0]},"#
                + #"{"name":"label","datatype":"INT64","shape":[2,1],"parameters":{"binary_data_size":16}}]}"#)
        #expect(Array(all[count...]) == bytes([0.75, 0.25] as [Float]) + bytes([1, 0] as [Int64]))
        let doubles = Answer(scores: [0.1], wishes: [OutputWish(.score, binary: true)]).encode(.test(type: .float64))
        #expect(Array(doubles.1[doubles.0!...]) == bytes([0.1]))
    }

    @Test func labels() {
        func label(_ score: Double, _ codec: ModelCodec) -> String {
            let text = Answer(scores: [score], wishes: [OutputWish(.label, binary: false)]).text(codec)
            return String(text.suffix(5).prefix(1))
        }
        #expect(label(0.5, .test()) == "1")
        #expect(label(0.49999, .test()) == "0")
        #expect(label(0.7, .test(threshold: 0.7)) == "1")
        #expect(label(0.7, .test(type: .float64, threshold: 0.7)) == "1")
        #expect(label(0.9, .test(positive: 0)) == "0")
        #expect(label(0.1, .test(positive: 0)) == "1")
        let wish = [OutputWish(.label, binary: false)]
        let classes = Answer(scores: [0.2, 0.5, 0.3, 0.4, 0.4, 0.2], rows: 2, wishes: wish).text(.test(columns: 3))
        #expect(classes.hasSuffix(#""shape":[2,1],"data":[1,0]}]}"#))
    }

    @Test func v1() {
        let rows = Answer(scores: [0.1, 0.25], rows: 2, dialect: .v1Instances)
        #expect(rows.text(.test()) == #"{"predictions":[0.1,0.25]}"#)
        let columns = Answer(scores: [0.1, 0.25], rows: 2, dialect: .v1Inputs)
        #expect(columns.text(.test()) == #"{"outputs":[0.1,0.25]}"#)
        let classes = Answer(scores: [0.5, 0.5, 1, 0], rows: 2, dialect: .v1Instances)
        #expect(classes.text(.test(columns: 2)) == #"{"predictions":[[0.5,0.5],[1.0,0.0]]}"#)
    }

    /// The longest digits, the most escapes: the reserved room must do.
    @Test func predictionIDs() {
        var answer = Answer(scores: [0.1, 0.2], rows: 2, wishes: [OutputWish(.predictionID, binary: false)])
        answer.predictionIDs = ["AQ-_", "BQ-_"]
        let tensor = #"{"name":"prediction_id","datatype":"BYTES","shape":[2,1],"#
        #expect(answer.text(.test()) == head + tensor + #""data":["AQ-_","BQ-_"]}]}"#)
        answer.wishes = [OutputWish(.predictionID, binary: true), OutputWish(.score, binary: true)]
        let (length, bytes) = answer.encode(.test())
        let scores = #",{"name":"score","datatype":"FP32","shape":[2,1],"parameters":{"binary_data_size":8}}]}"#
        let json = head + tensor + #""parameters":{"binary_data_size":16}}"# + scores
        #expect(length == json.utf8.count && String(decoding: bytes.prefix(json.utf8.count), as: UTF8.self) == json)
        let tail = Array("\u{4}\0\0\0AQ-_\u{4}\0\0\0BQ-_".utf8)
        #expect(Array(bytes.dropFirst(json.utf8.count).prefix(16)) == tail && bytes.count == json.utf8.count + 24)
    }

    @Test func worstCasesFitTheReservedRoom() throws {
        let longest = -2.2250738585072014e-308
        let wishes = [
            OutputWish(.score, binary: false), OutputWish(.margin, binary: false), OutputWish(.label, binary: false),
            OutputWish(.predictionID, binary: false),
        ]
        for (rows, columns) in [(1, 1), (1, 7), (500, 1), (100, 7)] {
            let values = [Double](repeating: longest, count: rows * columns)
            var answer = Answer(scores: values, margins: values, rows: rows, wishes: wishes)
            answer.id = String(repeating: "\u{1}", count: 500)
            answer.predictionIDs = Array(repeating: String(repeating: "_", count: 160), count: rows)
            let codec = ModelCodec.test(type: .float64, columns: columns)
            var parser = JSONParser(maxBytes: 1 << 24)
            let v2 = try parser.parse(copying: Array(answer.text(codec).utf8))
            #expect(v2["outputs"]?.asArray?.count == 4)
            answer.dialect = .v1Instances
            let v1 = try parser.parse(copying: Array(answer.text(codec).utf8))
            #expect(v1["predictions"]?.asArray?.count == rows)
        }
    }
}

@Suite struct StatisticsTests {
    @Test func tritonsFieldsAreThere() {
        var version = VersionStatistics(name: "fraud", version: "2")
        version.lastMillis = 1_763_735_000_123
        (version.rows, version.executions, version.modelBytes) = (9, 4, 65536)
        version.success = .init(count: 7, nanos: 930)
        version.fail = .init(count: 1, nanos: 20)
        version.queue = .init(count: 8, nanos: 80)
        version.compute = .init(count: 4, nanos: 400)
        var out = GrowableBuffer()
        Documents.statistics([version, VersionStatistics(name: "fraud", version: "1")], into: &out)
        let text = String(decoding: out.bytes, as: UTF8.self)
        let opening = [
            #"{"model_stats":[{"name":"fraud","version":"2","last_inference":1763735000123,"inference_count":9,"#,
            #""execution_count":4,"inference_stats":{"success":{"count":7,"ns":930},"fail":{"count":1,"ns":20},"#,
            #""queue":{"count":8,"ns":80},"compute_input":{"count":0,"ns":0},"#,
            #""compute_infer":{"count":4,"ns":400},"compute_output":{"count":0,"ns":0},"#,
            #""cache_hit":{"count":0,"ns":0},"cache_miss":{"count":0,"ns":0}},"response_stats":{},"#,
            #""batch_stats":[],"memory_usage":[{"type":"CPU","id":0,"byte_size":65536}]},{"name":"fraud","#,
        ]
        #expect(text.hasPrefix(opening.joined()))
        #expect(text.hasSuffix("}]}"))
    }
}

@Suite struct DocumentTests {
    private func text(_ write: (inout GrowableBuffer) -> Void) -> String {
        var out = GrowableBuffer()
        write(&out)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    @Test func bodies() {
        let codec = ModelCodec.test(columns: 3)
        #expect(
            text { Documents.serverMetadata(version: "0.1.0", into: &$0) }
                == #"{"name":"serin","version":"0.1.0","extensions":["binary_tensor_data","model_configuration","parameters","statistics"]}"#
        )
        #expect(text { Documents.health(live: true, ready: true, into: &$0) } == #"{"live":true,"ready":true}"#)
        #expect(text { Documents.health(live: true, ready: false, into: &$0) } == #"{"live":true,"ready":false}"#)
        #expect(
            text { Documents.metadata(codec, versions: ["1", "2"], into: &$0) }
                == #"{"name":"fraud","versions":["1","2"],"platform":"xgboost","#
                + #""inputs":[{"name":"features","datatype":"FP32","shape":[-1,4]}],"#
                + #""outputs":[{"name":"score","datatype":"FP32","shape":[-1,3]},"#
                + #"{"name":"margin","datatype":"FP32","shape":[-1,3]},"#
                + #"{"name":"label","datatype":"INT64","shape":[-1,1]}]}"#)
        #expect(
            text { Documents.config(codec, into: &$0) }
                == #"{"name":"fraud","platform":"xgboost","backend":"serin","max_batch_size":0,"#
                + #""input":[{"name":"features","data_type":"TYPE_FP32","dims":[-1,4]}],"#
                + #""output":[{"name":"score","data_type":"TYPE_FP32","dims":[-1,3]},"#
                + #"{"name":"margin","data_type":"TYPE_FP32","dims":[-1,3]},"#
                + #"{"name":"label","data_type":"TYPE_INT64","dims":[-1,1]}]}"#)
        let versions = [
            VersionStatus(version: "2", state: .available), VersionStatus(version: "1", state: .end, error: "a \"b\""),
        ]
        #expect(
            text { Documents.status(name: "fraud", versions: versions, ready: true, into: &$0) }
                == #"{"model_version_status":[{"version":"2","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}},"#
                + #"{"version":"1","state":"END","status":{"error_code":"UNKNOWN","error_message":"a \"b\""}}],"#
                + #""name":"fraud","ready":true}"#)
        #expect(text { Documents.models(["fraud", "risk"], into: &$0) } == #"{"models":["fraud","risk"]}"#)
        #expect(text { Documents.alive(into: &$0) } == #"{"status":"alive"}"#)
        #expect(text { Documents.error("a \"b\"\n", into: &$0) } == #"{"error":"a \"b\"\n"}"#)
    }
}
