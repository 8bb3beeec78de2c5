// Finds where frames begin in a connection's bytes, before libnghttp2 sees them.
//
//     [ preface 24 ][ length 3 | type | flags | stream 4 | payload … ][ … ]
//                   ▲ a place where the bytes may be parted
//
// libnghttp2 tells nothing of frames it drops (unknown types, data of closed streams), and takes whatever it
// is given at once. Walking over the headers costs 3 ns a frame and makes every frame countable, and the
// bytes of one read divisible, so that one peer's small frames cannot fill a round.

/// A frame's header (RFC 9113, 4.1).
struct HTTP2FrameHeader: Equatable {
    var length = 0
    var type: UInt8 = 0
    var flags: UInt8 = 0
    /// The first byte of the payload, where it has come: a padded frame's pad length.
    var firstByte: UInt8?
}

struct HTTP2FrameWalk {
    /// The connection's opening, which is no frame.
    private static let prefaceBytes = 24
    private static let headerBytes = 9

    /// Bytes until the next frame begins.
    private var left = Self.prefaceBytes
    /// The part of a header that has come: `held` bytes of it, the newest lowest.
    private var held = 0
    private var high: UInt64 = 0

    init() {}

    /// Between two frames: the bytes may be parted here.
    @inline(__always)
    var isAtFrame: Bool { left == 0 && held == 0 }

    /// Goes on to the end of the present frame, or of the bytes.
    @inline(__always)
    mutating func skip(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) {
        let skipped = min(left, bytes.count - offset)
        offset += skipped
        left -= skipped
    }

    /// Goes on to the end of the next header, moving `offset`; nil: the bytes end before it.
    @inline(__always)
    mutating func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> HTTP2FrameHeader? {
        skip(bytes, &offset)
        if left > 0 || offset == bytes.count { return nil }
        if held == 0, bytes.count - offset >= Self.headerBytes {
            high = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self).bigEndian
            offset += Self.headerBytes
        } else {
            guard gather(bytes, &offset) else { return nil }
        }
        held = 0
        left = Int(high >> 40)
        return HTTP2FrameHeader(
            length: left, type: UInt8(truncatingIfNeeded: high >> 32), flags: UInt8(truncatingIfNeeded: high >> 24),
            firstByte: offset < bytes.count ? bytes[offset] : nil)
    }

    /// A header that comes in pieces; false: it is not whole yet. The ninth byte, the stream's last, says nothing here.
    private mutating func gather(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        while held < Self.headerBytes {
            if offset == bytes.count { return false }
            if held < 8 { high = high << 8 | UInt64(bytes[offset]) }
            held += 1
            offset += 1
        }
        return true
    }
}
