// manifest.yaml: what a bundle's author states about the model.
//
//     name, version        where it stands in the repository
//     model                the source file and its format
//     input, features      the one tensor, its columns in order, what to do with odd values
//     pipeline             steps before the model and after it (Pipeline/)
//     output               objective, classes, decision threshold
//     budgets, golden      what it promises
//     lineage              where it comes from
//     feedback             features that labels are weighed and told apart by
//
// Unknown keys are refused, and what the manifest states is compared with what the source model
// itself says (+Agreement): a manifest for another model is an error, not a wrong score.

public import Inference
public import ModelFormat

public struct Manifest: Sendable, Equatable {
    public static let fileName = "manifest.yaml"

    /// Whether the bundle brings golden rows.
    public enum Golden: String, Sendable, CaseIterable {
        case present
        case absent = "none"
    }

    /// Where the model comes from; free text, kept and shown.
    public struct Lineage: Sendable, Equatable {
        public var dataSHA256: String?
        public var codeCommit: String?
        public var trainedAt: String?
        public var parent: String?
        /// In the file's order, as are the next two.
        public var parameters: [Pair] = []
        public var metrics: [Pair] = []
        public var environment: [Pair] = []

        public init() {}
    }

    /// Which features a prediction's label is later weighed and told apart by.
    public struct Feedback: Sendable, Equatable {
        /// The money at stake.
        public var amount: String?
        /// Of few values; figures are also given for each of them.
        public var groups: [String] = []

        public init() {}
    }

    /// A name and its text.
    public struct Pair: Sendable, Equatable {
        public var name: String
        public var text: String

        public init(_ name: String, _ text: String) {
            self.name = name
            self.text = text
        }
    }

    public var name: String
    /// Digits; see ModelIdentifier.
    public var version: String
    /// The source model's file, in the bundle's folder.
    public var modelFile: String
    /// nil: told from the file.
    public var modelFormat: ModelFileFormat?
    /// Approximations that the importer may make, of `ModelImporter.approximations`.
    public var accept: [String] = []
    public var inputName = "features"
    /// nil: FP64 for LightGBM, else FP32.
    public var inputType: ValueType?
    /// In tensor order.
    public var features: [FeatureSpec]
    /// nil: the features are the model's columns, and its score is the answer.
    public var pipeline: ManifestPipeline?
    /// As the trainer names it: `binary:logistic`.
    public var objective: String
    /// Index is class; empty: numbers.
    public var classes: [String] = []
    /// nil: 0.5.
    public var threshold: Double?
    /// nil: 1.
    public var positive: Int?
    public var latencyBudgetNanos: UInt64?
    /// Processor time of one row.
    public var costBudgetNanos: UInt64?
    /// nil: whatever the folder holds.
    public var golden: Golden?
    public var lineage = Lineage()
    /// What figures of labels go by.
    public var feedback = Feedback()
    /// What goes wrong on purpose, in tests.
    public var fault: ModelFault?

    public init(name: String, version: String, modelFile: String, features: [FeatureSpec], objective: String) {
        self.name = name
        self.version = version
        self.modelFile = modelFile
        self.features = features
        self.objective = objective
    }

    /// The input as the codec needs it.
    public func input(format: ModelFileFormat) -> ModelInput {
        let declared = inputType ?? (format == .lightgbm ? .float64 : .float32)
        return ModelInput(name: inputName, declaredType: declared, features: features)
    }

    /// The output as the codec needs it.
    public func output(scoreType: ValueType, columns: Int) -> ModelOutput {
        ModelOutput(
            scoreType: scoreType, columns: columns, objective: objective, classes: classes,
            threshold: threshold ?? 0.5, positive: positive ?? 1)
    }
}
