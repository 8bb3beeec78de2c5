// Protocol Buffers' wire format, read where it lies.
//
//     field = tag varint (number << 3 | type), then
//       0  varint, 1 to 10 bytes      1  8 bytes, little-endian
//       2  length varint, bytes       5  4 bytes, little-endian      3, 4  a group, which is skipped
//
//     var fields = ProtobufReader(message)
//     while fields.next() { switch fields.number { … fields.scalar, fields.bytes … } }
//     if fields.isMalformed { … }
//
// Nothing is copied, allocated or thrown: a field is where the reader stands, its bytes lie in the
// message. Every length is held against the bytes that are really there. A field that nobody asks
// for is passed over, whatever its type (proto3: unknown fields are skipped), groups to a depth of
// 100, as protobuf itself has it.

public struct ProtobufReader {
    /// How the field's value is written.
    @frozen public enum WireType: UInt8, Sendable {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    @usableFromInline static let groupDepthLimit = 100

    @usableFromInline var at: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer
    /// The field's number, 1 to 2^29 - 1.
    public var number: UInt32 = 0
    public var type = WireType.varint
    /// The value of a varint or of 4 or 8 bytes.
    public var scalar: UInt64 = 0
    /// The value of a field with a length.
    public var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The message is not protobuf; there is no next field.
    public var isMalformed = false

    /// A reader of one message.
    @inlinable
    public init(_ message: UnsafeRawBufferPointer) {
        // An empty message may have no address; any will do for it.
        at = message.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        end = at + message.count
    }

    /// Moves to the next field; false: the message has ended, or is malformed.
    @inlinable @inline(__always)
    public mutating func next() -> Bool {
        if at == end { return false }
        let tag: UInt64
        let first = at.load(as: UInt8.self)
        if first < 0x80 {
            tag = UInt64(first)
            at += 1
        } else {
            guard let long = varint() else { return fail() }
            tag = long
        }
        return take(tag)
    }

    @inlinable @inline(__always)
    mutating func take(_ tag: UInt64) -> Bool {
        guard tag <= UInt64(UInt32.max), tag >= 8 else { return fail() }
        number = UInt32(truncatingIfNeeded: tag >> 3)
        switch tag & 7 {
        case 2:
            guard let count = varint(), count <= UInt64(end - at) else { return fail() }
            bytes = UnsafeRawBufferPointer(start: at, count: Int(count))
            at += Int(count)
            type = .bytes
        case 0:
            guard let value = varint() else { return fail() }
            scalar = value
            type = .varint
        default: return takeRare(tag)
        }
        return true
    }

    @usableFromInline @inline(never)
    mutating func takeRare(_ tag: UInt64) -> Bool {
        switch tag & 7 {
        case 1:
            guard end - at >= 8 else { return fail() }
            scalar = UInt64(littleEndian: at.loadUnaligned(as: UInt64.self))
            at += 8
            type = .fixed64
        case 5:
            guard end - at >= 4 else { return fail() }
            scalar = UInt64(UInt32(littleEndian: at.loadUnaligned(as: UInt32.self)))
            at += 4
            type = .fixed32
        case 3:
            guard skipGroup(number, depth: 1) else { return fail() }
            return next()
        default: return fail()
        }
        return true
    }

    @usableFromInline
    mutating func fail() -> Bool {
        isMalformed = true
        at = end
        return false
    }

    /// Up to ten bytes; of the tenth, one bit counts.
    @inlinable @inline(__always)
    mutating func varint() -> UInt64? {
        if at != end {
            let first = at.load(as: UInt8.self)
            if first < 0x80 {
                at += 1
                return UInt64(first)
            }
        }
        return longVarint()
    }

    @usableFromInline @inline(never)
    mutating func longVarint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end, shift < 70 {
            let byte = at.load(as: UInt8.self)
            at += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    /// Moves past the fields of a group that has begun; false: it does not end as it began.
    private mutating func skipGroup(_ group: UInt32, depth: Int) -> Bool {
        guard depth <= Self.groupDepthLimit else { return false }
        while let tag = varint(), tag >= 8, tag <= UInt64(UInt32.max) {
            switch tag & 7 {
            case 0: guard varint() != nil else { return false }
            case 1: guard skip(8) else { return false }
            case 2: guard let count = varint(), skip(count) else { return false }
            case 3: guard skipGroup(UInt32(tag >> 3), depth: depth + 1) else { return false }
            case 4: return UInt32(tag >> 3) == group
            case 5: guard skip(4) else { return false }
            default: return false
            }
        }
        return false
    }

    private mutating func skip(_ count: UInt64) -> Bool {
        guard count <= UInt64(end - at) else { return false }
        at += Int(count)
        return true
    }
}

/// The varints of a packed repeated field.
public struct PackedVarints {
    @usableFromInline var reader: ProtobufReader

    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) { reader = ProtobufReader(bytes) }

    @inlinable public var isAtEnd: Bool { reader.at == reader.end }

    /// The next value; nil: the bytes are no varint.
    @inlinable @inline(__always)
    public mutating func next() -> UInt64? { reader.varint() }
}

/// Text as proto3 wants it.
public enum UTF8Text {
    /// Whether the bytes are well-formed UTF-8 (Unicode 16, table 3-7).
    @inlinable
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count, bytes[index] < 0x80 { index += 1 }
        return index == bytes.count || isValid(bytes, from: index)
    }

    @usableFromInline @inline(never)
    static func isValid(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        var index = start
        while index < bytes.count {
            let lead = bytes[index]
            index += 1
            if lead < 0x80 { continue }
            let (count, second) = followers(lead)
            guard count > 0, index + count <= bytes.count, second.contains(bytes[index]) else { return false }
            for follower in bytes[index + 1..<index + count] where follower & 0xc0 != 0x80 { return false }
            index += count
        }
        return true
    }

    /// How many bytes follow a lead byte, and which the first of them may be; 0: it is none.
    private static func followers(_ lead: UInt8) -> (count: Int, second: ClosedRange<UInt8>) {
        switch lead {
        case 0xc2...0xdf: (1, 0x80...0xbf)
        case 0xe0: (2, 0xa0...0xbf)
        case 0xed: (2, 0x80...0x9f)
        case 0xe1...0xef: (2, 0x80...0xbf)
        case 0xf0: (3, 0x90...0xbf)
        case 0xf1...0xf3: (3, 0x80...0xbf)
        case 0xf4: (3, 0x80...0x8f)
        default: (0, 0...0)
        }
    }
}
