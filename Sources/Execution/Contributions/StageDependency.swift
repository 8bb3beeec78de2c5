// Which feature of the row each column of a pipeline's values depends on.

internal import ModelFormat

enum StageDependency: Equatable {
    case none
    case feature(Int)
    case several

    static func + (left: StageDependency, right: StageDependency) -> StageDependency {
        switch (left, right) {
        case (.none, let other), (let other, .none): other
        case (.feature(let one), .feature(let other)) where one == other: left
        default: .several
        }
    }

    /// By value and column, value 0 being the row.
    static func ofValues(_ pipeline: Pipeline) -> [[StageDependency]] {
        var values = [(0..<pipeline.input.columns).map { StageDependency.feature($0) }]
        for stage in pipeline.stages { values.append(ofOutput(stage, stage.inputs.flatMap { values[$0] })) }
        return values
    }

    /// Of a stage's columns, from those of its inputs, one behind the other.
    private static func ofOutput(_ stage: Pipeline.Stage, _ inputs: [StageDependency]) -> [StageDependency] {
        let count = stage.output.columns
        func parts(_ parts: Int) -> [StageDependency] {
            (0..<count).map { column in (0..<parts).map { inputs[$0 * count + column] }.reduce(.none, +) }
        }
        switch stage.operation {
        case .select(let columns): return columns.map { inputs[$0] }
        case .combine, .compare: return parts(2)
        case .choose: return parts(3)
        case .oneHot(let categories):
            return zip(inputs, categories).flatMap { [StageDependency](repeating: $0, count: $1.count) }
        case .reduce(_, let size):
            return (0..<count).map { inputs[$0 * size..<($0 + 1) * size].reduce(.none, +) }
        case .dense(let layer) where layer.activation != .softmax:
            return (0..<count).map { output in
                zip(inputs, layer.weights[output * layer.inputs..<(output + 1) * layer.inputs])
                    .filter { $1 != 0 }.map { $0.0 }.reduce(.none, +)
            }
        case .complement: return [inputs[0], inputs[0]]
        case .transform(.softmax), .activation(.softmax), .dense, .normalize, .forest, .catboostCounters:
            return [StageDependency](repeating: inputs.reduce(.none, +), count: count)
        case .copy, .impute, .scale, .arithmetic, .lookup, .clip, .log, .bucket, .binarize, .transform, .activation,
            .calibrate:
            return parts(1)
        }
    }
}
