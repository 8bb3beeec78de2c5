// What an importer found in a file: the model, and what a manifest wants to know about it.

public struct ImportedModel: Sendable, Equatable {
    public var format: ModelFileFormat
    public var model: PortableModel
    /// As the file names them, else `f0`, `f1`, …; as many as the model has features.
    public var featureNames: [String]
    /// Features that the file declares or splits as categories.
    public var categoricalFeatures: [Bool]
    /// Category names by feature, index = code; empty where the file has none.
    public var categories: [[String]]
    /// The trainer's name of the objective, with its parameters where they are part of it:
    /// `binary:logistic`, `binary sigmoid:1`.
    public var objective: String
    /// Classes of a classifier, 2 for a binary one; 0: no classifier.
    public var classCount: Int
    /// The library's version as the file states it, such as `3.2.0`; nil: it does not.
    public var trainerVersion: String?
    /// What somebody who imports the file should know, one sentence each.
    public var notes: [String]
    /// Approximations that the model needs and whoever imported it accepted by name.
    public var approximations: [String]

    public init(
        format: ModelFileFormat, model: PortableModel, featureNames: [String], categoricalFeatures: [Bool],
        categories: [[String]], objective: String, classCount: Int, trainerVersion: String?, notes: [String] = [],
        approximations: [String] = []
    ) {
        self.format = format
        self.model = model
        self.featureNames = featureNames
        self.categoricalFeatures = categoricalFeatures
        self.categories = categories
        self.objective = objective
        self.classCount = classCount
        self.trainerVersion = trainerVersion
        self.notes = notes
        self.approximations = approximations
    }

    /// The model where it is a forest and nothing else.
    public var forest: Forest? {
        if case .forest(let forest) = model { forest } else { nil }
    }
}
