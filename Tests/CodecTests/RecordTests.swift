import Inference
import Primitives
import Testing

@testable import Codec

@Suite struct RecordTests {
    private func read(_ text: String, _ column: Int, codec: ModelCodec = .test()) throws -> Double {
        let bytes = Array(text.utf8)
        let result = withPadded(bytes) { bytes in
            Result { () throws(RequestError) in
                try RecordDecoder.read(field: bytes, column: column, codec: codec)
            }
        }
        return try result.get()
    }

    @Test func textOfNumbers() throws {
        for (text, value) in [
            ("1e-05", 1e-5), ("+4", 4), (".5", 0.5), ("7.", 7), (" 3.25 ", 3.25),
            ("0.1000000000000000055511151231", 0.1),
            ("-1E3", -1000), ("9007199254740993", 9_007_199_254_740_992),
        ] { #expect(try read(text, 0) == value, "\(text)") }
        for text in ["", "NaN", "nan", "NA", "null", "  "] { #expect(try read(text, 0).isNaN, "\(text)") }
        for text in ["1e999", "inf", "0x10", "1,5", "--1", ".", "e5", "1e", "true", "1 2", "None"] {
            #expect(throws: RequestError.badRequest("amount: expected a number, got other text")) { try read(text, 0) }
        }
    }

    @Test func booleansAndCategories() throws {
        #expect(try read("True", 2) == 1 && read("false", 2) == 0 && read("1", 2) == 1 && read("", 2).isNaN)
        #expect(try read("FR", 3) == 1 && read("a longer category", 3) == 2 && read("2", 3) == 2)
        #expect(try read("XX", 3).isNaN)
        // A category may have the name of another one's code.
        let codes = ModelCodec.test([FeatureSpec(name: "kind", kind: .category, categories: ["1", "0", "NA"])])
        #expect(try read("1", 0, codec: codes) == 0 && read("0", 0, codec: codes) == 1)
        #expect(try read("NA", 0, codec: codes) == 2 && read("2", 0, codec: codes) == 2)
        let strict = ModelCodec.test([
            FeatureSpec(name: "kind", kind: .category, categories: ["a"], unknown: .reject)
        ])
        #expect(
            throws: RequestError.badRequest("kind: expected one of the feature's categories, got an unknown one")
        ) { try read("b", 0, codec: strict) }
    }

    private func decode(
        _ text: String, ignored: [String] = [], kept: [String] = []
    ) throws(RequestError) -> (values: [Double], kept: String) {
        let codec = ModelCodec.test()
        var decoder = RecordDecoder(maxBytes: 4096, codec: codec)
        var keeping = GrowableBuffer()
        var values = [Double](repeating: -1, count: 4)
        let bytes = Array(text.utf8) + [UInt8](repeating: 0x5d, count: RecordDecoder.padding)
        var failure: RequestError?
        bytes.withUnsafeBytes { padded in
            values.withUnsafeMutableBufferPointer { values in
                do throws(RequestError) {
                    try decoder.decode(
                        json: UnsafeRawBufferPointer(rebasing: padded[..<text.utf8.count]), codec: codec,
                        ignored: ignored, kept: kept, keeping: &keeping, into: values.baseAddress!)
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
        return (values, String(decoding: keeping.bytes, as: UTF8.self))
    }

    @Test func jsonRows() throws {
        let row = try decode(
            #"{"country":"FR","amount":2.5,"id":"a\"b","online":true,"n":-3,"x":[1]}"#,
            ignored: ["x"], kept: ["id", "n"])
        #expect(row.values[0] == 2.5 && row.values[1].isNaN && row.values[2] == 1 && row.values[3] == 1)
        #expect(row.kept == #","id":"a\"b","n":-3"#)
        #expect(try decode("[1,2,false,\"DE\"]").values == [1, 2, 0, 0])
        // A feature can be kept, too.
        #expect(try decode(#"{"amount":1.50}"#, kept: ["amount"]).kept == #","amount":1.5"#)
    }

    @Test func jsonRefusals() {
        for (text, message) in [
            (#"{"amuont":1}"#, "amuont: unknown feature; --ignore names members that are none"),
            (#"{"amount":1,"amount":2}"#, "amount: duplicate key"),
            (#"{"amount":"1"}"#, "amount: expected a number or null, got a string"),
            ("[1,2]", "expected 4 values, got 2"), ("7", "expected an object or an array, got a number"),
        ] { #expect(throws: RequestError.badRequest(message)) { try decode(text) } }
    }
}
