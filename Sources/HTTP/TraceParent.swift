// The caller's place in a trace: the `traceparent` field (W3C Trace Context, 3.2), kept whole and echoed.
//
//     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//     version, trace, parent, flags: lower-case hexadecimal

public struct TraceParent {
    static let byteCount = 55

    private var storage: InlineArray<55, UInt8> = .init(repeating: 0)
    /// One came, well-formed and alone.
    public private(set) var isValid = false
    private var hasCome = false

    mutating func reset() { (isValid, hasCome) = (false, false) }

    /// Takes the field's value; a second one, or one that is malformed, makes it as if there were none (3.2.2.2).
    mutating func take(_ value: UnsafeRawBufferPointer) {
        isValid = !hasCome && Self.isWellFormed(value)
        hasCome = true
        guard isValid else { return }
        for index in 0..<Self.byteCount { storage[index] = value[index] }
    }

    /// Version 00 has exactly these four parts; a later one may go on after a hyphen; ff and zeros are invalid.
    private static func isWellFormed(_ value: UnsafeRawBufferPointer) -> Bool {
        guard value.count >= byteCount else { return false }
        for index in 0..<byteCount {
            let isHyphen = index == 2 || index == 35 || index == 52
            if isHyphen ? value[index] != 45 : !isLowerHexadecimal(value[index]) { return false }
        }
        let isFirstVersion = value[0] == 48 && value[1] == 48
        if value[0] == 102 && value[1] == 102 { return false }
        if isFirstVersion ? value.count != byteCount : value.count > byteCount && value[byteCount] != 45 {
            return false
        }
        return !isZero(value[3..<35]) && !isZero(value[36..<52])
    }

    private static func isLowerHexadecimal(_ byte: UInt8) -> Bool { 48...57 ~= byte || 97...102 ~= byte }

    private static func isZero(_ digits: Slice<UnsafeRawBufferPointer>) -> Bool { digits.allSatisfy { $0 == 48 } }

    /// What the caller says of its trace.
    public struct Context: Equatable {
        /// The trace's 16 bytes, as two numbers in their order.
        public var trace: (high: UInt64, low: UInt64)
        /// The caller's span.
        public var parent: UInt64
        public var flags: UInt8

        /// The caller keeps the trace.
        public var isSampled: Bool { flags & 1 != 0 }

        public static func == (left: Self, right: Self) -> Bool {
            left.trace == right.trace && left.parent == right.parent && left.flags == right.flags
        }
    }

    /// The fields in numbers; nil: there is none.
    public var context: Context? {
        guard isValid else { return nil }
        return Context(
            trace: (number(3, 16), number(19, 16)), parent: number(36, 16),
            flags: UInt8(truncatingIfNeeded: number(53, 2)))
    }

    private func number(_ start: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in start..<start + count {
            let byte = storage[index]
            value = value << 4 | UInt64(byte < 58 ? byte - 48 : byte - 87)
        }
        return value
    }

    /// The text, for as long as `body` runs; nil: there is none.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard isValid else { return body(nil) }
        return withUnsafeBytes(of: storage) { body($0) }
    }
}
