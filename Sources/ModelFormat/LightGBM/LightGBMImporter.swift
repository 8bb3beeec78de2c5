// LightGBM's text model into a forest.
//
//     tree                          header: key=value lines
//     num_tree_per_iteration=1
//     objective=binary sigmoid:1
//     …
//     Tree=0                        one block a tree, ended by an empty line
//     …
//     end of trees
//     …                             importances, parameters
//     pandas_categorical:[["a"]]    names of categories, by categorical feature
//
// What a score depends on, as the library does it: everything is double; values within ±1e-35 (as
// a float32) are 0; left if value <= threshold; the sums start at 0 and take the trees in order;
// a random forest's sum is divided by its iterations, after the margin.

enum LightGBMImporter {
    /// LightGBM's kZeroThreshold: 1e-35 as a float32, 1.0000000180025095e-35.
    static let zeroBand = Double(Float(1e-35))

    static func read(_ bytes: [UInt8], progress: ((Double) -> Void)?) throws(ModelFormatError) -> ImportedModel {
        let terminated = bytes + [0]
        let result = terminated.withUnsafeBufferPointer { buffer -> Result<ImportedModel, ModelFormatError> in
            Result { () throws(ModelFormatError) in try read(LightGBMText(buffer), progress) }
        }
        return try result.get()
    }

    private static func read(
        _ text: LightGBMText, _ progress: ((Double) -> Void)?
    ) throws(ModelFormatError) -> ImportedModel {
        var text = text
        var (header, firstTree) = try LightGBMHeader.read(&text)
        var reader = LightGBMTreeReader(featureCount: header.featureCount)
        var trees: [Forest.Tree] = []
        var line = firstTree
        while line.hasPrefix("Tree=") {
            guard trees.count < ModelBounds.trees else { throw line.error("more than \(ModelBounds.trees) trees") }
            guard try line.integer(0...ModelBounds.trees) == trees.count else {
                throw line.error("expected Tree=\(trees.count)")
            }
            trees.append(try reader.read(&text, output: trees.count % header.outputs))
            if trees.count & 63 == 0 { progress?(Double(text.position) / Double(text.count)) }
            line = try nextFilled(&text)
        }
        guard line.hasPrefix("end of trees") else { throw line.error("expected Tree=\(trees.count) or `end of trees`") }
        try header.check(treeCount: trees.count)
        header.categories = try pandasCategories(&text, header)
        return try model(header, reader, trees)
    }

    private static func nextFilled(_ text: inout LightGBMText) throws(ModelFormatError) -> LightGBMLine {
        while let line = text.nextLine() {
            if !line.isEmpty { return line }
        }
        throw ModelFormatError(text.place, "the file ends before `end of trees`")
    }

    private static func model(
        _ header: LightGBMHeader, _ reader: LightGBMTreeReader, _ trees: [Forest.Tree]
    ) throws(ModelFormatError) -> ImportedModel {
        let forest = Forest(
            featureCount: header.featureCount, valueWidth: .float64, comparison: .lessOrEqual, zeroBand: zeroBand,
            categoryRule: .aboveMinusOne, membersGoLeft: true, categorySets: reader.categorySets, trees: trees,
            accumulation: .float64, baseMargins: [Double](repeating: 0, count: header.outputs),
            averageDivisor: header.averages ? trees.count / header.outputs : 1,
            transform: header.objective.transform)
        var categorical = header.categoricalFeatures
        for tree in trees {
            for node in tree.nodes where node.categories >= 0 { categorical[Int(node.feature)] = true }
        }
        return ImportedModel(
            format: .lightgbm, model: .forest(forest), featureNames: header.featureNames,
            categoricalFeatures: categorical,
            categories: header.categories, objective: header.objective.text,
            classCount: header.objective.classCount(outputs: header.outputs), trainerVersion: nil)
    }

    /// Names of categories of a model that was trained on a pandas data frame, by feature.
    private static func pandasCategories(
        _ text: inout LightGBMText, _ header: LightGBMHeader
    ) throws(ModelFormatError) -> [[String]] {
        var categories = [[String]](repeating: [], count: header.featureCount)
        let prefix = "pandas_categorical:"
        while let line = text.nextLine() {
            guard line.hasPrefix(prefix) else { continue }
            let value = try JSONModelReader.read(line.rest(after: prefix.utf8.count), place: line.place)
            guard case .array(let columns) = value else { break }
            // The columns stand in the order of the categorical features, without their names.
            let features = header.categoricalFeatures.indices.filter { header.categoricalFeatures[$0] }
            guard columns.count == features.count else { break }
            for (feature, column) in zip(features, columns) { categories[feature] = names(column) }
        }
        return categories
    }

    private static func names(_ column: ModelValue) -> [String] {
        switch column {
        case .tape(let values):
            return (0..<values.count).map { values.areIntegers ? "\(values.integer($0))" : "\(values.number($0))" }
        case .integers(let integers): return integers.map { "\($0)" }
        case .numbers(let numbers): return numbers.map { "\($0)" }
        case .array(let values):
            return values.map { value in
                switch value {
                case .string(let name): name
                case .integer(let integer): "\(integer)"
                case .number(let number): "\(number)"
                case .boolean(let boolean): boolean ? "True" : "False"
                default: ""
                }
            }
        default: return []
        }
    }
}
