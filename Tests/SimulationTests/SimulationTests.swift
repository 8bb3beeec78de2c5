// The simulator itself: deterministic, honest about its own traffic, and what the guard does in it.  The long proofs run
// on the release build: `Tests/EndToEnd/test_rollout_simulation.py`.

import Testing

@testable import Rollout
@testable import Simulation

@Suite struct SimulationTests {
    static func plan(_ more: String = "") throws -> RolloutPlan {
        try PlanReader.parse(
            Array(
                """
                alpha: 0.05
                horizon: 100s
                rate: 200/s
                steps: [{percent: 50, min: 5s, max: 30s, samples: 100}]
                guards: {late: 1%, errors: 1%}
                bake: 20s
                simulation: {late: 0.8%, errors: 0.8%, ratio: 1.25, operator: true\(more)}

                """.utf8), source: "plan")
    }

    static func scenario(_ plan: RolloutPlan, _ traffic: [TrafficModel], fault: Int? = nil) -> Scenario {
        Scenario(plan: plan, fault: fault.map { plan.simulation.faults[$0] }, traffic: traffic, rate: 200)
    }

    @Test func theSameSeedGivesTheSame() throws {
        let scenario = Self.scenario(try Self.plan(), [.constant, .stickyZipf, .steps])
        let first = try Simulation.run(scenario, name: "a", runs: 6, seed: 7)
        #expect(try Simulation.run(scenario, name: "a", runs: 6, seed: 7) == first)
        #expect(first.runs == 6 && first.promoted + first.rolledBack + first.inconclusive == 6)
    }

    /// Every model keeps to the null hypotheses: the mean of a tick's share of bad requests is at most the budget, and the
    /// candidate's at most 1.25 times stable's.
    @Test(arguments: TrafficModel.allCases)
    func modelsKeepToTheNull(model: TrafficModel) {
        let stable = ArmRates(late: 0.008, errors: 0.008, decisions: 0.02, slower: SIMD4(0.5, 0.1, 0.05, 0.01))
        let canary = stable.times(1.25)
        let firstKeys = KeyBitmap(isOn: model.isSticky)
        defer { firstKeys.deallocate() }
        var source = TrafficSource(
            model: model, rate: 20, ticks: 4000, salt: 5, firstKeys: firstKeys,
            random: RandomSource(seed: 9, stream: UInt64(model.rawValue.utf8.count)))
        var late = (canary: Means(), stable: Means())
        var errors = Means()
        for tick in 0..<4000 as Range<UInt64> {
            var cohort = Cohort(tick: tick, first: CohortPart(epoch: 1, share: 0.5))
            source.fill(&cohort, tick: tick, stable: stable, canary: canary, laggingShare: 0.3)
            let (one, other) = (cohort.first.canary, cohort.first.stable)
            guard one.requests > 0, other.requests > 0 else { continue }
            late.canary.add(Double(one.late) / Double(one.requests))
            late.stable.add(Double(other.late) / Double(other.requests))
            errors.add(Double(one.errors) / Double(one.requests))
            #expect(one.slower[0] >= one.slower[3] && one.errors <= one.requests && one.late <= one.slower[3])
        }
        // Three standard errors.
        #expect(late.canary.mean - 3 * late.canary.error <= 0.01, "late \(late.canary.mean)")
        #expect(errors.mean - 3 * errors.error <= 0.01, "errors \(errors.mean)")
        let slack = 3 * (late.canary.error + 1.25 * late.stable.error)
        #expect(late.canary.mean <= 1.25 * late.stable.mean + slack)
    }

    struct Means {
        var (count, sum, squares) = (0.0, 0.0, 0.0)
        mutating func add(_ value: Double) { (count, sum, squares) = (count + 1, sum + value, squares + value * value) }
        var mean: Double { sum / count }
        var error: Double { ((squares / count - mean * mean) / count).squareRoot() }
    }

    @Test func faultsAreFound() throws {
        let plan = try Self.plan(
            ", faults: [{name: a, errors: 20%}, {name: b, late: 100%}, {name: c, late: 60%, shared: true}]")
        for fault in 0..<3 {
            let result = try Simulation.run(Self.scenario(plan, [.constant], fault: fault), name: "x", runs: 3, seed: 1)
            #expect(result.rolledBack == 3)
            #expect(try #require(result.medianSecondsToRollback) < 5)
            #expect(result.environments == (fault == 2 ? 3 : 0))
        }
    }

    @Test func aShiftedScorePausesAndIsNotRolledBack() throws {
        let plan = try Self.plan(", faults: [{name: shift, score_shift: 3}]")
        let result = try Simulation.run(Self.scenario(plan, [.constant], fault: 0), name: "x", runs: 3, seed: 1)
        #expect(result.paused == 3 && result.rolledBack == 0)
    }

    @Test func healthyRolloutsStay() throws {
        let scenario = Self.scenario(try Self.plan(), TrafficModel.allCases)
        let result = try Simulation.run(scenario, name: "healthy", runs: 22, seed: 4)
        #expect(result.rolledBack <= 2)
    }

    @Test func boundsAreExact() {
        // No hit in n: 1 − (1 − level)^(1/n).
        #expect(abs(ClopperPearson.upperBound(hits: 0, of: 1000, level: 0.999) - 0.006_884) < 1e-5)
        // 70 of 100,000 is the most that shows 0.001 with 99.9% confidence.
        #expect(ClopperPearson.upperBound(hits: 70, of: 100_000, level: 0.999) <= 0.001_01)
        #expect(ClopperPearson.upperBound(hits: 75, of: 100_000, level: 0.999) > 0.001)
        #expect(ClopperPearson.upperBound(hits: 5, of: 5, level: 0.999) == 1)
        #expect(abs(ClopperPearson.upperBound(hits: 3, of: 10, level: 0.975) - 0.652_45) < 1e-4)
    }

    /// β: a candidate at p_max *and* at r_max is promoted in at most one step in twenty.
    @Test(arguments: [0.05, 0.5, 1])
    func promotionIsSeldomWrong(share: Double) {
        var random = RandomSource(seed: 12, stream: UInt64(share * 100))
        var promoted = 0
        let runs = 150
        for _ in 0..<runs {
            var test = PromotionTest(rateMax: 0.05, ratioMax: 2, usesRatio: true)
            for _ in 0..<300 {
                var part = CohortPart(epoch: 0, share: share)
                var stableBad: UInt32 = 0
                var canaryBad: UInt32 = 0
                for _ in 0..<5 {
                    part.canary.requests += 1
                    if random.unit() < 0.05 { canaryBad += 1 }
                }
                for _ in 0..<Int(5 * (1 - share) / share) where random.unit() < 0.025 { stableBad += 1 }
                test.step(part, canaryBad: canaryBad, stableBad: stableBad)
                if test.logEvidence >= 2.995_732 {
                    promoted += 1
                    break
                }
            }
        }
        // Its 99.9% bound at 150 runs.
        #expect(promoted <= 17, "\(promoted) of \(runs)")
    }
}
