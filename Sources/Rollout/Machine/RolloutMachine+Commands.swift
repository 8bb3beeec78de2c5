// What a person may ask of a rollout.

public enum RolloutCommand: String, Sendable, CaseIterable {
    case pause, resume, promote, abort
    /// To the step before, or to 0 percent and waiting from the first one.
    case stepBack = "step-back"
}

extension RolloutMachine {
    /// Follows a command, or says why not. Lowering is always possible, raising neither in a freeze window nor, where the
    /// plan wants two people, by the one who started it.
    public mutating func command(
        _ command: RolloutCommand, by actor: String, wall: Int64
    ) throws(RolloutRefusal) -> [RolloutAction] {
        guard !state.isFinal else { throw .isOver(state) }
        switch command {
        case .abort: return end(.aborted, .person(actor))
        case .pause:
            guard [.waiting, .running, .gate].contains(state) else { throw .notNow(command: "pause", state: state) }
            return pause(.person(actor))
        case .resume: return try resume(by: actor)
        case .promote: return try promote(by: actor, wall: wall)
        case .stepBack: return try stepBack(by: actor)
        }
    }

    /// Waits for a person, who resumes it, before it begins.
    public mutating func awaitApproval() {
        precondition(state == .waiting && percent == 0, "nothing of it has begun")
        (state, reason, resumesTo) = (.paused, .approval, .waiting)
    }

    private mutating func resume(by actor: String) throws(RolloutRefusal) -> [RolloutAction] {
        switch state {
        case .paused:
            if case .verdict(.pause) = reason { evaluator.acceptPause() }
            return [move(to: resumesTo, .person(actor))]
        case .inconclusive: return [move(to: .running, .person(actor))]
        default: throw .notNow(command: "resume", state: state)
        }
    }

    private mutating func promote(by actor: String, wall: Int64) throws(RolloutRefusal) -> [RolloutAction] {
        let isAtStep = [.running, .gate, .inconclusive].contains(state) || state == .paused && resumesTo != .waiting
        guard isAtStep else { throw .notNow(command: "promote", state: state) }
        if plan.needsSecondPerson && (actor == startedBy || actor == Self.anonymous) { throw .needsSecondPerson }
        if isFrozen(wall: wall) { throw .frozen }
        if case .verdict(.pause) = reason { evaluator.acceptPause() }
        return next(.person(actor), wall: wall)
    }

    /// Who has no name cannot be told from anybody.
    static let anonymous = "anonymous"

    private mutating func stepBack(by actor: String) throws(RolloutRefusal) -> [RolloutAction] {
        guard [.running, .gate, .inconclusive, .paused].contains(state), percent > 0 else {
            throw .notNow(command: "step back", state: state)
        }
        if case .verdict(.pause) = reason { evaluator.acceptPause() }
        // Paused on the way to the next step: it serves the one before already.
        let serving = resumesTo == .waiting && state == .paused ? step - 1 : step
        step = max(0, serving - 1)
        percent = serving > 0 ? plan.steps[step].percent : 0
        epoch += 1
        evaluator.beginStep(epoch: epoch)
        resumesTo = .waiting
        let record = move(to: serving > 0 ? .running : .paused, .person(actor))
        return [.lower(percent: percent, epoch: epoch), record]
    }
}
