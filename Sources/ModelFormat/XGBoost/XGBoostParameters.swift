// The two objects of an XGBoost file that say how its trees count: the booster and the learner's
// parameters, whose numbers are strings.

/// `gradient_booster`: plain trees, or DART's, which carry a weight each.
struct XGBoostBooster {
    /// Holds `trees`, `tree_info` and `cats`.
    let model: ModelField
    /// DART's weight of each tree; shorter than the trees: the rest weigh 1.
    let weights: [Float]
    let weightsPlace: String

    init(_ field: ModelField) throws(ModelFormatError) {
        let nameField = try field.member("name")
        let name = try nameField.string()
        var weights: ModelField?
        switch name {
        case "gbtree":
            model = try field.member("model")
            // From 3.4 on, DART is a gbtree with weights.
            weights = try model.optional("weight_drop")
            if weights == nil { weights = try field.optional("weight_drop") }
        case "dart":
            model = try field.member("gbtree").member("model")
            weights = try field.member("weight_drop")
        default: throw nameField.error("must be gbtree, dart or gblinear")
        }
        self.weights = try weights?.floats() ?? []
        weightsPlace = weights?.place ?? ""
    }
}

/// `learner_model_param`.
struct XGBoostParameters {
    let featureCount: Int
    /// 0 and 1: not multi-class.
    let classCount: Int
    let targetCount: Int
    /// In the objective's output space (a probability for a logistic one); one, or one an output.
    let baseScores: [Float]
    let baseScorePlace: String

    var outputs: Int { max(classCount, targetCount, 1) }

    init(_ field: ModelField) throws(ModelFormatError) {
        featureCount = try field.member("num_feature").integer(1...ModelBounds.features)
        classCount = try field.optional("num_class")?.integer(0...ModelBounds.outputs) ?? 0
        targetCount = try field.optional("num_target")?.integer(1...ModelBounds.outputs) ?? 1
        if classCount > 1, targetCount > 1 {
            throw field.error("several classes and several targets at once are not supported")
        }
        let baseField = try field.member("base_score")
        baseScorePlace = baseField.place
        baseScores = try Self.numbers(baseField)
        guard baseScores.count == 1 || baseScores.count == max(classCount, targetCount, 1) else {
            throw baseField.error("must have one number, or one for each output")
        }
    }

    /// `5E-1`, `[1E-2]`, `[1E-1,2E-1]`; a number in some old files.
    private static func numbers(_ field: ModelField) throws(ModelFormatError) -> [Float] {
        if case .number(let number) = field.value { return [Float(number)] }
        var text = try field.string()[...]
        if text.first == "[", text.last == "]" { text = text.dropFirst().dropLast() }
        var numbers: [Float] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Float(part.drop { $0 == " " }), number.isFinite else {
                throw field.error("must be a finite number, or several in brackets")
            }
            numbers.append(number)
        }
        return numbers
    }
}
