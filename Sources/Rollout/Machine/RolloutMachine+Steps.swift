// From step to step: freeze windows, hooks, gates, raises and their acknowledgement.

extension RolloutMachine {
    /// Whether nothing may be raised now.
    func isFrozen(wall: Int64) -> Bool { plan.freezes.contains { $0.holds(at: wall) } }

    /// Begins the present step, or what comes after the last one.
    mutating func enterStep(wall: Int64) -> [RolloutAction] {
        if isFrozen(wall: wall) {
            if isHeld { return [] }
            isHeld = true
            return [move(to: .waiting, .freeze)]
        }
        isHeld = false
        guard step < plan.steps.count else { return raise(to: 100) }
        if let hook = plan.steps[step].before { return call(hook, .beforeStep) }
        return raise(to: plan.steps[step].percent)
    }

    private mutating func raise(to percent: Double) -> [RolloutAction] {
        epoch += 1
        let isLast = step == plan.steps.count
        let record = move(to: .raising, .planned)
        return [record, isLast ? .makeStable(epoch: epoch) : .raise(percent: percent, epoch: epoch)]
    }

    /// The raise with this epoch is stored, and serves.
    public mutating func acknowledge(epoch acknowledged: UInt32) -> [RolloutAction] {
        guard state == .raising, acknowledged == epoch else { return [] }
        percent = step < plan.steps.count ? plan.steps[step].percent : 100
        evaluator.beginStep(epoch: epoch)
        return [move(to: step < plan.steps.count ? .running : .baking, .planned)]
    }

    /// The candidate is good enough for the step.
    mutating func pass(wall: Int64) -> [RolloutAction] {
        if let hook = plan.steps[step].after { return call(hook, .afterStep) }
        return leave(wall: wall)
    }

    /// Behind the hook after a step.
    private mutating func leave(wall: Int64) -> [RolloutAction] {
        if plan.steps[step].isGated { return [move(to: .gate, .planned, isAlert: true)] }
        return next(.planned, wall: wall)
    }

    mutating func next(_ reason: RolloutReason, wall: Int64) -> [RolloutAction] {
        step += 1
        return [move(to: .waiting, reason)] + enterStep(wall: wall)
    }

    // MARK: Hooks

    private mutating func call(_ hook: RolloutPlan.Hook, _ kind: HookKind) -> [RolloutAction] {
        hookSequence += 1
        let record = move(to: kind == .beforeStep ? .beforeStep : .afterStep, .planned)
        return [record, .callHook(kind, hook, sequence: hookSequence)]
    }

    /// A hook's answer; one that comes too late, or twice, changes nothing.
    public mutating func answerHook(sequence: UInt64, mayGoOn: Bool, wall: Int64) -> [RolloutAction] {
        guard sequence == hookSequence, state == .beforeStep || state == .afterStep else { return [] }
        let isBefore = state == .beforeStep
        guard mayGoOn else {
            guard let hook = isBefore ? plan.steps[step].before : plan.steps[step].after else { return [] }
            return pauseForHook(hook, .refused)
        }
        guard isBefore else { return leave(wall: wall) }
        // A window may have begun while the hook thought.
        if isFrozen(wall: wall) { return enterStep(wall: wall) }
        return raise(to: plan.steps[step].percent)
    }

    mutating func pauseForHook(
        _ hook: RolloutPlan.Hook, _ failure: RolloutReason.HookFailure
    ) -> [RolloutAction] {
        pause(.hook(url: hook.url, failure: failure))
    }

    // MARK: Transitions

    mutating func pause(_ reason: RolloutReason) -> [RolloutAction] {
        resumesTo = state == .beforeStep || state == .waiting ? .waiting : state == .gate ? .gate : .running
        return [move(to: .paused, reason, isAlert: true)]
    }

    /// Back to 0, from wherever it is.
    mutating func end(_ final: RolloutState, _ reason: RolloutReason) -> [RolloutAction] {
        epoch += 1
        let record = move(to: final, reason, isAlert: final == .rolledBack)
        percent = 0
        return [.lower(percent: 0, epoch: epoch), record]
    }

    /// Changes the state, and says so with the evidence of this moment.
    mutating func move(to next: RolloutState, _ reason: RolloutReason, isAlert: Bool = false) -> RolloutAction {
        let from = state
        state = next
        self.reason = reason
        since = tick
        return .record(record(from: from, isAlert: isAlert))
    }

    private func record(from: RolloutState, isAlert: Bool) -> RolloutRecord {
        let promotion = evaluator.promotionEvidence
        return RolloutRecord(
            tick: tick, from: from, to: state, step: step, percent: percent, reason: reason, isAlert: isAlert,
            readings: evaluator.readings, stepTotals: evaluator.stepTotals, totals: evaluator.totals,
            promotion: promotion.evidence, promotionThreshold: promotion.threshold,
            shift: shiftExplanation)
    }
}
