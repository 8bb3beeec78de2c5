// The evaluator against the reference, on random cohorts of every shape.

import Glibc
import Testing

@testable import Rollout

@Suite struct EvaluatorOracleTests {
    static let settings: GuardSettings = {
        var settings = GuardSettings()
        settings.slower = [.pause, .pause, .rollback, .rollback]
        settings.decisionTolerance = 1.5
        settings.lateBefore = 0.001
        settings.errorsBefore = 0.0001
        return settings
    }()

    /// Cohorts with gaps, empty arms, two epochs in a tick, shares of 0 and 1.
    static func cohorts(seed: UInt64, count: Int = 40) -> [Cohort] {
        var random = Dice(seed: seed)
        let shares = [0, 0.01, 0.05, 0.25, 0.5, 1]
        let badness = [0.0, 0.02, 0.3][Int(seed % 3)]
        return (0..<count).map { tick in
            let epoch = UInt32(tick / 8)
            var cohort = Cohort(
                tick: UInt64(tick), first: part(epoch, shares[Int(epoch) % 6], badness, &random))
            if tick % 8 == 7 { cohort.second = part(epoch + 1, shares[Int(epoch + 1) % 6], badness, &random) }
            return cohort
        }
    }

    private static func part(_ epoch: UInt32, _ share: Double, _ badness: Double, _ random: inout Dice) -> CohortPart {
        var part = CohortPart(epoch: epoch, share: share)
        part.stable = counts(random.below(share == 1 ? 1 : 30), badness / 2, &random)
        part.canary = counts(random.below(share == 0 ? 1 : 8), badness, &random)
        return part
    }

    /// The same where every request throws its coin at the share, and no arm is worse: the null hypotheses hold.
    static func healthy(seed: UInt64, count: Int = 40) -> [Cohort] {
        var random = Dice(seed: seed)
        let shares = [0, 0.01, 0.05, 0.25, 0.5, 1]
        return (0..<count).map { tick in
            let epoch = UInt32(tick / 8)
            var part = CohortPart(epoch: epoch, share: shares[Int(epoch) % 6])
            let requests = random.below(38)
            let canary = (0..<requests).reduce(0) { sum, _ in sum + (random.chance(part.share) ? 1 : 0) }
            part.stable = counts(requests - canary, 0, &random)
            part.canary = counts(canary, 0, &random)
            return Cohort(tick: UInt64(tick), first: part)
        }
    }

    private static func counts(_ requests: Int, _ badness: Double, _ random: inout Dice) -> ArmCounts {
        var counts = ArmCounts()
        for _ in 0..<requests {
            counts.requests += 1
            let isLate = random.chance(badness)
            if isLate { counts.late += 1 }
            for (quantile, share) in [0.5, 0.1, 0.05, 0.01].enumerated() where isLate || random.chance(share) {
                counts.slower[quantile] += 1
            }
            if random.chance(badness) {
                counts.errors += 1
                if random.chance(0.8) { counts.errorEvents += 1 }
            } else {
                if random.chance(0.1) { counts.positiveEvents += 1 }
                counts.scores[random.below(16)] += 1
            }
        }
        return counts
    }

    private func isClose(_ log10: Double, _ reference: Double) -> Bool {
        abs(pow(10, log10) - reference) <= 1e-9 * max(reference, 1)
    }

    @Test(arguments: 0..<24)
    func everyStatisticIsTheSumOverItsStarts(seed: UInt64) throws {
        let settings = Self.settings
        let cohorts = Self.cohorts(seed: seed)
        var evaluator = Evaluator(settings, startTick: 0)
        for cohort in cohorts { evaluator.step(cohort) }
        let reference = ReferenceEvaluator(cohorts: cohorts)
        let ups = [1.5, 2, 3, 5, 10, 30, 100, 300]
        let expected: [GuardTest: Double] = [
            .late: reference.breach(0.01, \.canary, \.late),
            .errors: reference.breach(0.001, \.canary, \.errors),
            .stableLate: reference.breach(0.01, \.stable, \.late),
            .stableErrors: reference.breach(0.001, \.stable, \.errors),
            .stableLateBefore: reference.breach(0.003, \.stable, \.late),
            .stableErrorsBefore: reference.breach(0.0003, \.stable, \.errors),
            .errorRatio: reference.ratio(1.25, ups, \.errorEvents),
            .decisionsUp: reference.ratio(1.5, ups.filter { $0 > 1.5 }, \.positiveEvents),
            .decisionsDown: reference.ratio(1 / 1.5, ups.filter { $0 > 1.5 }.map { 1 / $0 }, \.positiveEvents),
            .lateRatio: reference.means(1.25, \.late),
            .slowerP50: reference.means(1.25, \.slower.x), .slowerP90: reference.means(1.25, \.slower.y),
            .slowerP95: reference.means(1.25, \.slower.z), .slowerP99: reference.means(1.25, \.slower.w),
            .scores: reference.shift(),
        ]
        #expect(evaluator.readings.count == expected.count)
        for reading in evaluator.readings {
            let wanted = try #require(expected[reading.test])
            #expect(isClose(reading.evidence, wanted), "\(reading.test): 10^\(reading.evidence), not \(wanted)")
        }
    }

    @Test(arguments: 0..<24)
    func thresholdsSplitAlphaOverTheTestsInForce(seed: UInt64) {
        var settings = Self.settings
        settings.alpha = 0.05
        settings.horizonTicks = 60
        var evaluator = Evaluator(settings, startTick: 0)
        // 4 of the candidate's rates and ratios, 2 of decisions, 2 quantiles, 4 of stable.
        #expect(evaluator.rollbackTests == 12)
        #expect(evaluator.pauseTests == 3)
        var firedAt: UInt64?
        for cohort in seed % 3 == 0 ? Self.healthy(seed: seed) : Self.cohorts(seed: seed) {
            evaluator.step(cohort)
            let crossed = evaluator.rollbackSum / 12 >= 60 / 0.05
            #expect(evaluator.verdict.isRollback == crossed)
            if crossed, firedAt == nil { firedAt = cohort.tick }
        }
        if seed % 3 == 2 { #expect(firedAt != nil) }
        if seed % 3 == 0 { #expect(firedAt == nil) }
    }

    @Test(arguments: 0..<24)
    func promotionIsThePlainProduct(seed: UInt64) {
        let cohorts = Self.cohorts(seed: seed)
        let reference = ReferenceEvaluator(cohorts: cohorts)
        for (rateMax, bad) in [(0.01, \ArmCounts.late), (0.001, \ArmCounts.errors)] {
            var test = PromotionTest(rateMax: rateMax, ratioMax: 2, usesRatio: true)
            for part in cohorts.flatMap({ [$0.first, $0.second].compactMap { $0 } }) {
                test.step(part, canaryBad: part.canary[keyPath: bad], stableBad: part.stable[keyPath: bad])
            }
            let wanted = reference.promotion(rateMax) { $0[keyPath: bad] }
            #expect(abs(exp(test.logRatioEvidence) - wanted.relative) <= 1e-9 * max(1, wanted.relative))
            #expect(abs(exp(test.logRateEvidence) - wanted.absolute) <= 1e-9 * max(1, wanted.absolute))
            let mean = (wanted.relative + wanted.absolute) / 2
            #expect(abs(exp(test.logEvidence) - mean) <= 1e-9 * max(1, mean))
        }
    }

    /// Early, (i) is a lower bound of what it becomes.
    @Test(arguments: 0..<24)
    func earlyRollbackIsALowerBound(seed: UInt64) {
        var settings = Self.settings
        settings.alpha = 0.5
        settings.horizonTicks = 40
        var random = Dice(seed: seed + 100)
        let cohorts = Self.cohorts(seed: seed)
        var evaluator = Evaluator(settings, startTick: 0)
        for (index, cohort) in cohorts.enumerated() {
            // The next five, some of whose bad outcomes are not known yet.
            let open = cohorts[index..<min(index + 5, cohorts.count)].map { cohort in
                var known = cohort
                known.first.canary.late = UInt32(random.below(Int(cohort.first.canary.late) + 1))
                known.first.canary.errors = UInt32(random.below(Int(cohort.first.canary.errors) + 1))
                return known
            }
            if evaluator.verdict(early: open).isRollback {
                var final = evaluator
                var crossed = final.verdict.isRollback
                for cohort in cohorts[index..<min(index + 5, cohorts.count)] {
                    final.step(cohort)
                    crossed = crossed || final.verdict.isRollback
                }
                #expect(crossed)
            }
            evaluator.step(cohort)
        }
    }

    @Test func fivePositivesOfTheRightArmBeforeARatioFires() {
        var test = RatioTest(tolerance: 1.25, direction: .up)
        var part = CohortPart(epoch: 0, share: 0.0001)
        part.canary.errorEvents = 4
        test.step(Cohort(tick: 0, first: part), \.errorEvents)
        // Four would be beyond the threshold of an hour at α = .001.
        #expect(test.evidence.mean > 36_000 / 0.001)
        #expect(!test.mayFire)
        part.canary.errorEvents = 1
        test.step(Cohort(tick: 1, first: part), \.errorEvents)
        #expect(test.mayFire)
        var down = RatioTest(tolerance: 1.25, direction: .down)
        part = CohortPart(epoch: 0, share: 0.01)
        part.stable.positiveEvents = 1
        for tick in 0..<2000 { down.step(Cohort(tick: UInt64(tick), first: part), \.positiveEvents) }
        // A candidate that decides nothing has no event of its own, and is found all the same.
        #expect(down.mayFire && down.evidence.mean > 36_000 / 0.001)
    }
}

/// SplitMix64.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
    mutating func chance(_ probability: Double) -> Bool { Double(next() >> 11) * 0x1p-53 < probability }
}
