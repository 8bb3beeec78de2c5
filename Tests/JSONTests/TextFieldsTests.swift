import Testing

@testable import JSON

@Suite struct TextFieldsTests {
    struct Line: Equatable {
        var count: Int
        var values: [Double?]
        var odd: [UInt32]
        var stops: [UInt32]
    }

    /// NaN as nil.
    private func read(_ text: String, columns: [Int32], delimiter: Character = ",") -> Line {
        var values = [Double](repeating: -99, count: columns.count)
        var stops = [UInt32](repeating: 0, count: columns.count)
        var odd = stops
        var oddCount = 0
        let bytes = Array((text + "\n").utf8)
        let count = bytes.withUnsafeBytes { bytes in
            columns.withUnsafeBufferPointer { columns in
                TextFields.read(
                    UnsafeRawBufferPointer(rebasing: bytes.dropLast()), delimiter: delimiter.asciiValue!,
                    columns: columns, into: &values, stops: &stops, odd: &odd, oddCount: &oddCount)
            }
        }
        return Line(
            count: count, values: values.map { $0.isNaN ? nil : $0 }, odd: Array(odd[..<oddCount]), stops: stops)
    }

    @Test func numbersGoToTheirColumns() {
        let line = read("12,x,0.1,-3.50,", columns: [2, -1, 0, 1, 3])
        #expect(line == Line(count: 5, values: [0.1, -3.5, 12, nil, -99], odd: [], stops: [2, 4, 8, 14, 15]))
    }

    @Test func whatIsNoPlainNumberIsOdd() {
        for text in ["DE", "1e5", "1.", ".5", "+1", "1x", "12345678901234567890", "-", "0.12345678901234567890", " 1"] {
            #expect(read("1,\(text),2", columns: [0, 1, 2]).odd == [1], "\(text)")
        }
    }

    @Test func fewerAndMoreFields() {
        #expect(read("1,2", columns: [0, 1, 2]).count == 2)
        #expect(read("1,2,3,4", columns: [0, 1, 2]).count == 4)
        #expect(read("", columns: [0]).count == 1 && read(",", columns: [0]).count == 2)
    }

    /// Every number as the system's own strtod has it.
    @Test func numbersAreTheNearestDoubles() {
        var state: UInt64 = 7
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 11
        }
        for _ in 0..<20_000 {
            let digits = String(String(next()).prefix(Int(next() % 17) + 1))
            let places = Int(next() % UInt64(digits.count + 1))
            let head = places == digits.count ? "0" : String(digits.dropLast(places))
            let text = (next() % 2 == 0 ? "-" : "") + head + (places > 0 ? "." + digits.suffix(places) : "")
            let line = read("\(text);7", columns: [0, 1], delimiter: ";")
            #expect(line.values == [Double(text)! == 0 ? 0 : Double(text)!, 7] && line.odd == [], "\(text)")
            #expect(Array(text.utf8).withUnsafeBytes { TextFields.number($0) } == Double(text)!, "\(text)")
        }
    }
}
