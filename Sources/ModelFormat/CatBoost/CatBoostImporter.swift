// CatBoost's JSON into a forest, or into counters and a forest.
//
//     numbers, one-hot categories that codes stand for ──► .forest
//
//     counters, one-hot categories that no code of a row can be told for ──►
//         row ─┬─► counters: places of one-hot values, counters ─┐
//              └─────────────────────────────────────────────────┴─► forest ─► transform
//
// What a score depends on, as the library does it: a row's numbers are float32; right if value >
// border; leaves are doubles, added in the order of the trees to 0; then scale and bias.  The file
// holds the trained model's doubles to the last bit.  CatBoost's own JSON reader does not give them
// back (it is off by up to 2 units in the last place in 4% of leaves), so the model to compare with
// is the one in memory or in the binary format.

struct CatBoostImporter {
    /// Names by column, index = code; empty: those that the file knows, else the code itself is the category.
    let categories: [[String]]
    let progress: ((Double) -> Void)?

    func read(_ value: ModelValue) throws(ModelFormatError) -> ImportedModel {
        let root = ModelField(value: value, place: "")
        let info = try root.present("model_info")
        let features = try CatBoostFeatures(root.member("features_info"))
        guard !features.numbers.isEmpty || !features.categories.isEmpty else {
            throw ModelFormatError("features_info", "has no features")
        }
        let counters = try CatBoostCounterReader(root, features: features)
        let names = try CatBoostNames(root.member("features_info"))
        let lists = try lists(features, counters, names)
        if !counters.counters.isEmpty { try CatBoostBinarizations.check(info) }
        let questions = CatBoostQuestions(features: features, counters: counters.counters)
        var reader = CatBoostTrees(questions: questions)
        let trees = try reader.read(root, progress: progress)
        let scale = try CatBoostScale(root, dimension: reader.dimension)
        let objective = try CatBoostObjective(info, outputs: scale.bias.count)
        let outputs = try CatBoostObjective.outputs(info, dimension: scale.bias.count)
        let resolved = try CatBoostAnswers(questions, counters, lists, used: Self.used(trees, questions))
        let forest = Self.forest(trees, resolved, scale, outputs)
        return ImportedModel(
            format: .catboost, model: Self.model(forest, resolved, objective, columns: features.columnCount),
            featureNames: features.featureNames, categoricalFeatures: features.categoricalColumns, categories: lists,
            objective: objective.name, classCount: objective.classCount(outputs: outputs.count),
            trainerVersion: try Self.version(info), notes: Self.notes(info, resolved, features))
    }

    /// The caller's lists, else the file's, one for each column; empty for numbers.
    private func lists(
        _ features: CatBoostFeatures, _ counters: CatBoostCounterReader, _ names: CatBoostNames
    ) throws(ModelFormatError) -> [[String]] {
        guard categories.count <= features.columnCount else {
            throw ModelFormatError(
                "features_info", "has \(features.columnCount) features, \(categories.count) are listed")
        }
        var lists = [[String]](repeating: [], count: features.columnCount)
        for (index, feature) in features.categories.enumerated() {
            let own = feature.column < categories.count ? categories[feature.column] : []
            lists[feature.column] = own.isEmpty ? names.list(index, feature, counters) : own
        }
        return lists
    }

    /// Which questions a split asks.
    private static func used(_ trees: [CatBoostTree], _ questions: CatBoostQuestions) -> [Bool] {
        var used = [Bool](repeating: false, count: questions.questions.count)
        for tree in trees {
            for node in tree.nodes where !node.isLeaf { used[Int(node.feature)] = true }
        }
        return used
    }

    private static func forest(
        _ trees: [CatBoostTree], _ answers: CatBoostAnswers, _ scale: CatBoostScale, _ outputs: [Int]
    ) -> Forest {
        var expanded: [Forest.Tree] = []
        expanded.reserveCapacity(trees.count * outputs.count)
        for tree in trees {
            let covers = tree.covers
            for (dimension, output) in outputs.enumerated() {
                let nodes = tree.nodes.map { node in
                    node.isLeaf
                        ? .leaf(tree.leafValues[Int(node.value) * outputs.count + dimension]) : answers.split(node)
                }
                var own = Forest.Tree(output: output, nodes: nodes)
                own.covers = covers
                expanded.append(own)
            }
        }
        var forest = Forest(
            featureCount: answers.columnCount, valueWidth: .float32, comparison: .lessOrEqual,
            categoryRule: .aboveMinusOne, membersGoLeft: false, categorySets: answers.categorySets, trees: expanded,
            accumulation: .float64, baseMargins: Array(repeating: 0, count: outputs.count))
        forest.marginScale = scale.scale
        for (dimension, output) in outputs.enumerated() where scale.bias.contains(where: { $0 != 0 }) {
            if forest.marginBias.isEmpty { forest.marginBias = forest.baseMargins }
            forest.marginBias[output] = scale.bias[dimension]
        }
        return forest
    }

    private static func model(
        _ forest: Forest, _ answers: CatBoostAnswers, _ objective: CatBoostObjective, columns: Int
    ) -> PortableModel {
        if answers.counters == nil, !objective.hasUncertainty {
            var forest = forest
            forest.transform = objective.transform
            return .forest(forest)
        }
        return .pipeline(
            CatBoostPipeline.pipeline(forest, answers.counters, objective, columns: columns))
    }

    /// `1.2.10` of `Branch: tags/v1.2.10`.
    private static func version(_ info: ModelField?) throws(ModelFormatError) -> String? {
        guard let text = try info?.present("catboost_version_info")?.string() else { return nil }
        guard let start = text.firstRange(of: "tags/v")?.upperBound else { return nil }
        let version = text[start...].prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        return version.isEmpty || version.utf8.count > 32 ? nil : String(version)
    }

    private static func notes(
        _ info: ModelField?, _ answers: CatBoostAnswers, _ features: CatBoostFeatures
    ) -> [String] {
        var notes = answers.unknownCategories.map { column, count in
            "feature \(features.featureNames[column]): \(count) of its one-hot categories are the hashes of no code "
                + "below \(CategoryHash.decimalCount); list the names of its categories in the manifest"
        }
        if info == nil { notes.append("the file does not say its objective: scores are the raw sums") }
        return notes
    }
}

/// `scale_and_bias`: [scale, [bias of each output]]; older files have one bias and no list.
struct CatBoostScale {
    var scale: Double = 1
    /// One for each output of a leaf.
    var bias: [Double]

    /// `dimension`: nil where there are no trees, so that only the bias tells it.
    init(_ root: ModelField, dimension: Int?) throws(ModelFormatError) {
        guard let field = try root.present("scale_and_bias") else {
            bias = Array(repeating: 0, count: dimension ?? 1)
            return
        }
        if case .array(let values) = field.value {
            guard values.count == 2 else { throw field.error("must be a scale and a list of biases") }
            scale = try ModelField(value: values[0], place: "\(field.place)[0]").number()
            let biasField = ModelField(value: values[1], place: "\(field.place)[1]")
            if case .null = biasField.value { bias = [] } else { bias = try biasField.numbers() }
        } else {
            let values = try field.numbers(count: 2)
            scale = values[0]
            bias = Array(repeating: values[1], count: dimension ?? 1)
        }
        if bias.isEmpty { bias = Array(repeating: 0, count: dimension ?? 1) }
        guard (1...ModelBounds.outputs).contains(bias.count), bias.count == dimension ?? bias.count else {
            throw field.error("must have a bias for each of \(dimension ?? 1) values of a leaf")
        }
    }
}
