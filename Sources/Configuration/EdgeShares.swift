// What of the data ports one connection may have at a time, in `limits` beside the bounds on what it may send: shares of
// a reactor's time and memory, and what is still done for somebody who was refused.

public struct EdgeShares: Sendable, Equatable {
    /// How long one connection is served before it is the others' turn.
    public internal(set) var turnNanos: UInt64 = 250_000
    /// A round that has taken so long leaves greedy connections for later.
    public internal(set) var roundNanos: UInt64 = 1_000_000
    /// Bytes that are read from a connection at once.
    public internal(set) var readBytes = 64 << 10
    /// Connections that are accepted in one round, from each port.
    public internal(set) var acceptsPerRound = 64
    /// Connections beyond the limits that are told so.
    public internal(set) var refusals = 64
    /// Bytes that are still taken, and dropped, from a connection that was ended.
    public internal(set) var lingerBytes = 16 << 20
    /// And for how long.
    public internal(set) var lingerNanos: UInt64 = 1_000_000_000
    /// Bytes of unfinished bodies that a connection may have whatever others have.
    public internal(set) var receivingShare = 64 << 10
    /// Bytes of one chunk's extensions.
    public internal(set) var chunkExtensionBytes = 256
    /// Chunks of less than 64 bytes in one body.
    public internal(set) var smallChunks = 1024
    /// Bytes that all packed bodies inflate to in one round.
    public internal(set) var inflatedPerRound = 512 << 10
    /// HTTP/2's flow control: bytes of one body, and of all of a connection, before leave for more is given.
    public internal(set) var streamWindow = 64 << 10
    public internal(set) var connectionWindow = 1 << 20
    /// TLS handshakes under way on one reactor.
    public internal(set) var handshakes = 64
    /// A round's time for handshakes.
    public internal(set) var handshakeNanos: UInt64 = 2_000_000
    /// TLS messages besides data, of one connection in a minute.
    public internal(set) var tlsMessages = 32
    /// Health watches (gRPC) that a reactor keeps open.
    public internal(set) var watches = 1024
    /// Connections of the metrics port.
    public internal(set) var operations = 256
}
