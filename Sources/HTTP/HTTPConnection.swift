// One connection's protocol state, in a slab of its engine.
//
//     detecting ──"PRI * HTTP/2.0…"──► http2        told apart by the first bytes
//         └────────anything else─────► http1
//
// A connection never writes to a socket: it takes bytes in, hands requests to the handler, and
// produces bytes when asked. Whoever owns the socket is told by `outputReady` that there is something.

import CNghttp2
import Primitives

struct HTTPConnection: ~Copyable {
    enum Version: UInt8 { case detecting, http1, http2 }

    /// The reactor's handle, given back in `outputReady`.
    var owner: UnsafeMutableRawPointer?
    /// The engine it belongs to, which outlives it; unmanaged, so that callbacks count no references.
    var engine: UnsafeMutableRawPointer?
    var version = Version.detecting
    /// Who is at the other end; nil: the connection does not say.
    var peer: UnsafePointer<PeerIdentity>?
    var address = PeerAddress()
    /// Tells its client from others: the first name of its certificate, else its address.
    var client: UInt64 = 0
    /// HTTP/1.1 was agreed on, and nothing has come yet.
    var isSilent = false
    /// Over the connection limit: every request is answered 503.
    var isRefusing = false
    var isDraining = false
    /// Nothing more is read; the connection ends when its output is sent.
    var isEnding = false
    /// The peer has finished sending.
    var hasEnded = false
    /// Requests from their first byte to their response's last, oldest first.
    var firstStream: UnsafeMutablePointer<HTTPStream>?
    var lastStream: UnsafeMutablePointer<HTTPStream>?
    var streamCount = 0
    /// No stream's time is over before this.
    var watchAt: UInt64 = .max
    /// Memory of its unfinished bodies.
    var receivingBytes = 0
    /// Bytes of answers that are not sent whole.
    var queuedBytes = 0
    /// Why it ends, where this side ends it.
    var ending: HTTPEnding?
    var openedAt: UInt64 = 0
    var activeAt: UInt64 = 0
    /// No request that waits is due before.
    var requestDue = HTTPEngine.never

    // HTTP/2.
    var session: OpaquePointer?
    /// What waited to be sent when the header of a SETTINGS frame had come; `Int.max`: none is under way.
    var queuedBefore = Int.max
    var hasSettings = false
    /// The peer has acknowledged our SETTINGS.
    var hasAcknowledged = false
    var walk = HTTP2FrameWalk()
    var budget = HTTP2Budget()
    /// The budget is gone: the session is to be terminated.
    var isOverBudget = false
    /// It comes near: the peer is to be told to go.
    var isWarned = false
    /// The round in which `frames` were taken.
    var framesAt: UInt64 = 0
    var frames = 0
    /// Bytes that wait for the next turn.
    var heldInput = GrowableBuffer()
    /// The stream whose body may grow beyond its first window.
    var bodyStream: UnsafeMutablePointer<HTTPStream>?
    /// Body bytes that have come and are not yet given back to the connection's window.
    var consumed = 0
    /// When the drain notice went out, or began to be held back; 0: not yet.
    var noticedAt: UInt64 = 0
    /// The notice waits for the connection's first request.
    var owesNotice = false
    /// When volatile fields last went into HPACK's table; 0: never.
    var tabledAt: UInt64 = 0
    /// The stream whose header block is being received.
    var headerStream: UnsafeMutablePointer<HTTPStream>?
    /// Output of libnghttp2 that did not fit: its pointer lives until the next call.
    var chunk: UnsafePointer<UInt8>?
    var chunkCount = 0

    // HTTP/1.1.
    var http1 = HTTP1State()

    init() {}

    mutating func reset() {
        version = .detecting
        peer = nil
        isSilent = false
        isRefusing = false
        isDraining = false
        isEnding = false
        hasEnded = false
        firstStream = nil
        lastStream = nil
        streamCount = 0
        requestDue = HTTPEngine.never
        watchAt = .max
        queuedBytes = 0
        receivingBytes = 0
        ending = nil
        session = nil
        queuedBefore = .max
        hasSettings = false
        hasAcknowledged = false
        walk.reset()
        budget = HTTP2Budget()
        isOverBudget = false
        isWarned = false
        frames = 0
        heldInput.reset(keeping: 0)
        bodyStream = nil
        consumed = 0
        noticedAt = 0
        owesNotice = false
        tabledAt = 0
        headerStream = nil
        chunk = nil
        chunkCount = 0
        http1.reset()
    }
}
