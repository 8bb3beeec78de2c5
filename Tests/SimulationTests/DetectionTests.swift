// The delays that the guard's specification states, found again with the evaluator's own tests: means over runs, within a
// fifth.  Bad events come one at a time, requests a fixed number a tick.

import Testing

@testable import Rollout
@testable import Simulation

@Suite struct DetectionTests {
    /// T/α of α = .001 and an hour.
    static let threshold = 36_000 / 0.001

    static func isWithinAFifth(_ value: Double, of stated: Double) -> Bool { abs(value / stated - 1) <= 0.2 }

    /// (i): requests until a breach is found, p0 = 1%.
    @Test(arguments: [
        (10, 0.02, 3867.0, 60), (10, 0.05, 481, 150), (10, 0.1, 181, 150), (10, 1, 50, 2), (100, 0.02, 5370, 60),
        (100, 0.05, 1456, 100),
    ])
    func absoluteBreach(requests: Int, rate: Double, stated: Double, runs: Int) {
        var random = RandomSource(seed: 1, stream: UInt64(stated))
        var ticks = 0
        for _ in 0..<runs {
            var test = SLOTest(budget: 0.01)
            while test.evidence.mean < Self.threshold {
                let bad = (0..<requests).reduce(0) { sum, _ in sum + (random.unit() < rate ? 1 : 0) }
                test.step(bad: UInt32(bad), of: UInt32(requests))
                ticks += 1
            }
        }
        let mean = Double(ticks * requests) / Double(runs)
        #expect(Self.isWithinAFifth(mean, of: stated), "\(mean) requests, stated \(stated)")
    }

    /// (ii): bad events of both arms until the ratio is found.
    @Test(arguments: [
        (0.01, [6537.0, 481, 150]), (0.05, [1533, 134, 49]), (0.25, [602, 70, 36]), (0.5, [612, 92, 53]),
    ])
    func errorRatio(share: Double, stated: [Double]) {
        for (ratio, stated) in zip([2.0, 5, 10], stated) {
            var random = RandomSource(seed: 2, stream: UInt64(stated))
            let runs = stated > 1000 ? 40 : 100
            var events = 0
            for _ in 0..<runs {
                var test = RatioTest(tolerance: 1.25, direction: .up)
                while !(test.mayFire && test.evidence.mean >= Self.threshold) {
                    var part = CohortPart(epoch: 0, share: share)
                    if random.unit() < EventRatio.theta(ratio, share: share) {
                        part.canary.errorEvents = 1
                    } else {
                        part.stable.errorEvents = 1
                    }
                    test.step(Cohort(tick: UInt64(events), first: part), \.errorEvents)
                    events += 1
                }
            }
            let mean = Double(events) / Double(runs)
            #expect(Self.isWithinAFifth(mean, of: stated), "ρ \(share), r \(ratio): \(mean) events, stated \(stated)")
        }
    }

    /// (ii), tick means, 1,000 requests a second, ρ = 5%, p_s = 1%. The stated ticks hold at α = .01; at α = .001 the
    /// formula needs 3,000, 590 and 130: with λ ≤ .8 a tick of p_c = 20% brings at most log 1.15, and 17.4 + log 5 of it
    /// cannot come in 100 ticks.
    @Test(arguments: [
        (0.02, 0.01, 2616.0, 16), (0.05, 0.01, 480, 40), (0.2, 0.01, 100, 60), (0.02, 0.001, 3000, 16),
        (0.05, 0.001, 590, 40), (0.2, 0.001, 130, 60),
    ])
    func latenessRatio(rate: Double, alpha: Double, stated: Double, runs: Int) {
        var random = RandomSource(seed: 3, stream: UInt64(stated))
        var ticks = 0
        for _ in 0..<runs {
            var test = MeanTest(tolerance: 1.25)
            while test.evidence.mean < 36_000 / alpha {
                var (canary, canaryBad, stableBad) = (UInt32(0), UInt32(0), UInt32(0))
                for _ in 0..<100 {
                    let (coin, luck) = random.units()
                    if coin < 0.05 {
                        canary += 1
                        if luck < rate { canaryBad += 1 }
                    } else if luck < 0.01 {
                        stableBad += 1
                    }
                }
                test.step(canaryBad: canaryBad, of: canary, stableBad: stableBad, of: 100 - canary)
                ticks += 1
            }
        }
        let mean = Double(ticks) / Double(runs)
        #expect(Self.isWithinAFifth(mean, of: stated), "\(mean) ticks, stated \(stated)")
    }

    /// A candidate that decides nothing, ρ = 1%: positives of stable.
    @Test func decisionsThatStop() {
        var test = RatioTest(tolerance: 1.25, direction: .down)
        var part = CohortPart(epoch: 0, share: 0.01)
        part.stable.positiveEvents = 1
        var events = 0.0
        while !(test.mayFire && test.evidence.mean >= Self.threshold) {
            test.step(Cohort(tick: UInt64(events), first: part), \.positiveEvents)
            events += 1
        }
        #expect(Self.isWithinAFifth(events, of: 1740), "\(events)")
    }
}
