// From cohorts to a verdict: a pure state machine, one `step` a tick, time only as the cohort's tick.
//
//     cohorts, final, in the order of their ticks ─► tests ─► Σ w_i · mean_k R_ik ≥ T/α ?  rollback | environment
//                                                         └─► the same over the pausing tests ?  pause
//     cohorts with requests pending ──(i) alone, pending taken as good──► rollback, early
//
// One threshold for all: w_i is 1 over the number of tests that can take the candidate out, so the probability of any
// false rollback within T ticks is at most α (unsplit tests gave .097 at α = .05).  The tests of stable are among them:
// where stable breaches, or is far above its own past, the candidate goes back too, and the verdict says so.  The tests
// that pause have a sum and an α of their own.  Beyond T the threshold is 864,000/α_day: at least 1/α_day days between
// false alarms, for ever.
//
// Early: with pending requests taken as good, (i) can only be too small, and the other tests' part of the sum is at least
// 0.  So where (i) alone reaches the threshold early, the sum would reach it once the cohorts are final.

internal import Glibc

public struct Evaluator: Equatable, Sendable {
    public let settings: GuardSettings
    /// The tick with which the horizon begins.
    public private(set) var startTick: UInt64
    /// The tick that is stepped next.
    public private(set) var nextTick: UInt64
    /// The epoch with which the present step of the plan began.
    private var stepEpoch: UInt32 = 0
    /// The last tick of the warm-up, from the first cohort with a request of the candidate on.
    private var warmUpEnd: UInt64?

    // The tests in force; `+Tests` steps them.
    var late: SLOTest?
    var errors: SLOTest?
    var stable: [StableTest]
    var errorRatio: RatioTest?
    var decisionsUp: RatioTest?
    var decisionsDown: RatioTest?
    var lateRatio: MeanTest?
    var slower: [MeanTest?]
    var shift: ShiftTest?
    /// Pausing tests that a person has seen and accepted.
    var accepted: Set<GuardTest> = []
    var latePromotion: PromotionTest?
    var errorPromotion: PromotionTest?

    /// Of the present step, and of the whole rollout.
    public internal(set) var stepTotals = ArmTotalsPair()
    public internal(set) var totals = ArmTotalsPair()

    /// 1/w_i.
    let rollbackTests: Double
    let pauseTests: Double

    public init(_ settings: GuardSettings, startTick: UInt64) {
        self.settings = settings
        self.startTick = startTick
        nextTick = startTick
        late = settings.lateBudget.map(SLOTest.init)
        errors = settings.errorBudget.map(SLOTest.init)
        stable = StableTest.all(settings)
        let tolerance = settings.ratioTolerance
        errorRatio = settings.errorBudget.map { _ in RatioTest(tolerance: tolerance, direction: .up) }
        lateRatio = settings.lateBudget.map { _ in MeanTest(tolerance: tolerance) }
        decisionsUp = settings.decisionTolerance.map { RatioTest(tolerance: $0, direction: .up) }
        decisionsDown = settings.decisionTolerance.map { RatioTest(tolerance: $0, direction: .down) }
        slower = settings.slower.map { $0 == .off ? nil : MeanTest(tolerance: tolerance) }
        shift = settings.watchesScores ? ShiftTest() : nil
        func promotion(_ rateMax: Double) -> PromotionTest {
            PromotionTest(
                rateMax: rateMax, ratioMax: settings.promotionRatioMax, usesRatio: !settings.isSticky)
        }
        latePromotion = settings.lateBudget.map(promotion)
        errorPromotion = settings.errorBudget.map(promotion)
        let ratios = [late != nil, errors != nil, errorRatio != nil, lateRatio != nil].filter { $0 }.count
        rollbackTests = Double(
            ratios + (settings.decisionTolerance == nil ? 0 : 2) + stable.count
                + settings.slower.filter { $0 == .rollback }.count)
        pauseTests = Double(settings.slower.filter { $0 == .pause }.count + (settings.watchesScores ? 1 : 0))
    }

    // MARK: Ticks

    /// Takes the next cohort, which is final. Ticks before it that had no request need no cohort; a cohort that comes after
    /// later ones, or twice, is left out.
    public mutating func step(_ cohort: Cohort) {
        guard cohort.tick >= nextTick else { return }
        rest(until: cohort.tick)
        nextTick = cohort.tick + 1
        if isWarmUp(cohort) { return }
        stepTests(cohort)
    }

    /// Lets ticks pass in which nothing was routed, up to but without `tick`.
    public mutating func rest(until tick: UInt64) {
        guard tick > nextTick else { return }
        restTests(Double(tick - nextTick))
        nextTick = tick
    }

    private mutating func isWarmUp(_ cohort: Cohort) -> Bool {
        guard settings.warmUpTicks > 0 else { return false }
        if warmUpEnd == nil, cohort.canary.requests > 0 { warmUpEnd = cohort.tick + settings.warmUpTicks }
        return warmUpEnd.map { cohort.tick < $0 } ?? false
    }

    /// A step of the plan begins with this epoch: promotion starts from nothing.
    public mutating func beginStep(epoch: UInt32) {
        stepEpoch = epoch
        stepTotals = ArmTotalsPair()
        latePromotion?.reset()
        errorPromotion?.reset()
    }

    func isOfStep(_ part: CohortPart) -> Bool { part.epoch >= stepEpoch }

    // MARK: Decisions

    /// T/α, or 864,000/α_day beyond the horizon.
    func threshold(alpha: Double) -> Double {
        nextTick - startTick > settings.horizonTicks
            ? GuardSettings.dayTicks / settings.alphaPerDay : Double(settings.horizonTicks) / alpha
    }

    /// What the cohorts so far say.
    public var verdict: Verdict {
        let needed = threshold(alpha: settings.alpha)
        if rollbackTests > 0, rollbackSum / rollbackTests >= needed {
            return stable.contains { $0.test.evidence.mean >= needed }
                ? .environment(reasons(.rollback)) : .rollback(reasons(.rollback))
        }
        if pauseTests > 0, pauseSum / pauseTests >= threshold(alpha: settings.pauseAlpha) {
            return .pause(reasons(.pause))
        }
        return .none
    }

    /// The verdict, with the cohorts that are not final looked at too, in the order of their ticks: late and failed
    /// requests that are known, and those pending taken as good.
    public func verdict(early cohorts: some Sequence<Cohort>) -> Verdict {
        let verdict = verdict
        if verdict.isRollback { return verdict }
        var (late, errors) = (late, errors)
        let needed = threshold(alpha: settings.alpha)
        var tick = nextTick
        for cohort in cohorts where cohort.tick >= tick && warmUpEnd.map({ cohort.tick >= $0 }) ?? true {
            let canary = cohort.canary
            late?.rest(Double(cohort.tick - tick))
            errors?.rest(Double(cohort.tick - tick))
            late?.step(bad: canary.late, of: canary.requests)
            errors?.step(bad: canary.errors, of: canary.requests)
            tick = cohort.tick + 1
            let (lateMean, errorMean) = (late?.evidence.mean ?? 0, errors?.evidence.mean ?? 0)
            if (lateMean + errorMean) / rollbackTests >= needed {
                return .rollback(errorMean > lateMean ? [.errors] : [.late])
            }
        }
        return verdict
    }

    /// Both promotion tests have passed. Without a budget there is nothing to promote by, and a person decides.
    public var isGoodEnough: Bool {
        let tests = [latePromotion, errorPromotion].compactMap { $0 }
        return !tests.isEmpty && tests.allSatisfy { $0.logEvidence >= -log(settings.promotionBeta) }
    }

    /// The weakest promotion test's E, log10, and what it needs.
    public var promotionEvidence: (evidence: Double, threshold: Double) {
        let logs = [latePromotion, errorPromotion].compactMap { $0?.logEvidence }
        return ((logs.min() ?? -.infinity) / log(10), -log10(settings.promotionBeta))
    }

    /// Requests without a bad one after which both would have passed.
    public var cleanRequestsMissing: Int {
        [latePromotion, errorPromotion].compactMap { $0?.cleanRequestsMissing(beta: settings.promotionBeta) }.max() ?? 0
    }

    /// Why the scores are said to differ.
    public var shiftExplanation: ShiftExplanation? { shift.map(ShiftExplanation.init) }

    /// A person has seen why the rollout pauses, and goes on: what crossed does not pause it again.
    /// What did not cross by itself is below the threshold, so the sum of the rest is below it too.
    public mutating func acceptPause() {
        let needed = threshold(alpha: settings.pauseAlpha)
        for (test, mean) in pauseMeans where mean >= needed { accepted.insert(test) }
        if accepted.contains(.scores) { shift?.forgive() }
    }
}

// MARK: Restart

extension Evaluator: Storable {
    func write(to snapshot: inout SnapshotWriter) {
        snapshot.write(startTick)
        snapshot.write(nextTick)
        snapshot.write(UInt64(stepEpoch))
        snapshot.write(warmUpEnd) { $0.write($1) }
        for test in storables { test.write(to: &snapshot) }
        snapshot.write(
            UInt64(
                GuardTest.allCases.enumerated().reduce(0) {
                    accepted.contains($1.element) ? $0 | 1 << $1.offset : $0
                }))
        stepTotals.write(to: &snapshot)
        totals.write(to: &snapshot)
    }

    private var storables: [any Storable] {
        var all: [any Storable] = stable.map(\.test)
        let others: [(any Storable)?] = [
            late, errors, errorRatio, decisionsUp, decisionsDown, lateRatio, slower[0], slower[1], slower[2], slower[3],
            shift, latePromotion, errorPromotion,
        ]
        all += others.compactMap { $0 }
        return all
    }

    /// Takes over what an evaluator with the same settings wrote.
    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) {
        startTick = try snapshot.integer(0...UInt64.max >> 1)
        nextTick = try snapshot.integer(startTick...UInt64.max >> 1)
        stepEpoch = UInt32(try snapshot.integer(0...UInt64(UInt32.max)))
        warmUpEnd = try snapshot.optional { reader throws(SnapshotError) in try reader.integer(0...UInt64.max >> 1) }
        for index in stable.indices { try stable[index].test.read(from: &snapshot) }
        try late?.read(from: &snapshot)
        try errors?.read(from: &snapshot)
        try errorRatio?.read(from: &snapshot)
        try decisionsUp?.read(from: &snapshot)
        try decisionsDown?.read(from: &snapshot)
        try lateRatio?.read(from: &snapshot)
        for quantile in slower.indices { try slower[quantile]?.read(from: &snapshot) }
        try shift?.read(from: &snapshot)
        try latePromotion?.read(from: &snapshot)
        try errorPromotion?.read(from: &snapshot)
        let bits = try snapshot.integer(0...1 << UInt64(GuardTest.allCases.count))
        accepted = Set(GuardTest.allCases.enumerated().filter { bits & 1 << UInt64($0.offset) != 0 }.map(\.element))
        try stepTotals.read(from: &snapshot)
        try totals.read(from: &snapshot)
    }
}
