// The oracle of pipelines: one row, one stage, one column at a time, as `Operation` is written.
//
//     row ─► value 0 ─► stage 0 ─► value 1 ─► … ─► margins, scores
//
// Values are kept as doubles that hold a number of their own width exactly.  Sums of dense layers
// and activations are computed in double and rounded once, so a faster implementation is held
// against the best answer there is, not against another order of rounding.

extension ReferenceScorer {
    /// Margins and scores of one row, in the model's width (a float32 is widened, exactly).
    ///
    /// - Parameters:
    ///   - model: has been checked.
    ///   - row: `model.featureCount` values; NaN is missing.
    ///   - rowType: the width in which the row arrived; `.float32` rounds the values first.
    public static func score(
        _ model: PortableModel, row: [Double], rowType: NumberWidth
    ) -> (margins: [Double], scores: [Double]) {
        switch model {
        case .forest(let forest): return score(forest, row: row, rowType: rowType)
        case .pipeline(let pipeline):
            let values = values(of: pipeline, row: row, rowType: rowType)
            return (values[pipeline.margins], values[pipeline.scores])
        }
    }

    /// Every value of one row: value 0 is the row, value i + 1 what stage i makes of it.
    public static func values(of pipeline: Pipeline, row: [Double], rowType: NumberWidth) -> [[Double]] {
        precondition(row.count == pipeline.input.columns, "a row has as many values as the pipeline has columns")
        let arrived = rowType == .float32 ? row.map { Double(Float($0)) } : row
        var values = [arrived.map { rounded($0, pipeline.input.width) }]
        for stage in pipeline.stages {
            values.append(output(of: stage, stage.inputs.flatMap { values[$0] }))
        }
        return values
    }

    private static func output(of stage: Pipeline.Stage, _ inputs: [Double]) -> [Double] {
        switch stage.operation {
        case .forest(let forest): return score(forest, row: inputs, rowType: .float64).scores
        case .catboostCounters(let counters): return counters.values(of: inputs)
        case .transform(let transform):
            return transform.apply(inputs.map { rounded($0, stage.output.width) }, width: stage.output.width)
        case .dense(let layer):
            return dense(layer, inputs.map { rounded($0, stage.output.width) }, stage.output.width)
        case .activation(let activation):
            return apply(activation, inputs.map { rounded($0, stage.output.width) })
                .map { rounded($0, stage.output.width) }
        default:
            return stage.output.width == .float32
                ? StageArithmetic<Float>.apply(stage.operation, inputs.map { Float($0) }).map { Double($0) }
                : StageArithmetic<Double>.apply(stage.operation, inputs)
        }
    }

    private static func rounded(_ value: Double, _ width: NumberWidth) -> Double {
        width == .float32 ? Double(Float(value)) : value
    }

    /// The sums are rounded to the width before the activation, as a layer without one hands them on.
    private static func dense(_ layer: DenseLayer, _ inputs: [Double], _ width: NumberWidth) -> [Double] {
        let sums = (0..<layer.outputs).map { output in
            let weights = layer.weights[output * layer.inputs..<(output + 1) * layer.inputs]
            return rounded(zip(weights, inputs).reduce(layer.bias[output]) { $0 + $1.0 * $1.1 }, width)
        }
        return apply(layer.activation, sums).map { rounded($0, width) }
    }
}
