// What a CatBoost objective does to the sums: the library's own default for its scores.
//
//     Logloss, CrossEntropy, Focal                          probability of the second class
//     MultiClass                                            softmax
//     MultiClassOneVsAll, MultiLogloss, MultiCrossEntropy   a sigmoid for each output
//     Poisson, Tweedie                                      exponential
//     RMSEWithUncertainty                                   mean, and exp(2 × second output): variance
//     regression, ranking, one's own objective              the sums as they are
//
// For softmax and the exponentials CatBoost has an exponential function of its own (see
// `FastExponential`), for sigmoids it takes the C library's.

struct CatBoostObjective {
    /// With its parameters: `Quantile:alpha=0.7`.
    let name: String
    let transform: OutputTransform
    /// The second of two outputs becomes a variance.
    let hasUncertainty: Bool
    private let isClassifier: Bool

    /// `info`: the file's `model_info`; nil: it has none.
    init(_ info: ModelField?, outputs: Int) throws(ModelFormatError) {
        guard let loss = try info?.present("params")?.present("loss_function") else {
            (name, transform, hasUncertainty, isClassifier) = ("unknown", .identity, false, false)
            return
        }
        let typeField = try loss.member("type")
        let type = try typeField.string()
        var wide = false
        switch type {
        case "Logloss", "CrossEntropy", "Focal": (transform, isClassifier) = (.sigmoid(scale: 1), true)
        case "MultiClass": (transform, isClassifier, wide) = (.fastSoftmax, true, true)
        case "MultiClassOneVsAll": (transform, isClassifier, wide) = (.sigmoid(scale: 1), true, true)
        case "MultiLogloss", "MultiCrossEntropy": (transform, isClassifier, wide) = (.sigmoid(scale: 1), false, true)
        case "Poisson", "Tweedie": (transform, isClassifier) = (.fastExponential, false)
        default:
            guard Self.plain.contains(type) else {
                throw typeField.error(
                    "this objective is not supported; supported are CatBoost's classification, regression and ranking "
                        + "objectives and Python's own")
            }
            (transform, isClassifier, wide) = (.identity, false, true)
        }
        hasUncertainty = type == "RMSEWithUncertainty"
        guard wide || outputs == 1, !hasUncertainty || outputs == 2 else {
            throw typeField.error("does not go with \(outputs) values a leaf")
        }
        name = type + (try Self.parameters(loss))
    }

    /// Objectives whose scores are the sums.
    private static let plain: Set = [
        "RMSE", "RMSEWithUncertainty", "MAE", "Quantile", "MultiQuantile", "GroupQuantile", "Expectile",
        "LogLinQuantile", "Lq", "MAPE", "Huber", "LogCosh", "Tukey", "RMSPE", "MultiRMSE",
        "MultiRMSEWithMissingValues", "SurvivalAft", "Cox", "PairLogit", "PairLogitPairwise", "YetiRank",
        "YetiRankPairwise", "QueryRMSE", "GroupQuantile", "QuerySoftMax", "QueryCrossEntropy", "StochasticFilter",
        "StochasticRank", "LambdaMart", "PythonUserDefinedPerObject", "PythonUserDefinedMultiTarget",
        "UserPerObjMetric", "UserQuerywiseMetric",
    ]

    private static func parameters(_ loss: ModelField) throws(ModelFormatError) -> String {
        guard let field = try loss.present("params") else { return "" }
        var words: [String] = []
        for key in try field.keys() { words.append("\(key)=\(try field.member(key).string())") }
        return words.isEmpty ? "" : ":" + words.joined(separator: ";")
    }

    /// Classes for the manifest: 2 for a binary model, 0 for what is no classifier.
    func classCount(outputs: Int) -> Int { isClassifier ? max(2, outputs) : 0 }

    /// The output of each dimension of the leaves: classes stand in the order of their labels.
    ///
    /// CatBoost answers -∞ for a class that no training row had; such a model is refused.
    static func outputs(_ info: ModelField?, dimension: Int) throws(ModelFormatError) -> [Int] {
        let identity = Array(0..<dimension)
        guard dimension > 1, let parameters = try info?.present("class_params") else { return identity }
        let names = try parameters.present("class_names")?.count() ?? 0
        let classes = max(try parameters.present("classes_count")?.integer(0...Int(Int32.max)) ?? 0, names)
        guard classes > 0, let labelsField = try parameters.present("class_to_label") else { return identity }
        let labels = try labelsField.numbers()
        guard classes == dimension else {
            throw parameters.error(
                "\(classes) classes are declared, \(dimension) were trained; train with the classes that the data has")
        }
        guard labels.sorted() == identity.map({ Double($0) }) else {
            throw labelsField.error("must hold each of 0 to \(dimension - 1) once")
        }
        return labels.map { Int($0) }
    }
}
