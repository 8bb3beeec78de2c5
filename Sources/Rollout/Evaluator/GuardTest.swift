// The tests by name, for weights, readings and the audit log.

public enum GuardTest: String, Sendable, CaseIterable {
    case late, errors
    case errorRatio = "error-ratio"
    case lateRatio = "late-ratio"
    case slowerP50 = "slower-p50"
    case slowerP90 = "slower-p90"
    case slowerP95 = "slower-p95"
    case slowerP99 = "slower-p99"
    case decisionsUp = "decisions-up"
    case decisionsDown = "decisions-down"
    case scores
    case stableLate = "stable-late"
    case stableErrors = "stable-errors"
    case stableLateBefore = "stable-late-before"
    case stableErrorsBefore = "stable-errors-before"

    static let quantiles: [GuardTest] = [.slowerP50, .slowerP90, .slowerP95, .slowerP99]

    /// What a person is told.
    public var explanation: String {
        switch self {
        case .late: "the candidate is late more often than the budget allows"
        case .errors: "the candidate fails more often than the budget allows"
        case .errorRatio: "the candidate fails more often than stable"
        case .lateRatio: "the candidate is late more often than stable"
        case .slowerP50: "the candidate is slower than stable's median more often than stable"
        case .slowerP90: "the candidate is slower than stable's p90 more often than stable"
        case .slowerP95: "the candidate is slower than stable's p95 more often than stable"
        case .slowerP99: "the candidate is slower than stable's p99 more often than stable"
        case .decisionsUp: "the candidate decides positive more often than stable"
        case .decisionsDown: "the candidate decides positive less often than stable"
        case .scores: "the candidate's scores are distributed differently"
        case .stableLate: "stable itself is late more often than the budget allows"
        case .stableErrors: "stable itself fails more often than the budget allows"
        case .stableLateBefore: "stable is late far more often than before the rollout"
        case .stableErrorsBefore: "stable fails far more often than before the rollout"
        }
    }

    /// Whether it is about stable, so that the environment is to blame.
    var isOfStable: Bool {
        switch self {
        case .stableLate, .stableErrors, .stableLateBefore, .stableErrorsBefore: true
        default: false
        }
    }
}

/// One test's state.
public struct GuardReading: Equatable, Sendable {
    public let test: GuardTest
    /// What crossing leads to.
    public let consequence: GuardSettings.Consequence
    /// log10 of the mean of its Shiryaev–Roberts statistics; -infinity: nothing yet.
    public let evidence: Double
    /// log10 of what it would need alone: T/(α·w).
    public let threshold: Double
}
