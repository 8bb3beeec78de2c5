// Whether a queue stands: it has not been short for a whole interval.
//
//     short ──no wait below `target` for `interval`──► standing ──a wait below target / 4──► short
//
// A queue that empties now and then is a burst and does no harm. One that stands only makes everybody wait for as long as
// it is; what it holds could have been answered sooner had it been shorter. So the length of a queue says little, the
// shortest wait of an interval says all. While it stands, admission lets nobody in whose wait would be
// longer than `target`: it is refused at once, and those who are let in are answered soon.
//
// Source: Nichols and Jacobson, "Controlling Queue Delay" (ACM Queue, 2012): its signal; what it does with it is
// admission's, because a request that is refused late has waited for nothing.

public struct StandingQueue: Sendable {
    let targetNanos: UInt64
    let intervalNanos: UInt64
    /// The first moment of the present run of long waits; 0: the last wait was short.
    private var longSince: UInt64 = 0
    public private(set) var isStanding = false

    public init(targetNanos: UInt64, intervalNanos: UInt64) {
        self.targetNanos = targetNanos
        self.intervalNanos = intervalNanos
    }

    /// A request has waited so long until `now`.
    public mutating func waited(_ nanos: UInt64, now: UInt64) {
        if nanos < (isStanding ? targetNanos / 4 : targetNanos) { return becomeShort() }
        if longSince == 0 { longSince = now }
        if now &- longSince >= intervalNanos { isStanding = true }
    }

    /// Nothing waits.
    public mutating func becomeShort() {
        longSince = 0
        isStanding = false
    }
}
