// Contributions of a pipeline whose margins are sums of functions of one feature each.
//
//     row ──► the stages that are not linear, compiled ──► terms ──► contributions[feature] += weight × term
//
// A linear model is the case where the terms are the row's own columns.

internal import Glibc
internal import Inference
internal import ModelFormat

final class AdditiveContributions: Sendable {
    /// One of the values that the terms' model makes, and where it counts.
    private struct Term {
        var value: Int
        /// In the row's contributions: [output][features + 1].
        var place: Int
        var weight: Double
    }

    /// Scores with the terms' columns.
    private let model: CompiledModel
    private let terms: [Term]
    private let termCount: Int
    private let constants: [Double]
    private let columnCount: Int
    private let modelScratchBytes: Int

    init(_ pipeline: Pipeline) throws {
        let form = try AdditiveForm(pipeline)
        columnCount = pipeline.input.columns + 1
        constants = form.constants
        var columns: [Int] = []
        var terms: [Term] = []
        // The columns of all values that terms stand in, one value behind the other.
        let values = Set(form.terms.map { $0.value } + [0]).sorted()
        var firstColumns: [Int: Int] = [:]
        var next = 0
        for value in values {
            firstColumns[value] = next
            next += pipeline.value(value).columns
        }
        var numbers: [Int: Int] = [:]
        for term in form.terms {
            let column = firstColumns[term.value]! + term.column
            if numbers[column] == nil {
                numbers[column] = columns.count
                columns.append(column)
            }
            let place = term.output * columnCount + (term.feature ?? columnCount - 1)
            terms.append(Term(value: numbers[column]!, place: place, weight: term.weight))
        }
        if columns.isEmpty { columns = [0] }
        self.terms = terms
        termCount = columns.count
        model = try CompiledModel.compile(.pipeline(Self.cut(pipeline, values, columns)))
        modelScratchBytes = model.scratchByteCount(rows: 1)
    }

    /// The pipeline up to the last of `values`, then the chosen ones of their columns.
    private static func cut(_ pipeline: Pipeline, _ values: [Int], _ columns: [Int]) -> Pipeline {
        var stages = Array(pipeline.stages[..<(values.last ?? 0)])
        let output = Pipeline.Value(columns: columns.count, width: .float64)
        stages.append(
            Pipeline.Stage(inputs: values, operation: .select(columns: columns), output: output, name: "terms"))
        return Pipeline(input: pipeline.input, stages: stages, margins: stages.count, scores: stages.count)
    }

    /// Bytes of scratch to explain a row.
    var scratchByteCount: Int { 64 + (termCount * 8 + 63) & ~63 + modelScratchBytes }

    /// [outputs][features + 1] of one row; false: not all of them are finite.
    @inline(__always)
    func explain<Number: BinaryFloatingPoint>(
        _ row: UnsafeRawPointer, _ type: ValueType, _ output: UnsafeMutablePointer<Number>,
        _ scratch: UnsafeMutableRawBufferPointer
    ) -> Bool {
        // SAFETY: the terms, then the model's own scratch; scratchByteCount adds them up.
        let start = scratch.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: 64)
        let values = start.assumingMemoryBound(to: Double.self)
        let rest = UnsafeMutableRawBufferPointer(start: start + (termCount * 8 + 63) & ~63, count: modelScratchBytes)
        var job = ScoringJob(values: row, rowCount: 1, valueType: type, margins: nil, scores: start)
        withUnsafeMutablePointer(to: &job) {
            model.score(UnsafeMutableBufferPointer(start: $0, count: 1), scratch: rest)
        }
        memset(output, 0, constants.count * columnCount * MemoryLayout<Number>.stride)
        for index in constants.indices { output[(index + 1) * columnCount - 1] = Number(constants[index]) }
        for term in terms { output[term.place] += Number(term.weight * values[term.value]) }
        var isFinite = true
        for index in 0..<constants.count * columnCount { isFinite = isFinite && output[index].isFinite }
        return isFinite
    }
}
