// XGBoost's trees: parallel arrays over a table of nodes, one set of arrays a tree.
//
//     left_children, right_children    -1: a leaf
//     split_indices, split_conditions  feature, threshold; a leaf's value stands in split_conditions
//     default_left                     where NaN goes
//     split_type                       1: by categories, whose set stands in categories_*

struct XGBoostTrees {
    let booster: XGBoostBooster
    let parameters: XGBoostParameters
    /// The distinct sets, and the number of each.
    private(set) var categorySets: [[UInt32]] = []
    private var setNumbers: [[UInt32]: Int32] = [:]
    private var memberCount = 0

    init(booster: XGBoostBooster, parameters: XGBoostParameters) {
        self.booster = booster
        self.parameters = parameters
    }

    mutating func read(progress: ((Double) -> Void)?) throws(ModelFormatError) -> [Forest.Tree] {
        let treesField = try booster.model.member("trees")
        let count = try treesField.count()
        guard count <= ModelBounds.trees else { throw treesField.error("more than \(ModelBounds.trees) trees") }
        let stated = try booster.model.member("gbtree_model_param").member("num_trees")
        guard try stated.integer(0...ModelBounds.trees) == count else {
            throw stated.error("is not the number of trees, \(count)")
        }
        guard booster.weights.count <= count else {
            throw ModelFormatError(booster.weightsPlace, "has more weights than there are trees")
        }
        let outputField = try booster.model.member("tree_info")
        let outputs = try outputField.integers(count: count)
        var trees: [Forest.Tree] = []
        trees.reserveCapacity(count)
        var nodesLeft = ModelBounds.nodes
        for index in 0..<count {
            let output = Int(outputs[index])
            guard (0..<parameters.outputs).contains(output) else {
                throw ModelFormatError("\(outputField.place)[\(index)]", "must be 0 to \(parameters.outputs - 1)")
            }
            let weight = index < booster.weights.count ? booster.weights[index] : 1
            let nodes = try readTree(treesField.element(index), weight: weight, nodesLeft: nodesLeft)
            nodesLeft -= nodes.count
            trees.append(Forest.Tree(output: output, nodes: nodes))
            if index & 63 == 0 { progress?(Double(index) / Double(count)) }
        }
        return trees
    }

    private mutating func readTree(
        _ field: ModelField, weight: Float, nodesLeft: Int
    ) throws(ModelFormatError) -> [Forest.Node] {
        let table = try XGBoostNodeTable(field)
        var sets: [Int: Int32] = [:]
        for (node, members) in try table.categories(field) { sets[node] = try number(of: members, field) }
        let featureCount = parameters.featureCount
        let linker = TreeLinker(count: table.count) { node in
            "\(field.place).left_children[\(node)]"
        } read: { node throws(ModelFormatError) in
            try table.node(node, field, featureCount: featureCount, weight: weight, set: sets[node])
        }
        return try linker.link(nodesLeft: nodesLeft)
    }

    /// The set's number; a set that is already there is shared.
    private mutating func number(of members: [UInt32], _ field: ModelField) throws(ModelFormatError) -> Int32 {
        if let number = setNumbers[members] { return number }
        memberCount += members.count
        guard memberCount <= ModelBounds.categoryMembers else {
            throw ModelFormatError(
                "\(field.place).categories", "more than \(ModelBounds.categoryMembers) members in all")
        }
        let number = Int32(categorySets.count)
        categorySets.append(members)
        setNumbers[members] = number
        return number
    }
}

/// One tree's arrays, equally long.
private struct XGBoostNodeTable {
    let left: [Int32]
    let right: [Int32]
    let features: [Int32]
    let conditions: [Float]
    let defaultLeft: [Int32]
    /// Empty: no category splits.
    let types: [Int32]

    var count: Int { left.count }

    init(_ field: ModelField) throws(ModelFormatError) {
        let parameters = try field.member("tree_param")
        if let leafSize = try parameters.optional("size_leaf_vector"), try leafSize.integer(0...ModelBounds.outputs) > 1
        {
            throw leafSize.error(
                "vector leaves (multi_strategy=multi_output_tree) are not supported; train with one_output_per_tree")
        }
        let count = try parameters.member("num_nodes").integer(1...ModelBounds.nodes)
        left = try field.member("left_children").integers(count: count)
        right = try field.member("right_children").integers(count: count)
        features = try field.member("split_indices").integers(count: count)
        conditions = try field.member("split_conditions").floats(count: count)
        defaultLeft = try field.member("default_left").integers(count: count)
        types = try field.optional("split_type")?.integers(count: count) ?? []
    }

    func node(
        _ index: Int, _ field: ModelField, featureCount: Int, weight: Float, set: Int32?
    ) throws(ModelFormatError) -> Forest.Node {
        func error(_ array: String, _ message: String) -> ModelFormatError {
            ModelFormatError("\(field.place).\(array)[\(index)]", message)
        }
        if left[index] == -1 {
            // DART multiplies in float32, before it adds.
            let value = conditions[index] * weight
            guard value.isFinite else { throw error("split_conditions", "the leaf must be a finite float32") }
            return .leaf(Double(value))
        }
        for (name, child) in [("left_children", left[index]), ("right_children", right[index])]
        where !(1..<count).contains(Int(child)) {
            throw error(name, "must be -1 for a leaf, else 1 to \(count - 1)")
        }
        let feature = features[index]
        guard (0..<featureCount).contains(Int(feature)) else {
            throw error("split_indices", "must be 0 to \(featureCount - 1)")
        }
        guard defaultLeft[index] == 0 || defaultLeft[index] == 1 else { throw error("default_left", "must be 0 or 1") }
        let missing: Forest.Missing = defaultLeft[index] == 1 ? .left : .right
        if !types.isEmpty, types[index] != 0 {
            guard types[index] == 1 else { throw error("split_type", "must be 0 or 1") }
            guard let set else { throw error("split_type", "the split is by categories, but has no set of them") }
            return .split(feature: feature, categories: set, left: left[index], right: right[index], missing: missing)
        }
        guard !conditions[index].isNaN else { throw error("split_conditions", "the threshold must be a number") }
        let threshold = Double(conditions[index])
        return .split(feature: feature, threshold: threshold, left: left[index], right: right[index], missing: missing)
    }

    /// Node and ascending members of every category set.
    func categories(_ field: ModelField) throws(ModelFormatError) -> [(node: Int, members: [UInt32])] {
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
