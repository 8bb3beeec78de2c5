// What the evaluator is given: the requests that were *routed* in one tick, with what became of them.
//
//     cohort of tick 1041 ─┬─ part: ρ = 5%    stable n late errors …   canary n late errors …
//                          └─ part: ρ = 25%   (only where the share changed and reactors saw it at different moments)
//
// By the tick of routing, never by the tick in which an outcome became known: bad outcomes surface later than their good
// siblings, and a burst on light traffic then fires falsely in up to 99% of healthy runs.

/// One arm's requests of a cohort.
public struct ArmCounts: Equatable, Sendable {
    public static let binCount = 16
    /// Quantiles of stable's latency that are watched: p50, p90, p95, p99.
    public static let quantileCount = 4

    public var requests: UInt32 = 0
    /// Of these, those without a full answer inside the budget.
    public var late: UInt32 = 0
    /// The model's failures.
    public var errors: UInt32 = 0
    /// Failures that count as events: under sticky routing those of a key's first request in the rollout.
    public var errorEvents: UInt32 = 0
    /// Decisions that count as events, likewise.
    public var positiveEvents: UInt32 = 0
    /// Decisions, all of them.
    public var positives: UInt32 = 0
    /// Slower than τ_j.
    public var slower = SIMD4<UInt32>()
    /// Scores by bin; under sticky routing only of each key's first request.
    public var scores = SIMD16<UInt32>()

    public init() {}

    public static func += (sum: inout ArmCounts, more: ArmCounts) {
        sum.requests &+= more.requests
        sum.late &+= more.late
        sum.errors &+= more.errors
        sum.errorEvents &+= more.errorEvents
        sum.positiveEvents &+= more.positiveEvents
        sum.positives &+= more.positives
        sum.slower &+= more.slower
        sum.scores &+= more.scores
    }
}

/// Both arms' requests of one tick and one ρ-epoch.
public struct CohortPart: Equatable, Sendable {
    /// Counts the changes of the share.
    public var epoch: UInt32
    /// ρ: the canary's share of what is split between the two arms, from 0 to 1.
    public var share: Double
    public var stable = ArmCounts()
    public var canary = ArmCounts()

    public init(epoch: UInt32, share: Double) {
        self.epoch = epoch
        self.share = share
    }
}

/// Everything that was routed in one tick.
public struct Cohort: Equatable, Sendable {
    /// Counts 100 ms since the guard's clock began.
    public var tick: UInt64
    public var first: CohortPart
    public var second: CohortPart?

    public init(tick: UInt64, first: CohortPart, second: CohortPart? = nil) {
        self.tick = tick
        self.first = first
        self.second = second
    }

    /// Of both parts.
    var canary: ArmCounts { second.map { sum(first.canary, $0.canary) } ?? first.canary }
    var stable: ArmCounts { second.map { sum(first.stable, $0.stable) } ?? first.stable }

    private func sum(_ one: ArmCounts, _ other: ArmCounts) -> ArmCounts {
        var sum = one
        sum += other
        return sum
    }
}
