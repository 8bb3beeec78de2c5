// Linear models, and the transform that ends linear models and tree ensembles.

extension GraphLowering {
    static let transforms = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]

    /// What a classifier with one score for two classes makes of it.
    enum SecondClass {
        /// [1 - s, s]: the score is a probability.
        case complement
        /// [-s, s]: the score is a margin.
        case mirror
    }

    mutating func linearClassifier(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try linearInput(reader)
        // Says how the model was trained; ONNX Runtime does not look at it either.
        reader.ignore("multi_class")
        try noteClasses(&reader, strings: "classlabels_strings", integers: "classlabels_ints")
        let transform = try reader.word("post_transform", default: "NONE", of: Self.transforms)
        objective = "LinearClassifier \(transform)"
        var scores = try linear(&reader, rows, outputs: nil)
        let classes = max(classNames.count, scores.shape.columns)
        guard scores.shape.columns == classes || (scores.shape.columns == 1 && classes == 2) else {
            throw reader.error("has \(scores.shape.columns) rows of coefficients for \(classes) classes")
        }
        let isSingle = scores.shape.columns == 1 && classes == 2
        // ONNX Runtime: without a transform the other class is 1 - s.
        let second: SecondClass? = isSingle ? (transform == "NONE" ? .complement : .mirror) : nil
        scores = try finish(scores, transform, second, reader)
        return .rows(scores)
    }

    mutating func linearRegressor(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try linearInput(reader)
        let targets = try reader.integer("targets", default: 1)
        guard (1...ModelBounds.outputs).contains(targets) else {
            throw reader.error(attribute: "targets", "must be 1 to \(ModelBounds.outputs)")
        }
        let transform = try reader.word("post_transform", default: "NONE", of: Self.transforms)
        objective = "LinearRegressor \(transform)"
        let scores = try linear(&reader, rows, outputs: targets)
        return .rows(try finish(scores, transform, nil, reader))
    }

    /// Coefficients are float, so the sums are.
    private mutating func linearInput(_ reader: NodeReader) throws(ModelFormatError) -> RowTensor {
        var rows = try numberMatrix(0, reader)
        rows.value = builder.convert(rows.value, .float32)
        rows.element = .float
        return rows
    }

    private mutating func linear(
        _ reader: inout NodeReader, _ rows: RowTensor, outputs: Int?
    ) throws(ModelFormatError) -> RowTensor {
        guard let weights = try reader.floats("coefficients"), weights.count % rows.shape.columns == 0 else {
            throw reader.error(
                attribute: "coefficients", "must have a number for each of \(rows.shape.columns) columns")
        }
        let intercepts = try reader.floats("intercepts")
        let count = outputs ?? intercepts?.count ?? weights.count / rows.shape.columns
        guard weights.count == count * rows.shape.columns else {
            throw reader.error(
                attribute: "coefficients", "must have \(count) × \(rows.shape.columns) numbers, has \(weights.count)")
        }
        let bias = intercepts ?? [Double](repeating: 0, count: count)
        guard bias.count == count else {
            throw reader.error(attribute: "intercepts", "must have \(count) numbers, has \(bias.count)")
        }
        guard case .rows(let scores) = dense(rows, weights, bias, try shape([.rows, .count(count)], reader)) else {
            throw reader.error("has no rows")
        }
        return scores
    }

    /// The transform over the row's scores, and the second class.
    mutating func finish(
        _ scores: RowTensor, _ transform: String, _ second: SecondClass?, _ reader: NodeReader
    ) throws(ModelFormatError) -> RowTensor {
        var scores = scores
        let width = builder.value(scores.value).width
        guard second == nil || transform != "PROBIT" else {
            throw reader.error(attribute: "post_transform", "is PROBIT, with one score for two classes: not defined")
        }
        switch second {
        case .complement:
            scores.value = builder.append(.complement, [scores.value], columns: 2, width: width)
        case .mirror:
            let negative = builder.activation(.negate, scores.value)
            scores.value = builder.join([negative, scores.value])
        case nil: break
        }
        scores.shape = .matrix(builder.value(scores.value).columns)
        switch transform {
        case "LOGISTIC": scores.value = builder.pointwise(.transform(.sigmoid(scale: 1)), scores.value)
        case "SOFTMAX": scores.value = builder.pointwise(.transform(.softmax), scores.value)
        case "SOFTMAX_ZERO": scores.value = softmaxZero(scores.value)
        case "PROBIT":
            try approximate(
                "probit", "PROBIT is a formula that is off by up to 0.002 in ONNX itself", place: reader.node.place)
            scores.value = probit(scores.value)
        default: break
        }
        return scores
    }

    /// Softmax over the scores that are not (nearly) 0; those become score × exp(-largest), as in ONNX Runtime.
    private mutating func softmaxZero(_ input: Int) -> Int {
        let shape = builder.value(input)
        let largest = builder.append(.reduce(.maximum, size: shape.columns), [input], columns: 1, width: shape.width)
        let spread = builder.select([Int](repeating: 0, count: shape.columns), of: largest)
        let limit = [Double](repeating: Double(Float(1e-7)), count: shape.columns)
        let counts = builder.pointwise(.binarize(thresholds: limit), builder.activation(.absolute, input))
        let powers = builder.activation(.exponential, builder.combine(.subtract, input, spread))
        let scale = builder.activation(.exponential, builder.activation(.negate, spread))
        let zeros = builder.constant([Double](repeating: 0, count: shape.columns), width: shape.width)
        let kept = builder.append(.choose, [counts, powers, zeros], columns: shape.columns, width: shape.width)
        let sum = builder.append(.reduce(.sum, size: shape.columns), [kept], columns: 1, width: shape.width)
        let chosen = builder.append(
            .choose, [counts, powers, builder.combine(.multiply, input, scale)], columns: shape.columns,
            width: shape.width)
        return builder.combine(.divide, chosen, builder.select([Int](repeating: 0, count: shape.columns), of: sum))
    }

    /// √2 × erf⁻¹(2x - 1) by Winitzki's formula (a = 0.147), which is what ONNX and ONNX Runtime compute.
    private mutating func probit(_ input: Int) -> Int {
        let shape = builder.value(input)
        func all(_ value: Double) -> [Double] {
            [Double](repeating: shape.width == .float32 ? Double(Float(value)) : value, count: shape.columns)
        }
        let centered = builder.arithmetic(.add, builder.arithmetic(.multiply, input, all(2)), all(-1))
        let below = builder.arithmetic(.add, builder.activation(.negate, centered), all(1))
        let product = builder.combine(.multiply, below, builder.arithmetic(.add, centered, all(1)))
        let logarithm = builder.activation(.logarithm, product)
        let half = builder.arithmetic(.multiply, logarithm, all(0.5))
        let first = builder.arithmetic(.add, half, all(2 / (3.14159 * 0.147)))
        let second = builder.arithmetic(.multiply, logarithm, all(1 / 0.147))
        let inner = builder.combine(.subtract, builder.combine(.multiply, first, first), second)
        let root = builder.combine(.subtract, builder.activation(.squareRoot, inner), first)
        let magnitude = builder.activation(.squareRoot, root)
        let isNegative = builder.pointwise(.binarize(thresholds: all(0)), builder.activation(.negate, centered))
        let sign = builder.arithmetic(.add, builder.arithmetic(.multiply, isNegative, all(-2)), all(1))
        return builder.arithmetic(.multiply, builder.combine(.multiply, sign, magnitude), all(1.41421356))
    }
}
