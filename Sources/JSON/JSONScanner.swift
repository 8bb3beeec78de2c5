// A strict reader of RFC 8259 that keeps nothing: it only says where a document goes wrong.
//
// Runs after simdjson has refused a document, so it is written to be clear: one pass, an explicit
// stack of open containers, one function for each kind of token.  Stricter than the grammar in
// what simdjson also refuses: UTF-8 must be valid, surrogates paired, numbers finite as doubles,
// nesting bounded.

internal import CSimdjson

struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private let maxDepth: Int
    private var offset = 0
    /// Open containers from outside in; true: an object.
    private var containers: [Bool] = []
    /// Where integers end that neither Int64 nor UInt64 can hold.
    private(set) var wideIntegerEnds: [Int] = []

    init(_ bytes: UnsafeRawBufferPointer, maxDepth: Int) {
        self.bytes = bytes
        self.maxDepth = maxDepth
    }

    /// What may come next between two tokens.
    private enum Expectation { case value, valueOrEnd, keyOrEnd, key, commaOrEnd, end }

    /// Reads the whole document.
    mutating func scan() throws(JSONError) {
        var expectation = Expectation.value
        while true {
            skipSpace()
            switch expectation {
            case .end:
                if offset < bytes.count { throw error("expected the end of the document") }
                return
            case .key: expectation = try scanKey()
            case .keyOrEnd: expectation = byte == UInt8(ascii: "}") ? close() : try scanKey()
            case .value: expectation = try scanValue()
            case .valueOrEnd: expectation = byte == UInt8(ascii: "]") ? close() : try scanValue()
            case .commaOrEnd: expectation = try scanCommaOrEnd()
            }
        }
    }

    /// The next byte; nil at the end.
    private var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func error(_ message: String) -> JSONError {
        JSONError(offset: offset, message: offset < bytes.count ? message : message + ", found the end")
    }

    private mutating func skipSpace() {
        while let next = byte, next == 0x20 || next == 0x09 || next == 0x0a || next == 0x0d { offset += 1 }
    }

    // MARK: Structure

    private mutating func open(object: Bool) throws(JSONError) -> Expectation {
        let start = offset
        containers.append(object)
        offset += 1
        skipSpace()
        // simdjson counts only containers that hold something.
        if containers.count > maxDepth, byte != (object ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            throw JSONError(offset: start, message: "expected at most \(maxDepth) levels of nesting")
        }
        return object ? .keyOrEnd : .valueOrEnd
    }

    private mutating func close() -> Expectation {
        containers.removeLast()
        offset += 1
        return afterValue
    }

    private var afterValue: Expectation { containers.isEmpty ? .end : .commaOrEnd }

    private mutating func scanCommaOrEnd() throws(JSONError) -> Expectation {
        let inObject = containers.last == true
        switch byte {
        case UInt8(ascii: ","):
            offset += 1
            return inObject ? .key : .value
        case inObject ? UInt8(ascii: "}") : UInt8(ascii: "]"): return close()
        default: throw error(inObject ? "expected ',' or '}'" : "expected ',' or ']'")
        }
    }

    private mutating func scanKey() throws(JSONError) -> Expectation {
        guard byte == UInt8(ascii: "\"") else { throw error("expected a key in double quotes") }
        try scanString()
        skipSpace()
        guard byte == UInt8(ascii: ":") else { throw error("expected ':'") }
        offset += 1
        return .value
    }

    private mutating func scanValue() throws(JSONError) -> Expectation {
        switch byte {
        case UInt8(ascii: "{"): return try open(object: true)
        case UInt8(ascii: "["): return try open(object: false)
        case UInt8(ascii: "\""): try scanString()
        case UInt8(ascii: "t"): try scanWord("true")
        case UInt8(ascii: "f"): try scanWord("false")
        case UInt8(ascii: "n"): try scanWord("null")
        case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try scanNumber()
        case UInt8(ascii: "N"), UInt8(ascii: "I"):
            throw error("expected a value: NaN and Infinity are not JSON, null is")
        default: throw error("expected a value (object, array, string, number, true, false or null)")
        }
        return afterValue
    }

    private mutating func scanWord(_ word: StaticString) throws(JSONError) {
        let start = offset
        for index in 0..<word.utf8CodeUnitCount {
            if byte != word.utf8Start[index] { throw JSONError(offset: start, message: "expected '\(word)'") }
            offset += 1
        }
        try expectTokenEnd()
    }

    /// A word or a number ends at white space, a bracket, a comma, a colon or the end.
    private func expectTokenEnd() throws(JSONError) {
        switch byte {
        case nil, 0x20, 0x09, 0x0a, 0x0d: return
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"): return
        case UInt8(ascii: "["), UInt8(ascii: "{"): return
        default: throw error("expected the end of the value")
        }
    }

    // MARK: Numbers

    private mutating func skipDigits() -> Int {
        let start = offset
        while let next = byte, next >= UInt8(ascii: "0"), next <= UInt8(ascii: "9") { offset += 1 }
        return offset - start
    }

    private mutating func scanNumber() throws(JSONError) {
        let start = offset
        let negative = byte == UInt8(ascii: "-")
        if negative { offset += 1 }
        let leadsWithZero = byte == UInt8(ascii: "0")
        let digits = skipDigits()
        if digits == 0 { throw error("expected a digit") }
        if leadsWithZero, digits > 1 {
            throw JSONError(offset: offset - digits, message: "expected a number without leading zeros")
        }
        var isInteger = true
        if byte == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            if skipDigits() == 0 { throw error("expected a digit after the point") }
        }
        var exponentDigits = 0
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            isInteger = false
            offset += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { offset += 1 }
            exponentDigits = skipDigits()
            if exponentDigits == 0 { throw error("expected a digit in the exponent") }
        }
        try expectTokenEnd()
        // Below 10^(200 + 99) nothing is out of range.
        if digits > 200 || exponentDigits > 2 { try checkFinite(start) }
        if isInteger, digits >= 19, isWide(start, negative: negative) { wideIntegerEnds.append(offset) }
    }

    private func checkFinite(_ start: Int) throws(JSONError) {
        let number = bytes.baseAddress! + start
        if !serin_json_is_finite(number.assumingMemoryBound(to: UInt8.self), offset - start) {
            throw JSONError(offset: start, message: "number out of range: expected one that a double can hold")
        }
    }

    /// True if the integer that ends here fits neither Int64 nor UInt64.
    private func isWide(_ start: Int, negative: Bool) -> Bool {
        var magnitude: UInt64 = 0
        for index in (negative ? start + 1 : start)..<offset {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[index] - UInt8(ascii: "0")))
            if overflow || carry { return true }
            magnitude = sum
        }
        return negative && magnitude > Int64.min.magnitude
    }

    // MARK: Strings

    private mutating func scanString() throws(JSONError) {
        let start = offset
        offset += 1
        while let next = byte {
            switch next {
            case UInt8(ascii: "\""):
                offset += 1
                return
            case UInt8(ascii: "\\"): try scanEscape()
            case ..<0x20: throw error("expected control characters in strings to be escaped")
            case ..<0x80: offset += 1
            default: try scanUTF8()
            }
        }
        throw JSONError(offset: start, message: "expected the string that starts here to end in double quotes")
    }

    private mutating func scanEscape() throws(JSONError) {
        let start = offset
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 1
        case UInt8(ascii: "u"):
            offset += 1
            let unit = try scanHex(start)
            if 0xdc00...0xdfff ~= unit { throw surrogateError(start) }
            if 0xd800...0xdbff ~= unit {
                guard byte == UInt8(ascii: "\\") else { throw surrogateError(start) }
                offset += 1
                guard byte == UInt8(ascii: "u") else { throw surrogateError(start) }
                offset += 1
                guard 0xdc00...0xdfff ~= (try scanHex(offset - 2)) else { throw surrogateError(start) }
            }
        default:
            throw JSONError(offset: start, message: "expected an escape: one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
        }
    }

    private func surrogateError(_ start: Int) -> JSONError {
        JSONError(offset: start, message: "expected surrogates in pairs, high before low")
    }

    private mutating func scanHex(_ start: Int) throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let next = byte, let digit = Character(Unicode.Scalar(next)).hexDigitValue, next < 0x80 else {
                throw JSONError(offset: start, message: "expected four hexadecimal digits after \\u")
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }

    /// One character beyond ASCII, as Unicode's table 3-7 allows it.
    private mutating func scanUTF8() throws(JSONError) {
        let start = offset
        let lead = bytes[offset]
        let second: ClosedRange<UInt8>
        let length: Int
        switch lead {
        case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        default: throw JSONError(offset: start, message: "expected valid UTF-8")
        }
        for index in 1..<length {
            let range = index == 1 ? second : 0x80...0xbf
            guard start + index < bytes.count, range.contains(bytes[start + index]) else {
                throw JSONError(offset: start, message: "expected valid UTF-8")
            }
        }
        offset = start + length
    }
}
