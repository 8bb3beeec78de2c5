// The headers of HTTP/2 frames, seen in the bytes before libnghttp2 has them.
//
//     preface (24) │ header (9) │ payload │ header (9) │ payload …        header: length 24, type 8, flags 8, stream 32
//
// The library drops some frames without a word to anybody (DATA on a stream that is closed), so no callback
// can judge them. A frame costs a look at nine bytes here; a payload is stepped over. A header that comes in pieces is
// held until it is whole: of a CONTINUATION the library counts every piece as a frame of its own, and gives the
// connection up at the ninth.

import CNghttp2

struct FrameScanner: ~Copyable {
    enum Event {
        /// Nothing, up to here.
        case none
        /// The header of a SETTINGS frame ends here.
        case settings
        /// `held` is a whole header now, which is the library's.
        case heldHeader
        /// The frame that begins here is an error of the connection.
        case violation(nghttp2_error_code)
    }

    /// The library's are the first `count` bytes; what is done with are the first `taken`.
    struct Step {
        var count: Int
        var taken: Int
        var event: Event
    }

    var history = StreamHistory()
    /// Bytes of the frame, or of the preface, until the next header.
    private var payloadLeft = 24
    /// A header that has come in part.
    private(set) var held = InlineArray<9, UInt8>(repeating: 0)
    private var heldCount = 0

    var heldType: UInt8 { held[3] }

    static let headerBytes = 9
    /// The largest frame that this side takes: SETTINGS_MAX_FRAME_SIZE's initial value.
    static let frameBytes = 16384

    init() {}

    mutating func reset() {
        history = StreamHistory()
        payloadLeft = 24
        heldCount = 0
    }

    /// Goes on through the bytes, to the next event or their end.
    mutating func scan(_ bytes: UnsafeRawPointer, _ count: Int) -> Step {
        if heldCount > 0 { return hold(bytes, count) }
        var position = 0
        while true {
            let skipped = min(payloadLeft, count - position)
            payloadLeft -= skipped
            position += skipped
            if count - position < Self.headerBytes {
                let rest = hold(bytes + position, count - position)
                return Step(count: position, taken: count, event: rest.event)
            }
            let code = judge(bytes + position)
            if code != NGHTTP2_NO_ERROR { return Step(count: position, taken: position, event: .violation(code)) }
            let type = bytes.load(fromByteOffset: position + 3, as: UInt8.self)
            position += Self.headerBytes
            if UInt32(type) == NGHTTP2_SETTINGS.rawValue {
                return Step(count: position, taken: position, event: .settings)
            }
        }
    }

    /// Adds to the header that has come in part.
    private mutating func hold(_ bytes: UnsafeRawPointer, _ count: Int) -> Step {
        let taken = min(Self.headerBytes - heldCount, count)
        for index in 0..<taken { held[heldCount + index] = bytes.load(fromByteOffset: index, as: UInt8.self) }
        heldCount += taken
        if heldCount < Self.headerBytes { return Step(count: 0, taken: taken, event: .none) }
        heldCount = 0
        let header = held
        let code = withUnsafeBytes(of: header) { judge($0.baseAddress.unsafelyUnwrapped) }
        return Step(count: 0, taken: taken, event: code == NGHTTP2_NO_ERROR ? .heldHeader : .violation(code))
    }

    /// Takes a whole header; returns what is wrong with its frame, as far as the library does not see it.
    private mutating func judge(_ header: UnsafeRawPointer) -> nghttp2_error_code {
        let head = UInt32(bigEndian: header.loadUnaligned(as: UInt32.self))
        let stream = Int32(UInt32(bigEndian: header.loadUnaligned(fromByteOffset: 5, as: UInt32.self)) & 0x7FFF_FFFF)
        payloadLeft = Int(head >> 8)
        switch head & 0xFF {
        case NGHTTP2_HEADERS.rawValue: return history.headers(stream)
        case NGHTTP2_DATA.rawValue: return history.isClosed(stream) ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR
        case NGHTTP2_RST_STREAM.rawValue: history.reset(stream)
        case NGHTTP2_PRIORITY.rawValue where stream == 0: return NGHTTP2_PROTOCOL_ERROR
        case NGHTTP2_CONTINUATION.rawValue where payloadLeft > Self.frameBytes: return NGHTTP2_FRAME_SIZE_ERROR
        default: break
        }
        return NGHTTP2_NO_ERROR
    }
}
