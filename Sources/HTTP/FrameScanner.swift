// The headers of HTTP/2 frames, seen in the bytes before libnghttp2 has them.
//
//     preface (24) │ header (9) │ payload │ header (9) │ payload …        header: length 24, type 8, flags 8, stream 32
//
// The library drops some frames without a word to anybody (DATA on a stream that is closed), so no callback
// can judge them. A frame costs a comparison of nine bytes here; a payload is stepped over.

import CNghttp2

struct FrameScanner: ~Copyable {
    enum Event {
        /// All bytes are the library's.
        case none
        /// The header of a SETTINGS frame ends here.
        case settings
        /// The frame that begins here is an error of the connection.
        case violation(nghttp2_error_code)
    }

    var history = StreamHistory()
    /// Bytes of the frame, or of the preface, until the next header.
    private var payloadLeft = 24
    /// The part of a header that has come: its bytes, the last one lowest.
    private var header: (high: UInt8, low: UInt64) = (0, 0)
    private var headerCount = 0

    static let headerBytes = 9
    /// The largest frame that this side takes: SETTINGS_MAX_FRAME_SIZE's initial value.
    static let frameBytes = 16384

    init() {}

    mutating func reset() {
        history = StreamHistory()
        payloadLeft = 24
        headerCount = 0
    }

    /// Goes on through the bytes; returns how many may be fed before the event.
    mutating func scan(_ bytes: UnsafeRawPointer, _ count: Int) -> (count: Int, event: Event) {
        var position = 0
        while true {
            let skipped = min(payloadLeft, count - position)
            payloadLeft -= skipped
            position += skipped
            if position == count { return (count, .none) }
            let start = position
            while headerCount < Self.headerBytes, position < count {
                let byte = bytes.load(fromByteOffset: position, as: UInt8.self)
                header = (UInt8(truncatingIfNeeded: header.low >> 56), header.low << 8 | UInt64(byte))
                headerCount += 1
                position += 1
            }
            if headerCount < Self.headerBytes { return (count, .none) }
            headerCount = 0
            let length = Int(header.high) << 16 | Int(header.low >> 48)
            let (type, stream) = (UInt8(truncatingIfNeeded: header.low >> 40), Int32(header.low & 0x7FFF_FFFF))
            payloadLeft = length
            let code = violation(type, stream, length)
            if code != NGHTTP2_NO_ERROR { return (start, .violation(code)) }
            if type == UInt8(NGHTTP2_SETTINGS.rawValue) { return (position, .settings) }
        }
    }

    /// What is wrong with a frame of this header, as far as the library does not see it.
    private mutating func violation(_ type: UInt8, _ stream: Int32, _ length: Int) -> nghttp2_error_code {
        switch UInt32(type) {
        case NGHTTP2_HEADERS.rawValue: return history.headers(stream)
        case NGHTTP2_DATA.rawValue: return history.isClosed(stream) ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR
        case NGHTTP2_RST_STREAM.rawValue: history.reset(stream)
        case NGHTTP2_PRIORITY.rawValue where stream == 0: return NGHTTP2_PROTOCOL_ERROR
        case NGHTTP2_CONTINUATION.rawValue where length > Self.frameBytes: return NGHTTP2_FRAME_SIZE_ERROR
        default: break
        }
        return NGHTTP2_NO_ERROR
    }
}
