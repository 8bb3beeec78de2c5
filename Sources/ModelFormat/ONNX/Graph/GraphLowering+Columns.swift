// Operators that choose, order and join columns.

extension GraphLowering {
    /// `rows` with other columns: their positions in the old ones, and the new shape.
    mutating func select(_ columns: [Int], of rows: RowTensor, shape: RowShape) -> GraphValue {
        var rows = rows
        rows.value = builder.select(columns, of: rows.value)
        if !rows.features.isEmpty { rows.features = columns.map { rows.features[$0] } }
        rows.shape = shape
        return .rows(rows)
    }

    mutating func transpose(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let listed = try reader.integers("perm")?.map { Int($0) }
        switch try input(0, reader) {
        case .rows(let rows):
            let order = listed ?? rows.shape.dimensions.indices.reversed()
            guard order.sorted() == Array(rows.shape.dimensions.indices) else {
                throw reader.error(attribute: "perm", "must name each of \(rows.shape.rank) axes once")
            }
            let shape = RowShape(dimensions: order.map { rows.shape.dimensions[$0] })
            let strides = rows.shape.strides
            let columns = shape.map { coordinates in
                zip(coordinates, order).reduce(0) { $0 + $1.0 * strides[$1.1] }
            }
            return select(columns, of: rows, shape: shape)
        case .constant(var tensor):
            guard tensor.dimensions.count == 2, listed == nil || listed == [1, 0] else {
                throw reader.error("of a constant is supported for matrices")
            }
            let (height, width) = (tensor.dimensions[0], tensor.dimensions[1])
            let order = (0..<width).flatMap { column in (0..<height).map { $0 * width + column } }
            switch tensor.storage {
            case .numbers(let values): tensor.storage = .numbers(order.map { values[$0] })
            case .integers(let values): tensor.storage = .integers(order.map { values[$0] })
            case .strings(let values): tensor.storage = .strings(order.map { values[$0] })
            }
            tensor.dimensions = [width, height]
            return .constant(tensor)
        case .shape: throw reader.error("of a shape is not supported")
        }
    }

    mutating func concat(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        guard let listed = try reader.integer("axis") else { throw reader.error("has no axis") }
        var parts: [RowTensor] = []
        for index in reader.node.inputs.indices {
            parts.append(try rows(index, reader, "any type") { _ in true })
        }
        guard let first = parts.first else { throw reader.error("has no inputs") }
        let axis = try self.axis(listed, rank: first.shape.rank, reader)
        var dimensions = first.shape.dimensions
        var total = 0
        for part in parts {
            var own = part.shape.dimensions
            guard own.count == dimensions.count, own[axis] != .rows, part.element == first.element else {
                throw reader.error("joins \(first.shape.text) and \(part.shape.text) along axis \(axis)")
            }
            total += own[axis].count
            own[axis] = dimensions[axis]
            guard own == dimensions else {
                throw reader.error("joins \(first.shape.text) and \(part.shape.text) along axis \(axis)")
            }
        }
        dimensions[axis] = .count(total)
        let shape = try shape(dimensions, reader)
        let width = parts.map { builder.value($0.value).width }.max { $0.rawValue < $1.rawValue }!
        var values: [Int] = []
        for part in parts { values.append(builder.convert(part.value, width)) }
        var joined = RowTensor(value: builder.join(values), shape: shape, element: first.element)
        joined.features = parts.flatMap { $0.features }
        let inner = dimensions[(axis + 1)...].reduce(1) { $0 * $1.count }
        return select(
            interleaved(parts.map { $0.shape.dimensions[axis].count * inner }, shape), of: joined, shape: shape)
    }

    /// Where the columns of joined blocks stand, if each block is cut into as many parts as axes before
    /// the joined one say.
    private func interleaved(_ widths: [Int], _ shape: RowShape) -> [Int] {
        let outer = shape.columns / widths.reduce(0, +)
        var columns: [Int] = []
        for part in 0..<outer {
            var start = 0
            for width in widths {
                columns.append(contentsOf: (start + part * width)..<(start + (part + 1) * width))
                start += width * outer
            }
        }
        return columns
    }

    mutating func slice(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try rows(0, reader, "any type") { _ in true }
        let hasInputs = reader.opset >= 10
        let starts = try hasInputs ? integers(1, reader) : reader.integers("starts")?.map { Int($0) }
        let ends = try hasInputs ? integers(2, reader) : reader.integers("ends")?.map { Int($0) }
        let listed = try hasInputs ? integers(3, reader) : reader.integers("axes")?.map { Int($0) }
        guard let starts, let ends, starts.count == ends.count else { throw reader.error("has no starts and ends") }
        let steps = try (hasInputs ? integers(4, reader) : nil) ?? [Int](repeating: 1, count: starts.count)
        let axes = try normalized(listed ?? Array(starts.indices), rank: rows.shape.rank, reader)
        guard axes.count == starts.count, steps.count == starts.count, !steps.contains(0) else {
            throw reader.error("must have as many axes and steps as starts")
        }
        var kept = rows.shape.dimensions.map { Array(0..<$0.count) }
        for (index, axis) in axes.enumerated() {
            guard rows.shape.dimensions[axis] != .rows else { throw reader.error("must not cut rows") }
            kept[axis] = positions(kept[axis].count, starts[index], ends[index], steps[index])
        }
        var dimensions = rows.shape.dimensions
        for axis in axes { dimensions[axis] = .count(kept[axis].count) }
        let shape = try shape(dimensions, reader)
        let strides = rows.shape.strides
        let columns = shape.map { coordinates in
            coordinates.indices.reduce(0) { $0 + strides[$1] * kept[$1][coordinates[$1]] }
        }
        return select(columns, of: rows, shape: shape)
    }

    /// The positions that a slice keeps, as ONNX clamps them.
    private func positions(_ count: Int, _ start: Int, _ end: Int, _ step: Int) -> [Int] {
        func clamp(_ value: Int, _ low: Int, _ high: Int) -> Int {
            min(max(value < 0 ? value &+ count : value, low), high)
        }
        if step > 0 { return Array(stride(from: clamp(start, 0, count), to: clamp(end, 0, count), by: step)) }
        return Array(stride(from: clamp(start, 0, count - 1), to: clamp(end, -1, count - 1), by: step))
    }

    mutating func gather(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let listed = try reader.integer("axis", default: 0)
        guard case .rows(let rows) = try input(0, reader) else { return try tableLookup(reader, axis: listed) }
        let axis = try self.axis(listed, rank: rows.shape.rank, reader)
        guard rows.shape.dimensions[axis] != .rows else { throw reader.error("must not choose rows") }
        let indices = try constant(1, reader)
        let count = rows.shape.dimensions[axis].count
        let chosen = try positions(indices, count: count, reader)
        var dimensions = rows.shape.dimensions
        dimensions.replaceSubrange(axis...axis, with: indices.dimensions.map { .count($0) })
        let shape = try shape(dimensions, reader)
        let inner = rows.shape.dimensions[(axis + 1)...].reduce(1) { $0 * $1.count }
        let outer = rows.shape.columns / (inner * count)
        var columns: [Int] = []
        for part in 0..<outer {
            for position in chosen {
                let start = (part * count + position) * inner
                columns.append(contentsOf: start..<start + inner)
            }
        }
        return select(columns, of: rows, shape: shape)
    }

    /// Indices into an axis, negative ones from its end.
    private func positions(_ tensor: ONNXTensor, count: Int, _ reader: NodeReader) throws(ModelFormatError) -> [Int] {
        guard let integers = tensor.integers, integers.count <= ModelBounds.features else {
            throw reader.error("must have at most \(ModelBounds.features) whole numbers as indices")
        }
        var positions: [Int] = []
        for index in integers {
            guard (-Int64(count)..<Int64(count)).contains(index) else {
                throw reader.error("has index \(index) into \(count) columns")
            }
            positions.append(index < 0 ? Int(index) + count : Int(index))
        }
        return positions
    }

    mutating func arrayFeatureExtractor(_ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        guard case .rows(let rows) = try input(0, reader) else { return try tableLookup(reader, axis: -1) }
        guard rows.shape.isMatrix, rows.shape.rank == 2 else {
            throw reader.error("takes [N, columns], its input is \(rows.shape.text)")
        }
        let columns = try positions(constant(1, reader), count: rows.shape.columns, reader)
        return select(columns, of: rows, shape: try shape([.rows, .count(columns.count)], reader))
    }

    /// table[index] with a constant table and an index for each row, as isotonic calibration has it.
    private mutating func tableLookup(_ reader: NodeReader, axis: Int) throws(ModelFormatError) -> GraphValue {
        let table = try constant(0, reader)
        let indices = try rows(1, reader, "whole numbers") { $0.isWhole }
        guard table.dimensions.count == 1, axis == 0 || axis == -1, indices.shape.columns == 1 else {
            throw reader.error("of a constant takes a list of numbers and one index a row")
        }
        let values = try numbers(table, reader)
        let keys = values.indices.map { Double($0) }
        let lookup = LookupTable(keys: keys, values: values, otherwise: .nan, missing: .nan)
        let result = builder.append(.lookup(tables: [lookup]), [indices.value], columns: 1, width: table.element.width)
        // ArrayFeatureExtractor puts the rows behind an axis of 1.
        let shape = axis == 0 ? indices.shape : RowShape(dimensions: [.count(1), .rows])
        return .rows(RowTensor(value: result, shape: shape, element: table.element))
    }

    mutating func split(_ reader: inout NodeReader) throws(ModelFormatError) -> [GraphValue?] {
        let rows = try rows(0, reader, "any type") { _ in true }
        let axis = try axis(reader.integer("axis", default: 0), rank: rows.shape.rank, reader)
        let outputs = reader.node.outputs.count
        guard case .count(let count) = rows.shape.dimensions[axis], outputs > 0 else {
            throw reader.error("must not part rows")
        }
        let listed = reader.opset >= 13 ? try integers(1, reader) : try reader.integers("split")?.map { Int($0) }
        if let stated = try reader.integer("num_outputs"), stated != outputs {
            throw reader.error(attribute: "num_outputs", "is not the number of outputs, \(outputs)")
        }
        let share = (count + outputs - 1) / outputs
        let sizes = listed ?? (0..<outputs).map { max(0, min(share, count - $0 * share)) }
        guard sizes.count == outputs, sizes.allSatisfy({ (1...count).contains($0) }), sizes.reduce(0, +) == count else {
            throw reader.error("must part \(count) columns into \(outputs)")
        }
        var results: [GraphValue?] = []
        var start = 0
        for size in sizes {
            var dimensions = rows.shape.dimensions
            dimensions[axis] = .count(size)
            let shape = try shape(dimensions, reader)
            let strides = rows.shape.strides
            let columns = shape.map { coordinates in
                coordinates.indices.reduce(start * strides[axis]) { $0 + strides[$1] * coordinates[$1] }
            }
            results.append(select(columns, of: rows, shape: shape))
            start += size
        }
        return results
    }

    /// Several blocks of columns as one, as float.
    mutating func featureVectorizer(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let sizes = try reader.integers("inputdimensions")
        var values: [Int] = []
        var columns = 0
        for index in reader.node.inputs.indices {
            let rows = try numberMatrix(index, reader)
            guard sizes == nil || (index < sizes!.count && sizes![index] == rows.shape.columns) else {
                throw reader.error(attribute: "inputdimensions", "must be the inputs' columns")
            }
            columns += rows.shape.columns
            _ = try shape([.rows, .count(columns)], reader)
            values.append(builder.convert(rows.value, .float32))
        }
        guard !values.isEmpty else { throw reader.error("has no inputs") }
        let shape = try shape([.rows, .count(columns)], reader)
        return .rows(RowTensor(value: builder.join(values), shape: shape, element: .float))
    }
}
