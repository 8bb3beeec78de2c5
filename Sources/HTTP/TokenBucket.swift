// A token bucket in eight bytes: the moment at which it would be full again.
//
//     now ──────────── empty for so long ────────────► fullAt          take: fullAt += interval
//      └───────────────── at most `span` ──────────────┘               refused: it would pass now + span
//
// Nothing has to be refilled: time passing does it. An event costs a comparison and an addition.
//
// Source: the generic cell rate algorithm (ITU-T I.371, annex A), as a virtual scheduler.

struct TokenBucket {
    /// `count` tokens at once, refilled evenly within `nanos`.
    struct Rate: Sendable {
        /// Nanoseconds in which one token comes back.
        let interval: UInt64
        /// Nanoseconds in which an empty bucket fills.
        let span: UInt64

        init(_ count: Int, within nanos: UInt64) {
            interval = max(nanos / UInt64(max(count, 1)), 1)
            span = interval * UInt64(max(count, 1))
        }
    }

    private var fullAt: UInt64 = 0

    /// Takes `count` tokens; false: there are not so many, and none is taken.
    @inline(__always)
    mutating func take(_ rate: Rate, _ now: UInt64, count: UInt64 = 1) -> Bool {
        let next = max(fullAt, now) &+ count &* rate.interval
        guard next &- now <= rate.span else { return false }
        fullAt = next
        return true
    }

    /// Puts tokens back, at most until it is full.
    @inline(__always)
    mutating func give(_ rate: Rate, count: UInt64) {
        let nanos = count &* rate.interval
        fullAt = fullAt > nanos ? fullAt &- nanos : 0
    }

    /// The part that is taken, in percent.
    func percentTaken(_ rate: Rate, _ now: UInt64) -> UInt64 { fullAt > now ? (fullAt - now) * 100 / rate.span : 0 }
}
