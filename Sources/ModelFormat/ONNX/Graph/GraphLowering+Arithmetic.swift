// Arithmetic, linear algebra and activations.

extension GraphLowering {
    /// All inputs of a node.
    func inputs(_ reader: NodeReader) throws(ModelFormatError) -> [GraphValue] {
        var values: [GraphValue] = []
        for index in reader.node.inputs.indices { values.append(try input(index, reader)) }
        return values
    }

    private func realElement(_ inputs: [GraphValue], _ reader: NodeReader) throws(ModelFormatError) -> ONNXElement {
        let element = try element(inputs, reader)
        guard element.isReal || element.isHalf else { throw reader.error("takes float or double, has \(element)") }
        return element
    }

    mutating func arithmetic(
        _ arithmetic: Operation.Arithmetic, _ reader: NodeReader
    ) throws(ModelFormatError) -> GraphValue {
        let inputs = try inputs(reader)
        guard inputs.count == 2 else { throw reader.error("takes 2 inputs, has \(inputs.count)") }
        let element = try realElement(inputs, reader)
        let pair = try broadcast(inputs, reader)
        let result = combine(arithmetic, pair.operands[0], pair.operands[1], element.width)
        return .rows(RowTensor(value: result, shape: pair.shape, element: element))
    }

    /// a ∘ b, with a constant on either side or on none.
    private mutating func combine(
        _ arithmetic: Operation.Arithmetic, _ left: Broadcast.Operand, _ right: Broadcast.Operand, _ width: NumberWidth
    ) -> Int {
        switch (left, right) {
        case (.rows(let rows), .constant(let numbers)):
            return builder.arithmetic(arithmetic, builder.convert(rows, width), numbers)
        case (.constant(let numbers), .rows(let rows)):
            let rows = builder.convert(rows, width)
            switch arithmetic {
            case .add, .multiply, .maximum, .minimum: return builder.arithmetic(arithmetic, rows, numbers)
            // c - x is -x + c, to the bit.
            case .subtract: return builder.arithmetic(.add, builder.activation(.negate, rows), numbers)
            case .divide where numbers.allSatisfy({ $0 == 1 }): return builder.activation(.reciprocal, rows)
            case .divide, .power: break
            }
            return builder.combine(arithmetic, builder.constant(numbers, width: width), rows)
        default: return builder.combine(arithmetic, value(left, width: width), value(right, width: width))
        }
    }

    /// The exponent may be of another type than the base.
    mutating func power(_ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        let inputs = try inputs(reader)
        guard inputs.count == 2, case .rows(let base) = inputs[0], base.element.isReal else {
            throw reader.error("takes float or double rows and an exponent")
        }
        let pair = try broadcast(inputs, reader)
        let result = combine(.power, pair.operands[0], pair.operands[1], base.element.width)
        return .rows(RowTensor(value: result, shape: pair.shape, element: base.element))
    }

    /// Sum, Max and Min of any number of inputs, from the first to the last.
    mutating func variadic(
        _ arithmetic: Operation.Arithmetic, _ reader: NodeReader
    ) throws(ModelFormatError) -> GraphValue {
        let inputs = try inputs(reader)
        let element = try realElement(inputs, reader)
        let all = try broadcast(inputs, reader)
        var result = all.operands[0]
        for operand in all.operands.dropFirst() {
            if case .constant = result, case .constant = operand {
                throw reader.error("takes at most one constant")
            }
            result = .rows(combine(arithmetic, result, operand, element.width))
        }
        return .rows(
            RowTensor(value: value(result, width: element.width), shape: all.shape, element: element))
    }

    mutating func mean(_ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        guard case .rows(var rows) = try variadic(.add, reader) else { throw reader.error("has no rows") }
        let count = [Double](repeating: Double(reader.node.inputs.count), count: rows.shape.columns)
        rows.value = builder.arithmetic(.divide, rows.value, count)
        return .rows(rows)
    }

    mutating func activation(
        _ activation: Operation.Activation, _ reader: NodeReader
    ) throws(ModelFormatError) -> GraphValue {
        var rows = try reals(0, reader)
        rows.value = builder.activation(activation, rows.value)
        return .rows(rows)
    }

    mutating func softmax(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        var rows = try reals(0, reader)
        let listed = try reader.integer("axis", default: reader.opset >= 13 ? -1 : 1)
        let axis = try axis(listed, rank: rows.shape.rank, reader)
        // Before opset 13 everything from the axis on is one group.
        let group = reader.opset >= 13 ? rows.shape.dimensions[axis].count : rows.shape.columns
        guard rows.shape.axis < axis, group == rows.shape.columns else {
            throw reader.error("along axis \(axis) of \(rows.shape.text) is not supported; along a row's columns is")
        }
        rows.value = builder.pointwise(.activation(.softmax), rows.value)
        return .rows(rows)
    }

    mutating func lpNormalization(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        var rows = try reals(0, reader)
        let axis = try axis(reader.integer("axis", default: -1), rank: rows.shape.rank, reader)
        let power = try reader.integer("p", default: 2)
        guard rows.shape.dimensions[axis] == .count(rows.shape.columns), power == 1 || power == 2 else {
            throw reader.error("is supported along a row's columns, with p 1 or 2")
        }
        rows.value = builder.pointwise(.normalize(power == 1 ? .l1 : .l2), rows.value)
        return .rows(rows)
    }

    mutating func clip(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        var rows = try reals(0, reader)
        var limits: [Double?] = [nil, nil]
        for (index, name) in ["min", "max"].enumerated() {
            if reader.opset < 11 {
                limits[index] = try reader.float(name)
            } else if try optional(index + 1, reader) != nil {
                let tensor = try constant(index + 1, reader)
                guard tensor.count == 1, tensor.element == rows.element else {
                    throw reader.error("must have one \(rows.element) as \(name)")
                }
                limits[index] = try numbers(tensor, reader)[0]
            }
        }
        let columns = rows.shape.columns
        if let low = limits[0], let high = limits[1], low <= high, low.isFinite, high.isFinite {
            let (lows, highs) = ([Double](repeating: low, count: columns), [Double](repeating: high, count: columns))
            rows.value = builder.pointwise(.clip(low: lows, high: highs), rows.value)
            return .rows(rows)
        }
        for (limit, operation) in zip(limits, [Operation.Arithmetic.maximum, .minimum]) {
            guard let limit, limit.isFinite else { continue }
            rows.value = builder.arithmetic(operation, rows.value, [Double](repeating: limit, count: columns))
        }
        return .rows(rows)
    }

    mutating func matMul(_ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try reals(0, reader)
        let weights = try constant(1, reader)
        guard rows.shape.axis == 0, rows.shape.rank == 2, (1...2).contains(weights.dimensions.count),
            weights.dimensions[0] == rows.shape.columns
        else {
            throw reader.error("takes [N, columns] and a matrix, has \(rows.shape.text) and \(weights.dimensions)")
        }
        let outputs = weights.dimensions.count == 2 ? weights.dimensions[1] : 1
        let shape = try shape(weights.dimensions.count == 2 ? [.rows, .count(outputs)] : [.rows], reader)
        let values = try matrix(weights, element: rows.element, outputs: outputs, transposed: false, reader)
        return dense(rows, values, [Double](repeating: 0, count: outputs), shape)
    }

    mutating func gemm(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try reals(0, reader)
        let alpha = try reader.float("alpha") ?? 1
        let beta = try reader.float("beta") ?? 1
        guard try !reader.flag("transA", default: false) else { throw reader.error("must not transpose the rows") }
        let transposed = try reader.flag("transB", default: false)
        let weights = try constant(1, reader)
        guard rows.shape.axis == 0, rows.shape.rank == 2, weights.dimensions.count == 2,
            weights.dimensions[transposed ? 1 : 0] == rows.shape.columns
        else {
            throw reader.error("takes [N, columns] and a matrix, has \(rows.shape.text) and \(weights.dimensions)")
        }
        let outputs = weights.dimensions[transposed ? 0 : 1]
        let shape = try shape([.rows, .count(outputs)], reader)
        let values = try matrix(weights, element: rows.element, outputs: outputs, transposed: transposed, reader)
        var bias = [Double](repeating: 0, count: outputs)
        if let third = try optional(2, reader) {
            let operand = try broadcast(
                [third, .rows(RowTensor(value: 0, shape: .matrix(1), element: rows.element))], reader)
            let tensor = try constant(2, reader)
            let numbers = try numbers(tensor, reader)
            guard operand.shape.rank == 2, numbers.count == 1 || numbers.count == outputs,
                tensor.element == rows.element
            else { throw reader.error("takes \(outputs) numbers as C") }
            bias = numbers.count == 1 ? [Double](repeating: numbers[0], count: outputs) : numbers
        }
        let width = rows.element.width
        return dense(rows, values.map { scaled($0, alpha, width) }, bias.map { scaled($0, beta, width) }, shape)
    }

    private func scaled(_ value: Double, _ factor: Double, _ width: NumberWidth) -> Double {
        width == .float32 ? Double(Float(value) * Float(factor)) : value * factor
    }

    /// A matrix as [outputs][inputs].
    private func matrix(
        _ tensor: ONNXTensor, element: ONNXElement, outputs: Int, transposed: Bool, _ reader: NodeReader
    ) throws(ModelFormatError) -> [Double] {
        guard tensor.element == element else {
            throw reader.error("takes inputs of one type, has \(element) and \(tensor.element)")
        }
        let values = try numbers(tensor, reader)
        if transposed { return values }
        let inputs = values.count / outputs
        var result: [Double] = []
        result.reserveCapacity(values.count)
        for output in 0..<outputs {
            for input in 0..<inputs { result.append(values[input * outputs + output]) }
        }
        return result
    }

    /// weights · rows + bias.
    mutating func dense(_ rows: RowTensor, _ weights: [Double], _ bias: [Double], _ shape: RowShape) -> GraphValue {
        let layer = DenseLayer(inputs: rows.shape.columns, outputs: bias.count, weights: weights, bias: bias)
        let result = builder.append(.dense(layer), [rows.value], columns: bias.count, width: rows.element.width)
        return .rows(RowTensor(value: result, shape: shape, element: rows.element))
    }
}
