// A model's accuracy as the admin plane tells of it: what labels say of its versions.

/// Figures of some labels; what they do not define is left out.
public struct FiguresDocument: Codable, Sendable, Equatable {
    /// Amounts by outcome.
    public struct Money: Codable, Sendable, Equatable {
        public var truePositives: Double
        public var falsePositives: Double
        public var falseNegatives: Double
        public var trueNegatives: Double
        public var precision: Double?
        public var recall: Double?
        public var approvalRate: Double?

        public init(
            truePositives: Double, falsePositives: Double, falseNegatives: Double, trueNegatives: Double,
            precision: Double?, recall: Double?, approvalRate: Double?
        ) {
            (self.truePositives, self.falsePositives) = (truePositives, falsePositives)
            (self.falseNegatives, self.trueNegatives) = (falseNegatives, trueNegatives)
            (self.precision, self.recall, self.approvalRate) = (precision, recall, approvalRate)
        }

        enum CodingKeys: String, CodingKey {
            case precision, recall
            case truePositives = "true_positives"
            case falsePositives = "false_positives"
            case falseNegatives = "false_negatives"
            case trueNegatives = "true_negatives"
            case approvalRate = "approval_rate"
        }
    }

    public var labels: Int
    public var positives: Int
    public var truePositives: Int
    public var falsePositives: Int
    public var falseNegatives: Int
    public var trueNegatives: Int
    public var rocAUC: Double?
    public var averagePrecision: Double?
    public var ks: Double?
    /// How far these may be off.
    public var rocAUCError: Double?
    public var averagePrecisionError: Double?
    public var ksError: Double?
    public var brier: Double?
    public var logLoss: Double?
    public var calibrationError: Double?
    public var accuracy: Double?
    public var precision: Double?
    public var recall: Double?
    public var selectionRate: Double?
    public var approvalRate: Double?
    public var money: Money?

    public init(
        labels: Int, positives: Int, truePositives: Int, falsePositives: Int, falseNegatives: Int, trueNegatives: Int
    ) {
        (self.labels, self.positives) = (labels, positives)
        (self.truePositives, self.falsePositives) = (truePositives, falsePositives)
        (self.falseNegatives, self.trueNegatives) = (falseNegatives, trueNegatives)
    }

    enum CodingKeys: String, CodingKey {
        case labels, positives, ks, brier, accuracy, precision, recall, money
        case truePositives = "true_positives"
        case falsePositives = "false_positives"
        case falseNegatives = "false_negatives"
        case trueNegatives = "true_negatives"
        case rocAUC = "roc_auc"
        case rocAUCError = "roc_auc_error"
        case averagePrecision = "average_precision"
        case averagePrecisionError = "average_precision_error"
        case ksError = "ks_error"
        case logLoss = "log_loss"
        case calibrationError = "calibration_error"
        case selectionRate = "selection_rate"
        case approvalRate = "approval_rate"
    }
}

public struct AccuracyDocument: Codable, Sendable, Equatable {
    public struct Arm: Codable, Sendable, Equatable {
        public var arm: String
        /// full or fallback.
        public var tier: String
        public var figures: FiguresDocument

        public init(arm: String, tier: String, figures: FiguresDocument) {
            (self.arm, self.tier, self.figures) = (arm, tier, figures)
        }
    }

    public struct Group: Codable, Sendable, Equatable {
        public struct Value: Codable, Sendable, Equatable {
            public var value: String
            public var figures: FiguresDocument

            public init(value: String, figures: FiguresDocument) { (self.value, self.figures) = (value, figures) }
        }

        public var feature: String
        /// The lowest value's rate by the highest's.
        public var selectionRateRatio: Double?
        public var truePositiveRateRatio: Double?
        public var values: [Value]

        public init(
            feature: String, selectionRateRatio: Double?, truePositiveRateRatio: Double?, values: [Value]
        ) {
            (self.feature, self.values) = (feature, values)
            (self.selectionRateRatio, self.truePositiveRateRatio) = (selectionRateRatio, truePositiveRateRatio)
        }

        enum CodingKeys: String, CodingKey {
            case feature, values
            case selectionRateRatio = "selection_rate_ratio"
            case truePositiveRateRatio = "true_positive_rate_ratio"
        }
    }

    public struct Window: Codable, Sendable, Equatable {
        /// 1d, 7d, 30d or all.
        public var window: String
        /// Of all arms, without what fallbacks answered.
        public var figures: FiguresDocument
        public var arms: [Arm]
        public var groups: [Group]

        public init(window: String, figures: FiguresDocument, arms: [Arm], groups: [Group]) {
            (self.window, self.figures, self.arms, self.groups) = (window, figures, arms, groups)
        }
    }

    /// The labels of one day's predictions.
    public struct Cohort: Codable, Sendable, Equatable {
        public struct Delay: Codable, Sendable, Equatable {
            public var within: String
            public var labels: Int

            public init(within: String, labels: Int) { (self.within, self.labels) = (within, labels) }
        }

        /// Such as 2026-01-31.
        public var day: String
        public var labels: Int
        public var positives: Int
        public var takenBack: Int
        public var delays: [Delay]

        public init(day: String, labels: Int, positives: Int, takenBack: Int, delays: [Delay]) {
            (self.day, self.labels, self.positives) = (day, labels, positives)
            (self.takenBack, self.delays) = (takenBack, delays)
        }

        enum CodingKeys: String, CodingKey {
            case day, labels, positives, delays
            case takenBack = "taken_back"
        }
    }

    public struct Version: Codable, Sendable, Equatable {
        public var version: String
        /// Of the source model.
        public var digest: String
        public var classes: [String]
        public var positive: Int?
        public var threshold: Double?
        public var amount: String?
        public var windows: [Window]
        public var cohorts: [Cohort]

        public init(
            version: String, digest: String, classes: [String], positive: Int?, threshold: Double?, amount: String?,
            windows: [Window], cohorts: [Cohort]
        ) {
            (self.version, self.digest, self.classes) = (version, digest, classes)
            (self.positive, self.threshold, self.amount) = (positive, threshold, amount)
            (self.windows, self.cohorts) = (windows, cohorts)
        }
    }

    public var model: String
    /// Those that have labels.
    public var versions: [Version]

    public init(model: String, versions: [Version]) { (self.model, self.versions) = (model, versions) }
}
