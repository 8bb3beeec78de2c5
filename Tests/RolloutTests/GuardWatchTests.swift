// The guard without a plan.

import Testing

@testable import Rollout

@Suite struct GuardWatchTests {
    private func cohort(_ tick: UInt64, late: UInt32, share: Double = 1) -> Cohort {
        var part = CohortPart(epoch: 1, share: share)
        part.canary.requests = 50
        part.canary.late = late
        part.stable.requests = share < 1 ? 50 : 0
        return Cohort(tick: tick, first: part)
    }

    private func watch(ticks: UInt64?, late: UInt32, from first: UInt64 = 0, count: UInt64) -> (GuardWatch, UInt64?) {
        var settings = GuardSettings()
        settings.alphaPerDay = 0.01
        var watch = GuardWatch(settings, startTick: first, ticks: ticks)
        for tick in first..<first + count {
            let said = watch.tick(
                tick + 1, cohorts: CollectionOfOne(cohort(tick, late: late)), finalBelow: tick + 1,
                open: EmptyCollection())
            if said != nil { return (watch, tick - first) }
        }
        return (watch, nil)
    }

    /// After a switch everything is late: back within a second.
    @Test func aBadSwitchGoesBack() {
        let (watch, firedAt) = watch(ticks: 6000, late: 50, count: 100)
        #expect(firedAt.map { $0 < 10 } == true)
        #expect(watch.verdict == .rollback([.late]) && watch.isOver(at: 11))
    }

    @Test func itEndsWithTheBakeTime() {
        var (watch, firedAt) = watch(ticks: 100, late: 0, from: 1_000_000, count: 100)
        #expect(firedAt == nil && watch.isOver(at: 1_000_100))
        #expect(
            watch.tick(
                1_000_101, cohorts: CollectionOfOne(cohort(1_000_101, late: 50)), finalBelow: 1_000_102,
                open: EmptyCollection()) == nil)
    }

    /// The always-on threshold: 864,000/α_day over the tests in force, from the first tick on.
    @Test func theThresholdIsADaysNotAPlans() {
        let (watch, _) = watch(ticks: nil, late: 0, count: 3)
        #expect(watch.evaluator.threshold(alpha: 0.9) == 864_000 / 0.01)
        var settings = GuardSettings()
        settings.horizonTicks = 5
        settings.alphaPerDay = 0.01
        var evaluator = Evaluator(settings, startTick: 0)
        evaluator.rest(until: 5)
        #expect(evaluator.threshold(alpha: 0.1) == 50)
        evaluator.rest(until: 6)
        #expect(evaluator.threshold(alpha: 0.1) == 864_000 / 0.01)
    }
}
