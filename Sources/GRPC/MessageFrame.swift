// A message in a call's body, behind its prefix.
//
//     [ flag 1 | length 4, big-endian | message ]  [ flag | length | message ] …
//
// The flag is 0, or 1 for a message that is compressed with the call's `grpc-encoding`; anything else
// is an error (gRPC over HTTP/2, "Length-Prefixed-Message"). Which code a breach of the framing gets is
// the specification's table of library-generated statuses: INTERNAL for a broken stream of messages,
// UNIMPLEMENTED for another number of messages than the method has, RESOURCE_EXHAUSTED for too large.

public import Primitives

public struct MessageFrame {
    /// Bytes of flag and length.
    public static let prefixBytes = 5

    public var message: UnsafeRawBufferPointer
    public var isCompressed: Bool

    @inlinable
    public init(message: UnsafeRawBufferPointer, isCompressed: Bool) {
        self.message = message
        self.isCompressed = isCompressed
    }

    /// How long the first message says it is; 0: that has not come yet.
    @inlinable
    public static func announcedBytes(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= prefixBytes, let base = bytes.baseAddress else { return 0 }
        return Int(UInt32(bigEndian: base.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    }

    /// The first message in `bytes`; nil: it is not whole yet. `limit`: the bytes it may have.
    @inlinable
    public static func first(
        in bytes: UnsafeRawBufferPointer, limit: Int
    ) throws(GRPCStatus) -> MessageFrame? {
        guard bytes.count >= prefixBytes, let base = bytes.baseAddress else { return nil }
        let flag = base.load(as: UInt8.self)
        let length = announcedBytes(bytes)
        if flag > 1 { throw badFlag() }
        if length > limit { throw tooLarge(limit) }
        guard length <= bytes.count - prefixBytes else { return nil }
        return MessageFrame(
            message: UnsafeRawBufferPointer(start: base + prefixBytes, count: length), isCompressed: flag == 1)
    }

    /// The one message of a call whose client has finished.
    @inlinable
    public static func only(
        in bytes: UnsafeRawBufferPointer, limit: Int
    ) throws(GRPCStatus) -> MessageFrame {
        guard let frame = try first(in: bytes, limit: limit) else { throw cutShort(bytes.count) }
        if frame.message.count + prefixBytes != bytes.count { throw moreThanOne() }
        return frame
    }

    /// Leaves room for a prefix, which `writePrefix` fills once the message is written.
    @inlinable
    public static func makeRoom(_ buffer: inout GrowableBuffer) {
        buffer.reserve(buffer.count + prefixBytes)
        buffer.count += prefixBytes
    }

    /// Writes a prefix at `place`.
    @inlinable
    public static func writePrefix(_ place: UnsafeMutableRawPointer, count: Int, isCompressed: Bool) {
        place.storeBytes(of: isCompressed ? 1 : 0, as: UInt8.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian, toByteOffset: 1, as: UInt32.self)
    }

    @usableFromInline @inline(never)
    static func badFlag() -> GRPCStatus {
        GRPCStatus(.internal, "the message's flag byte is neither 0 nor 1")
    }

    @usableFromInline @inline(never)
    static func tooLarge(_ limit: Int) -> GRPCStatus {
        GRPCStatus(.resourceExhausted, "the message is larger than \(limit) bytes")
    }

    @usableFromInline @inline(never)
    static func cutShort(_ count: Int) -> GRPCStatus {
        if count == 0 { return GRPCStatus(.unimplemented, "the method takes one message, and none came") }
        return GRPCStatus(.internal, "the call ended in the middle of a message")
    }

    @usableFromInline @inline(never)
    static func moreThanOne() -> GRPCStatus {
        GRPCStatus(.unimplemented, "the method takes one message, and more bytes followed it")
    }
}
