// One rollout: a pure state machine over the evaluator.  `RolloutState` has the picture and the table.
//
//     tick(cohorts), command, acknowledge, answerHook ─► [RolloutAction], for the owner to carry out in order
//
// Time is an argument: ticks of 100 ms on the rollout's own clock, which begins at 0 and goes on over restarts, and the
// wall clock's seconds for freeze windows only.  Nothing here knows of sockets, files or threads, so the simulator runs
// the same code as the gateway.

public struct RolloutMachine: Equatable, Sendable {
    public let id: String
    public let plan: RolloutPlan
    /// The version that everything goes back to: never "whatever is stable now".
    public let stable: String
    public let candidate: String
    public let startedBy: String
    public internal(set) var evaluator: Evaluator

    public internal(set) var state = RolloutState.waiting
    public internal(set) var reason = RolloutReason.planned
    /// Of the plan; `plan.steps.count` once the candidate becomes stable.
    public internal(set) var step = 0
    /// What serves, as far as it was acknowledged.
    public internal(set) var percent = 0.0
    /// Counts the changes of the weight.
    public internal(set) var epoch: UInt32 = 0
    /// The present tick.
    public internal(set) var tick: UInt64 = 0
    /// When the present step's, hook's or bake's time began.
    var since: UInt64 = 0
    /// Where `resume` leads from paused.
    var resumesTo = RolloutState.running
    /// Of the last hook that was called.
    var hookSequence: UInt64 = 0
    /// The present freeze was said once.
    var isHeld = false

    /// What is only known where a rollout starts.
    public struct Start: Sendable {
        public var id: String
        public var stable: String
        public var candidate: String
        public var startedBy: String
        public var isStableWarm: Bool
        public var isSameContent: Bool
        /// Requests a second of the model.
        public var rate: Double
        public var isSticky: Bool
        /// Stable's shares of late and failed requests before; nil: not known.
        public var lateBefore: Double?
        public var errorsBefore: Double?

        public init(
            id: String, stable: String, candidate: String, startedBy: String, isStableWarm: Bool = true,
            isSameContent: Bool = false, rate: Double, isSticky: Bool = false, lateBefore: Double? = nil,
            errorsBefore: Double? = nil
        ) {
            self.id = id
            self.stable = stable
            self.candidate = candidate
            self.startedBy = startedBy
            self.isStableWarm = isStableWarm
            self.isSameContent = isSameContent
            self.rate = rate
            self.isSticky = isSticky
            self.lateBefore = lateBefore
            self.errorsBefore = errorsBefore
        }
    }

    /// A rollout in `waiting`, at weight 0; its first `tick` begins it.
    public init(_ plan: RolloutPlan, _ start: Start) throws(RolloutRefusal) {
        guard start.stable != start.candidate else { throw .candidateIsStable }
        guard plan.isDrill || !start.isSameContent else { throw .sameContent }
        guard start.isStableWarm else { throw .notWarm }
        try Self.refuseSuffering(plan, start)
        if let refusal = PlanArithmetic.refusal(of: plan, rate: start.rate, isSticky: start.isSticky) {
            let place = refusal.step < 0 ? "" : "step \(refusal.step + 1): "
            throw .tooLittleTraffic(place + refusal.message)
        }
        self.init(restoring: plan, start)
    }

    init(restoring plan: RolloutPlan, _ start: Start) {
        id = start.id
        self.plan = plan
        (stable, candidate, startedBy) = (start.stable, start.candidate, start.startedBy)
        var settings = plan.guardSettings
        settings.isSticky = start.isSticky
        settings.lateBefore = start.lateBefore
        settings.errorsBefore = start.errorsBefore
        evaluator = Evaluator(settings, startTick: 0)
    }

    private static func refuseSuffering(_ plan: RolloutPlan, _ start: Start) throws(RolloutRefusal) {
        let pairs = [
            ("late", start.lateBefore, plan.guardSettings.lateBudget),
            ("failing", start.errorsBefore, plan.guardSettings.errorBudget),
        ]
        for case (let name, let before?, let budget?) in pairs where before > budget {
            throw .stableSuffers(
                "stable itself is \(name) in \(PlanArithmetic.number(before * 100))% of requests, the plan allows "
                    + "\(PlanArithmetic.number(budget * 100))%: nothing would pass; repair stable, or raise the budget")
        }
    }

    // MARK: Time

    /// One tick: cohorts that became final, in order, and those that are open.
    /// - Parameters:
    ///   - final: below this tick everything is final, whether it had a request or not.
    ///   - wall: seconds since 1970.
    public mutating func tick(
        _ now: UInt64, wall: Int64, cohorts: some Sequence<Cohort>, finalBelow final: UInt64,
        open: some Sequence<Cohort>
    ) -> [RolloutAction] {
        if state.isFinal { return [] }
        tick = max(tick, now)
        for cohort in cohorts { evaluator.step(cohort) }
        evaluator.rest(until: final)
        let verdict = evaluator.verdict(early: open)
        if verdict.isRollback {
            return end(.rolledBack, .verdict(verdict))
        }
        return advance(verdict, wall: wall)
    }

    private mutating func advance(_ verdict: Verdict, wall: Int64) -> [RolloutAction] {
        switch state {
        case .waiting: return enterStep(wall: wall)
        case .beforeStep, .afterStep: return waitForHook()
        case .running: return run(verdict, wall: wall)
        case .baking:
            guard tick >= since + Self.ticks(plan.bakeNanos) else { return [] }
            return [.releaseStable, move(to: .promoted, .planned)]
        case .raising, .gate, .paused, .inconclusive, .promoted, .rolledBack, .aborted: return []
        }
    }

    private mutating func waitForHook() -> [RolloutAction] {
        let hook = state == .beforeStep ? plan.steps[step].before : plan.steps[step].after
        guard let hook, tick >= since + Self.ticks(hook.timeoutNanos) else { return [] }
        return pauseForHook(hook, .noAnswer)
    }

    private mutating func run(_ verdict: Verdict, wall: Int64) -> [RolloutAction] {
        if case .pause = verdict { return pause(.verdict(verdict)) }
        let planned = plan.steps[step]
        let elapsed = tick - since
        let hasSamples = evaluator.stepTotals.canary.requests >= planned.samples
        // Once a second: a promotion is in no hurry, and its products are many logarithms.
        if hasSamples, elapsed >= Self.ticks(planned.minNanos), elapsed % 10 == 0, evaluator.isGoodEnough {
            return pass(wall: wall)
        }
        guard elapsed >= Self.ticks(planned.maxNanos) else { return [] }
        return [move(to: .inconclusive, hasSamples ? .maxTimeOver : .tooLittleData, isAlert: true)]
    }

    static func ticks(_ nanos: UInt64) -> UInt64 {
        (nanos + GuardCounterShape.tickNanos - 1) / GuardCounterShape.tickNanos
    }
}
