// The bounds on what one peer may make this side hold, in one place.

/// Sizes in bytes, times in nanoseconds. Values from Envoy's edge advice where it has one.
public struct HTTPLimits: Sendable {
    /// Requests in flight on one connection.
    public var streams = 100
    /// Names and values of one request's header fields, HTTP/2's 32 bytes a field included.
    public var headerBytes = 16 << 10
    public var bodyBytes = 1 << 20
    /// Bytes of unfinished bodies that all connections of one reactor hold together.
    public var receivingBytes = 6 << 20
    /// Answers of one connection that are not sent: more, and HTTP/1.1 is not read on, a new HTTP/2 request gets 503.
    public var outputBytes = 256 << 10
    public var http2 = HTTP2Limits()
    /// From the first byte of a request, or of a connection, to the end of its header fields.
    public var headerNanos: UInt64 = 5_000_000_000
    /// From a request's header fields to the end of its body.
    public var bodyNanos: UInt64 = 60_000_000_000
    /// A body, and the reading of an answer, may be slower than `receiveRate` and `sendRate` for so long.
    public var rateGraceNanos: UInt64 = 5_000_000_000
    /// Bytes a second of a request's body; 0: any.
    public var receiveRate = 1 << 10
    /// Bytes a second of an answer; 0: any.
    public var sendRate = 1 << 10
    /// Without a request in flight.
    public var idleNanos: UInt64 = 3_600_000_000_000

    public init() {}

    /// HTTP/2 flow control: what a peer may send before it is told to go on.
    static let streamWindow: Int32 = 64 << 10
    static let connectionWindow: Int32 = 1 << 20
    /// A body's first bytes, for which no window is given back: most requests are smaller.
    static let windowHeldBytes = 16 << 10
    /// Window-blocked output is not the socket's: a client that reads slowly may have this many times `outputBytes`.
    static let outputFactor = 4
    /// Streams in use up to which each keeps 64 KiB of body for the next request; beyond, 4 KiB.
    static let warmStreams = 256
    /// A request whose header fields pass this many times `headerBytes` is reset instead of answered:
    /// decoding them only to count them would be an amplifier.
    static let headerBytesFactor = 4
    /// The longest drain notice before the final GOAWAY is sent unasked.
    static let noticeNanos: UInt64 = 1_000_000_000
}
