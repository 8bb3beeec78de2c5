// Which lane a version's requests take on one reactor: its own batches, or the executors'.
//
//     inline ──batches longer than `limit` on average──► pooled ──shorter than limit / 2, `dwell` long──► inline
//
// A batch on the reactor's thread holds every other request up for as long as it takes; a hand-over costs about
// a microsecond and two wake-ups. So the lane follows what a version's batches take, as measured: a model of 12 µs a row
// is scored inline while one request comes at a time, and by executors while sixty do. A single request that would take
// longer than the limit goes to the executors in either case.
//
// Back to inline only when none of the version's requests is with the executors, so requests of a reactor do not
// overtake each other by a change of lane.

public struct LaneChoice: Sendable {
    /// How a model's configuration sets it.
    public enum Mode: Sendable { case measured, inline, pooled }

    let mode: Mode
    let limitNanos: UInt64
    let dwellNanos: UInt64
    private var averageNanos: UInt64 = 0
    private var shortSince: UInt64 = 0
    /// All of the version's requests go to the executors.
    public private(set) var isPooled: Bool

    public init(_ mode: Mode, limitNanos: UInt64, dwellNanos: UInt64 = 100_000_000) {
        self.mode = mode
        self.limitNanos = limitNanos
        self.dwellNanos = dwellNanos
        isPooled = mode == .pooled
    }

    /// The most rows of a request that a reactor scores itself, while it has the version.
    public func inlineRows(_ cost: borrowing BatchCost) -> Int {
        switch mode {
        case .inline: .max
        case .pooled: 0
        case .measured: cost.nanos(1) > limitNanos ? 0 : cost.rows(in: limitNanos)
        }
    }

    /// A batch has taken so long; `pending`: the version's requests of this reactor that executors have.
    public mutating func ran(nanos: UInt64, now: UInt64, pending: Int) {
        guard mode == .measured else { return }
        // The first batch, which is cold, and one in which the thread lost its processor say little of the model: no batch
        // counts as more than twice the limit, and the average begins at nothing.
        averageNanos = averageNanos - averageNanos / 8 + min(nanos, 2 * limitNanos) / 8
        if !isPooled {
            isPooled = averageNanos > limitNanos
            shortSince = 0
            return
        }
        if averageNanos >= limitNanos / 2 || pending > 0 {
            shortSince = averageNanos < limitNanos / 2 ? shortSince : 0
            if shortSince == 0, averageNanos < limitNanos / 2 { shortSince = now }
            return
        }
        if shortSince == 0 { shortSince = now }
        if now &- shortSince >= dwellNanos { isPooled = false }
    }
}
