// Walks over a connection's frames before libnghttp2 has their bytes.
//
//     [ preface 24 ][ length 3 | type | flags | stream 4 | payload … ][ … ]
//                   ▲ a place where the bytes may be parted
//
// libnghttp2 tells nothing of frames it drops (unknown types, DATA on a stream that is closed), and takes whatever it is
// given at once. So every header is looked at here, once, for what the frame may cost (HTTP2Budget), for what is
// wrong with it that the library does not see (StreamHistory), and to part what one read brought into turns. A payload
// is stepped over: 3 ns a frame.
//
// A header that comes in pieces is held until it is whole: of a CONTINUATION the library counts every piece as a frame of its
// own, and gives the connection up at the ninth.

import CNghttp2

/// A frame's header (RFC 9113, 4.1).
struct HTTP2FrameHeader: Equatable {
    var length = 0
    var type: UInt8 = 0
    var flags: UInt8 = 0
    var stream: Int32 = 0
    /// The first byte of the payload, where it has come: a padded frame's pad length.
    var firstByte: UInt8?
    /// It came in pieces, and stands in the walk's `held`.
    var isHeld = false

    /// What it costs, in frames: a packed field of two bytes can mean four thousand, so 8 KiB of them are a round's work.
    @inline(__always)
    var weight: Int { type == 1 || type == 9 ? 1 + length >> 4 : 1 }
}

struct HTTP2FrameWalk: ~Copyable {
    static let headerBytes = 9
    /// The connection's opening, which is no frame.
    private static let prefaceBytes = 24
    /// The largest frame that this side takes: SETTINGS_MAX_FRAME_SIZE's initial value.
    private static let frameBytes = 16384

    var history = StreamHistory()
    /// Bytes until the next frame begins.
    private var left = Self.prefaceBytes
    /// The header that came in pieces last, or comes.
    private(set) var held = InlineArray<9, UInt8>(repeating: 0)
    private(set) var heldCount = 0

    init() {}

    mutating func reset() {
        history = StreamHistory()
        left = Self.prefaceBytes
        heldCount = 0
    }

    /// Between two frames: the bytes may be parted here.
    @inline(__always)
    var isAtFrame: Bool { left == 0 && heldCount == 0 }

    /// Goes on to the end of the present frame, or of the bytes.
    @inline(__always)
    mutating func skip(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) {
        let skipped = min(left, bytes.count - offset)
        offset += skipped
        left -= skipped
    }

    /// At a frame: goes on to the end of its header, moving `offset`; nil: the bytes end before it.
    @inline(__always)
    mutating func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> HTTP2FrameHeader? {
        if heldCount == 0, bytes.count - offset >= Self.headerBytes {
            let start = offset
            offset += Self.headerBytes
            return header(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
        return gather(bytes, &offset)
    }

    @inline(__always)
    private mutating func header(_ bytes: UnsafeRawBufferPointer) -> HTTP2FrameHeader {
        let head = bytes.loadUnaligned(as: UInt64.self).bigEndian
        left = Int(head >> 40)
        let stream = bytes.loadUnaligned(fromByteOffset: 5, as: UInt32.self).bigEndian & 0x7FFF_FFFF
        return HTTP2FrameHeader(
            length: left, type: UInt8(truncatingIfNeeded: head >> 32), flags: UInt8(truncatingIfNeeded: head >> 24),
            stream: Int32(stream), firstByte: bytes.count > Self.headerBytes ? bytes[Self.headerBytes] : nil)
    }

    /// A header that comes in pieces; nil: it is not whole yet.
    private mutating func gather(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> HTTP2FrameHeader? {
        while heldCount < Self.headerBytes {
            if offset == bytes.count { return nil }
            held[heldCount] = bytes[offset]
            heldCount += 1
            offset += 1
        }
        heldCount = 0
        let whole = held
        var header = withUnsafeBytes(of: whole) { self.header($0) }
        header.firstByte = offset < bytes.count ? bytes[offset] : nil
        header.isHeld = true
        return header
    }

    /// What is wrong with a frame, as far as the library does not see it.
    @inline(__always)
    mutating func judge(_ frame: HTTP2FrameHeader) -> nghttp2_error_code {
        switch UInt32(frame.type) {
        case NGHTTP2_HEADERS.rawValue: return history.headers(frame.stream)
        case NGHTTP2_DATA.rawValue: return history.isClosed(frame.stream) ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR
        case NGHTTP2_RST_STREAM.rawValue: history.reset(frame.stream)
        case NGHTTP2_PRIORITY.rawValue where frame.stream == 0: return NGHTTP2_PROTOCOL_ERROR
        case NGHTTP2_CONTINUATION.rawValue where frame.length > Self.frameBytes: return NGHTTP2_FRAME_SIZE_ERROR
        default: break
        }
        return NGHTTP2_NO_ERROR
    }
}
