// What the evaluator says; the rollout decides what comes of it.

public enum Verdict: Equatable, Sendable {
    case none
    /// The candidate is worse: it goes back to 0.
    case rollback([GuardTest])
    /// The same, and stable suffers as well.
    case environment([GuardTest])
    /// The candidate is different: the weight is held, and a person decides.
    case pause([GuardTest])

    public var isRollback: Bool {
        switch self {
        case .rollback, .environment: true
        case .none, .pause: false
        }
    }

    public var reasons: [GuardTest] {
        switch self {
        case .none: []
        case .rollback(let reasons), .environment(let reasons), .pause(let reasons): reasons
        }
    }
}
