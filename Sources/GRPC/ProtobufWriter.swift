// Protocol Buffers' wire format, written.
//
//     hot path       Protobuf.write(…, to: pointer)      into reserved memory, sizes known before
//     control path   ProtobufWriter                      grows, messages inside messages
//
// As proto3 does, the control path's writer leaves out a field that has its type's zero.

public enum Protobuf {
    /// Room that a varint may need, in bytes.
    public static let varintBytesMax = 10

    /// A field's tag, for numbers up to 15: one byte.
    @inlinable @inline(__always)
    public static func tag(_ number: UInt8, _ type: ProtobufReader.WireType) -> UInt8 { number << 3 | type.rawValue }

    /// How many bytes a varint has.
    @inlinable @inline(__always)
    public static func byteCount(varint value: UInt64) -> Int {
        value < 0x80 ? 1 : (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7
    }

    /// Writes a varint; returns how many bytes.
    @inlinable @inline(__always)
    public static func write(varint value: UInt64, to place: UnsafeMutableRawPointer) -> Int {
        var rest = value
        var count = 0
        while rest >= 0x80 {
            place.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
            rest >>= 7
            count += 1
        }
        place.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
        return count + 1
    }
}

/// Writes one message; not for the hot path.
public struct ProtobufWriter {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func field(_ number: Int, _ value: UInt64) {
        if value != 0 { present(number, value) }
    }

    /// A field that is written also when it is zero: one with presence.
    public mutating func present(_ number: Int, _ value: UInt64) {
        varint(UInt64(number << 3))
        varint(value)
    }

    /// A field of type fixed64 or sfixed64, or a double's bits.
    public mutating func fixed(_ number: Int, _ value: UInt64) {
        if value == 0 { return }
        varint(UInt64(number << 3 | 1))
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    /// A field of type fixed32.
    public mutating func fixed(_ number: Int, _ value: UInt32) {
        if value == 0 { return }
        varint(UInt64(number << 3 | 5))
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    public mutating func field(_ number: Int, _ value: Int64) { field(number, UInt64(bitPattern: value)) }
    public mutating func field(_ number: Int, _ value: Bool) { field(number, value ? 1 as UInt64 : 0) }

    public mutating func field(_ number: Int, _ text: String) {
        if !text.isEmpty { element(number, text) }
    }

    /// One of a repeated field: written also when it is empty.
    public mutating func element(_ number: Int, _ text: String) { element(number, bytes: Array(text.utf8)) }

    /// A message's bytes, or one of a repeated field: written also when there are none.
    public mutating func element(_ number: Int, bytes content: [UInt8]) {
        varint(UInt64(number << 3 | 2))
        varint(UInt64(content.count))
        bytes += content
    }

    /// A message inside this one.
    public mutating func message(_ number: Int, _ write: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        write(&inner)
        element(number, bytes: inner.bytes)
    }

    /// Fields that another writer has written.
    public mutating func append(_ other: ProtobufWriter) { bytes += other.bytes }

    /// A repeated field of integers, packed.
    public mutating func packed(_ number: Int, _ values: [Int64]) {
        if values.isEmpty { return }
        var inner = ProtobufWriter()
        for value in values { inner.varint(UInt64(bitPattern: value)) }
        element(number, bytes: inner.bytes)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
