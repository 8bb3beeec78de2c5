// Stages as a graph asks for them, made fewer on the way.
//
// A graph's node is rarely a stage's worth: columns are cut out one by one and put together again,
// a dense layer comes as MatMul, Add and Relu.  What a new stage says about stages before it is used
// at once: a selection of a selection is one, a bias and an activation join their layer, columns of a
// concatenation are taken from where they were.  Nothing here changes a result, except that a bias
// joins a sum whose order is open anyway.  Stages that nothing needs are left out at the end.

struct StageBuilder {
    let input: Pipeline.Value
    private(set) var stages: [Pipeline.Stage] = []
    /// Columns and parameters of all stages so far, needed or not.
    private(set) var columnCount = 0
    private(set) var parameterCount = 0
    /// The node that is being lowered; stages carry its name.
    var name = ""

    init(input: Pipeline.Value) { self.input = input }

    func value(_ index: Int) -> Pipeline.Value { index == 0 ? input : stages[index - 1].output }

    /// The stage that makes a value; nil: it is the row.
    func stage(_ index: Int) -> Pipeline.Stage? { index == 0 ? nil : stages[index - 1] }

    /// A stage as it is, over `inputs`; a copy that joins other values of the same width is looked through.
    mutating func append(
        _ operation: Operation, _ inputs: [Int], columns: Int, width: NumberWidth
    ) -> Int {
        columnCount += columns
        parameterCount += operation.parameterCount
        stages.append(
            Pipeline.Stage(
                inputs: inputs.flatMap { parts($0) }, operation: operation,
                output: Pipeline.Value(columns: columns, width: width), name: name))
        return stages.count
    }

    /// The values that a copy without conversion puts together.
    private func parts(_ index: Int) -> [Int] {
        guard let stage = stage(index), case .copy = stage.operation,
            stage.inputs.allSatisfy({ value($0).width == stage.output.width })
        else { return [index] }
        return stage.inputs
    }

    /// A stage with as many columns as its input, in the input's width.
    mutating func pointwise(_ operation: Operation, _ input: Int) -> Int {
        let shape = value(input)
        return append(operation, [input], columns: shape.columns, width: shape.width)
    }

    /// The value in another width.
    mutating func convert(_ input: Int, _ width: NumberWidth) -> Int {
        let shape = value(input)
        if shape.width == width { return input }
        // From float32 to float64 and back nothing happens.
        if width == .float32, let stage = stage(input), case .copy = stage.operation, stage.inputs.count == 1,
            value(stage.inputs[0]).width == .float32
        {
            return stage.inputs[0]
        }
        return append(.copy, [input], columns: shape.columns, width: width)
    }

    /// Values of one width, one behind the other.
    mutating func join(_ inputs: [Int]) -> Int {
        if inputs.count == 1 { return inputs[0] }
        let columns = inputs.reduce(0) { $0 + value($1).columns }
        return append(.copy, inputs, columns: columns, width: value(inputs[0]).width)
    }

    /// The same numbers for every row.
    mutating func constant(_ values: [Double], width: NumberWidth) -> Int {
        let tables = values.map { LookupTable(keys: [], values: [], otherwise: $0, missing: $0) }
        let source = select([Int](repeating: 0, count: values.count), of: 0)
        return append(.lookup(tables: tables), [source], columns: values.count, width: width)
    }

    /// `columns` of a value.
    mutating func select(_ columns: [Int], of input: Int) -> Int {
        let shape = value(input)
        if columns.count == shape.columns, columns.elementsEqual(0..<shape.columns) { return input }
        guard let stage = stage(input) else {
            return append(.select(columns: columns), [input], columns: columns.count, width: shape.width)
        }
        switch stage.operation {
        case .select(let before) where value(stage.inputs[0]).width == shape.width && stage.inputs.count == 1:
            return select(columns.map { before[$0] }, of: stage.inputs[0])
        case .copy where stage.inputs.allSatisfy({ value($0).width == shape.width }):
            return selectParts(columns, of: stage.inputs)
        default: return append(.select(columns: columns), [input], columns: columns.count, width: shape.width)
        }
    }

    /// Columns of several values, run by run.
    private mutating func selectParts(_ columns: [Int], of inputs: [Int]) -> Int {
        var owners: [(input: Int, column: Int)] = []
        for input in inputs {
            for column in 0..<value(input).columns { owners.append((input, column)) }
        }
        var runs: [(input: Int, columns: [Int])] = []
        for column in columns {
            let owner = owners[column]
            if let last = runs.last, last.input == owner.input {
                runs[runs.count - 1].columns.append(owner.column)
            } else {
                runs.append((owner.input, [owner.column]))
            }
        }
        var parts: [Int] = []
        for run in runs { parts.append(select(run.columns, of: run.input)) }
        return join(parts)
    }

    /// a ∘ b, column by column; both have the same columns and width.
    mutating func combine(_ arithmetic: Operation.Arithmetic, _ left: Int, _ right: Int) -> Int {
        let shape = value(left)
        return append(.combine(arithmetic), [left, right], columns: shape.columns, width: shape.width)
    }

    /// x ∘ operands; a bias joins its layer, × 1, ÷ 1 and - 0 are nothing.
    mutating func arithmetic(_ arithmetic: Operation.Arithmetic, _ input: Int, _ operands: [Double]) -> Int {
        switch arithmetic {
        case .multiply, .divide: if operands.allSatisfy({ $0 == 1 }) { return input }
        case .subtract: if operands.allSatisfy({ $0 == 0 && $0.sign == .plus }) { return input }
        default: break
        }
        if let forest = forest(input, arithmetic, operands) { return forest }
        if arithmetic == .add, let stage = stage(input), case .dense(var layer) = stage.operation,
            layer.activation == .identity, layer.bias.allSatisfy({ $0 == 0 })
        {
            layer.bias = operands
            return append(.dense(layer), stage.inputs, columns: layer.outputs, width: stage.output.width)
        }
        return pointwise(.arithmetic(arithmetic, operands: operands), input)
    }

    /// A forest whose sums are divided by one whole number is an average, one to whose sums numbers are
    /// added has a bias; nil: it is neither.
    private mutating func forest(
        _ input: Int, _ arithmetic: Operation.Arithmetic, _ operands: [Double]
    ) -> Int? {
        guard let stage = stage(input), case .forest(var forest) = stage.operation, forest.averageDivisor == 1,
            forest.transform == .identity, forest.marginBias.isEmpty
        else { return nil }
        if arithmetic == .divide, operands.allSatisfy({ $0 == operands[0] }), let count = Int(exactly: operands[0]),
            (1...ModelBounds.trees).contains(count)
        {
            forest.averageDivisor = count
        } else if arithmetic == .add {
            forest.marginBias = operands
        } else {
            return nil
        }
        return append(.forest(forest), stage.inputs, columns: stage.output.columns, width: stage.output.width)
    }

    /// An activation; relu, sigmoid and tanh join their layer.
    mutating func activation(_ activation: Operation.Activation, _ input: Int) -> Int {
        if [.relu, .sigmoid, .tanh].contains(activation), let stage = stage(input),
            case .dense(var layer) = stage.operation, layer.activation == .identity
        {
            layer.activation = activation
            return append(.dense(layer), stage.inputs, columns: layer.outputs, width: stage.output.width)
        }
        return pointwise(.activation(activation), input)
    }
}
