// gzip of messages, both ways, with zlib's memory kept.
//
// A message inflates to at most `limit` bytes: what goes on behind that is refused unread, so that a
// small message cannot ask for much memory. One thread owns a compression; its two zlib states are made
// when first needed and reset for each message.

internal import CZlib
public import Primitives

/// What `grpc-encoding` can say.
@frozen public enum MessageEncoding: UInt8, Sendable {
    case identity, gzip
    /// Something that is not spoken here.
    case unknown
}

public final class MessageCompression {
    /// gzip's wrapper, and the largest window.
    private static let gzipWindowBits: Int32 = 15 + 16
    /// zlib's fastest: answers are small and wait for nobody.
    private static let level: Int32 = 1

    // zlib's states point back at these: they have addresses of their own.
    private let inflater = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let deflater = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var hasInflater = false
    private var hasDeflater = false
    /// The message that was inflated last.
    private var inflated = GrowableBuffer()

    public init() {
        inflater.initialize(to: z_stream())
        deflater.initialize(to: z_stream())
    }

    deinit {
        if hasInflater { inflateEnd(inflater) }
        if hasDeflater { deflateEnd(deflater) }
        inflater.deallocate()
        deflater.deallocate()
    }

    /// The inflated message, with `GrowableBuffer.padding` readable bytes behind it; valid until the next call.
    public func inflate(
        _ message: UnsafeRawBufferPointer, limit: Int
    ) throws(GRPCStatus) -> UnsafeRawBufferPointer {
        try prepareInflater()
        inflated.reset()
        inflated.reserve(min(limit, 4 * message.count + 256))
        inflater.pointee.next_in = UnsafeMutablePointer(
            mutating: message.baseAddress?.assumingMemoryBound(to: UInt8.self))
        inflater.pointee.avail_in = UInt32(message.count)
        while true {
            if inflated.count == inflated.capacity { inflated.reserve(inflated.capacity + 1) }
            let room = min(inflated.capacity - inflated.count, limit + 1 - inflated.count)
            inflater.pointee.next_out = (inflated.pointer + inflated.count).assumingMemoryBound(to: UInt8.self)
            inflater.pointee.avail_out = UInt32(room)
            let code = CZlib.inflate(inflater, Z_NO_FLUSH)
            inflated.count += room - Int(inflater.pointee.avail_out)
            if inflated.count > limit { throw MessageFrame.tooLarge(limit) }
            if code == Z_STREAM_END { break }
            guard code == Z_OK, inflater.pointee.avail_out == 0 || inflater.pointee.avail_in > 0 else {
                throw Self.damaged()
            }
        }
        guard inflater.pointee.avail_in == 0 else { throw Self.damaged() }
        return inflated.bytes
    }

    private func prepareInflater() throws(GRPCStatus) {
        let code: Int32
        if hasInflater {
            code = inflateReset(inflater)
        } else {
            code = inflateInit2_(
                inflater, Self.gzipWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            hasInflater = code == Z_OK
        }
        guard code == Z_OK else { throw GRPCStatus(.resourceExhausted, "no memory to inflate the message with") }
    }

    private static func damaged() -> GRPCStatus {
        GRPCStatus(.internal, "the message is not the gzip that grpc-encoding says")
    }

    /// Appends the deflated `message`; false: it stays as it is, as there is no memory for zlib.
    public func deflate(_ message: UnsafeRawBufferPointer, into out: inout GrowableBuffer) -> Bool {
        if hasDeflater {
            guard deflateReset(deflater) == Z_OK else { return false }
        } else {
            hasDeflater =
                deflateInit2_(
                    deflater, Self.level, Z_DEFLATED, Self.gzipWindowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                    Int32(MemoryLayout<z_stream>.size)) == Z_OK
            guard hasDeflater else { return false }
        }
        let bound = Int(deflateBound(deflater, UInt(message.count)))
        out.reserve(out.count + bound)
        deflater.pointee.next_in = UnsafeMutablePointer(
            mutating: message.baseAddress?.assumingMemoryBound(to: UInt8.self))
        deflater.pointee.avail_in = UInt32(message.count)
        deflater.pointee.next_out = (out.pointer + out.count).assumingMemoryBound(to: UInt8.self)
        deflater.pointee.avail_out = UInt32(bound)
        guard CZlib.deflate(deflater, Z_FINISH) == Z_STREAM_END else { return false }
        out.count += bound - Int(deflater.pointee.avail_out)
        return true
    }
}
