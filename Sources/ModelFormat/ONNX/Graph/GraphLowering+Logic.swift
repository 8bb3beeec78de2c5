// Comparisons, choices, reductions and conversions.  Truth is 1 and 0.

extension GraphLowering {
    /// Equality, or an order, as bool.
    mutating func compare(_ relation: Operation.Relation, _ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        let inputs = try inputs(reader)
        guard inputs.count == 2 else { throw reader.error("takes 2 inputs, has \(inputs.count)") }
        let element = try element(inputs, reader)
        if element == .string { return try compareStrings(inputs, reader) }
        guard element != .bool || relation == .equal else { throw reader.error("takes numbers, has bool") }
        let pair = try broadcast(inputs, reader)
        let width = widest(pair, element)
        let operands = [value(pair.operands[0], width: width), value(pair.operands[1], width: width)]
        let result = builder.append(.compare(relation), operands, columns: pair.shape.columns, width: width)
        return .rows(RowTensor(value: result, shape: pair.shape, element: .bool))
    }

    /// The width that loses nothing of either side.
    private func widest(_ pair: Broadcast, _ element: ONNXElement) -> NumberWidth {
        for operand in pair.operands {
            switch operand {
            case .rows(let value): if builder.value(value).width == .float64 { return .float64 }
            case .constant(let numbers): if numbers.contains(where: { Double(Float($0)) != $0 }) { return .float64 }
            }
        }
        return .float32
    }

    /// Features against constant strings, by their codes.
    private mutating func compareStrings(_ inputs: [GraphValue], _ reader: NodeReader) throws(ModelFormatError)
        -> GraphValue
    {
        let sides = inputs.sorted { left, _ in if case .rows = left { true } else { false } }
        guard case .rows(var rows) = sides[0], case .constant(let tensor) = sides[1], let names = tensor.strings,
            names.count == 1, tensor.dimensions.count <= rows.shape.rank
        else { throw reader.error("of strings takes features and one constant") }
        var tables: [LookupTable] = []
        for feature in rows.features {
            let keys = try codes(of: names, feature: feature)
            tables.append(LookupTable(keys: keys, values: [1], otherwise: 0, missing: 0))
        }
        rows.value = builder.pointwise(.lookup(tables: tables), rows.value)
        rows.element = .bool
        rows.features = []
        return .rows(rows)
    }

    private mutating func table(_ rows: RowTensor, _ table: LookupTable, _ element: ONNXElement) -> GraphValue {
        var rows = rows
        let tables = [LookupTable](repeating: table, count: rows.shape.columns)
        rows.value = builder.pointwise(.lookup(tables: tables), rows.value)
        rows.element = element
        return .rows(rows)
    }

    mutating func isNaN(_ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        table(try reals(0, reader), LookupTable(keys: [], values: [], otherwise: 0, missing: 1), .bool)
    }

    mutating func not(_ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try rows(0, reader, "bool") { $0 == .bool }
        return table(rows, LookupTable(keys: [0], values: [1], otherwise: 0, missing: 0), .bool)
    }

    /// And is a product, Or the larger one.
    mutating func logic(_ arithmetic: Operation.Arithmetic, _ reader: NodeReader) throws(ModelFormatError) -> GraphValue
    {
        let inputs = try inputs(reader)
        guard inputs.count == 2, try element(inputs, reader) == .bool else { throw reader.error("takes 2 bools") }
        let pair = try broadcast(inputs, reader)
        let sides = [value(pair.operands[0], width: .float32), value(pair.operands[1], width: .float32)]
        let result = builder.combine(arithmetic, sides[0], sides[1])
        return .rows(RowTensor(value: result, shape: pair.shape, element: .bool))
    }

    mutating func whereNode(_ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        let inputs = try inputs(reader)
        guard inputs.count == 3, try element([inputs[0]], reader) == .bool else {
            throw reader.error("takes a condition and 2 values")
        }
        let element = try element(Array(inputs[1...]), reader)
        guard element != .string else { throw reader.error("takes numbers, has string") }
        let parts = try broadcast(inputs, reader)
        let width = element.width
        let values = [
            value(parts.operands[0], width: width), value(parts.operands[1], width: width),
            value(parts.operands[2], width: width),
        ]
        let result = builder.append(.choose, values, columns: parts.shape.columns, width: width)
        return .rows(RowTensor(value: result, shape: parts.shape, element: element))
    }

    mutating func argument(
        _ reduction: Operation.Reduction, _ reader: inout NodeReader
    ) throws(ModelFormatError) -> GraphValue {
        let rows = try rows(0, reader, "numbers") { $0 != .string && $0 != .bool }
        let axis = try reader.integer("axis", default: 0)
        let keeps = try reader.flag("keepdims", default: true)
        guard try !reader.flag("select_last_index", default: false) else {
            throw reader.error(attribute: "select_last_index", "must be 0")
        }
        return .rows(try reduced(rows, reduction, [axis], keeps: keeps, element: .int64, reader))
    }

    mutating func reduce(
        _ reduction: Operation.Reduction, _ reader: inout NodeReader, axesInputFrom: Int = 18,
        before: Operation.Activation? = nil, squared: Bool = false, after: Operation.Activation? = nil
    ) throws(ModelFormatError) -> GraphValue {
        var rows = try reals(0, reader)
        let keeps = try reader.flag("keepdims", default: true)
        let axes = try axes(&reader, inputFrom: axesInputFrom)
        if try reader.flag("noop_with_empty_axes", default: false), axes == nil || axes == [] { return .rows(rows) }
        guard let axes, !axes.isEmpty else { throw reader.error("must not reduce the rows: it has no axes") }
        if let before { rows.value = builder.activation(before, rows.value) }
        if squared { rows.value = builder.combine(.multiply, rows.value, rows.value) }
        var result = try reduced(rows, reduction, axes, keeps: keeps, element: rows.element, reader)
        if let after { result.value = builder.activation(after, result.value) }
        return .rows(result)
    }

    private mutating func reduced(
        _ rows: RowTensor, _ reduction: Operation.Reduction, _ axes: [Int], keeps: Bool, element: ONNXElement,
        _ reader: NodeReader
    ) throws(ModelFormatError) -> RowTensor {
        let axes = try normalized(axes, rank: rows.shape.rank, reader).sorted()
        guard !axes.contains(rows.shape.axis) else { throw reader.error("must not reduce the rows") }
        let kept = rows.shape.dimensions.indices.filter { !axes.contains($0) }
        // The reduced axes go last, so that a group's columns stand together.
        let strides = rows.shape.strides
        let order = kept + axes
        let moved = RowShape(dimensions: order.map { rows.shape.dimensions[$0] })
        let columns = moved.map { coordinates in
            zip(coordinates, order).reduce(0) { $0 + $1.0 * strides[$1.1] }
        }
        let size = axes.reduce(1) { $0 * rows.shape.dimensions[$1].count }
        let source = builder.select(columns, of: rows.value)
        let groups = rows.shape.columns / size
        let result = builder.append(
            .reduce(reduction, size: size), [source], columns: groups, width: builder.value(source).width)
        let dimensions: [RowDimension] =
            keeps
            ? rows.shape.dimensions.indices.map { axes.contains($0) ? .count(1) : rows.shape.dimensions[$0] }
            : kept.map { rows.shape.dimensions[$0] }
        return RowTensor(value: result, shape: try shape(dimensions, reader), element: element)
    }
}

// Cast.
extension GraphLowering {
    mutating func cast(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        guard let raw = try reader.integer("to"), let element = ONNXElement(rawValue: raw) else {
            throw reader.error(attribute: "to", "must be float, double, int32, int64, bool or string")
        }
        // For the 8-bit floats, which are refused.
        reader.ignore("saturate")
        reader.ignore("round_mode")
        switch try input(0, reader) {
        case .constant(let tensor): return .constant(try cast(tensor, to: element, reader))
        case .rows(let rows): return .rows(try cast(rows, to: element, reader))
        case .shape: throw reader.error("of a shape is not supported")
        }
    }

    private mutating func cast(
        _ rows: RowTensor, to element: ONNXElement, _ reader: NodeReader
    ) throws(ModelFormatError) -> RowTensor {
        var rows = rows
        if rows.element == element { return rows }
        guard rows.element != .string, element != .string else {
            throw reader.error("between strings and numbers is not supported")
        }
        switch element {
        case .float, .double:
            if element == .float, rows.element.isHalf { break }
            rows.value = builder.convert(rows.value, element.width)
        case .float16, .bfloat16:
            try approximate("float16", "\(element) is computed in float32 here", place: reader.node.place)
        case .int64, .int32:
            if rows.element.isReal { rows.value = builder.activation(.truncate, rows.value) }
        case .bool:
            let table = LookupTable(keys: [0], values: [0], otherwise: 1, missing: 1)
            let tables = [LookupTable](repeating: table, count: rows.shape.columns)
            rows.value = builder.pointwise(.lookup(tables: tables), rows.value)
        default: throw reader.error("to \(element) is not supported")
        }
        rows.element = element
        return rows
    }

    private func cast(
        _ tensor: ONNXTensor, to element: ONNXElement, _ reader: NodeReader
    ) throws(ModelFormatError) -> ONNXTensor {
        var tensor = tensor
        if tensor.element == element { return tensor }
        let values = try numbers(tensor, reader)
        switch element {
        case .float: tensor.storage = .numbers(values.map { Double(Float($0)) })
        case .double: tensor.storage = .numbers(values)
        case .bool: tensor.storage = .integers(values.map { $0 == 0 ? 0 : 1 })
        case .int32, .int64:
            let whole = values.compactMap { Int64(exactly: $0.rounded(.towardZero)) }
            guard whole.count == values.count else { throw reader.error("of a constant does not fit \(element)") }
            tensor.storage = .integers(whole)
        default: throw reader.error("to \(element) is not supported")
        }
        tensor.element = element
        return tensor
    }
}
