// A pipeline's margins as sums of functions of one feature each, where they are that.
//
//     margin[output] = constant[output] + Σ weight × column of a value before it
//
// Found from the back: a linear stage is replaced by its weighted inputs, stage by stage, until what is left
// are columns of the row, or of stages that are not linear (an imputer, a logarithm, one-hot columns).
// Those must depend on one feature alone.

internal import ModelFormat

struct AdditiveForm {
    /// A column of a value, and what it counts for.
    struct Term: Equatable {
        var value: Int
        var column: Int
        /// Of the row; nil: the column is the same for every row.
        var feature: Int?
        var output: Int
        var weight: Double
    }

    private(set) var terms: [Term] = []
    /// By output.
    private(set) var constants: [Double]

    private let pipeline: Pipeline
    private let outputs: Int
    /// By value: [output][column]; empty: nothing depends on it, as far as is known.
    private var weights: [[Double]]

    init(_ pipeline: Pipeline) throws(ContributionError) {
        self.pipeline = pipeline
        outputs = pipeline.value(pipeline.margins).columns
        constants = [Double](repeating: 0, count: outputs)
        weights = [[Double]](repeating: [], count: pipeline.margins + 1)
        guard
            outputs * (0...pipeline.margins).map({ pipeline.value($0).columns }).reduce(0, +)
                <= ContributionBounds.weights
        else { throw ContributionError("", "the pipeline has too many columns to explain its outputs") }
        weights[pipeline.margins] = [Double](repeating: 0, count: outputs * outputs)
        for output in 0..<outputs { weights[pipeline.margins][output * outputs + output] = 1 }
        let dependencies = StageDependency.ofValues(pipeline)
        for value in stride(from: pipeline.margins, through: 0, by: -1) where !weights[value].isEmpty {
            if value > 0, replace(pipeline.stages[value - 1], weights[value]) { continue }
            try addTerms(value, dependencies[value])
        }
    }

    /// What is left in a value.
    private mutating func addTerms(
        _ value: Int, _ dependencies: [StageDependency]
    ) throws(ContributionError) {
        let columns = dependencies.count
        for output in 0..<outputs {
            for column in 0..<columns {
                let weight = weights[value][output * columns + column]
                guard weight != 0 else { continue }
                guard dependencies[column] != .several else {
                    let stage = value - 1
                    throw ContributionError(
                        "stages[\(stage)] (\(pipeline.stages[stage].name))",
                        "mixes several features in a way that is not linear; only sums over features are explained")
                }
                var feature: Int?
                if case .feature(let number) = dependencies[column] { feature = number }
                terms.append(Term(value: value, column: column, feature: feature, output: output, weight: weight))
            }
        }
    }

    /// Hands the weights of a linear stage's columns on to its inputs; false: the stage is not linear.
    private mutating func replace(_ stage: Pipeline.Stage, _ own: [Double]) -> Bool {
        guard let coefficients = Self.coefficients(stage) else { return false }
        // Where each of the stage's input columns stands.
        let places = stage.inputs.flatMap { value in (0..<pipeline.value(value).columns).map { (value, $0) } }
        for value in stage.inputs where weights[value].isEmpty {
            weights[value] = [Double](repeating: 0, count: outputs * pipeline.value(value).columns)
        }
        let columns = stage.output.columns
        for output in 0..<outputs {
            for (column, sum) in coefficients.enumerated() where own[output * columns + column] != 0 {
                let weight = own[output * columns + column]
                constants[output] += weight * sum.constant
                for (input, factor) in sum.terms {
                    let (value, place) = places[input]
                    weights[value][output * pipeline.value(value).columns + place] += weight * factor
                }
            }
        }
        return true
    }

    private typealias Sum = (constant: Double, terms: [(input: Int, factor: Double)])

    /// By output column: what it adds up; nil: the stage is not linear.
    private static func coefficients(_ stage: Pipeline.Stage) -> [Sum]? {
        let columns = 0..<stage.output.columns
        switch stage.operation {
        case .copy, .activation(.identity), .transform(.identity): return columns.map { (0, [($0, 1)]) }
        case .activation(.negate): return columns.map { (0, [($0, -1)]) }
        case .select(let chosen): return chosen.map { (0, [($0, 1)]) }
        case .scale(let offsets, let scales): return columns.map { (-offsets[$0] * scales[$0], [($0, scales[$0])]) }
        case .arithmetic(.add, let operands): return columns.map { (operands[$0], [($0, 1)]) }
        case .arithmetic(.subtract, let operands): return columns.map { (-operands[$0], [($0, 1)]) }
        case .arithmetic(.multiply, let operands): return columns.map { (0, [($0, operands[$0])]) }
        case .arithmetic(.divide, let operands): return columns.map { (0, [($0, 1 / operands[$0])]) }
        case .combine(.add): return columns.map { (0, [($0, 1), (columns.count + $0, 1)]) }
        case .combine(.subtract): return columns.map { (0, [($0, 1), (columns.count + $0, -1)]) }
        case .reduce(.sum, let size): return columns.map { group in (0, (0..<size).map { (group * size + $0, 1) }) }
        case .reduce(.mean, let size):
            return columns.map { group in (0, (0..<size).map { (group * size + $0, 1 / Double(size)) }) }
        case .complement: return [(1, [(0, -1)]), (0, [(0, 1)])]
        case .dense(let layer) where layer.activation == .identity:
            return columns.map { output in
                (layer.bias[output], (0..<layer.inputs).map { ($0, layer.weights[output * layer.inputs + $0]) })
            }
        default: return nil
        }
    }
}
