// From a graph to the stages of a pipeline.
//
//     output ◄── the nodes that it needs, backwards      what only labels need is never looked at
//     nodes, in the file's order ──► stages               one function an operator, in GraphLowering+*.swift
//
// Supported is what scikit-learn's pipelines and the boosting libraries' converters write, over rows
// that do not see each other.  Everything else is refused with the node, the operator and why.

struct GraphLowering {
    let model: ONNXModel
    /// Approximations that the manifest accepts by name.
    let accepted: Set<String>
    var builder: StageBuilder
    /// What each name stands for so far.
    var values: [String: GraphValue] = [:]
    /// The names that the score needs.
    var needed: Set<String> = []
    /// Category names by feature; index = code.
    var categories: [[String]]
    private var codes: [[String: Int]]
    /// Accepted approximations that the model turned out to need.
    private(set) var approximations: [String] = []
    var notes: [String] = []
    /// The last classifier's or regressor's operator and transform, for people.
    var objective = "onnx"
    /// The names of the classes, from whichever node lists them last.
    var classNames: [String] = []
    /// Whether a tree ensemble has splits, and whether any of them says where missing values go.
    var hasSplits = false
    var hasMissingDirections = false

    init(model: ONNXModel, inputs: GraphInputs, accepted: Set<String>) {
        self.model = model
        self.accepted = accepted
        builder = StageBuilder(input: inputs.row)
        categories = [[String]](repeating: [], count: inputs.row.columns)
        codes = [[String: Int]](repeating: [:], count: inputs.row.columns)
    }

    /// Lowers the nodes that `output` needs and gives its value.
    mutating func lower(_ output: ONNXValueInfo) throws(ModelFormatError) -> RowTensor {
        let nodes = try neededNodes(output)
        for index in nodes {
            let node = model.graph.nodes[index]
            builder.name = node.name.isEmpty ? node.operatorName : node.name
            guard let opset = model.opsets[node.domain] else {
                throw ModelFormatError(
                    node.place, "\(node.operatorName) is of domain `\(node.domain)`, which opset_import does not have")
            }
            var reader = NodeReader(node: node, opset: opset)
            let results = try lower(&reader)
            try reader.finish()
            try checkSize(reader)
            try bind(results, reader)
        }
        guard case .rows(let rows)? = values[output.name] else {
            throw ModelFormatError(output.place, "does not depend on the input")
        }
        return rows
    }

    /// Nodes that share constants and columns could ask for much more than the file holds.
    private func checkSize(_ reader: NodeReader) throws(ModelFormatError) {
        guard builder.stages.count <= 4 * ModelBounds.graphNodes, builder.columnCount <= ModelBounds.rowColumns,
            builder.parameterCount <= ModelBounds.parameters
        else {
            throw reader.error(
                "makes the graph larger than \(ModelBounds.rowColumns) columns or \(ModelBounds.parameters) parameters")
        }
    }

    /// Indices of the nodes that the output depends on, in the graph's order.
    private mutating func neededNodes(_ output: ONNXValueInfo) throws(ModelFormatError) -> [Int] {
        var producer: [String: Int] = [:]
        for (index, node) in model.graph.nodes.enumerated() {
            for name in node.outputs where !name.isEmpty {
                guard producer.updateValue(index, forKey: name) == nil, values[name] == nil else {
                    throw ModelFormatError(node.place, "its output `\(name)` has been made before")
                }
            }
        }
        var open = [output.name]
        var nodes: Set<Int> = []
        needed = [output.name]
        while let name = open.popLast() {
            guard let index = producer[name] else { continue }
            guard nodes.insert(index).inserted else { continue }
            for input in model.graph.nodes[index].inputs where !input.isEmpty && needed.insert(input).inserted {
                open.append(input)
            }
        }
        return nodes.sorted()
    }

    private mutating func bind(_ results: [GraphValue?], _ reader: NodeReader) throws(ModelFormatError) {
        for (index, name) in reader.node.outputs.enumerated() where needed.contains(name) {
            guard index < results.count, let result = results[index] else {
                throw reader.error("feeds its output `\(name)` into the score, which is not supported")
            }
            values[name] = result
        }
    }

    /// The codes of `names` for a feature; new names get the next ones.
    mutating func codes(of names: [String], feature: Int) throws(ModelFormatError) -> [Double] {
        var result: [Double] = []
        for name in names {
            let code = codes[feature][name] ?? categories[feature].count
            if code == categories[feature].count {
                guard code < ModelBounds.categories else {
                    throw ModelFormatError("", "a feature has more than \(ModelBounds.categories) categories")
                }
                codes[feature][name] = code
                categories[feature].append(name)
            }
            result.append(Double(code))
        }
        return result
    }

    /// Gives string features the caller's codes.
    mutating func seed(_ categories: [[String]], _ inputs: GraphInputs) throws(ModelFormatError) {
        for (feature, names) in categories.prefix(inputs.row.columns).enumerated() where inputs.isText[feature] {
            guard Set(names).count == names.count else {
                throw ModelFormatError("categories[\(feature)]", "has a name twice")
            }
            _ = try codes(of: names, feature: feature)
        }
    }

    /// Refuses an approximation unless the manifest accepts it by name.
    mutating func approximate(_ name: String, _ reason: String, place: String) throws(ModelFormatError) {
        guard accepted.contains(name) else {
            throw ModelFormatError(place, "\(reason); name `\(name)` in the manifest's model.accept to import it all the same")
        }
        if !approximations.contains(name) { approximations.append(name) }
    }
}

// Inputs of a node.
extension GraphLowering {
    /// The node's input `index`; nil: it is left out.
    func optional(_ index: Int, _ reader: NodeReader) throws(ModelFormatError) -> GraphValue? {
        guard index < reader.node.inputs.count, !reader.node.inputs[index].isEmpty else { return nil }
        let name = reader.node.inputs[index]
        guard let value = values[name] else {
            throw reader.error("takes `\(name)`, which nothing before it makes")
        }
        return value
    }

    func input(_ index: Int, _ reader: NodeReader) throws(ModelFormatError) -> GraphValue {
        guard let value = try optional(index, reader) else { throw reader.error("has no input \(index)") }
        return value
    }

    /// Rows of a kind: `accepts` tells it, `kind` names it.
    func rows(
        _ index: Int, _ reader: NodeReader, _ kind: String, _ accepts: (ONNXElement) -> Bool
    ) throws(ModelFormatError) -> RowTensor {
        guard case .rows(let rows) = try input(index, reader) else {
            throw reader.error("must take rows as input \(index), which is the same for all rows")
        }
        guard accepts(rows.element) else {
            throw reader.error("takes \(kind) as input \(index), which is \(rows.element)")
        }
        return rows
    }

    /// Rows of float or double.
    func reals(_ index: Int, _ reader: NodeReader) throws(ModelFormatError) -> RowTensor {
        try rows(index, reader, "float or double") { $0.isReal || $0.isHalf }
    }

    /// Rows of numbers, as [N, columns].
    func numberMatrix(_ index: Int, _ reader: NodeReader) throws(ModelFormatError) -> RowTensor {
        let rows = try rows(index, reader, "numbers") { $0 != .string && $0 != .bool }
        guard rows.shape.isMatrix, rows.shape.rank == 2 else {
            throw reader.error("takes [N, columns], its input is \(rows.shape.text)")
        }
        return rows
    }

    func constant(_ index: Int, _ reader: NodeReader) throws(ModelFormatError) -> ONNXTensor {
        guard case .constant(let tensor) = try input(index, reader) else {
            throw reader.error("must have a constant as input \(index)")
        }
        return tensor
    }

    /// Whole numbers from a constant input, such as axes; nil: the input is left out.
    func integers(_ index: Int, _ reader: NodeReader) throws(ModelFormatError) -> [Int]? {
        guard try optional(index, reader) != nil else { return nil }
        guard let integers = try constant(index, reader).integers else {
            throw reader.error("must have whole numbers as input \(index)")
        }
        return integers.map { Int($0) }
    }

    /// Numbers of a constant, exactly.
    func numbers(_ tensor: ONNXTensor, _ reader: NodeReader) throws(ModelFormatError) -> [Double] {
        guard let numbers = tensor.numbers else {
            throw reader.error("has a constant that is no list of numbers up to 2^53")
        }
        return numbers
    }

    /// A shape whose columns are within bounds.
    func shape(_ dimensions: [RowDimension], _ reader: NodeReader) throws(ModelFormatError) -> RowShape {
        guard dimensions.filter({ $0 == .rows }).count == 1, dimensions.count <= 16 else {
            throw reader.error("would make a tensor without one axis of rows, or with more than 16 axes")
        }
        var columns = 1
        for dimension in dimensions where dimension != .rows {
            guard (1...ModelBounds.features).contains(dimension.count),
                columns * dimension.count <= ModelBounds.features
            else { throw reader.error("would make less than 1 or more than \(ModelBounds.features) columns") }
            columns *= dimension.count
        }
        return RowShape(dimensions: dimensions)
    }

    /// An axis from 0; negative ones count from the end.
    func axis(_ axis: Int, rank: Int, _ reader: NodeReader) throws(ModelFormatError) -> Int {
        guard (-rank..<rank).contains(axis) else { throw reader.error("has axis \(axis), its input has \(rank) axes") }
        return axis < 0 ? axis + rank : axis
    }
}
