// Operators that move columns and axes about, and constants.
//
// Reshape, Squeeze and the like keep the columns' order, so they cost nothing: only the shape that
// is carried along changes.  Slice, Gather and Transpose are selections.

extension GraphLowering {
    mutating func dropout(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        reader.ignore("ratio")
        reader.ignore("seed")
        guard try !reader.flag("is_test", default: false) || reader.opset < 7 else {
            throw reader.error(attribute: "is_test", "is not known")
        }
        if try optional(2, reader) != nil {
            guard try constant(2, reader).integers == [0] else { throw reader.error("is in training mode") }
        }
        return try input(0, reader)
    }

    mutating func constantNode(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        if let tensor = try reader.tensor("value") { return .constant(tensor) }
        func make(_ element: ONNXElement, _ storage: ONNXTensor.Storage, _ dimensions: [Int]) -> GraphValue {
            .constant(ONNXTensor(element: element, dimensions: dimensions, storage: storage))
        }
        if let value = try reader.float("value_float") { return make(.float, .numbers([value]), []) }
        if let values = try reader.floats("value_floats") { return make(.float, .numbers(values), [values.count]) }
        if let value = try reader.integer("value_int") { return make(.int64, .integers([Int64(value)]), []) }
        if let values = try reader.integers("value_ints") { return make(.int64, .integers(values), [values.count]) }
        if let value = try reader.string("value_string") { return make(.string, .strings([value]), []) }
        if let values = try reader.strings("value_strings") { return make(.string, .strings(values), [values.count]) }
        throw reader.error("has no value")
    }

    /// A tensor of one number, in the shape of rows or of its own.
    mutating func constantOfShape(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let tensor = try reader.tensor("value") ?? ONNXTensor(element: .float, dimensions: [1], storage: .numbers([0]))
        guard tensor.count == 1 else { throw reader.error(attribute: "value", "must be one number") }
        let value = try numbers(tensor, reader)[0]
        switch try input(0, reader) {
        case .shape(let dimensions):
            let shape = try shape(dimensions, reader)
            let values = [Double](repeating: value, count: shape.columns)
            let result = builder.constant(values, width: tensor.element.width)
            return .rows(RowTensor(value: result, shape: shape, element: tensor.element))
        case .constant(let dimensions):
            let counts = (dimensions.integers ?? []).map { Int($0) }
            var total = 1
            for count in counts {
                guard (1...ModelBounds.features).contains(count), total * count <= ModelBounds.features else {
                    throw reader.error("would make less than 1 or more than \(ModelBounds.features) values")
                }
                total *= count
            }
            var result = tensor
            result.dimensions = counts
            switch tensor.storage {
            case .integers(let values): result.storage = .integers([Int64](repeating: values[0], count: total))
            default: result.storage = .numbers([Double](repeating: value, count: total))
            }
            return .constant(result)
        case .rows: throw reader.error("must not take its shape from rows")
        }
    }

    func shapeNode(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let start = try reader.integer("start", default: 0)
        guard start == 0, try reader.integer("end") == nil else { throw reader.error("of some axes is not supported") }
        switch try input(0, reader) {
        case .rows(let rows): return .shape(rows.shape.dimensions)
        case .constant(let tensor):
            return .constant(
                ONNXTensor(
                    element: .int64, dimensions: [tensor.dimensions.count],
                    storage: .integers(tensor.dimensions.map { Int64($0) })))
        case .shape: throw reader.error("of a shape is not supported")
        }
    }

    mutating func reshape(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        guard try !reader.flag("allowzero", default: false) else {
            throw reader.error(attribute: "allowzero", "must be 0")
        }
        let value = try input(0, reader)
        if case .shape(let dimensions) = try input(1, reader), case .rows(var rows) = value {
            let shape = try shape(dimensions, reader)
            guard shape.columns == rows.shape.columns, leads(rows.shape), leads(shape) else {
                throw reader.error("would mix rows: \(rows.shape.text) to \(shape.text)")
            }
            rows.shape = shape
            return .rows(rows)
        }
        let target = try integers(1, reader) ?? []
        switch value {
        case .constant(var tensor):
            tensor.dimensions = try reshaped(tensor, target, reader)
            return .constant(tensor)
        case .rows(var rows):
            rows.shape = try reshaped(rows.shape, target, reader)
            return .rows(rows)
        case .shape: throw reader.error("of a shape is not supported")
        }
    }

    /// Whether only axes of 1 stand before the rows.
    private func leads(_ shape: RowShape) -> Bool { shape.dimensions.prefix(shape.axis).allSatisfy { $0.count == 1 } }

    private func reshaped(
        _ shape: RowShape, _ target: [Int], _ reader: NodeReader
    ) throws(ModelFormatError) -> RowShape {
        var dimensions: [RowDimension] = []
        for (index, count) in target.enumerated() {
            switch count {
            case -1: dimensions.append(.rows)
            case 0 where index < shape.rank: dimensions.append(shape.dimensions[index])
            case 1...: dimensions.append(.count(count))
            default: throw reader.error("has \(count) in its shape")
            }
        }
        // [0, -1] copies the rows and infers the columns.
        if let copied = target.firstIndex(of: 0), let inferred = target.firstIndex(of: -1),
            dimensions[copied] == .rows
        {
            dimensions[inferred] = .count(1)
            let known = try self.shape(dimensions, reader).columns
            guard shape.columns % known == 0 else { throw reader.error("does not fit \(shape.text)") }
            dimensions[inferred] = .count(shape.columns / known)
        }
        let result = try self.shape(dimensions, reader)
        guard result.columns == shape.columns, leads(shape), leads(result) else {
            throw reader.error("would mix rows: \(shape.text) to \(target)")
        }
        return result
    }

    private func reshaped(_ tensor: ONNXTensor, _ target: [Int], _ reader: NodeReader) throws(ModelFormatError) -> [Int]
    {
        var dimensions: [Int] = []
        var known = 1
        for (index, count) in target.enumerated() {
            let count = count == 0 && index < tensor.dimensions.count ? tensor.dimensions[index] : count
            guard count == -1 || (1...ModelBounds.fileBytes).contains(count), known <= ModelBounds.fileBytes else {
                throw reader.error("has \(count) in its shape")
            }
            if count > 0 { known *= count }
            dimensions.append(count)
        }
        if let inferred = dimensions.firstIndex(of: -1), tensor.count % known == 0 {
            dimensions[inferred] = tensor.count / known
            known = tensor.count
        }
        guard known == tensor.count, !dimensions.contains(-1) else {
            throw reader.error("does not fit \(tensor.count) values: \(target)")
        }
        return dimensions
    }

    func flatten(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let axis = try reader.integer("axis", default: 1)
        guard case .rows(var rows) = try input(0, reader), rows.shape.axis == 0,
            try self.axis(axis, rank: rows.shape.rank + 1, reader) == 1
        else { throw reader.error("must keep the rows: axis 1 of [N, …]") }
        rows.shape = .matrix(rows.shape.columns)
        return .rows(rows)
    }

    func squeeze(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let listed = try axes(&reader, inputFrom: 13)
        switch try input(0, reader) {
        case .rows(var rows):
            let axes = try listed.map { axes throws(ModelFormatError) in
                try normalized(axes, rank: rows.shape.rank, reader)
            }
            let removed = axes ?? rows.shape.dimensions.indices.filter { rows.shape.dimensions[$0] == .count(1) }
            guard removed.allSatisfy({ rows.shape.dimensions[$0] == .count(1) }) else {
                throw reader.error("of \(rows.shape.text) must remove axes of 1")
            }
            rows.shape.dimensions = rows.shape.dimensions.indices.filter { !removed.contains($0) }
                .map { rows.shape.dimensions[$0] }
            return .rows(rows)
        case .constant(var tensor):
            let removed = try normalized(listed ?? [], rank: tensor.dimensions.count, reader)
            let dimensions = tensor.dimensions
            tensor.dimensions = dimensions.indices
                .filter { listed == nil ? dimensions[$0] != 1 : !removed.contains($0) }.map { dimensions[$0] }
            guard tensor.dimensions.reduce(1, *) == tensor.count else { throw reader.error("must remove axes of 1") }
            return .constant(tensor)
        case .shape: throw reader.error("of a shape is not supported")
        }
    }

    func unsqueeze(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        guard let listed = try axes(&reader, inputFrom: 13), listed.count <= 8 else {
            throw reader.error("must have 1 to 8 axes")
        }
        switch try input(0, reader) {
        case .rows(var rows):
            let axes = try normalized(listed, rank: rows.shape.rank + listed.count, reader)
            for axis in axes.sorted() { rows.shape.dimensions.insert(.count(1), at: axis) }
            rows.shape = try shape(rows.shape.dimensions, reader)
            return .rows(rows)
        case .constant(var tensor):
            let axes = try normalized(listed, rank: tensor.dimensions.count + listed.count, reader)
            for axis in axes.sorted() { tensor.dimensions.insert(1, at: axis) }
            guard tensor.dimensions.count <= 16 else { throw reader.error("would make more than 16 axes") }
            return .constant(tensor)
        case .shape: throw reader.error("of a shape is not supported")
        }
    }

    /// Axes from the attribute, or from input 1 since opset `inputFrom`; nil: none are listed.
    func axes(_ reader: inout NodeReader, inputFrom: Int) throws(ModelFormatError) -> [Int]? {
        if reader.opset >= inputFrom { return try integers(1, reader) }
        return try reader.integers("axes")?.map { Int($0) }
    }

    /// Distinct axes from 0.
    func normalized(_ axes: [Int], rank: Int, _ reader: NodeReader) throws(ModelFormatError) -> [Int] {
        var result: [Int] = []
        for axis in axes { result.append(try self.axis(axis, rank: rank, reader)) }
        guard Set(result).count == result.count else { throw reader.error("names an axis twice") }
        return result
    }
}
