// The guard where no plan runs: after a switch or a manual canary for the bake time, or always, against the budgets alone.
//
//     switch, canary ─► GuardWatch(until: bake) ─► tick(cohorts) ─► rollback: back to the version before
//                                                               └─► nil, and over after the bake time
//
// Its threshold is the always-on one, 864,000/α_day: at least 1/α_day days between false alarms, however long it runs.
// After a switch all traffic is the new version's: it is the canary at a share of 1, and (i) alone can speak.

public struct GuardWatch: Equatable, Sendable {
    public private(set) var evaluator: Evaluator
    /// The last tick; nil: for ever.
    public let endTick: UInt64?
    /// What it said, once.
    public private(set) var verdict = Verdict.none

    /// - Parameter ticks: how long it watches; nil: for ever.
    public init(_ settings: GuardSettings, startTick: UInt64, ticks: UInt64?) {
        var settings = settings
        settings.horizonTicks = 0
        evaluator = Evaluator(settings, startTick: startTick)
        endTick = ticks.map { startTick + $0 }
    }

    public func isOver(at tick: UInt64) -> Bool { verdict.isRollback || endTick.map { tick >= $0 } ?? false }

    /// One tick; a verdict of rollback is said once, and ends it. Pauses mean nothing without a plan.
    public mutating func tick(
        _ now: UInt64, cohorts: some Sequence<Cohort>, finalBelow final: UInt64, open: some Sequence<Cohort>
    ) -> Verdict? {
        if isOver(at: now) { return nil }
        for cohort in cohorts { evaluator.step(cohort) }
        evaluator.rest(until: final)
        let said = evaluator.verdict(early: open)
        guard said.isRollback else { return nil }
        verdict = said
        return said
    }
}
