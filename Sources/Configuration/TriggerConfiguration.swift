// `models.NAME.triggers`: what of a model somebody is told who can do something about it, such as train it anew.
//
//     when   a condition on the version that is stable
//     then   a CloudEvent, signed, to a webhook; then silence for `cooldown`

public struct TriggerConfiguration: Sendable, Equatable {
    /// The last five minutes, hour or day.
    public enum Window: String, Sendable, CaseIterable {
        case fiveMinutes = "5m"
        case hour = "1h"
        case day = "24h"
    }

    /// Predictions whose labels are looked at: those of so many whole days, and of today (UTC).
    public enum LabelWindow: String, Sendable, CaseIterable {
        case day = "1d"
        case week = "7d"
        case month = "30d"
        case all

        /// nil: as long as labels are kept.
        var days: Int? { self == .day ? 1 : self == .week ? 7 : self == .month ? 30 : nil }
    }

    /// How late labels may come, in days: what cohorts of labels are counted by.
    public enum LabelDelay: String, Sendable, CaseIterable {
        case day = "1d"
        case week = "7d"
        case month = "30d"
        case quarter = "90d"

        public var days: Int { self == .day ? 1 : self == .week ? 7 : self == .month ? 30 : 90 }
    }

    public enum DriftLevel: String, Sendable, CaseIterable { case warning, alert }

    public enum Condition: Sendable, Equatable {
        /// A variable (empty: any that is not silent) is at this level, or above.
        case drift(DriftLevel, variables: [String], Window)
        /// A figure of accuracy is outside its limits; nil: none on that side.
        case metric(AccuracyMetric, below: Double?, above: Double?, LabelWindow, samplesMin: UInt64)
        /// More than so large a share (0 to 1) of the labels has come later than this.
        case labelDelay(LabelDelay, share: Double, LabelWindow, samplesMin: UInt64)
        /// So large a share (0 to 1) of requests is refused, or of rows breaks a feature's range or categories.
        case violations(Double, Window, samplesMin: UInt64)
    }

    public internal(set) var name: String
    public internal(set) var condition: Condition
    public internal(set) var webhook: WebhookConfiguration
    /// From one firing to the next.
    public internal(set) var cooldownNanos: UInt64 = 86_400_000_000_000
    /// How long a webhook that does not answer is tried again.
    public internal(set) var retryNanos: UInt64 = 3_600_000_000_000
}

/// Where an event goes, and what signs it.
public struct WebhookConfiguration: Sendable, Equatable {
    public internal(set) var target: WebhookTarget
    /// A file of secrets, one a line: the first ones sign, so that a secret can be replaced.
    public internal(set) var secretFile: String
    /// PEM of the authorities that an https target is believed by; nil: the system's.
    public internal(set) var authorities: String?
    public internal(set) var timeoutNanos: UInt64 = 10_000_000_000
}

/// Figures of accuracy as rules name them.
public enum AccuracyMetric: String, Sendable, CaseIterable {
    case averagePrecision = "average_precision"
    case rocAUC = "roc_auc"
    case ks, accuracy, precision, recall
    case selectionRate = "selection_rate"
    case approvalRate = "approval_rate"
    case selectionRateRatio = "selection_rate_ratio"
    case truePositiveRateRatio = "true_positive_rate_ratio"
    case brier
    case logLoss = "log_loss"
    case calibrationError = "calibration_error"

    /// Which way it gets worse; nil: either.
    enum Worse { case lower, higher }
    var worse: Worse? {
        switch self {
        case .averagePrecision, .rocAUC, .ks, .accuracy, .precision, .recall, .selectionRateRatio,
            .truePositiveRateRatio:
            .lower
        case .brier, .logLoss, .calibrationError: .higher
        case .selectionRate, .approvalRate: nil
        }
    }

    var range: ClosedRange<Double> { self == .logLoss ? 0...100 : 0...1 }
}

/// What becomes of a version that arrives in the repository while the gateway runs.
public enum NewVersionPolicy: Sendable, Equatable {
    case ignore
    case load
    /// `plan`: a file, or the plan's text. `needsApproval`: it waits for a person before its first step.
    case rollout(plan: PlanSource, needsApproval: Bool)

    public enum PlanSource: Sendable, Equatable {
        case file(String)
        case text(String)
    }
}
