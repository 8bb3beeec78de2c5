// The manifest against the model: what must agree, and what is only worth a word.

internal import Configuration
internal import Inference
internal import ModelFormat

extension Manifest {
    /// Throws where the manifest describes another model; returns warnings.
    func compare(with facts: ModelFacts, source: String) throws(ConfigurationError) -> [String] {
        func refuse(_ keyPath: String, _ message: String) -> ConfigurationError {
            ConfigurationError(source: source, keyPath: keyPath, message: message)
        }
        if let modelFormat, modelFormat != facts.format {
            throw refuse("model.format", "is \(modelFormat.rawValue), but \(modelFile) is \(facts.format.rawValue)")
        }
        let columns = modelColumns
        guard columns.count == facts.featureNames.count else {
            if pipeline != nil {
                throw refuse(
                    "pipeline.before", "makes \(columns.count) columns, but the model has \(facts.featureNames.count)")
            }
            throw refuse("features", "has \(features.count), but the model has \(facts.featureNames.count)")
        }
        // LightGBM writes the objective's parameters behind its name; the name alone says as much.
        guard objective == facts.objective || objective == facts.objective.split(separator: " ").first.map(String.init)
        else {
            throw refuse("output.objective", "is \(quoted(objective)), but the model's is \(quoted(facts.objective))")
        }
        try compareClasses(with: facts, refuse)
        try compareNames(with: facts, refuse)
        return try compareCategories(with: facts, refuse)
    }

    private typealias Refuse = (String, String) -> ConfigurationError

    private func compareClasses(with facts: ModelFacts, _ refuse: Refuse) throws(ConfigurationError) {
        let expected = facts.outputCount > 1 ? facts.outputCount : 2
        if !classes.isEmpty && classes.count != expected {
            throw refuse("output.classes", "names \(classes.count), but the model has \(expected)")
        }
        if facts.outputCount > 1 && (threshold != nil || positive != nil) {
            throw refuse(
                "output", "a decision needs a score of one column, but this model's has \(facts.outputCount)")
        }
    }

    /// The model's columns, each by the feature it comes from; nil: one of several of a feature.
    private var modelColumns: [Int?] {
        pipeline?.modelColumns(featureCount: features.count) ?? features.indices.map { $0 }
    }

    /// Features that a step before the model works on.
    private var changedFeatures: Set<Int> { Set(pipeline?.before.flatMap { $0.features } ?? []) }

    /// A name that the model has at another place means that the columns are in another order.
    private func compareNames(with facts: ModelFacts, _ refuse: Refuse) throws(ConfigurationError) {
        guard facts.hasOwnFeatureNames else { return }
        var places: [String: Int] = [:]
        for (index, name) in facts.featureNames.enumerated() { places[name] = index }
        for (column, index) in modelColumns.enumerated() {
            guard let index, let place = places[features[index].name], place != column else { continue }
            throw refuse(
                "features[\(index)].name", "\(features[index].name) is column \(place) of the model, not \(column)")
        }
    }

    private func compareCategories(with facts: ModelFacts, _ refuse: Refuse) throws(ConfigurationError) -> [String] {
        var warnings: [String] = []
        let changed = changedFeatures
        for (column, index) in modelColumns.enumerated() {
            // What a step has made a number of is no category of the model's any more.
            guard let index, !changed.contains(index) else { continue }
            let feature = features[index]
            let names = column < facts.categories.count ? facts.categories[column] : []
            if !names.isEmpty && !feature.categories.isEmpty && feature.categories != names {
                throw refuse("features[\(index)].categories", "differ from the model's own, so codes would mean others")
            }
            if facts.categoricalFeatures[column] && feature.kind != .category {
                warnings.append(
                    "\(feature.name) is a category in the model and \(feature.kind.rawValue) in the manifest")
            }
        }
        return warnings
    }
}
