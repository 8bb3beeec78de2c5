// The features of a model, as its manifest states them: names, order, kinds, and what to do with
// values that are missing, out of range or of an unknown category.

/// One feature of a manifest; the cases' names are the manifest's words.
public struct FeatureSpec: Sendable, Equatable {
    public enum Kind: String, Sendable { case number, integer, boolean, category }
    public enum OnRange: String, Sendable { case accept, clip, reject }
    public enum Missing: Sendable, Equatable {
        case model, reject
        case value(Double)
    }
    public enum Unknown: String, Sendable { case model, missing, reject }

    public var name: String
    public var kind: Kind
    public var unit: String?
    /// Inclusive bounds; nil: any number.
    public var range: ClosedRange<Double>?
    public var onRange: OnRange
    public var missing: Missing
    /// Index is code.
    public var categories: [String]
    public var unknown: Unknown
    /// True: never logged in clear.
    public var pii: Bool
    /// What a decision says where this feature made it; nil: the manifest has no words for it.
    public var reason: String?

    public init(
        name: String, kind: Kind, unit: String? = nil, range: ClosedRange<Double>? = nil, onRange: OnRange = .accept,
        missing: Missing = .model, categories: [String] = [], unknown: Unknown = .model, pii: Bool = false,
        reason: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.range = range
        self.onRange = onRange
        self.missing = missing
        self.categories = categories
        self.unknown = unknown
        self.pii = pii
        self.reason = reason
    }
}

/// A model's input: its one tensor, `[-1, features]`, and the features in tensor order.
public struct ModelInput: Sendable, Equatable {
    public var name: String
    public var declaredType: ValueType
    public var features: [FeatureSpec]

    public init(name: String = "features", declaredType: ValueType, features: [FeatureSpec]) {
        self.name = name
        self.declaredType = declaredType
        self.features = features
    }
}

/// A model's output: `score` is `[rows, columns]`.
public struct ModelOutput: Sendable, Equatable {
    public var scoreType: ValueType
    /// 1, or the number of classes.
    public var columns: Int
    /// The trainer's name of the objective, such as `binary:logistic`.
    public var objective: String
    /// Names of the classes; empty: their numbers.
    public var classes: [String]
    /// A one-column score at or above it is the label `positive`.
    public var threshold: Double
    public var positive: Int
    public var reasons: ReasonPolicy

    public init(
        scoreType: ValueType, columns: Int, objective: String, classes: [String] = [], threshold: Double = 0.5,
        positive: Int = 1, reasons: ReasonPolicy = ReasonPolicy()
    ) {
        self.scoreType = scoreType
        self.columns = columns
        self.objective = objective
        self.classes = classes
        self.threshold = threshold
        self.positive = positive
        self.reasons = reasons
    }
}
