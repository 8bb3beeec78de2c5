// XGBoost's model file, JSON or UBJSON, into a forest or a linear pipeline.
//
//     learner ─┬─ learner_model_param   base_score "[1E-2]", num_feature, num_class, num_target
//              ├─ objective             name ─► transform, base_score ─► base margin
//              ├─ feature_names, feature_types
//              └─ gradient_booster      gbtree: model          dart: gbtree.model, weight_drop
//                                       └─ trees, tree_info (the output of each), cats (names of categories)
//                                       gblinear: model.weights (a pipeline, not a forest)
//
// What a score depends on, as the library does it: a row is float32; left if value < threshold;
// NaN as the split says; a float32 sum that starts at the base margin and takes the trees in
// order.  (Adding the base margin last matched 504 of 3,000 rows.)

struct XGBoostImporter {
    let progress: ((Double) -> Void)?

    func read(_ value: ModelValue, format: ModelFileFormat) throws(ModelFormatError) -> ImportedModel {
        let root = ModelField(value: value, place: "")
        let learner = try root.member("learner")
        let parameters = try XGBoostParameters(learner.member("learner_model_param"))
        let objective = try XGBoostObjective(
            learner.member("objective"), outputs: parameters.outputs, version: version(root))
        let booster = try learner.member("gradient_booster")
        let isLinear = try booster.member("name").string() == "gblinear"
        let found =
            isLinear
            ? try linear(booster, parameters, objective) : try forest(learner, booster, parameters, objective)
        return ImportedModel(
            format: format, model: found.model, featureNames: try featureNames(learner, parameters.featureCount),
            categoricalFeatures: try categorical(learner, found.model), categories: found.categories,
            objective: objective.name, classCount: objective.classCount(parameters),
            trainerVersion: try version(root)?.text, notes: found.notes)
    }

    /// What depends on the booster.
    private typealias Found = (model: PortableModel, categories: [[String]], notes: [String])

    private func linear(
        _ booster: ModelField, _ parameters: XGBoostParameters, _ objective: XGBoostObjective
    ) throws(ModelFormatError) -> Found {
        let linear = try XGBoostLinear(
            booster.member("model"), parameters, baseMargins: objective.baseMargins(parameters))
        let categories = [[String]](repeating: [], count: parameters.featureCount)
        return (.pipeline(linear.pipeline(objective.transform)), categories, [])
    }

    private func forest(
        _ learner: ModelField, _ booster: ModelField, _ parameters: XGBoostParameters, _ objective: XGBoostObjective
    ) throws(ModelFormatError) -> Found {
        let booster = try XGBoostBooster(booster)
        var trees = XGBoostTrees(booster: booster, parameters: parameters)
        let read = try trees.read(progress: progress)
        let forest = Forest(
            featureCount: parameters.featureCount, valueWidth: .float32, comparison: .less,
            categoryRule: .notNegative, membersGoLeft: false, categorySets: trees.categorySets, trees: read,
            accumulation: .float32, baseMargins: try objective.baseMargins(parameters), transform: objective.transform)
        let categories = try XGBoostCategories.read(booster.model, featureCount: parameters.featureCount)
        let notes = try notes(learner, treeCount: read.count) + (trees.note.map { [$0] } ?? [])
        return (.forest(forest), categories, notes)
    }

    private func version(_ root: ModelField) throws(ModelFormatError) -> XGBoostVersion? {
        guard let field = try root.optional("version") else { return nil }
        let numbers = try field.integers()
        guard (1...4).contains(numbers.count) else { throw field.error("must have 1 to 4 numbers") }
        return XGBoostVersion(numbers: numbers)
    }

    private func featureNames(_ learner: ModelField, _ count: Int) throws(ModelFormatError) -> [String] {
        guard let field = try learner.optional("feature_names"), try field.count() > 0 else {
            return (0..<count).map { "f\($0)" }
        }
        return try strings(field, count)
    }

    private func strings(_ field: ModelField, _ count: Int) throws(ModelFormatError) -> [String] {
        guard try field.count() == count else {
            throw field.error("must have one string for each of \(count) features")
        }
        var strings: [String] = []
        for index in 0..<count {
            let element = try field.element(index)
            let string = try element.string()
            guard string.utf8.count <= ModelBounds.nameBytes else {
                throw element.error("is longer than \(ModelBounds.nameBytes) bytes")
            }
            strings.append(string)
        }
        return strings
    }

    /// Features typed `c`, and those that a category split uses.
    private func categorical(_ learner: ModelField, _ model: PortableModel) throws(ModelFormatError) -> [Bool] {
        var categorical = [Bool](repeating: false, count: model.featureCount)
        if let field = try learner.optional("feature_types"), try field.count() > 0 {
            categorical = try strings(field, model.featureCount).map { $0 == "c" }
        }
        guard case .forest(let forest) = model else { return categorical }
        for tree in forest.trees {
            for node in tree.nodes where node.categories >= 0 { categorical[Int(node.feature)] = true }
        }
        return categorical
    }

    private func notes(_ learner: ModelField, treeCount: Int) throws(ModelFormatError) -> [String] {
        guard let attributes = try learner.optional("attributes"),
            let best = try attributes.optional("best_iteration")
        else { return [] }
        let iteration = try best.integer(0...ModelBounds.trees)
        return [
            "best_iteration is \(iteration), but all \(treeCount) trees count, as in Booster.predict; "
                + "slice the model before saving it to score with fewer"
        ]
    }
}

struct XGBoostVersion {
    var numbers: [Int32]
    var text: String { numbers.map { "\($0)" }.joined(separator: ".") }
    /// Whether it is at least `major.minor`.
    func isAtLeast(_ major: Int32, _ minor: Int32) -> Bool {
        let own = (numbers[0], numbers.count > 1 ? numbers[1] : 0)
        return own >= (major, minor)
    }
}
