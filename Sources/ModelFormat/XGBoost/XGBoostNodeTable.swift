// One tree of an XGBoost file: parallel arrays over a table of nodes.
//
//     left_children, right_children    -1: a leaf
//     split_indices, split_conditions  feature, threshold; a leaf's value stands in split_conditions
//     default_left                     where NaN goes
//     split_type                       1: by categories, whose set stands in categories_*
//     leaf_weights                     vector leaves (from 3.2 on): the row of a leaf is its right child
//     base_weights                     vector leaves before 3.2: the row of a leaf is its node

struct XGBoostNodeTable {
    private let field: ModelField
    private let featureCount: Int
    /// DART's; 1: none.
    private let weight: Float
    private let left: [Int32]
    private let right: [Int32]
    private let features: [Int32]
    private let conditions: [Float]
    private let defaultLeft: [Int32]
    /// Empty: no category splits.
    private let types: [Int32]
    /// Numbers in a leaf: 1, or one for each output.
    let leafSize: Int
    /// Row-major, [row][leafSize]; empty where leaves are single numbers.
    private let leafRows: [Float]
    /// Whether a leaf's row stands in its right child, else it is the node's own number.
    private let rowsByLeaf: Bool

    var count: Int { left.count }

    init(_ field: ModelField, parameters: XGBoostParameters, weight: Float) throws(ModelFormatError) {
        self.field = field
        self.weight = weight
        featureCount = parameters.featureCount
        let sizes = try field.member("tree_param")
        let count = try sizes.member("num_nodes").integer(1...ModelBounds.nodes)
        left = try field.member("left_children").integers(count: count)
        right = try field.member("right_children").integers(count: count)
        features = try field.member("split_indices").integers(count: count)
        conditions = try field.member("split_conditions").floats(count: count)
        defaultLeft = try field.member("default_left").integers(count: count)
        types = try field.optional("split_type")?.integers(count: count) ?? []
        let sizeField = try sizes.optional("size_leaf_vector")
        leafSize = max(1, try sizeField?.integer(0...ModelBounds.outputs) ?? 1)
        if let sizeField, leafSize != 1, leafSize != parameters.outputs {
            throw sizeField.error("must be 1, or the number of outputs, \(parameters.outputs)")
        }
        guard leafSize > 1 else {
            (leafRows, rowsByLeaf) = ([], false)
            return
        }
        if let byLeaf = try field.optional("leaf_weights") {
            (leafRows, rowsByLeaf) = (try byLeaf.floats(), true)
        } else {
            (leafRows, rowsByLeaf) = (try field.member("base_weights").floats(count: count * leafSize), false)
        }
    }

    private func error(_ array: String, _ index: Int, _ message: String) -> ModelFormatError {
        ModelFormatError("\(field.place).\(array)[\(index)]", message)
    }

    /// A node as it stands in the table; a vector leaf is 0 until `leaves` fills it in.
    func node(_ index: Int, set: Int32?) throws(ModelFormatError) -> Forest.Node {
        if left[index] == -1 {
            return .leaf(leafSize == 1 ? try leaf(conditions[index], "split_conditions", index) : 0)
        }
        if !(1..<count).contains(Int(left[index])) { throw childError("left_children", index) }
        if !(1..<count).contains(Int(right[index])) { throw childError("right_children", index) }
        let feature = features[index]
        guard (0..<featureCount).contains(Int(feature)) else {
            throw error("split_indices", index, "must be 0 to \(featureCount - 1)")
        }
        guard defaultLeft[index] == 0 || defaultLeft[index] == 1 else {
            throw error("default_left", index, "must be 0 or 1")
        }
        let missing: Forest.Missing = defaultLeft[index] == 1 ? .left : .right
        if !types.isEmpty, types[index] != 0 {
            guard types[index] == 1 else { throw error("split_type", index, "must be 0 or 1") }
            guard let set else {
                throw error("split_type", index, "the split is by categories, but has no set of them")
            }
            return .split(feature: feature, categories: set, left: left[index], right: right[index], missing: missing)
        }
        guard !conditions[index].isNaN else { throw error("split_conditions", index, "the threshold must be a number") }
        let threshold = Double(conditions[index])
        return .split(feature: feature, threshold: threshold, left: left[index], right: right[index], missing: missing)
    }

    private func childError(_ array: String, _ index: Int) -> ModelFormatError {
        error(array, index, "must be -1 for a leaf, else 1 to \(count - 1)")
    }

    /// DART multiplies in float32, before it adds.
    private func leaf(_ value: Float, _ array: String, _ index: Int) throws(ModelFormatError) -> Double {
        let value = value * weight
        guard value.isFinite else { throw error(array, index, "the leaf must be a finite float32") }
        return Double(value)
    }

    /// The tree of one output: the linked nodes, with that column of their leaves.
    func leaves(_ linked: TreeLinker.Linked, output: Int) throws(ModelFormatError) -> [Forest.Node] {
        var nodes = linked.nodes
        for (index, source) in linked.sources.enumerated() where nodes[index].isLeaf {
            let row = rowsByLeaf ? Int(right[Int(source)]) : Int(source)
            guard row >= 0, row < leafRows.count / leafSize else {
                throw error("right_children", Int(source), "must be the number of a row of leaf_weights")
            }
            let place = row * leafSize + output
            nodes[index].value = try leaf(leafRows[place], rowsByLeaf ? "leaf_weights" : "base_weights", place)
        }
        return nodes
    }

    /// Node and ascending members of every category set.
    func categories() throws(ModelFormatError) -> [(node: Int, members: [UInt32])] {
        guard let nodesField = try field.optional("categories_nodes"), try nodesField.count() > 0 else { return [] }
        let nodes = try nodesField.integers()
        let startsField = try field.member("categories_segments")
        let starts = try startsField.integers(count: nodes.count)
        let sizes = try field.member("categories_sizes").integers(count: nodes.count)
        let membersField = try field.member("categories")
        let members = try membersField.integers()
        var sets: [(node: Int, members: [UInt32])] = []
        for index in nodes.indices {
            let start = Int(starts[index])
            let size = Int(sizes[index])
            guard start >= 0, size > 0, start + size <= members.count else {
                throw ModelFormatError("\(startsField.place)[\(index)]", "the set must lie within `categories`")
            }
            // Sets follow one another; shared ones would let a small file ask for much.
            guard start == (index == 0 ? 0 : Int(starts[index - 1]) + Int(sizes[index - 1])) else {
                throw ModelFormatError(
                    "\(startsField.place)[\(index)]", "the set must begin where the one before it ends")
            }
            for position in start..<start + size where !(0..<ModelBounds.categories).contains(Int(members[position])) {
                throw ModelFormatError(
                    "\(membersField.place)[\(position)]", "must be 0 to \(ModelBounds.categories - 1)")
            }
            sets.append((Int(nodes[index]), Set(members[start..<start + size].map { UInt32($0) }).sorted()))
        }
        return sets
    }
}
