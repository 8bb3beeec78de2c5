// The lines of a LightGBM model, and the numbers in them, read in place.
//
//     key=value…  key=value…      one line each; the place of an error is `line 40`
//
// Numbers go through strtod, which rounds correctly: thresholds must come out to the bit.

internal import Glibc

/// A cursor over the lines; the bytes end with a NUL that is not part of the text.
struct LightGBMText {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0
    /// Of the line that `nextLine` gave last, from 1 up.
    private(set) var lineNumber = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// The text without the NUL.
    var count: Int { bytes.count - 1 }

    /// The next line without its end; nil: there is none.
    mutating func nextLine() -> LightGBMLine? {
        guard position < count else { return nil }
        var end = position
        while end < count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        let next = end + 1
        if end > position, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        lineNumber += 1
        defer { position = next }
        return LightGBMLine(bytes: bytes, range: position..<end, number: lineNumber)
    }

    /// Where the cursor stands, for an error about what is not there.
    var place: String { "line \(lineNumber)" }
}

struct LightGBMLine {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let range: Range<Int>
    private let number: Int
    /// Where the value begins: behind the first `=`, or at the end.
    private let valueStart: Int

    init(bytes: UnsafeBufferPointer<UInt8>, range: Range<Int>, number: Int) {
        self.bytes = bytes
        self.range = range
        self.number = number
        let equals = bytes[range].firstIndex(of: UInt8(ascii: "="))
        valueStart = equals.map { $0 + 1 } ?? range.upperBound
    }

    var isEmpty: Bool { range.isEmpty }
    var place: String { "line \(number)" }

    func error(_ message: String) -> ModelFormatError { ModelFormatError(place, message) }

    /// What stands before the first `=`, or the whole line.
    var key: String {
        let end =
            valueStart > range.lowerBound && bytes[valueStart - 1] == UInt8(ascii: "=")
            ? valueStart - 1 : range.upperBound
        return String(decoding: bytes[range.lowerBound..<min(end, range.lowerBound + 64)], as: UTF8.self)
    }

    /// Whether the line begins with `text`.
    func hasPrefix(_ text: String) -> Bool { bytes[range].starts(with: text.utf8) }

    /// The bytes behind a prefix of that many.
    func rest(after count: Int) -> [UInt8] { Array(bytes[range].dropFirst(count)) }

    var value: Range<Int> { valueStart..<range.upperBound }

    /// The value as text; it must be UTF-8.
    func string() throws(ModelFormatError) -> String {
        guard let string = String(validating: bytes[value], as: UTF8.self) else { throw error("\(key) is not UTF-8") }
        return string
    }

    /// The value's words, between single spaces.
    func words() throws(ModelFormatError) -> [String] {
        try string().split(separator: " ").map { String($0) }
    }

    func integer(_ limits: ClosedRange<Int>) throws(ModelFormatError) -> Int {
        guard let integer = try integers(count: 1, limits).first else { throw error("\(key) must be a whole number") }
        return Int(integer)
    }

    /// Exactly `count` whole numbers within `limits`.
    func integers(count: Int, _ limits: ClosedRange<Int>) throws(ModelFormatError) -> [Int64] {
        var numbers: [Int64] = []
        numbers.reserveCapacity(min(count, value.count))
        var position = valueStart
        while let token = nextToken(&position) {
            guard let number = integer(token), limits.contains(number) else {
                throw error(
                    "\(key)[\(numbers.count)] must be a whole number from \(limits.lowerBound) to \(limits.upperBound)")
            }
            numbers.append(Int64(number))
            guard numbers.count <= count else { break }
        }
        try checkCount(numbers.count, count)
        return numbers
    }

    /// Exactly `count` numbers, finite unless infinities are allowed.
    func doubles(count: Int, allowsInfinity: Bool = false) throws(ModelFormatError) -> [Double] {
        var numbers: [Double] = []
        numbers.reserveCapacity(min(count, value.count))
        var position = valueStart
        while let token = nextToken(&position) {
            guard let number = double(token, allowsInfinity) else {
                throw error("\(key)[\(numbers.count)] must be a finite number")
            }
            numbers.append(number)
            guard numbers.count <= count else { break }
        }
        try checkCount(numbers.count, count)
        return numbers
    }

    private func checkCount(_ got: Int, _ expected: Int) throws(ModelFormatError) {
        guard got == expected else {
            throw error("\(key) must have \(expected) numbers, has \(got > expected ? "more" : "\(got)")")
        }
    }

    /// The next run without spaces, from `position` on.
    private func nextToken(_ position: inout Int) -> Range<Int>? {
        var start = position
        while start < range.upperBound, bytes[start] == UInt8(ascii: " ") { start += 1 }
        var end = start
        while end < range.upperBound, bytes[end] != UInt8(ascii: " ") { end += 1 }
        position = end
        return start < end ? start..<end : nil
    }

    private func integer(_ token: Range<Int>) -> Int? {
        let isNegative = bytes[token.lowerBound] == UInt8(ascii: "-")
        let digits = bytes[token].dropFirst(isNegative ? 1 : 0)
        guard (1...12).contains(digits.count) else { return nil }
        var magnitude = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            magnitude = magnitude * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return isNegative ? -magnitude : magnitude
    }

    private func double(_ token: Range<Int>, _ allowsInfinity: Bool) -> Double? {
        if allowsInfinity {
            if bytes[token].elementsEqual("inf".utf8) { return .infinity }
            if bytes[token].elementsEqual("-inf".utf8) { return -.infinity }
        }
        // Decimal notation only: strtod would take "nan" and hexadecimal too.
        guard bytes[token].allSatisfy({ "+-.eE0123456789".utf8.contains($0) }) else { return nil }
        // SAFETY: strtod stops at the space, line end or final NUL behind the token.
        let start = UnsafeRawPointer(bytes.baseAddress! + token.lowerBound).assumingMemoryBound(to: CChar.self)
        var end: UnsafeMutablePointer<CChar>?
        let number = strtod(start, &end)
        guard end == UnsafeMutablePointer(mutating: start + token.count), number.isFinite else { return nil }
        return number
    }
}
