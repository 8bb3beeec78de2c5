// Contributions of a pipeline whose margins are sums of functions of one feature each, and of forests.
//
//     row ──► the stages that are not linear, compiled ──┬─► terms ──────────────────────┐
//                                                        └─► forests' rows ──► TreeSHAP ─┴─► × weights, by feature
//
// A linear model is the case where the terms are the row's own columns.  A forest's column counts for the
// feature that it is made of.

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

    private struct ForestPart {
        var contributions: ForestContributions
        /// Its row among the values that the terms' model makes.
        var firstValue: Int
        /// By its column, and last for its expected margin: the feature's column in an output's contributions.
        var columns: [Int]
        /// [output][forest's output].
        var weights: [Double]
    }

    /// Scores with the terms' values, then the forests' rows.
    private let model: CompiledModel
    private let terms: [Term]
    private let forests: [ForestPart]
    private let constants: [Double]
    private let columnCount: Int
    /// Of what the model makes, of the largest forest's contributions, and of either's scratch.
    private let bytes: (values: Int, contributions: Int, scratch: Int)

    init(_ pipeline: Pipeline) throws {
        let form = try AdditiveForm(pipeline)
        constants = form.constants
        let columnCount = pipeline.input.columns + 1
        self.columnCount = columnCount
        var chosen = ChosenColumns(pipeline)
        terms = form.terms.map { term in
            let value = chosen.add(term.value, term.column)
            let place = term.output * columnCount + (term.feature ?? columnCount - 1)
            return Term(value: value, place: place, weight: term.weight)
        }
        forests = try form.forests.map { term in
            let first = chosen.columns.count
            for input in term.inputs { chosen.append(input.value, input.column) }
            return ForestPart(
                contributions: try ForestContributions(term.forest, kernels: nil), firstValue: first,
                columns: term.inputs.map { $0.feature ?? columnCount - 1 } + [columnCount - 1], weights: term.weights)
        }
        model = try CompiledModel.compile(.pipeline(chosen.pipeline))
        let largest = forests.map { $0.contributions.outputCount * $0.columns.count }.max() ?? 0
        let scratch = forests.map { $0.contributions.scratchByteCount } + [model.scratchByteCount(rows: 1)]
        bytes = ((model.outputCount * 8 + 63) & ~63, (largest * 8 + 63) & ~63, scratch.max()!)
    }

    /// Of the terms' model, the forests' tables and the terms themselves.
    var memoryBytes: Int {
        model.imageBytes + forests.reduce(0) { $0 + $1.contributions.layout.memoryBytes }
            + terms.count * MemoryLayout<Term>.stride
    }

    /// Bytes of scratch to explain a row.
    var scratchByteCount: Int { 64 + bytes.values + bytes.contributions + bytes.scratch }

    /// [outputs][features + 1] of one row; false: not all of them are finite.
    @inline(__always)
    func explain<Number: BinaryFloatingPoint>(
        _ row: UnsafeRawPointer, _ type: ValueType, _ output: UnsafeMutablePointer<Number>,
        _ scratch: UnsafeMutableRawBufferPointer
    ) -> Bool {
        // SAFETY: values, a forest's contributions, scratch; scratchByteCount adds them up.
        let start = scratch.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: 64)
        let values = start.assumingMemoryBound(to: Double.self)
        let found = (start + bytes.values).assumingMemoryBound(to: Double.self)
        let rest = UnsafeMutableRawBufferPointer(
            start: start + bytes.values + bytes.contributions, count: bytes.scratch)
        var job = ScoringJob(values: row, rowCount: 1, valueType: type, margins: nil, scores: start)
        withUnsafeMutablePointer(to: &job) {
            model.score(UnsafeMutableBufferPointer(start: $0, count: 1), scratch: rest)
        }
        memset(output, 0, constants.count * columnCount * MemoryLayout<Number>.stride)
        for index in constants.indices { output[(index + 1) * columnCount - 1] = Number(constants[index]) }
        for term in terms { output[term.place] += Number(term.weight * values[term.value]) }
        for part in forests {
            _ = part.contributions.explain(values + part.firstValue, .float64, found, rest)
            add(part, found, to: output)
        }
        var isFinite = true
        for index in 0..<constants.count * columnCount { isFinite = isFinite && output[index].isFinite }
        return isFinite
    }

    @inline(__always)
    private func add<Number: BinaryFloatingPoint>(
        _ part: ForestPart, _ found: UnsafePointer<Double>, to output: UnsafeMutablePointer<Number>
    ) {
        let (own, width) = (part.contributions.outputCount, part.columns.count)
        for index in 0..<constants.count {
            for inner in 0..<own {
                let weight = part.weights[index * own + inner]
                guard weight != 0 else { continue }
                for (column, place) in part.columns.enumerated() {
                    output[index * columnCount + place] += Number(weight * found[inner * width + column])
                }
            }
        }
    }
}

/// Columns of a pipeline's values, as the scores of a pipeline that ends with them.
private struct ChosenColumns {
    private let whole: Pipeline
    private var places: [(value: Int, column: Int)] = []
    private var numbers: [Int: [Int: Int]] = [:]

    init(_ pipeline: Pipeline) { whole = pipeline }

    var columns: Range<Int> { places.indices }

    /// The column's number; one that is already there is shared.
    mutating func add(_ value: Int, _ column: Int) -> Int {
        if let number = numbers[value]?[column] { return number }
        numbers[value, default: [:]][column] = places.count
        append(value, column)
        return places.count - 1
    }

    mutating func append(_ value: Int, _ column: Int) { places.append((value, column)) }

    /// The stages that the columns need, then a stage that puts them one behind the other.
    var pipeline: Pipeline {
        let values = Set(places.map { $0.value } + [0]).sorted()
        var first: [Int: Int] = [:]
        var next = 0
        for value in values {
            first[value] = next
            next += whole.value(value).columns
        }
        // A model has at least one column.
        let chosen = places.isEmpty ? [0] : places.map { first[$0.value]! + $0.column }
        var stages = Array(whole.stages[..<values.last!])
        let output = Pipeline.Value(columns: chosen.count, width: .float64)
        stages.append(
            Pipeline.Stage(inputs: values, operation: .select(columns: chosen), output: output, name: "terms"))
        return Pipeline(input: whole.input, stages: stages, margins: stages.count, scores: stages.count)
    }
}
