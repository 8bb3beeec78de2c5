import FuzzSupport
import Testing

@testable import JSON

@Suite struct WriterTests {
    private func text(_ write: (UnsafeMutableRawPointer) -> Int) -> String {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { memory in
            let count = write(memory.baseAddress!)
            return String(decoding: memory[..<count], as: UTF8.self)
        }
    }

    @Test func floatsHaveShortestDigits() {
        let cases: [(Float, String)] = [
            (0.1, "0.1"), (1, "1.0"), (-4.12, "-4.12"), (0, "0.0"), (-0.0, "-0.0"), (1e20, "1e+20"), (1e-7, "1e-07"),
            (16_777_216, "16777216.0"), (.greatestFiniteMagnitude, "3.4028235e+38"), (.leastNonzeroMagnitude, "1e-45"),
            (.nan, "null"), (.infinity, "null"),
        ]
        for (value, expected) in cases { #expect(text { JSONWriter.write(value, to: $0) } == expected) }
        #expect(text { JSONWriter.write(0.1 as Double, to: $0) } == "0.1")
        #expect(text { JSONWriter.write(100.0 as Double, to: $0) } == "100.0")
        #expect(text { JSONWriter.write(-Double.infinity, to: $0) } == "null")
    }

    @Test func randomNumbersReadBack() throws {
        var random = SplitMix(seed: 7)
        var parser = JSONParser(maxBytes: 1000)
        for _ in 0..<20_000 {
            let double = Double(bitPattern: random.next())
            if double.isFinite {
                let written = text { JSONWriter.write(double, to: $0) }
                #expect(written.utf8.count <= JSONWriter.numberBytesMax)
                #expect(try parser.parse(copying: Array(written.utf8)).asDouble == double)
            }
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if float.isFinite {
                let written = text { JSONWriter.write(float, to: $0) }
                #expect(Float(try parser.parse(copying: Array(written.utf8)).asDouble!) == float)
            }
        }
    }

    @Test func integers() {
        for value in [0, 7, -7, 10, 99, 100, -1000, 1 << 40, .max, .min] {
            #expect(text { JSONWriter.write(value, to: $0) } == "\(value)")
        }
    }

    @Test func stringsAreEscapedAndReadBack() throws {
        let all = String(String.UnicodeScalarView((0..<0x180).compactMap(Unicode.Scalar.init))) + "\u{1F600}€"
        let bytes = Array(all.utf8)
        let written = text { out in bytes.withUnsafeBytes { JSONWriter.write(string: $0, to: out) } }
        #expect(written.utf8.count <= bytes.count * JSONWriter.escapedBytesMax + 2)
        #expect(try withParsed(written) { $0.asString } == all)
        let plain = Array("a\"\\\u{1}\u{1f}\n".utf8)
        let escaped = text { out in plain.withUnsafeBytes { JSONWriter.write(string: $0, to: out) } }
        #expect(escaped == #""a\"\\\u0001\u001f\n""#)
    }
}
