// Which counts each test is given, and the sums over the tests.

internal import Glibc

/// A test of the stable arm, against the budget or against its own past.
struct StableTest: Equatable, Sendable {
    let name: GuardTest
    var test: SLOTest

    static func all(_ settings: GuardSettings) -> [StableTest] {
        let budgets: [(GuardTest, Double?)] = [
            (.stableLate, settings.lateBudget), (.stableErrors, settings.errorBudget),
            (.stableLateBefore, GuardSettings.farAbove(settings.lateBefore, budget: settings.lateBudget)),
            (.stableErrorsBefore, GuardSettings.farAbove(settings.errorsBefore, budget: settings.errorBudget)),
        ]
        return budgets.compactMap { name, budget in budget.map { StableTest(name: name, test: SLOTest(budget: $0)) } }
    }

    func bad(_ counts: ArmCounts) -> UInt32 {
        name == .stableLate || name == .stableLateBefore ? counts.late : counts.errors
    }
}

extension Evaluator {
    mutating func stepTests(_ cohort: Cohort) {
        let (canary, stableCounts) = (cohort.canary, cohort.stable)
        late?.step(bad: canary.late, of: canary.requests)
        errors?.step(bad: canary.errors, of: canary.requests)
        for index in stable.indices {
            stable[index].test.step(bad: stable[index].bad(stableCounts), of: stableCounts.requests)
        }
        errorRatio?.step(cohort, \.errorEvents)
        decisionsUp?.step(cohort, \.positiveEvents)
        decisionsDown?.step(cohort, \.positiveEvents)
        lateRatio?.step(
            canaryBad: canary.late, of: canary.requests, stableBad: stableCounts.late, of: stableCounts.requests)
        for quantile in slower.indices {
            slower[quantile]?.step(
                canaryBad: canary.slower[quantile], of: canary.requests, stableBad: stableCounts.slower[quantile],
                of: stableCounts.requests)
        }
        shift?.step(cohort)
        stepPromotion(cohort.first)
        if let second = cohort.second { stepPromotion(second) }
    }

    private mutating func stepPromotion(_ part: CohortPart) {
        totals.add(part)
        guard isOfStep(part) else { return }
        stepTotals.add(part)
        latePromotion?.step(part, canaryBad: part.canary.late, stableBad: part.stable.late)
        errorPromotion?.step(part, canaryBad: part.canary.errors, stableBad: part.stable.errors)
    }

    mutating func restTests(_ ticks: Double) {
        late?.rest(ticks)
        errors?.rest(ticks)
        for index in stable.indices { stable[index].test.rest(ticks) }
        errorRatio?.rest(ticks)
        decisionsUp?.rest(ticks)
        decisionsDown?.rest(ticks)
        lateRatio?.rest(ticks)
        for quantile in slower.indices { slower[quantile]?.rest(ticks) }
        shift?.rest(ticks)
    }

    // MARK: Sums

    private static func mean(_ test: RatioTest?) -> Double {
        guard let test, test.mayFire else { return 0 }
        return test.evidence.mean
    }

    /// Σ mean_k R_ik of the tests that take the candidate out.
    var rollbackSum: Double {
        var sum = (late?.evidence.mean ?? 0) + (errors?.evidence.mean ?? 0) + (lateRatio?.evidence.mean ?? 0)
        sum += Self.mean(errorRatio) + Self.mean(decisionsUp) + Self.mean(decisionsDown)
        for test in stable { sum += test.test.evidence.mean }
        for quantile in slower.indices where settings.slower[quantile] == .rollback {
            sum += slower[quantile]?.evidence.mean ?? 0
        }
        return sum
    }

    /// The same of those that pause it.
    var pauseSum: Double {
        var sum = accepted.contains(.scores) ? 0 : shift?.evidence.mean ?? 0
        for quantile in slower.indices where settings.slower[quantile] == .pause {
            if accepted.isEmpty || !accepted.contains(GuardTest.quantiles[quantile]) {
                sum += slower[quantile]?.evidence.mean ?? 0
            }
        }
        return sum
    }

    var pauseMeans: [(GuardTest, Double)] {
        all.filter { $0.consequence == .pause }.map { ($0.test, $0.evidence.mean) }
    }

    private var all: [(test: GuardTest, consequence: GuardSettings.Consequence, evidence: Evidence, mayFire: Bool)] {
        var all: [(test: GuardTest, consequence: GuardSettings.Consequence, evidence: Evidence, mayFire: Bool)] = []
        func add(
            _ test: GuardTest, _ evidence: Evidence?, _ consequence: GuardSettings.Consequence = .rollback,
            _ mayFire: Bool = true
        ) {
            if let evidence { all.append((test, consequence, evidence, mayFire)) }
        }
        add(.late, late?.evidence)
        add(.errors, errors?.evidence)
        add(.errorRatio, errorRatio?.evidence, .rollback, errorRatio?.mayFire ?? true)
        add(.lateRatio, lateRatio?.evidence)
        for quantile in slower.indices {
            add(GuardTest.quantiles[quantile], slower[quantile]?.evidence, settings.slower[quantile])
        }
        add(.decisionsUp, decisionsUp?.evidence, .rollback, decisionsUp?.mayFire ?? true)
        add(.decisionsDown, decisionsDown?.evidence, .rollback, decisionsDown?.mayFire ?? true)
        add(.scores, shift?.evidence, .pause)
        for test in stable { add(test.name, test.test.evidence) }
        return all
    }

    /// Every test in force, as a person sees it.
    public var readings: [GuardReading] {
        all.map { entry in
            let isRollback = entry.consequence == .rollback
            let needed = threshold(alpha: isRollback ? settings.alpha : settings.pauseAlpha)
            return GuardReading(
                test: entry.test, consequence: entry.consequence, evidence: entry.evidence.logMean / log(10),
                threshold: log10(needed * (isRollback ? rollbackTests : pauseTests)))
        }
    }

    /// The tests that carry the sum, the strongest first; each has at least a hundredth of the threshold by itself.
    func reasons(_ consequence: GuardSettings.Consequence) -> [GuardTest] {
        let needed = threshold(alpha: consequence == .rollback ? settings.alpha : settings.pauseAlpha)
        return all.filter { entry in
            entry.consequence == consequence && entry.mayFire && !accepted.contains(entry.test)
                && entry.evidence.mean >= needed / 100
        }.sorted { $0.evidence.logMean > $1.evidence.logMean }.map(\.test)
    }
}
