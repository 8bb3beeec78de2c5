import Inference
import Testing

@testable import Codec

@Suite struct RawBinaryTests {
    private func decode(_ body: [UInt8], codec: ModelCodec = .test()) -> Result<Decoded, RequestError> {
        CodecTests.decode(body, headerLength: 0, codec: codec)
    }

    @Test func aBodyOfRowsNeedsNoHeader() throws {
        let one = try decode(bytes([1.5, 2, 1, .nan] as [Float])).get()
        #expect(same(one.values, [1.5, 2, 1, .nan]) && one.rowCount == 1 && one.valueType == .float32)
        #expect(one.wishes == [.score] && one.binary == [true] && one.id == "" && one.dialect == .v2)
        let three = try decode(bytes((0..<12).map { Float($0 % 4 == 2 ? 1 : $0 % 3) })).get()
        #expect(three.rowCount == 3 && three.values.count == 12)
    }

    @Test func theDeclaredDatatypeIsMeant() throws {
        let features = (0..<4).map { FeatureSpec(name: "f\($0)", kind: .number) }
        let codec = ModelCodec(
            name: "m", version: "1", platform: "lightgbm",
            input: ModelInput(declaredType: .float64, features: features),
            output: ModelOutput(scoreType: .float64, columns: 1, objective: "binary"), maxRows: 8)
        let decoded = try decode(bytes([0.1, 2, 3, 4] as [Double]), codec: codec).get()
        #expect(decoded.values == [0.1, 2, 3, 4] && decoded.valueType == .float64)
    }

    @Test(arguments: [0, 1, 15, 17, 31])
    func otherLengthsAreRefused(count: Int) {
        let error = RequestError.badRequest(
            "binary data: expected rows of 16 bytes ([rows, 4] of FP32), as there is no JSON header, got \(count) bytes"
        )
        #expect(throws: error) { try decode([UInt8](repeating: 0, count: count)).get() }
    }

    @Test func rowsAreLimitedAndRulesHold() {
        let nine = decode([UInt8](repeating: 0, count: 9 * 16))
        #expect(throws: RequestError.badRequest("binary data: expected 1 to 8 rows (the model's max_rows), got 9")) {
            try nine.get()
        }
        #expect(throws: RequestError.self) { try decode(bytes([1, 2.5, 0, 0] as [Float])).get() }
    }

    /// Every FP16 against the definition: sign × 2^(exponent - 15) × 1.fraction, subnormal below, Infinity and NaN above.
    @Test func everyHalfIsExact() {
        for bits in UInt16.min...UInt16.max {
            let (exponent, fraction) = (Int(bits >> 10) & 31, Double(bits & 1023) / 1024)
            let found = Double(BinaryData.float(half: bits))
            if exponent == 31 && fraction > 0 {
                #expect(found.isNaN)
                continue
            }
            let magnitude =
                switch exponent {
                case 31: Double.infinity
                case 0: fraction * 0x1p-14
                default: (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
                }
            #expect(found == (bits >> 15 == 0 ? magnitude : -magnitude))
            #expect((found.sign == .minus) == (bits >> 15 == 1))
        }
    }

    @Test func everyBrainFloatIsTheUpperHalfOfAFloat() {
        for bits in UInt16.min...UInt16.max {
            #expect(BinaryData.float(brain: bits).bitPattern == UInt32(bits) << 16)
        }
    }
}
