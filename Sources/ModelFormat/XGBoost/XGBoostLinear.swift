// XGBoost's linear booster (gblinear) as a pipeline.
//
//     row ──► for each output  [0, x0, x1, …]  × weights  + start, in front  ──sum──► margins ──► scores
//
// The library starts a float32 sum at bias + base margin and adds value × weight, feature by feature,
// leaving out what is missing.  The stages do the same, term by term, so that margins come out to the
// bit; a dense stage would not, its sum has no order.  A missing value's term is -0, which changes no sum.

struct XGBoostLinear {
    private let features: Int
    private let outputs: Int
    /// [feature][output], then the biases.
    private let weights: [Float]
    private let baseMargins: [Double]

    /// `gradient_booster.model` of a gblinear file.
    init(_ model: ModelField, _ parameters: XGBoostParameters, baseMargins: [Double]) throws(ModelFormatError) {
        features = parameters.featureCount
        outputs = parameters.outputs
        self.baseMargins = baseMargins
        guard (features + 1) * outputs <= ModelBounds.features else {
            throw model.error("gblinear needs (features + 1) × outputs of at most \(ModelBounds.features)")
        }
        let field = try model.member("weights")
        weights = try field.floats(count: (features + 1) * outputs)
        if let bad = weights.firstIndex(where: { !$0.isFinite }) {
            throw ModelFormatError("\(field.place)[\(bad)]", "must be a finite float32")
        }
    }

    /// What each output's sum starts from.  The library adds the first base margin to every output,
    /// whatever the others are.
    private func start(_ output: Int) -> Double {
        Double(weights[features * outputs + output] + Float(baseMargins[0]))
    }

    func pipeline(_ transform: OutputTransform) -> Pipeline {
        let width = (features + 1) * outputs
        var columns: [Int] = []
        var missing: [Double] = []
        var factors: [Double] = []
        var starts: [Double] = []
        for output in 0..<outputs {
            // The first column of a block becomes the start: whatever its value, its factor is 0.
            columns.append(0)
            missing.append(0)
            factors.append(0)
            starts.append(start(output))
            for feature in 0..<features {
                let weight = weights[feature * outputs + output]
                columns.append(feature)
                missing.append(weight.sign == .minus ? 0 : -0.0)
                factors.append(Double(weight))
                starts.append(-0.0)
            }
        }
        var stages: [Pipeline.Stage] = []
        func add(_ operation: Operation, _ columns: Int, _ name: String) {
            let output = Pipeline.Value(columns: columns, width: .float32)
            stages.append(Pipeline.Stage(inputs: [stages.count], operation: operation, output: output, name: name))
        }
        add(.select(columns: columns), width, "gblinear.columns")
        add(.impute(values: missing, marker: .nan), width, "gblinear.missing")
        add(.arithmetic(.multiply, operands: factors), width, "gblinear.weights")
        add(.arithmetic(.add, operands: starts), width, "gblinear.bias")
        add(.reduce(.sum, size: features + 1), outputs, "gblinear.sum")
        let margins = stages.count
        if transform != .identity { add(.transform(transform), outputs, "objective") }
        return Pipeline(
            input: Pipeline.Value(columns: features, width: .float32), stages: stages, margins: margins,
            scores: stages.count)
    }
}
