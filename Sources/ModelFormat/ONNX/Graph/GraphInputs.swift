// The graph's inputs as one row: their columns in the order of the file.
//
//     X: float [N, 30]                         30 columns, f0 … f29
//     age: float [N, 1], country: string [N, 1], visits: int64 [N, 1]      age, country, visits
//
// A row is float32 where every input is float or string, else float64, which holds int32 and int64 up
// to 2^53 too; a float input of a float64 row is rounded to float32 first.

struct GraphInputs {
    struct Input {
        var info: ONNXValueInfo
        var element: ONNXElement
        var shape: RowShape
        /// Its columns of the row.
        var columns: Range<Int>
    }

    private(set) var inputs: [Input] = []
    private(set) var row = Pipeline.Value(columns: 0, width: .float32)

    init(_ model: ONNXModel) throws(ModelFormatError) {
        let constants = Set(model.graph.initializers.map { $0.name })
        for info in model.graph.inputs where !constants.contains(info.name) {
            guard let element = info.element else { throw ModelFormatError(info.place, "is no tensor") }
            let shape = try Self.shape(info)
            let start = row.columns
            guard start + shape.columns <= ModelBounds.features else {
                throw ModelFormatError(info.place, "more than \(ModelBounds.features) columns in all")
            }
            row.columns += shape.columns
            if element.width == .float64 { row.width = .float64 }
            inputs.append(Input(info: info, element: element, shape: shape, columns: start..<row.columns))
        }
        guard row.columns > 0 else { throw ModelFormatError("graph.input", "has no tensor") }
    }

    /// [N], [N, columns]; the number of rows may be stated or open.
    private static func shape(_ info: ONNXValueInfo) throws(ModelFormatError) -> RowShape {
        guard let dimensions = info.shape else { throw ModelFormatError(info.place, "has no shape") }
        switch dimensions.count {
        case 1: return RowShape(dimensions: [.rows])
        case 2:
            guard case .count(let columns) = dimensions[1], (1...ModelBounds.features).contains(columns) else {
                throw ModelFormatError(
                    info.place, "must state its columns, 1 to \(ModelBounds.features), as the second dimension")
            }
            return .matrix(columns)
        default: throw ModelFormatError(info.place, "must be [N, columns], has \(dimensions.count) dimensions")
        }
    }

    /// Names of the columns: an input's own where it is one column, `f0`, `f1`, … for a single input.
    var names: [String] {
        let numbered = (0..<row.columns).map { "f\($0)" }
        if inputs.count == 1, row.columns > 1 { return numbered }
        let names = inputs.flatMap { input in
            input.columns.count == 1
                ? [input.info.name]
                : input.columns.indices.map { "\(input.info.name)_\($0 - input.columns.lowerBound)" }
        }
        return Set(names).count == names.count && !names.contains("") ? names : numbered
    }

    var isText: [Bool] { inputs.flatMap { input in input.columns.map { _ in input.element == .string } } }
}

extension GraphLowering {
    /// Makes the inputs and the initializers known by their names.
    mutating func bind(_ inputs: GraphInputs) throws(ModelFormatError) {
        for tensor in model.graph.initializers {
            guard !tensor.name.isEmpty, values.updateValue(.constant(tensor), forKey: tensor.name) == nil else {
                throw ModelFormatError("graph.initializer", "`\(tensor.name)` has no name, or stands twice")
            }
        }
        for input in inputs.inputs {
            builder.name = input.info.name
            var value = builder.select(Array(input.columns), of: 0)
            if input.element.width == .float32 { value = builder.convert(value, .float32) }
            if input.element.isHalf {
                try approximate("float16", "\(input.element) is computed in float32 here", place: input.info.place)
            }
            var rows = RowTensor(value: value, shape: input.shape, element: input.element)
            if input.element == .string { rows.features = Array(input.columns) }
            guard values.updateValue(.rows(rows), forKey: input.info.name) == nil else {
                throw ModelFormatError(input.info.place, "the name stands twice")
            }
        }
    }
}
