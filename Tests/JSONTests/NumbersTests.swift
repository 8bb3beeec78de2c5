// Arrays of numbers without a tape against strtod, number by number; both readers.

import CDecimal
import Glibc
import Testing

@testable import JSON

@Suite struct NumbersTests {
    private typealias Reader<Number> = (
        UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafeMutablePointer<Number>?, Int
    ) -> UnsafePointer<CChar>?
    private static var doubles: [Reader<Double>] { [serin_decimal_read_doubles, serin_decimal_read_doubles_scalar] }
    private static var floats: [Reader<Float>] { [serin_decimal_read_floats, serin_decimal_read_floats_scalar] }

    /// What every reader gives for `text]`, with what a body has around it.
    private func read<Number>(_ text: String, count: Int, _ readers: [Reader<Number>]) -> [[Number]?] {
        let margin = JSONNumbers.margin
        let bytes =
            [UInt8](repeating: 0x2e, count: margin) + Array("\(text)]".utf8) + [UInt8](repeating: 0x39, count: 64)
        return bytes.withUnsafeBytes { bytes in
            let start = bytes.baseAddress!.assumingMemoryBound(to: CChar.self) + margin
            let end = start + text.utf8.count + 1
            return readers.map { reader in
                var values = [Number?](repeating: nil, count: 0)
                let room = UnsafeMutablePointer<Number>.allocate(capacity: count)
                defer { room.deallocate() }
                guard let place = reader(start, end, room, count) else { return nil }
                #expect(place == end)
                values = (0..<count).map { room[$0] }
                return values.map { $0! }
            }
        }
    }

    @Test func numbersAreTheNearest() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            let count = Int.random(in: 1...150, using: &random)
            let texts = (0..<count).map { _ in Self.number(&random) }
            let separator = [",", ", ", " ,\n"].randomElement()!
            let wanted = texts.map { $0 == "null" ? Double.nan : strtod($0, nil) }
            for values in read(texts.joined(separator: separator), count: count, Self.doubles) {
                #expect(values.map { $0.map(\.bitPattern) } == wanted.map(\.bitPattern), "\(texts)")
            }
            for values in read(texts.joined(separator: separator), count: count, Self.floats) {
                let rounded = wanted.map { Float($0) }
                #expect(values.map { $0.map(\.bitPattern) } == rounded.map(\.bitPattern), "\(texts)")
            }
        }
    }

    private static func number(_ random: inout SystemRandomNumberGenerator) -> String {
        let sign = Bool.random(using: &random) ? "" : "-"
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return "null"
        case 1: return "\(Double.random(in: -1e6...1e6, using: &random))"
        case 2: return "\(Double(Float.random(in: -1e6...1e6, using: &random)))"
        case 3: return "\(sign)\(Int.random(in: 1...9, using: &random))e\(Int.random(in: -40...30, using: &random))"
        case 4: return "\(sign)\(UInt64.random(in: 1...(.max), using: &random))"
        // Next to the middle between two floats, where rounding twice would show.
        case 5:
            let low = Float(bitPattern: UInt32.random(in: 0x3000_0000..<0x4a00_0000, using: &random))
            return "\((Double(low) + Double(low.nextUp)) / 2)"
        case 6: return "\(sign)0.\(String(repeating: "0", count: Int.random(in: 0...17, using: &random)))7"
        default:
            let digits = (0..<Int.random(in: 1...19, using: &random)).map { _ in "\(Int.random(in: 0...9))" }.joined()
            let point = Int.random(in: 0...digits.count, using: &random)
            let whole = digits.prefix(point).drop { $0 == "0" }
            let fraction = digits.dropFirst(point)
            return sign + (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? ".5" : ".\(fraction)")
        }
    }

    @Test(arguments: [
        "", " ", "01", "-", "+1", "1.", ".5", "-.5", "1..2", "1.2.3", "1e", "1e+", "0x1", "1 2", "nul", "nulll", "NaN",
        "Infinity", "\"1\"", "[1", "true", "1e400", "--1", "1-", "00.5", "1_0",
        "12345678901234567890123456789012345678901",
    ])
    func otherTextsAreHandedBack(_ text: String) {
        for values in read(text, count: 1, Self.doubles) { #expect(values == nil, "\(text)") }
        for values in read(text, count: 1, Self.floats) { #expect(values == nil, "\(text)") }
        for values in read("1,\(text),2", count: 3, Self.doubles) { #expect(values == nil, "\(text)") }
    }

    @Test func otherCountsAreHandedBack() {
        for count in [1, 2, 4, 63, 64, 65, 66] where count != 3 {
            #expect(read("1,2,3", count: count, Self.doubles).allSatisfy { $0 == nil })
        }
        #expect(read("3.5e38", count: 1, Self.floats).allSatisfy { $0 == nil })
    }

    @Test func zerosKeepTheSignThatADocumentGivesThem() {
        for values in read("-0,-0.0,0,0.0,-0e1", count: 5, Self.doubles) {
            #expect(values?.map(\.sign) == [.plus, .minus, .plus, .plus, .minus])
        }
    }
}
