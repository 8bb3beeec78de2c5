import Inference
import Testing

@testable import Codec

@Suite struct BinaryTests {
    private func header(_ type: String, rows: Int, size: Int, _ rest: String = "") -> String {
        body(
            #""name":"features","shape":[\#(rows),4],"datatype":"\#(type)","parameters":{"binary_data_size":\#(size)}\#(rest)"#,
            #""parameters":{"binary_data_output":true},"#)
    }

    private func decode<Value: BitwiseCopyable>(_ type: String, _ values: [Value]) throws -> Decoded {
        let tail = bytes(values)
        let json = Array(header(type, rows: values.count / 4, size: tail.count).utf8)
        return try CodecTests.decode(json + tail, headerLength: json.count, codec: .test()).get()
    }

    @Test func everyDatatype() throws {
        #expect(same(try decode("FP32", [1.5, 2, 1, .nan] as [Float]).values, [1.5, 2, 1, .nan]))
        #expect(try decode("FP64", [0.1, 2, 0, 1, -0.1, 3, 1, 2] as [Double]).values == [0.1, 2, 0, 1, -0.1, 3, 1, 2])
        #expect(try decode("BOOL", [1, 0, 1, 0] as [UInt8]).values == [1, 0, 1, 0])
        #expect(try decode("INT8", [-128, 127, 1, 2] as [Int8]).values == [-128, 127, 1, 2])
        #expect(try decode("UINT8", [255, 0, 1, 2] as [UInt8]).values == [255, 0, 1, 2])
        #expect(try decode("INT16", [-32768, 3, 1, 2] as [Int16]).values == [-32768, 3, 1, 2])
        #expect(try decode("UINT16", [65535, 3, 1, 2] as [UInt16]).values == [65535, 3, 1, 2])
        #expect(try decode("INT32", [.min, 3, 1, 2] as [Int32]).values == [-0x1p31, 3, 1, 2])
        #expect(try decode("UINT32", [.max, 3, 1, 2] as [UInt32]).values == [0x1p32 - 1, 3, 1, 2])
        #expect(try decode("INT64", [.min, 3, 1, 2] as [Int64]).values == [-0x1p63, 3, 1, 2])
        #expect(try decode("UINT64", [.max, 3, 1, 2] as [UInt64]).values == [0x1p64, 3, 1, 2])
        #expect(try decode("FP16", [0x3c00, 0xc000, 0x0000, 0x3c00] as [UInt16]).values == [1, -2, 0, 1])
        #expect(try decode("BF16", [0x3f80, 0xc000, 0x0000, 0x3f80] as [UInt16]).values == [1, -2, 0, 1])
        #expect(try decode("FP16", [0x7bff, 0, 0, 0] as [UInt16]).valueType == .float32)
        #expect(same(try decode("BF16", [0x7fc0, 0, 0, 0] as [UInt16]).values, [.nan, 0, 0, 0]))
        let request = try decode("FP32", [1, 2, 1, 0] as [Float])
        #expect(request.valueType == .float32 && request.wishes == [.score] && request.binary == [true])
        #expect(try decode("FP64", [.infinity, 2, 0, 1] as [Double]).values[0] == .infinity)
    }

    @Test func jsonDataBesideTheHeaderIsFine() throws {
        let text = Array(body(data: "[1,2,0,1]").utf8)
        #expect(try CodecTests.decode(text, headerLength: text.count, codec: .test()).get().values == [1, 2, 0, 1])
    }

    @Test func sizesMustAgree() {
        func refuse(_ json: String, _ tail: Int, length: Int? = nil) -> String? {
            let bytes = Array(json.utf8) + [UInt8](repeating: 0, count: tail)
            switch CodecTests.decode(bytes, headerLength: length ?? json.utf8.count, codec: .test()) {
            case .success: return nil
            case .failure(let error): return error.status == 400 ? error.message : "status \(error.status)"
            }
        }
        let json = header("FP32", rows: 2, size: 32)
        #expect(refuse(json, 32) == nil)
        #expect(refuse(json, 31) == "binary data: expected 32 bytes behind the JSON header, got 31")
        #expect(refuse(json, 33) == "binary data: expected 32 bytes behind the JSON header, got 33")
        #expect(
            refuse(header("FP32", rows: 2, size: 16), 16)
                == "inputs[0].parameters.binary_data_size: expected 32 ([2, 4] of FP32), got 16")
        #expect(
            refuse(header("FP32", rows: 1, size: 16, #","data":[1]"#), 16)
                == "inputs[0]: expected data or parameters.binary_data_size, got both")
        #expect(
            refuse(body(data: "[1,2,0,1]"), 3)
                == "binary data: expected none, as inputs[0] has no binary_data_size, got 3 bytes")
        let total = json.utf8.count + 32
        #expect(
            refuse(json, 32, length: total + 1)
                == "Inference-Header-Content-Length: expected at most the body's \(total) bytes, got \(total + 1)")
        #expect(refuse(json, 32, length: 5)?.hasPrefix("malformed JSON at byte 1: ") == true)
        #expect(refuse(json, 32, length: total)?.hasPrefix("malformed JSON at byte \(json.utf8.count): ") == true)
    }

    @Test func booleansAreZeroOrOne() {
        let json = Array(header("BOOL", rows: 1, size: 4).utf8)
        let result = CodecTests.decode(json + [0, 1, 2, 1], headerLength: json.count, codec: .test())
        #expect(throws: RequestError.badRequest("binary data byte 2: expected BOOL, 0 or 1, got another byte")) {
            try result.get()
        }
    }
}
