// The bounds on what one peer may make this side hold, in one place.

/// Sizes in bytes, times in nanoseconds. Values from Envoy's edge advice where it has one.
public struct HTTPLimits: Sendable {
    /// Requests in flight on one connection.
    public var streams = 100
    /// Names and values of one request's header fields, HTTP/2's 32 bytes a field included.
    public var headerBytes = 16 << 10
    public var bodyBytes = 1 << 20
    /// What a packed body may inflate to, in bytes, and beyond 64 KiB as a multiple of its packed size.
    public var inflatedBytes = 1 << 20
    public var inflateRatio = 100
    /// Answers of these lengths are packed for clients that ask for it.
    public var packMinBytes = 8 << 10
    public var packMaxBytes = 128 << 10
    /// Memory of unfinished bodies that all connections of one reactor hold together.
    public var receivingBytes = 4 << 20
    /// Answers of one connection that are not sent: more, and HTTP/1.1 is not read on, a new HTTP/2 request gets 503.
    public var outputBytes = 256 << 10
    public var http2 = HTTP2Limits()
    /// HTTP/2 flow control: what a peer may send of one body, and of all, before it is told to go on.
    public var streamWindow = 64 << 10
    public var connectionWindow = 1 << 20
    /// A connection that holds no more than this of unfinished bodies is not refused for what others hold.
    public var receivingShare = 64 << 10
    /// Of one chunk; all of a request's together may have as many as a head.
    public var chunkExtensionBytes = 256
    /// Chunks of less than 64 bytes in one body.
    public var smallChunks = 1024
    /// What packed bodies inflate to in one round: 512 KiB take about a millisecond.
    public var inflatedPerRound = 512 << 10
    /// How long one connection is served before it is the others' turn.
    public var turnNanos: UInt64 = 250_000
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

    /// A body's first bytes, for which no window is given back: most requests are smaller.
    static let windowHeldBytes = 16 << 10
    /// Window-blocked output is not the socket's: a client that reads slowly may have this many times `outputBytes`.
    static let outputFactor = 2
    /// Streams in use up to which each keeps 16 KiB of its bodies for the next request; beyond, 4 KiB.
    static let warmStreams = 32
    /// A request whose header fields pass this many times `headerBytes` is reset instead of answered:
    /// decoding them only to count them would be an amplifier.
    static let headerBytesFactor = 4
    /// The longest drain notice before the final GOAWAY is sent unasked.
    static let noticeNanos: UInt64 = 1_000_000_000
    /// How often volatile fields go into HPACK's table of 4 KiB, which the date fills at 65 bytes a second.
    static let tablingNanos: UInt64 = 8_000_000_000
}
