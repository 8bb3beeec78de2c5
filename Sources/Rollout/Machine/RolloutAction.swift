// What the owner of a rollout does for it, in the order given, and what it tells the rollout.

/// Who answers before or after a step.
public enum HookKind: String, Sendable {
    case beforeStep = "before-step"
    case afterStep = "after-step"
}

public enum RolloutAction: Equatable, Sendable {
    /// Store the rollout's snapshot, then publish a route with this share and epoch, then `acknowledge`.
    case raise(percent: Double, epoch: UInt32)
    /// The same at the end of the plan: the candidate becomes the route's stable version, the old one stays loaded.
    case makeStable(epoch: UInt32)
    /// Publish *first*: stable alone (percent 0: the pinned version that was stable at the start; affinity to the candidate
    /// void) or the earlier step's share. Then store, and retry until it is stored.
    case lower(percent: Double, epoch: UInt32)
    /// Ask; hand the answer to `answerHook` with this sequence number.
    case callHook(HookKind, RolloutPlan.Hook, sequence: UInt64)
    /// The bake time is over: the old version may be unloaded.
    case releaseStable
    /// For the audit log, events and the alert's webhook.
    case record(RolloutRecord)
}

/// One transition with its evidence.
public struct RolloutRecord: Equatable, Sendable {
    public let tick: UInt64
    public let from: RolloutState
    public let to: RolloutState
    /// Of the plan, from 0.
    public let step: Int
    public let percent: Double
    public let reason: RolloutReason
    /// Whether a person should be called.
    public let isAlert: Bool
    public let readings: [GuardReading]
    public let stepTotals: ArmTotalsPair
    public let totals: ArmTotalsPair
    /// log10 of the promotion test's E, and of what it needs.
    public let promotion: Double
    public let promotionThreshold: Double
    /// Of a score shift.
    public let shift: ShiftExplanation?
}

/// A command that cannot be followed now.
public enum RolloutRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    case candidateIsStable
    case sameContent
    case notWarm
    case alreadyRunning(model: String)
    case tooLittleTraffic(String)
    case stableSuffers(String)
    case isOver(RolloutState)
    case notNow(command: String, state: RolloutState)
    case needsSecondPerson
    case frozen

    public var description: String {
        switch self {
        case .candidateIsStable: "the candidate is the stable version; name another one"
        case .sameContent: "the candidate equals stable in content; a plan with drill: true may do that"
        case .notWarm: "stable is not loaded and warm: there would be nothing to go back to"
        case .alreadyRunning(let model): "a rollout of \(model) runs already; abort it, or wait for its end"
        case .tooLittleTraffic(let arithmetic): arithmetic
        case .stableSuffers(let what): what
        case .isOver(let state): "the rollout is over: \(state.rawValue)"
        case .notNow(let command, let state): "cannot \(command) while the rollout is \(state.rawValue)"
        case .needsSecondPerson: "the plan wants a second person: who started the rollout cannot promote it"
        case .frozen: "a freeze window holds: nothing is raised"
        }
    }

    /// HTTP's status of the admin plane.
    public var status: Int {
        switch self {
        case .candidateIsStable, .sameContent, .tooLittleTraffic: 422
        case .needsSecondPerson: 403
        case .notWarm, .alreadyRunning, .stableSuffers, .isOver, .notNow, .frozen: 409
        }
    }
}
