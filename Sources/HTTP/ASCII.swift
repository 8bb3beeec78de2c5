// Header names and values as bytes.

enum ASCII {
    /// `literal` must be lower case.
    @inline(__always)
    static func equals(_ bytes: UnsafeRawPointer, _ count: Int, _ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        let other = literal.utf8Start
        for index in 0..<count where bytes.load(fromByteOffset: index, as: UInt8.self) != other[index] { return false }
        return true
    }

    static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        guard bytes.count == literal.utf8CodeUnitCount else { return false }
        let other = literal.utf8Start
        for index in 0..<bytes.count where lowercased(bytes[index]) != other[index] { return false }
        return true
    }

    /// Of the same length.
    static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<bytes.count where lowercased(bytes[index]) != lowercased(other[index]) { return false }
        return true
    }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

    /// A plain decimal number below 10^15; nil: something else.
    static func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard 1...15 ~= bytes.count else { return nil }
        var value = 0
        for byte in bytes {
            guard 48...57 ~= byte else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        return value
    }
}
