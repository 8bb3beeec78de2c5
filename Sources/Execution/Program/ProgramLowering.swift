// From a pipeline as an importer wrote it to the stages that will really run.
//
//     pipeline ─► drop what no output needs ─► join ─► put a gather before mixed inputs ─► stages
//
// A lowered stage reads exactly one value, of its own width.  Where a pipeline gives a stage several
// inputs or one of another width, a gather copies them first.  Copies that change nothing vanish; an
// addition behind a matrix product becomes the layer's bias, and an activation behind a layer is done
// by the layer, while its output is still in the first-level cache.

internal import ModelFormat

struct ProgramLowering {
    struct Stage {
        /// nil: a gather.
        var operation: Operation?
        /// One, but for gathers.
        var inputs: [Int]
        var output: Int
        var name: String
    }

    private(set) var values: [Pipeline.Value]
    private(set) var stages: [Stage] = []
    private(set) var margins = 0
    private(set) var scores = 0

    /// Where each of the pipeline's values has come to stand; nil: nothing needs it.
    private var places: [Int?]
    /// How many stages and outputs of the pipeline read each of its values.
    private var readers: [Int]
    /// The same for each lowered value, which can stand for several of the pipeline's.
    private var sharers: [Int]

    /// The pipeline has been checked.
    init(_ pipeline: Pipeline) {
        values = [pipeline.input]
        places = [Int?](repeating: nil, count: pipeline.stages.count + 1)
        places[0] = 0
        readers = Self.readers(of: pipeline)
        sharers = [readers[0]]
        for (index, stage) in pipeline.stages.enumerated() where readers[index + 1] > 0 {
            let count = values.count
            let place = lower(stage)
            places[index + 1] = place
            // A new value is this stage's; an older one has lost this stage as a reader.
            sharers += [Int](repeating: 1, count: values.count - count)
            sharers[place] += readers[index + 1] - 1
        }
        margins = places[pipeline.margins]!
        scores = places[pipeline.scores]!
    }

    /// Counted from the end: a stage that nothing reads does not read anything either.
    private static func readers(of pipeline: Pipeline) -> [Int] {
        var readers = [Int](repeating: 0, count: pipeline.stages.count + 1)
        readers[pipeline.margins] += 1
        readers[pipeline.scores] += 1
        for (index, stage) in pipeline.stages.enumerated().reversed() where readers[index + 1] > 0 {
            for input in stage.inputs { readers[input] += 1 }
        }
        return readers
    }

    /// The value that holds the stage's output.
    private mutating func lower(_ stage: Pipeline.Stage) -> Int {
        let operation = stage.operation
        let inputs = stage.inputs.map { places[$0]! }
        let isDirect = inputs.count == 1 && values[inputs[0]].width == stage.output.width
        if isDirect && operation.changesNothing { return inputs[0] }
        if isDirect && sharers[inputs[0]] == 1 && join(operation, to: inputs[0]) { return inputs[0] }
        if case .copy = operation { return add(nil, inputs, stage.output, stage.name) }
        let width = operation.takesAnyWidth ? widest(inputs) : stage.output.width
        let columns = inputs.reduce(0) { $0 + values[$1].columns }
        let input =
            inputs.count == 1 && values[inputs[0]].width == width
            ? inputs[0] : add(nil, inputs, Pipeline.Value(columns: columns, width: width), stage.name)
        return add(operation, [input], stage.output, stage.name)
    }

    private func widest(_ inputs: [Int]) -> NumberWidth {
        inputs.contains { values[$0].width == .float64 } ? .float64 : .float32
    }

    private mutating func add(
        _ operation: Operation?, _ inputs: [Int], _ output: Pipeline.Value, _ name: String
    ) -> Int {
        values.append(output)
        stages.append(Stage(operation: operation, inputs: inputs, output: values.count - 1, name: name))
        return values.count - 1
    }

    /// Makes the operation part of the layer whose output `value` is; false: it cannot be.
    private mutating func join(_ operation: Operation, to value: Int) -> Bool {
        guard let index = stages.lastIndex(where: { $0.output == value }),
            case .dense(var layer) = stages[index].operation, layer.activation == .identity
        else { return false }
        switch operation {
        case .arithmetic(.add, let operands) where layer.bias.allSatisfy { $0 == 0 }: layer.bias = operands
        case .activation(let activation): layer.activation = activation
        default: return false
        }
        stages[index].operation = .dense(layer)
        return true
    }
}

extension Operation {
    /// Whether the output is the input, where both have one width.
    fileprivate var changesNothing: Bool {
        switch self {
        case .copy, .activation(.identity), .transform(.identity): true
        default: false
        }
    }

    fileprivate var takesAnyWidth: Bool {
        switch self {
        case .forest, .catboostCounters: true
        default: false
        }
    }
}
