// Header names and values as bytes.

enum ASCII {
    /// Compares by words, of which the last overlaps the one before it.
    @inline(__always)
    static func equals(_ bytes: UnsafeRawPointer, _ count: Int, _ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        let other = UnsafeRawPointer(literal.utf8Start)
        if count >= 8 {
            var place = 0
            while place + 8 < count {
                if !equals(bytes, other, at: place, as: UInt64.self) { return false }
                place += 8
            }
            return equals(bytes, other, at: count - 8, as: UInt64.self)
        }
        if count >= 4 {
            return equals(bytes, other, at: 0, as: UInt32.self) && equals(bytes, other, at: count - 4, as: UInt32.self)
        }
        for place in 0..<count where !equals(bytes, other, at: place, as: UInt8.self) { return false }
        return true
    }

    @inline(__always)
    static func equals(_ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        guard let base = bytes.baseAddress else { return literal.utf8CodeUnitCount == 0 }
        return equals(base, bytes.count, literal)
    }

    @inline(__always)
    private static func equals<Word: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawPointer, _ other: UnsafeRawPointer, at place: Int, as: Word.Type
    ) -> Bool {
        bytes.loadUnaligned(fromByteOffset: place, as: Word.self)
            == other.loadUnaligned(fromByteOffset: place, as: Word.self)
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
