// The caller's place in a trace: the `traceparent` field (W3C Trace Context, 3.2), kept whole and echoed.
//
//     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//     version, trace, parent, flags: lower-case hexadecimal

public struct TraceParent {
    static let byteCount = 55

    private var storage: InlineArray<55, UInt8> = .init(repeating: 0)
    private var state = State.absent

    private enum State { case absent, valid, refused }

    public var isValid: Bool { state == .valid }

    mutating func reset() { state = .absent }

    /// Takes the field's value; a second one, or one that is malformed, makes it as if there were none (3.2.2.2).
    mutating func take(_ value: UnsafeRawBufferPointer) {
        guard state == .absent, Self.isWellFormed(value) else {
            state = .refused
            return
        }
        for index in 0..<Self.byteCount { storage[index] = value[index] }
        state = .valid
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

    /// The text, for as long as `body` runs; nil: there is none.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard state == .valid else { return body(nil) }
        return withUnsafeBytes(of: storage) { body($0) }
    }
}
