// A tree ensemble's nodes, whichever version of the operator holds them.
//
//     versions 1 and 3   parallel lists with tree ids and node ids, leaves are nodes, weights stand beside
//     version 5          parallel lists without ids, children are positions, leaves have lists of their own
//
// Both end as one table of nodes with children as positions in it, and the weights of each leaf.

struct EnsembleTable {
    enum Mode: Equatable {
        case lessOrEqual, less, greaterOrEqual, greater, equal, notEqual
        /// Of the set with that number.
        case member(Int)
        case leaf
    }

    struct Node {
        var mode: Mode
        var feature: Int
        var split: Double
        /// Positions in the table.
        var whenTrue: Int
        var whenFalse: Int
        /// Where NaN goes, unless the comparison is true for it anyway.
        var missingIsTrue: Bool
    }

    struct Weight {
        var node: Int
        var target: Int
        var value: Double
    }

    var nodes: [Node] = []
    var roots: [Int] = []
    /// Ascending by node; as the file lists them within a node.
    var weights: [Weight] = []
    /// Where the weights of node i begin; one more than nodes.
    var weightStarts: [Int] = []
    /// The sets of `member` splits.
    var sets: [[Double]] = []

    func weights(of node: Int) -> ArraySlice<Weight> { weights[weightStarts[node]..<weightStarts[node + 1]] }

    /// Sorts the weights to their nodes.
    mutating func index(_ listed: [Weight]) {
        weightStarts = [Int](repeating: 0, count: nodes.count + 1)
        for weight in listed { weightStarts[weight.node + 1] += 1 }
        for node in nodes.indices { weightStarts[node + 1] += weightStarts[node] }
        var next = weightStarts
        weights = [Weight](repeating: Weight(node: 0, target: 0, value: 0), count: listed.count)
        for weight in listed {
            weights[next[weight.node]] = weight
            next[weight.node] += 1
        }
    }
}

/// Reads lists that must be equally long.
struct EnsembleLists {
    var reader: NodeReader

    init(_ reader: NodeReader) { self.reader = reader }

    mutating func integers(_ name: String, _ count: Int) throws(ModelFormatError) -> [Int64] {
        try counted(reader.integers(name) ?? [], name, count)
    }

    func counted<Value>(_ values: [Value], _ name: String, _ count: Int) throws(ModelFormatError) -> [Value] {
        guard values.count == count else {
            throw reader.error(attribute: name, "must have \(count) values, has \(values.count)")
        }
        return values
    }

    /// Floats, or the tensor of the same name with `_as_tensor`, which must be of the input's type.
    mutating func reals(_ name: String, _ element: ONNXElement) throws(ModelFormatError) -> [Double] {
        let floats = try reader.floats(name)
        guard let tensor = try reader.tensor("\(name)_as_tensor"), tensor.count > 0 else { return floats ?? [] }
        guard floats == nil else { throw reader.error(attribute: name, "stands beside \(name)_as_tensor") }
        guard tensor.element == element, let numbers = tensor.numbers else {
            throw reader.error(attribute: "\(name)_as_tensor", "is \(tensor.element), the input is \(element)")
        }
        return numbers
    }
}
