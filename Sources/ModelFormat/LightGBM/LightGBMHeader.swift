// The lines before the first tree: what the model is, and what its columns are called.

struct LightGBMHeader {
    let featureCount: Int
    let featureNames: [String]
    /// As `feature_infos` says: a list of codes instead of a range.
    let categoricalFeatures: [Bool]
    /// Trees of one iteration: one, or one a class.
    let outputs: Int
    /// `average_output`: a random forest.
    let averages: Bool
    let objective: LightGBMObjective
    /// Trees by `tree_sizes`; nil: the line is not there.
    private let statedTrees: Int?
    private let statedTreesPlace: String
    /// Names of categories by feature; found behind the trees.
    var categories: [[String]] = []

    private static let known: Set<String> = [
        "num_class", "num_tree_per_iteration", "max_feature_idx", "objective", "average_output", "feature_names",
        "feature_infos", "tree_sizes",
    ]

    /// Reads up to and with the line behind the header, which opens the first tree or ends them.
    static func read(_ text: inout LightGBMText) throws(ModelFormatError) -> (LightGBMHeader, LightGBMLine) {
        var lines: [String: LightGBMLine] = [:]
        guard let first = text.nextLine(), first.key == "tree" else {
            throw ModelFormatError("line 1", "must be `tree`, the first line of a LightGBM model")
        }
        while let line = text.nextLine() {
            if line.hasPrefix("Tree=") || line.hasPrefix("end of trees") {
                return (try LightGBMHeader(lines, first), line)
            }
            let key = line.key
            guard known.contains(key) else { continue }
            guard lines.updateValue(line, forKey: key) == nil else { throw line.error("\(key) stands twice") }
        }
        throw ModelFormatError(text.place, "the file ends before its first tree")
    }

    private init(_ lines: [String: LightGBMLine], _ first: LightGBMLine) throws(ModelFormatError) {
        func required(_ key: String) throws(ModelFormatError) -> LightGBMLine {
            guard let line = lines[key] else { throw first.error("the header has no \(key)") }
            return line
        }
        let count = try required("max_feature_idx").integer(0...ModelBounds.features - 1) + 1
        featureCount = count
        let classes = try required("num_class").integer(1...ModelBounds.outputs)
        outputs = try lines["num_tree_per_iteration"]?.integer(1...ModelBounds.outputs) ?? classes
        averages = lines["average_output"] != nil
        featureNames = try Self.words(required("feature_names"), count)
        categoricalFeatures = try Self.words(required("feature_infos"), count).map {
            $0 != "none" && !$0.hasPrefix("[")
        }
        objective = try LightGBMObjective(lines["objective"], outputs: outputs)
        statedTrees = try lines["tree_sizes"]?.words().count
        statedTreesPlace = lines["tree_sizes"]?.place ?? ""
    }

    /// One word a feature, none over-long.
    private static func words(_ line: LightGBMLine, _ count: Int) throws(ModelFormatError) -> [String] {
        let words = try line.words()
        guard words.count == count else { throw line.error("\(line.key) must have \(count) words, has \(words.count)") }
        return words
    }

    /// Holds the trees that were read against what the header announced.
    func check(treeCount: Int) throws(ModelFormatError) {
        if let statedTrees, statedTrees != treeCount {
            throw ModelFormatError(
                statedTreesPlace, "tree_sizes announces \(statedTrees) trees, the file has \(treeCount)")
        }
        guard treeCount % outputs == 0 else {
            throw ModelFormatError("", "\(treeCount) trees do not make whole iterations of \(outputs)")
        }
        guard !averages || treeCount > 0 else { throw ModelFormatError("", "average_output needs at least one tree") }
    }
}
