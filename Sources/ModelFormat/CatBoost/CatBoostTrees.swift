// CatBoost's trees, of both shapes, into nodes.
//
//     oblivious   splits s0 s1 s2; bit d of the leaf's number is the answer to split d
//
//                      s2                every node of a level asks the same; the root asks the last
//                  s1      s1            split, so that leaves stand in the file's order, and sums of
//                s0  s0  s0  s0          leaf weights are those of CatBoost's own SHAP values
//               0 1 2 3 4 5 6 7
//
//     non-symmetric   nested objects with split, left and right; a leaf has value and weight
//
// Until a question's place in the row is known, a split's `feature` is the question's number, and a
// leaf's `value` the leaf's number.

struct CatBoostTree {
    var nodes: [Forest.Node] = []
    /// [leaf][dimension].
    var leafValues: [Double] = []
    /// By leaf; empty: the file has none.
    var leafWeights: [Double] = []

    /// The weights that reached each node.
    var covers: [Double] {
        guard !leafWeights.isEmpty else { return [] }
        var covers = [Double](repeating: 0, count: nodes.count)
        // Children stand behind their parents.
        for (index, node) in nodes.enumerated().reversed() {
            covers[index] =
                node.isLeaf ? leafWeights[Int(node.value)] : covers[Int(node.left)] + covers[Int(node.right)]
        }
        return covers
    }
}

struct CatBoostTrees {
    let questions: CatBoostQuestions
    /// Values of a leaf; nil: not known before the first leaf.
    private(set) var dimension: Int?
    private var nodesLeft = ModelBounds.nodes

    init(questions: CatBoostQuestions) { self.questions = questions }

    mutating func read(
        _ root: ModelField, progress: ((Double) -> Void)?
    ) throws(ModelFormatError) -> [CatBoostTree] {
        let oblivious = try root.present("oblivious_trees")
        let nonSymmetric = try root.present("trees")
        guard let field = oblivious ?? nonSymmetric else {
            throw root.error("`oblivious_trees` or `trees` is missing")
        }
        let elements = try field.elements()
        guard elements.count <= ModelBounds.trees else { throw field.error("more than \(ModelBounds.trees) trees") }
        var trees: [CatBoostTree] = []
        trees.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            trees.append(try oblivious != nil ? readOblivious(element) : readNonSymmetric(element))
            if index & 63 == 0 { progress?(Double(index) / Double(elements.count)) }
        }
        return trees
    }

    /// `count` nodes for each of the dimensions, within the bound on all of them.
    private mutating func take(_ count: Int, _ field: ModelField) throws(ModelFormatError) {
        let needed = count * (dimension ?? 1)
        guard needed <= nodesLeft else { throw field.error("more than \(ModelBounds.nodes) nodes in all") }
        nodesLeft -= needed
    }

    private mutating func setDimension(_ count: Int, _ field: ModelField) throws(ModelFormatError) {
        guard (1...ModelBounds.outputs).contains(count), dimension == nil || dimension == count else {
            throw field.error(
                "must have \(dimension.map { "\($0)" } ?? "1 to \(ModelBounds.outputs)") values a leaf, as every tree")
        }
        dimension = count
    }

    private static let depthMax = 20

    private mutating func readOblivious(_ field: ModelField) throws(ModelFormatError) -> CatBoostTree {
        var splits: [Int32] = []
        if let splitsField = try field.present("splits") {
            guard try splitsField.count() <= Self.depthMax else {
                throw splitsField.error("must have at most \(Self.depthMax) splits")
            }
            for split in try splitsField.elements() { splits.append(try questions.number(split)) }
        }
        let leaves = 1 << splits.count
        let valuesField = try field.member("leaf_values")
        let values = try valuesField.numbers()
        guard values.count >= leaves, values.count.isMultiple(of: leaves) else {
            throw valuesField.error("must have as many values for each of \(leaves) leaves")
        }
        try setDimension(values.count / leaves, valuesField)
        try take(2 * leaves - 1, field)
        var tree = CatBoostTree(leafValues: values)
        if let weightsField = try field.present("leaf_weights"), try weightsField.count() > 0 {
            tree.leafWeights = try weights(weightsField, leaves)
        }
        appendLevel(splits[...], firstLeaf: 0, to: &tree.nodes)
        return tree
    }

    private func weights(_ field: ModelField, _ count: Int) throws(ModelFormatError) -> [Double] {
        let weights = try field.numbers(count: count)
        guard weights.allSatisfy({ $0 >= 0 }) else { throw field.error("must not be negative") }
        return weights
    }

    /// The subtree over `splits`, in preorder; its leaves are numbered from `firstLeaf` on.
    private func appendLevel(_ splits: ArraySlice<Int32>, firstLeaf: Int, to nodes: inout [Forest.Node]) {
        guard let question = splits.last else {
            nodes.append(.leaf(Double(firstLeaf)))
            return
        }
        let place = nodes.count
        let below = splits.dropLast()
        nodes.append(
            .split(
                feature: question, threshold: 0, left: Int32(place + 1), right: Int32(place + (2 << below.count)),
                missing: .left))
        appendLevel(below, firstLeaf: firstLeaf, to: &nodes)
        appendLevel(below, firstLeaf: firstLeaf + 1 << below.count, to: &nodes)
    }

    private mutating func readNonSymmetric(_ field: ModelField) throws(ModelFormatError) -> CatBoostTree {
        var tree = CatBoostTree()
        _ = try appendSubtree(field, to: &tree)
        let leaves = tree.leafValues.count / (dimension ?? 1)
        guard tree.leafWeights.isEmpty || tree.leafWeights.count == leaves else {
            throw field.error("must have a weight for every leaf or for none")
        }
        return tree
    }

    /// The subtree's first node; the file's nesting bounds the recursion.
    private mutating func appendSubtree(
        _ field: ModelField, to tree: inout CatBoostTree
    ) throws(ModelFormatError) -> Int32 {
        let place = Int32(tree.nodes.count)
        if let valueField = try field.present("value") {
            try appendLeaf(field, valueField, to: &tree)
            return place
        }
        try take(1, field)
        let question = try questions.number(field.member("split"))
        tree.nodes.append(.split(feature: question, threshold: 0, left: 0, right: 0, missing: .left))
        tree.nodes[Int(place)].left = try appendSubtree(field.member("left"), to: &tree)
        tree.nodes[Int(place)].right = try appendSubtree(field.member("right"), to: &tree)
        return place
    }

    private mutating func appendLeaf(
        _ field: ModelField, _ valueField: ModelField, to tree: inout CatBoostTree
    ) throws(ModelFormatError) {
        let values: [Double]
        switch valueField.value {
        case .integer, .number: values = [try valueField.number()]
        default: values = try valueField.numbers()
        }
        try setDimension(values.count, valueField)
        try take(1, field)
        tree.nodes.append(.leaf(Double(tree.leafValues.count / values.count)))
        tree.leafValues += values
        if let weightField = try field.present("weight") {
            let weight = try weightField.number()
            guard weight >= 0 else { throw weightField.error("must not be negative") }
            tree.leafWeights.append(weight)
        }
    }
}
