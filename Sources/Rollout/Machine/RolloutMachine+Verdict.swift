// A rollout in one word, for `GET /rollouts/{id}/verdict`, Argo's web metric and Flagger's hooks.

/// The verdicts of a rollout, as programs read them.
public enum RolloutAnswer: String, Sendable, CaseIterable {
    /// Good enough for the next step, or through.
    case promote
    /// Out, by the guard or by a person.
    case rollback
    /// Out, and stable suffers as well.
    case environment
    /// Different: a person should look.
    case pause
    /// The step's time is over, and nothing is decided.
    case inconclusive
    /// Fewer requests than the step's samples: never a success, never a failure.
    case tooLittleData = "too-little-data"
    /// Enough data, and neither good nor bad enough yet.
    case undecided
}

extension RolloutMachine {
    public var answer: RolloutAnswer {
        switch state {
        case .promoted, .gate: return .promote
        case .aborted: return .rollback
        case .rolledBack:
            if case .verdict(.environment) = reason { return .environment }
            return .rollback
        case .inconclusive: return reason == .tooLittleData ? .tooLittleData : .inconclusive
        case .paused:
            if case .verdict(.pause) = reason { return .pause }
            return .undecided
        case .waiting, .beforeStep, .raising, .running, .afterStep, .baking: return answerOfStep
        }
    }

    /// Why the scores are said to differ; nil: it has not paused for them.
    public var shiftExplanation: ShiftExplanation? {
        guard case .verdict(.pause(let tests)) = reason, tests.contains(.scores) else { return nil }
        return evaluator.shiftExplanation
    }

    private var answerOfStep: RolloutAnswer {
        guard step < plan.steps.count else { return .undecided }
        if evaluator.stepTotals.canary.requests < plan.steps[step].samples { return .tooLittleData }
        return evaluator.isGoodEnough ? .promote : .undecided
    }

    /// Seconds until the step's promotion test passes at this rate of the model, if no further request is bad; nil where the
    /// candidate gets none, and 0 where it has passed.
    public func secondsToPromote(rate: Double) -> Double? {
        guard percent > 0, rate > 0 else { return nil }
        let missing = evaluator.cleanRequestsMissing
        return Double(missing) / (rate * percent / 100)
    }
}
