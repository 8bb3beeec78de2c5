// LightGBM's `objective` line: a name, then parameters as words.
//
//     binary sigmoid:1        multiclass num_class:3        regression sqrt

struct LightGBMObjective {
    /// The line's value; `custom` where there is none.
    let text: String
    let transform: OutputTransform
    private let name: String

    init(_ line: LightGBMLine?, outputs: Int) throws(ModelFormatError) {
        guard let line else {
            (text, name, transform) = ("custom", "custom", .identity)
            return
        }
        text = try line.string()
        let words = try line.words()
        name = words.first ?? ""
        switch name {
        case "binary": transform = .sigmoid(scale: try Self.sigmoid(words, line))
        case "multiclassova": transform = .sigmoid(scale: try Self.sigmoid(words, line))
        case "multiclass": transform = .softmax
        case "cross_entropy": transform = .sigmoid(scale: 1)
        case "cross_entropy_lambda": transform = .softplus
        case "poisson", "gamma", "tweedie": transform = .exponential
        case "regression", "regression_l1", "huber", "fair", "quantile", "mape":
            transform = words.contains("sqrt") ? .signedSquare : .identity
        case "lambdarank", "rank_xendcg", "custom": transform = .identity
        default: throw line.error("this objective is not supported")
        }
        let isMulticlass = name.hasPrefix("multiclass")
        guard isMulticlass || outputs == 1 || name == "custom" else {
            throw line.error("\(name) has one tree an iteration, the header says \(outputs)")
        }
        if isMulticlass, try Self.parameter("num_class:", words, line).flatMap({ Int($0) }) != outputs {
            throw line.error("num_class must be \(outputs), the trees of an iteration")
        }
    }

    private static func parameter(
        _ prefix: String, _ words: [String], _ line: LightGBMLine
    ) throws(ModelFormatError) -> Substring? {
        words.first { $0.hasPrefix(prefix) }?.dropFirst(prefix.utf8.count)
    }

    private static func sigmoid(_ words: [String], _ line: LightGBMLine) throws(ModelFormatError) -> Double {
        guard let word = try parameter("sigmoid:", words, line), let scale = Double(word), scale.isFinite, scale > 0
        else {
            throw line.error("the objective needs `sigmoid:` and a number above 0")
        }
        return scale
    }

    /// Classes for the manifest: 2 for a binary model, 0 for what is no classifier.
    func classCount(outputs: Int) -> Int {
        switch name {
        case "binary": 2
        case "multiclass", "multiclassova": outputs
        default: 0
        }
    }
}
