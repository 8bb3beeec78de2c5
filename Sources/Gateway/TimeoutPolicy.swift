// A model's rule for deadlines: what holds where a client names none, and the most it may ask for.

import Configuration

struct TimeoutPolicy: Sendable {
    /// No deadline, and no span asked for.
    static let none = UInt64.max

    /// The span of a request that names none; `none`: it has no deadline.
    let standardNanos: UInt64
    /// The longest span a request may name.
    let capNanos: UInt64

    init(_ timeout: ModelConfiguration.Timeout) {
        standardNanos = timeout.standardNanos ?? Self.none
        capNanos = timeout.maxNanos
    }

    /// When the answer is due to a request that came at `arrival` and asked for a span; `none`: never.
    @inline(__always)
    func deadline(from arrival: UInt64, asked: UInt64) -> UInt64 {
        let span = asked == Self.none ? standardNanos : min(asked, capNanos)
        return span == Self.none ? Self.none : arrival &+ span
    }
}
