// The `limits.http2` section: what a connection may send besides requests. Its frames are allowed so many at once, and in
// ten seconds on average.

public struct HTTP2Allowance: Sendable, Equatable {
    /// What goes beyond the numbers below, in a minute; more ends the connection.
    public internal(set) var glitches = 200
    public internal(set) var pings = 100
    public internal(set) var settings = 100
    public internal(set) var priorities = 100
    public internal(set) var unknownFrames = 100
    /// Streams that the peer resets, or opens beyond `limits.streams`.
    public internal(set) var resets = 330
    /// DATA of less than 64 bytes before a body's end.
    public internal(set) var smallData = 200
    /// DATA without data, in a row.
    public internal(set) var emptyData = 10
    /// Frames that are taken from a connection before the others' turn.
    public internal(set) var framesPerRound = 512
}
