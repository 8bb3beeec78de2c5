// TreeEnsemble, version 5: children are positions among the splits or among the leaves.
//
//     nodes_truenodeids[i], nodes_trueleafs[i]   position, and whether it is a leaf's
//     leaf_targetids, leaf_weights               one weight a leaf
//     membership_values                          the sets of BRANCH_MEMBER splits, in order, each ended by NaN

extension EnsembleTable {
    init(
        _ lists: inout EnsembleLists, element: ONNXElement, columns: Int, targets: Int
    ) throws(ModelFormatError) {
        let modes = try Self.tensor("nodes_modes", &lists.reader) { $0 == .uint8 }.integers ?? []
        let splits = try Self.tensor("nodes_splits", &lists.reader) { $0 == element }.numbers ?? []
        let weights = try Self.tensor("leaf_weights", &lists.reader) { $0 == element }.numbers ?? []
        guard modes.count + weights.count <= ModelBounds.nodes, !modes.isEmpty, !weights.isEmpty else {
            throw lists.reader.error(attribute: "nodes_modes", "and leaves must be 1 to \(ModelBounds.nodes)")
        }
        let count = modes.count
        _ = try lists.counted(splits, "nodes_splits", count)
        let features = try lists.integers("nodes_featureids", count)
        let whenTrue = try lists.integers("nodes_truenodeids", count)
        let whenFalse = try lists.integers("nodes_falsenodeids", count)
        let trueIsLeaf = try lists.integers("nodes_trueleafs", count)
        let falseIsLeaf = try lists.integers("nodes_falseleafs", count)
        let missing = try lists.reader.integers("nodes_missing_value_tracks_true")
        lists.reader.ignore("nodes_hitrates")
        if let missing { _ = try lists.counted(missing, "nodes_missing_value_tracks_true", count) }
        try readSets(modes, element, &lists.reader)
        var set = 0
        for index in 0..<count {
            guard (0..<Int64(columns)).contains(features[index]) else {
                throw lists.reader.error(
                    attribute: "nodes_featureids[\(index)]", "is \(features[index]), the input has \(columns) columns")
            }
            let children = [
                Self.child(whenTrue[index], trueIsLeaf[index], count, weights.count),
                Self.child(whenFalse[index], falseIsLeaf[index], count, weights.count),
            ]
            guard let left = children[0], let right = children[1] else {
                throw lists.reader.error(
                    attribute: "nodes_\(children[0] == nil ? "true" : "false")nodeids[\(index)]", "is no node or leaf")
            }
            guard let mode = Self.mode(modes[index], set) else {
                throw lists.reader.error(attribute: "nodes_modes[\(index)]", "is \(modes[index]), must be 0 to 6")
            }
            if case .member = mode { set += 1 }
            nodes.append(
                Node(
                    mode: mode, feature: Int(features[index]), split: splits[index], whenTrue: left, whenFalse: right,
                    missingIsTrue: (missing?[index] ?? 0) != 0))
        }
        try addLeaves(&lists, weights, targets)
        roots = try Self.roots(&lists.reader, count)
    }

    private static func tensor(
        _ name: String, _ reader: inout NodeReader, _ accepts: (ONNXElement) -> Bool
    ) throws(ModelFormatError) -> ONNXTensor {
        guard let tensor = try reader.tensor(name) else { throw reader.error(attribute: name, "is missing") }
        guard accepts(tensor.element), tensor.dimensions.count <= 1 else {
            throw reader.error(attribute: name, "must be a list of the right type, is \(tensor.element)")
        }
        return tensor
    }

    /// Leaves stand behind the splits in the table.
    private static func child(_ position: Int64, _ isLeaf: Int64, _ splits: Int, _ leaves: Int) -> Int? {
        guard isLeaf == 0 || isLeaf == 1, (0..<Int64(isLeaf == 1 ? leaves : splits)).contains(position) else {
            return nil
        }
        return Int(position) + (isLeaf == 1 ? splits : 0)
    }

    private static func mode(_ raw: Int64, _ set: Int) -> Mode? {
        let modes: [Mode] = [.lessOrEqual, .less, .greaterOrEqual, .greater, .equal, .notEqual, .member(set)]
        return modes.indices.contains(Int(clamping: raw)) ? modes[Int(raw)] : nil
    }

    private mutating func readSets(
        _ modes: [Int64], _ element: ONNXElement, _ reader: inout NodeReader
    ) throws(ModelFormatError) {
        let count = modes.filter { $0 == 6 }.count
        guard let tensor = try reader.tensor("membership_values"), tensor.count > 0 else {
            guard count == 0 else { throw reader.error(attribute: "membership_values", "is missing") }
            return
        }
        guard tensor.element == element, let values = tensor.numbers, values.count <= ModelBounds.categoryMembers else {
            throw reader.error(
                attribute: "membership_values", "must be at most \(ModelBounds.categoryMembers) of \(element)")
        }
        sets = values.split(omittingEmptySubsequences: false) { $0.isNaN }.map { Array($0) }
        if sets.last?.isEmpty == true { sets.removeLast() }
        guard sets.count == count else {
            throw reader.error(
                attribute: "membership_values", "has \(sets.count) sets for \(count) BRANCH_MEMBER nodes")
        }
    }

    private mutating func addLeaves(
        _ lists: inout EnsembleLists, _ weights: [Double], _ targets: Int
    ) throws(ModelFormatError) {
        let ids = try lists.integers("leaf_targetids", weights.count)
        var listed: [Weight] = []
        for (index, value) in weights.enumerated() {
            guard (0..<Int64(targets)).contains(ids[index]) else {
                throw lists.reader.error(attribute: "leaf_targetids[\(index)]", "must be 0 to \(targets - 1)")
            }
            listed.append(Weight(node: nodes.count, target: Int(ids[index]), value: value))
            nodes.append(
                Node(
                    mode: .leaf, feature: 0, split: 0, whenTrue: nodes.count, whenFalse: nodes.count,
                    missingIsTrue: false))
        }
        index(listed)
    }

    /// A tree that is one leaf is written as a split whose children are both that leaf.
    private static func roots(_ reader: inout NodeReader, _ count: Int) throws(ModelFormatError) -> [Int] {
        guard let roots = try reader.integers("tree_roots"), roots.count <= ModelBounds.trees else {
            throw reader.error(attribute: "tree_roots", "must have 1 to \(ModelBounds.trees) values")
        }
        for (index, root) in roots.enumerated() where !(0..<Int64(count)).contains(root) {
            throw reader.error(attribute: "tree_roots[\(index)]", "must be 0 to \(count - 1)")
        }
        return roots.map { Int($0) }
    }
}
