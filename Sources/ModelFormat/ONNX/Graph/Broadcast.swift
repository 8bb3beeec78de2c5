// Several tensors brought to one shape, as NumPy does it, where some are rows and some constants.
//
//     rows [N, 3]   constant [3]     ─► 3 columns each
//     rows [N, 1]   constant [1, 8]  ─► the column eight times, 8 numbers
//
// Rows must meet rows: [N] and [N, 3] would pair row i with column i, and are refused.

struct Broadcast {
    enum Operand {
        /// A value of the builder with the shape's columns.
        case rows(Int)
        /// As many numbers as the shape has columns.
        case constant([Double])
    }

    var shape: RowShape
    var operands: [Operand]
}

extension GraphLowering {
    mutating func broadcast(_ inputs: [GraphValue], _ reader: NodeReader) throws(ModelFormatError) -> Broadcast {
        var sources: [RowShape] = []
        var rank = 0
        for input in inputs {
            let dimensions = try dimensions(input, reader)
            rank = max(rank, dimensions.count)
            sources.append(RowShape(dimensions: dimensions))
        }
        for index in sources.indices {
            let missing = rank - sources[index].rank
            sources[index].dimensions.insert(contentsOf: [RowDimension](repeating: .count(1), count: missing), at: 0)
        }
        var merged = [RowDimension](repeating: .count(1), count: rank)
        for source in sources {
            for (axis, dimension) in source.dimensions.enumerated() where dimension != .count(1) {
                guard merged[axis] == .count(1) || merged[axis] == dimension else {
                    throw reader.error("cannot bring \(sources.map { $0.text }.joined(separator: " and ")) together")
                }
                merged[axis] = dimension
            }
        }
        let shape = try shape(merged, reader)
        guard inputs.count * shape.columns <= ModelBounds.rowColumns else {
            throw reader.error("has more than \(ModelBounds.rowColumns) columns of inputs")
        }
        var operands: [Broadcast.Operand] = []
        for (input, source) in zip(inputs, sources) { operands.append(try spread(input, source, shape, reader)) }
        return Broadcast(shape: shape, operands: operands)
    }

    private func dimensions(_ input: GraphValue, _ reader: NodeReader) throws(ModelFormatError) -> [RowDimension] {
        switch input {
        case .rows(let rows): rows.shape.dimensions
        case .constant(let tensor): tensor.dimensions.map { .count($0) }
        case .shape: throw reader.error("of a shape is not supported")
        }
    }

    private mutating func spread(
        _ input: GraphValue, _ source: RowShape, _ shape: RowShape, _ reader: NodeReader
    ) throws(ModelFormatError) -> Broadcast.Operand {
        let strides = source.strides
        let columns = shape.map { coordinates in
            coordinates.indices.reduce(0) { source.dimensions[$1].count == 1 ? $0 : $0 + strides[$1] * coordinates[$1] }
        }
        if case .rows(let rows) = input { return .rows(builder.select(columns, of: rows.value)) }
        guard case .constant(let tensor) = input else { throw reader.error("of a shape is not supported") }
        let values = try numbers(tensor, reader)
        return .constant(columns.map { values[$0] })
    }

    /// The element type that all inputs share.
    func element(_ inputs: [GraphValue], _ reader: NodeReader) throws(ModelFormatError) -> ONNXElement {
        var elements: [ONNXElement] = []
        for input in inputs {
            switch input {
            case .rows(let rows): elements.append(rows.element)
            case .constant(let tensor): elements.append(tensor.element)
            case .shape: throw reader.error("of a shape is not supported")
            }
        }
        guard let first = elements.first, elements.allSatisfy({ $0 == first }) else {
            throw reader.error("takes inputs of one type, has \(elements.map { "\($0)" }.joined(separator: " and "))")
        }
        return first
    }

    /// An operand as a value of the builder in `width`.
    mutating func value(_ operand: Broadcast.Operand, width: NumberWidth) -> Int {
        switch operand {
        case .rows(let value): builder.convert(value, width)
        case .constant(let numbers): builder.constant(numbers, width: width)
        }
    }
}
