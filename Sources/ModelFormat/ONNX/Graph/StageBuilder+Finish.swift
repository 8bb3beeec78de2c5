// From all the stages to those that the scores need, and the margins among them.

extension StageBuilder {
    /// Columns of a value, computed without the other columns as far as the stages before it allow:
    /// a classifier's second probability needs half of a mirrored model.
    mutating func narrow(_ columns: [Int], of input: Int) -> Int { narrow(columns, of: input, levels: 64) }

    private mutating func narrow(_ columns: [Int], of input: Int, levels: Int) -> Int {
        guard let stage = stage(input), columns.count < stage.output.columns, levels > 0 else {
            return select(columns, of: input)
        }
        let levels = levels - 1
        let names = (name, stage.name)
        name = names.1
        defer { name = names.0 }
        if let operation = stage.operation.narrowed(columns) {
            let joined = join(stage.inputs)
            let inner = stage.operation.isForest ? joined : narrow(columns, of: joined, levels: levels)
            return append(operation, [inner], columns: columns.count, width: stage.output.width)
        }
        switch stage.operation {
        case .complement where columns == [1]: return join(stage.inputs)
        case .dense(let layer) where layer.activation != .softmax:
            return append(
                .dense(layer.rows(columns)), stage.inputs, columns: columns.count, width: stage.output.width)
        case .combine(let arithmetic):
            let joined = join(stage.inputs)
            let left = narrow(columns, of: select(Array(0..<stage.output.columns), of: joined), levels: levels)
            let right = narrow(
                columns, of: select((0..<stage.output.columns).map { $0 + stage.output.columns }, of: joined),
                levels: levels)
            return append(
                .combine(arithmetic), [left, right], columns: columns.count, width: stage.output.width)
        case .copy where stage.inputs.count == 1:
            return convert(narrow(columns, of: stage.inputs[0], levels: levels), stage.output.width)
        case .select(let before) where stage.inputs.count == 1:
            return narrow(columns.map { before[$0] }, of: stage.inputs[0], levels: levels)
        case .copy:
            let part = select(columns, of: input)
            guard let last = self.stage(part), case .select(let inner) = last.operation, last.inputs.count == 1,
                last.inputs[0] < input
            else { return part }
            return narrow(inner, of: last.inputs[0], levels: levels)
        default: return select(columns, of: input)
        }
    }

    /// The value before the last sigmoid or softmax, if only copies and selections follow it, else the
    /// value itself.  A layer with such an activation is taken apart, so that it runs once.
    mutating func splitMargins(_ scores: Int) -> (margins: Int, scores: Int) {
        guard let stage = stage(scores) else { return (scores, scores) }
        // Probabilities that are made to add up to 1 once more.
        if case .normalize = stage.operation, stage.inputs.count == 1, let inner = self.stage(stage.inputs[0]),
            inner.operation.isSoftmax, inner.inputs.count == 1, value(inner.inputs[0]) == stage.output
        {
            return (inner.inputs[0], scores)
        }
        let shape = stage.output
        switch stage.operation {
        case .transform(.sigmoid), .transform(.softmax), .activation(.sigmoid), .activation(.softmax):
            guard stage.inputs.count == 1, value(stage.inputs[0]) == shape else { return (scores, scores) }
            return (stage.inputs[0], scores)
        case .dense(var layer) where layer.activation == .sigmoid || layer.activation == .softmax:
            let activation = layer.activation
            layer.activation = .identity
            name = stage.name
            let margins = append(.dense(layer), stage.inputs, columns: shape.columns, width: shape.width)
            return (margins, append(.activation(activation), [margins], columns: shape.columns, width: shape.width))
        default: return (scores, scores)
        }
    }

    /// Only the stages that margins and scores need, in order.
    func pipeline(margins: Int, scores: Int) -> Pipeline {
        var needed = [Bool](repeating: false, count: stages.count + 1)
        needed[margins] = true
        needed[scores] = true
        for index in stages.indices.reversed() where needed[index + 1] {
            for input in stages[index].inputs { needed[input] = true }
        }
        var numbers = [Int](repeating: 0, count: stages.count + 1)
        var kept: [Pipeline.Stage] = []
        for (index, stage) in stages.enumerated() where needed[index + 1] {
            var stage = stage
            stage.inputs = stage.inputs.map { numbers[$0] }
            kept.append(stage)
            numbers[index + 1] = kept.count
        }
        return Pipeline(input: input, stages: kept, margins: numbers[margins], scores: numbers[scores])
    }
}

extension DenseLayer {
    /// The layer for some of its outputs.
    func rows(_ outputs: [Int]) -> DenseLayer {
        DenseLayer(
            inputs: inputs, outputs: outputs.count,
            weights: outputs.flatMap { weights[$0 * inputs..<($0 + 1) * inputs] }, bias: outputs.map { bias[$0] },
            activation: activation)
    }
}

extension Operation {
    fileprivate var isSoftmax: Bool {
        switch self {
        case .transform(.softmax), .activation(.softmax): true
        default: false
        }
    }

    fileprivate var isForest: Bool { if case .forest = self { true } else { false } }

    /// The operation for some of its columns, where output column i depends on input column i alone
    /// (a forest: on none of the other outputs' trees); nil: it is not like that.
    fileprivate func narrowed(_ columns: [Int]) -> Operation? {
        func pick<Element>(_ values: [Element]) -> [Element] { columns.map { values[$0] } }
        switch self {
        case .scale(let offsets, let scales): return .scale(offsets: pick(offsets), scales: pick(scales))
        case .arithmetic(let arithmetic, let operands): return .arithmetic(arithmetic, operands: pick(operands))
        case .lookup(let tables): return .lookup(tables: pick(tables))
        case .transform(.softmax), .activation(.softmax): return nil
        case .transform, .activation: return self
        case .forest(let forest): return forest.narrowed(columns).map { .forest($0) }
        default: return nil
        }
    }
}

extension Forest {
    /// The trees of some outputs only; nil: the transform sees all of them, or an output is asked for twice.
    fileprivate func narrowed(_ outputs: [Int]) -> Forest? {
        guard transform == .identity, Set(outputs).count == outputs.count else { return nil }
        var forest = self
        forest.baseMargins = outputs.map { baseMargins[$0] }
        if !marginBias.isEmpty { forest.marginBias = outputs.map { marginBias[$0] } }
        forest.trees = trees.compactMap { tree in
            guard let output = outputs.firstIndex(of: tree.output) else { return nil }
            var tree = tree
            tree.output = output
            return tree
        }
        return forest
    }
}
