// TreeEnsembleClassifier and TreeEnsembleRegressor, versions 1 and 3.

extension EnsembleTable {
    /// Reads nodes and weights; `prefix` is `class` or `target`.
    init(
        _ lists: inout EnsembleLists, prefix: String, element: ONNXElement, columns: Int, targets: Int
    ) throws(ModelFormatError) {
        let modes = try lists.reader.strings("nodes_modes") ?? []
        guard (1...ModelBounds.nodes).contains(modes.count) else {
            throw lists.reader.error(attribute: "nodes_modes", "must have 1 to \(ModelBounds.nodes) values")
        }
        let trees = try lists.integers("nodes_treeids", modes.count)
        let positions = NodePositions(trees: trees, nodes: try lists.integers("nodes_nodeids", modes.count))
        if let index = positions.duplicate {
            throw lists.reader.error(attribute: "nodes_nodeids", "has node \(index) of a tree twice")
        }
        let features = try lists.integers("nodes_featureids", modes.count)
        let whenTrue = try lists.integers("nodes_truenodeids", modes.count)
        let whenFalse = try lists.integers("nodes_falsenodeids", modes.count)
        let splits = try lists.counted(lists.reals("nodes_values", element), "nodes_values", modes.count)
        let missing = try lists.reader.integers("nodes_missing_value_tracks_true")
        // Counts of training rows, if anything; no library writes true ones.
        for name in ["nodes_hitrates", "nodes_hitrates_as_tensor"] { lists.reader.ignore(name) }
        let known: [String: Mode] = [
            "BRANCH_LEQ": .lessOrEqual, "BRANCH_LT": .less, "BRANCH_GTE": .greaterOrEqual, "BRANCH_GT": .greater,
            "BRANCH_EQ": .equal, "BRANCH_NEQ": .notEqual, "LEAF": .leaf,
        ]
        if let missing, missing.count != modes.count {
            throw lists.reader.error(
                attribute: "nodes_missing_value_tracks_true", "must have \(modes.count) values, has \(missing.count)")
        }
        nodes.reserveCapacity(modes.count)
        for index in modes.indices {
            func error(_ name: String, _ message: String) -> ModelFormatError {
                lists.reader.error(attribute: "\(name)[\(index)]", message)
            }
            guard let mode = known[modes[index]] else {
                throw error(
                    "nodes_modes", "is `\(modes[index])`; known are \(known.keys.sorted().joined(separator: ", "))")
            }
            var node = Node(
                mode: mode, feature: 0, split: 0, whenTrue: index, whenFalse: index, missingIsTrue: false)
            if mode != .leaf {
                guard (0..<Int64(columns)).contains(features[index]) else {
                    throw error("nodes_featureids", "is \(features[index]), the input has \(columns) columns")
                }
                guard let left = positions[trees[index], whenTrue[index]] else {
                    throw error("nodes_truenodeids", "is \(whenTrue[index]), which is no node of the tree")
                }
                guard let right = positions[trees[index], whenFalse[index]] else {
                    throw error("nodes_falsenodeids", "is \(whenFalse[index]), which is no node of the tree")
                }
                node.feature = Int(features[index])
                node.split = splits[index]
                node.whenTrue = left
                node.whenFalse = right
                node.missingIsTrue = (missing?[index] ?? 0) != 0
            }
            nodes.append(node)
        }
        roots = try Self.roots(trees, nodes, lists.reader)
        try readWeights(&lists, prefix: prefix, element: element, positions: positions, targets: targets)
    }

    /// The node of each tree that is nobody's child, in the order in which the trees begin.  ONNX does not
    /// say which one that is; where a tree has rubbish beside it, it is the first listed one.
    private static func roots(
        _ trees: [Int64], _ nodes: [Node], _ reader: NodeReader
    ) throws(ModelFormatError) -> [Int] {
        var isChild = [Bool](repeating: false, count: nodes.count)
        for (index, node) in nodes.enumerated() where node.mode != .leaf {
            isChild[node.whenTrue] = true
            isChild[node.whenFalse] = true
            guard node.whenTrue != index, node.whenFalse != index else {
                throw reader.error(attribute: "nodes_nodeids[\(index)]", "is its own child")
            }
        }
        var first: [Int64: Int] = [:]
        var root: [Int64: Int] = [:]
        var order: [Int64] = []
        for (index, tree) in trees.enumerated() {
            if first.updateValue(first[tree] ?? index, forKey: tree) == nil { order.append(tree) }
            guard !isChild[index] else { continue }
            if let other = root[tree] {
                guard other == first[tree] else {
                    throw reader.error(attribute: "nodes_nodeids[\(index)]", "and an earlier node may both be the root")
                }
            } else {
                root[tree] = index
            }
        }
        guard order.count <= ModelBounds.trees else {
            throw reader.error(attribute: "nodes_treeids", "has more than \(ModelBounds.trees) trees")
        }
        return try order.map { tree throws(ModelFormatError) in
            guard let root = root[tree] else {
                throw reader.error(attribute: "nodes_treeids", "has tree \(tree), in which every node is a child")
            }
            return root
        }
    }

    private mutating func readWeights(
        _ lists: inout EnsembleLists, prefix: String, element: ONNXElement, positions: NodePositions, targets: Int
    ) throws(ModelFormatError) {
        let ids = try lists.reader.integers("\(prefix)_ids") ?? []
        let trees = try lists.integers("\(prefix)_treeids", ids.count)
        let listed = try lists.integers("\(prefix)_nodeids", ids.count)
        let values = try lists.counted(lists.reals("\(prefix)_weights", element), "\(prefix)_weights", ids.count)
        var weights: [Weight] = []
        weights.reserveCapacity(ids.count)
        for index in ids.indices {
            guard let node = positions[trees[index], listed[index]], nodes[node].mode == .leaf else {
                throw lists.reader.error(attribute: "\(prefix)_nodeids[\(index)]", "is no leaf of the tree")
            }
            guard (0..<Int64(targets)).contains(ids[index]) else {
                throw lists.reader.error(attribute: "\(prefix)_ids[\(index)]", "must be 0 to \(targets - 1)")
            }
            weights.append(Weight(node: node, target: Int(ids[index]), value: values[index]))
        }
        self.index(weights)
    }
}

/// From a tree's and a node's id to the node's position.
private struct NodePositions {
    /// Where a tree begins whose nodes stand together and count from 0.
    private var starts: [Int64: Range<Int>] = [:]
    /// The other trees' nodes.
    private var others: [Int64: [Int64: Int]] = [:]
    /// A node that is there twice.
    private(set) var duplicate: Int64?

    init(trees: [Int64], nodes: [Int64]) {
        var start = 0
        while start < trees.count {
            var end = start
            while end < trees.count, trees[end] == trees[start] { end += 1 }
            add(trees[start], start..<end, nodes)
            start = end
        }
    }

    private mutating func add(_ tree: Int64, _ range: Range<Int>, _ nodes: [Int64]) {
        let isPlain = range.allSatisfy { nodes[$0] == Int64($0 - range.lowerBound) }
        if isPlain, starts[tree] == nil, others[tree] == nil {
            starts[tree] = range
            return
        }
        if let earlier = starts.removeValue(forKey: tree) {
            for index in earlier { others[tree, default: [:]][nodes[index]] = index }
        }
        for index in range where others[tree, default: [:]].updateValue(index, forKey: nodes[index]) != nil {
            duplicate = nodes[index]
        }
    }

    subscript(tree: Int64, node: Int64) -> Int? {
        if let range = starts[tree] {
            return (0..<Int64(range.count)).contains(node) ? range.lowerBound + Int(node) : nil
        }
        return others[tree]?[node]
    }
}
