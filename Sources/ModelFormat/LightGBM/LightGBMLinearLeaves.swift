// The linear functions of a LightGBM tree (linear_tree=true), leaf by leaf.
//
//     leaf_const       one number a leaf
//     num_features     terms of each leaf
//     leaf_features,   the terms of all leaves, one behind the other
//     leaf_coeff
//
// A leaf answers constant + Σ coefficient × value, added in that order, or its leaf_value where one of
// those values is missing.

struct LightGBMLinearLeaves {
    private let constants: [Double]
    private let counts: [Int64]
    private let features: [Int64]
    private let coefficients: [Double]

    var termCount: Int { features.count }

    /// Nil: the tree's leaves are plain numbers.
    init?(
        _ lines: [String: LightGBMLine], leaves: Int, featureCount: Int, _ place: String
    ) throws(ModelFormatError) {
        guard let linear = lines["is_linear"], try linear.integer(0...1) == 1 else { return nil }
        func required(_ key: String) throws(ModelFormatError) -> LightGBMLine {
            guard let line = lines[key] else { throw ModelFormatError(place, "the linear tree has no \(key)") }
            return line
        }
        constants = try required("leaf_const").doubles(count: leaves)
        counts = try required("num_features").integers(count: leaves, 0...featureCount)
        let terms = counts.reduce(0) { $0 + Int($1) }
        guard terms > 0 else {
            (features, coefficients) = ([], [])
            return
        }
        features = try required("leaf_features").integers(count: terms, 0...featureCount - 1)
        coefficients = try required("leaf_coeff").doubles(count: terms)
    }

    /// Makes the tree's leaves linear; `sources` are its nodes' numbers in the file, where leaf l is
    /// `firstLeaf` + l.  A leaf without terms is its constant, whatever the row.
    func put(into tree: inout Forest.Tree, sources: [Int32], firstLeaf: Int) {
        let starts = counts.reduce(into: [0]) { $0.append($0.last! + Int($1)) }
        for (node, source) in sources.enumerated() where Int(source) >= firstLeaf {
            let leaf = Int(source) - firstLeaf
            let terms = starts[leaf]..<starts[leaf + 1]
            guard !terms.isEmpty else {
                tree.nodes[node].value = constants[leaf]
                continue
            }
            tree.linearLeaves.append(
                Forest.LinearLeaf(
                    node: Int32(node), constant: constants[leaf], features: features[terms].map { Int32($0) },
                    coefficients: Array(coefficients[terms])))
        }
    }
}
