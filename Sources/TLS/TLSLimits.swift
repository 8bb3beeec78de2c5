// What TLS may cost a reactor besides its data.

public struct TLSLimits: Sendable {
    /// A round's time for handshakes, in nanoseconds.
    public var handshakeNanos: UInt64 = 2_000_000
    /// Handshakes that have begun and not ended; above it those older than `handshakePatienceNanos` are given up.
    public var handshakes = 64
    /// Handshake messages (key updates, above all) an established connection may send in a minute.
    public var messages = 32

    public init() {}

    /// Above it the oldest is given up, however young it is: 128 are 5 MB a reactor. A herd that comes back at once
    /// stays below it while three thousand handshakes a second, which is what a core does, take 40 ms each.
    var handshakesHard: Int { 2 * handshakes }
}
