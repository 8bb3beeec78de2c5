// The last gate before a forest is compiled: whatever built it, everything in it is in range.
//
// Importers refuse a bad file with the place in the file.  This check knows the forest only, and
// is what the compiler relies on: children in range, every node the child of one (no cycle, no
// shared subtree), columns, outputs and sets in range, every number finite (a threshold may be
// infinite: LightGBM splits NaN from everything else that way).

extension Forest {
    /// Throws at the first thing that is out of range; the place is `trees[3].nodes[7]`.
    public func check() throws(ModelFormatError) {
        try checkCounts()
        try checkCategorySets()
        var nodes = 0
        for (index, tree) in trees.enumerated() {
            nodes += tree.nodes.count
            guard nodes <= ModelBounds.nodes else {
                throw ModelFormatError("trees[\(index)]", "more than \(ModelBounds.nodes) nodes in all")
            }
            try check(tree, index)
        }
    }

    private func checkCounts() throws(ModelFormatError) {
        guard (1...ModelBounds.features).contains(featureCount) else {
            throw ModelFormatError("featureCount", "must be 1 to \(ModelBounds.features)")
        }
        guard (1...ModelBounds.outputs).contains(outputCount) else {
            throw ModelFormatError("baseMargins", "must have 1 to \(ModelBounds.outputs) outputs")
        }
        guard trees.count <= ModelBounds.trees else {
            throw ModelFormatError("trees", "more than \(ModelBounds.trees) trees")
        }
        for (index, margin) in baseMargins.enumerated() where !fits(margin, accumulation) {
            throw ModelFormatError("baseMargins[\(index)]", "must be a finite number of the forest's width")
        }
        guard fits(marginScale, accumulation) else {
            throw ModelFormatError("marginScale", "must be a finite number of the forest's width")
        }
        guard marginBias.isEmpty || marginBias.count == outputCount else {
            throw ModelFormatError("marginBias", "must have as many numbers as there are outputs, or none")
        }
        for (index, bias) in marginBias.enumerated() where !fits(bias, accumulation) {
            throw ModelFormatError("marginBias[\(index)]", "must be a finite number of the forest's width")
        }
        guard (1...ModelBounds.trees).contains(averageDivisor) else {
            throw ModelFormatError("averageDivisor", "must be 1 to \(ModelBounds.trees)")
        }
        guard zeroBand >= 0, fits(zeroBand, valueWidth) else {
            throw ModelFormatError("zeroBand", "must be a finite number of the values' width that is not negative")
        }
        // A category value near 0 must be the same category before and after it counts as 0.
        guard zeroBand < 1, zeroBand == 0 || categoryRule == .aboveMinusOne else {
            throw ModelFormatError("zeroBand", "must be below 1, and 0 where categories must not be negative")
        }
        if case .sigmoid(let scale) = transform, !(scale.isFinite && scale > 0) {
            throw ModelFormatError("transform", "the sigmoid's scale must be a finite number above 0")
        }
    }

    private func checkCategorySets() throws(ModelFormatError) {
        var members = 0
        for (index, set) in categorySets.enumerated() {
            members += set.count
            guard members <= ModelBounds.categoryMembers else {
                throw ModelFormatError(
                    "categorySets[\(index)]", "more than \(ModelBounds.categoryMembers) members in all")
            }
            for position in set.indices {
                guard set[position] < ModelBounds.categories, position == 0 || set[position - 1] < set[position] else {
                    throw ModelFormatError(
                        "categorySets[\(index)][\(position)]",
                        "members must ascend and stay below \(ModelBounds.categories)")
                }
            }
        }
    }

    private func check(_ tree: Tree, _ index: Int) throws(ModelFormatError) {
        guard (0..<outputCount).contains(tree.output) else {
            throw ModelFormatError("trees[\(index)].output", "must be 0 to \(outputCount - 1)")
        }
        guard !tree.nodes.isEmpty else { throw ModelFormatError("trees[\(index)].nodes", "must not be empty") }
        var seen = [Bool](repeating: false, count: tree.nodes.count)
        var open: [(node: Int, depth: Int)] = [(0, 0)]
        while let (position, depth) = open.popLast() {
            guard !seen[position] else { throw nodeError(index, position, "is reached twice") }
            guard depth <= ModelBounds.depth else {
                throw nodeError(index, position, "is deeper than \(ModelBounds.depth)")
            }
            seen[position] = true
            let node = tree.nodes[position]
            try check(node, index, position, count: tree.nodes.count)
            if !node.isLeaf {
                open.append((Int(node.left), depth + 1))
                open.append((Int(node.right), depth + 1))
            }
        }
        if let orphan = seen.firstIndex(of: false) { throw nodeError(index, orphan, "is not reached from the root") }
        try checkCovers(tree, index)
    }

    private func checkCovers(_ tree: Tree, _ index: Int) throws(ModelFormatError) {
        guard tree.covers.isEmpty || tree.covers.count == tree.nodes.count else {
            throw ModelFormatError("trees[\(index)].covers", "must be empty, or have one for each node")
        }
        if let bad = tree.covers.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
            throw ModelFormatError("trees[\(index)].covers[\(bad)]", "must be a finite number from 0 up")
        }
    }

    private func checkLinearLeaves(_ tree: Tree, _ index: Int) throws(ModelFormatError) {
        var last: Int32 = -1
        for (position, leaf) in tree.linearLeaves.enumerated() {
            func fail(_ message: String) -> ModelFormatError {
                ModelFormatError("trees[\(index)].linearLeaves[\(position)]", message)
            }
            guard leaf.node > last, Int(leaf.node) < tree.nodes.count, tree.nodes[Int(leaf.node)].isLeaf else {
                throw fail("must be of a leaf, and behind the one before")
            }
            last = leaf.node
            guard leaf.features.count == leaf.coefficients.count, leaf.features.count <= ModelBounds.features else {
                throw fail("must have a coefficient for each feature")
            }
            guard leaf.features.allSatisfy({ (0..<featureCount).contains(Int($0)) }) else {
                throw fail("the features must be 0 to \(featureCount - 1)")
            }
            guard leaf.constant.isFinite, leaf.coefficients.allSatisfy({ $0.isFinite }) else {
                throw fail("must have finite numbers")
            }
        }
    }

    private func check(_ node: Node, _ tree: Int, _ position: Int, count: Int) throws(ModelFormatError) {
        if node.isLeaf {
            guard fits(node.value, accumulation) else {
                throw nodeError(tree, position, "the leaf must be a finite number of the forest's width")
            }
            return
        }
        guard Int(node.feature) < featureCount else {
            throw nodeError(tree, position, "the feature must be 0 to \(featureCount - 1)")
        }
        guard (0..<count).contains(Int(node.left)), (0..<count).contains(Int(node.right)) else {
            throw nodeError(tree, position, "the children must be 0 to \(count - 1)")
        }
        if node.categories >= 0 {
            guard Int(node.categories) < categorySets.count else {
                throw nodeError(tree, position, "the category set must be 0 to \(categorySets.count - 1)")
            }
            guard node.missing == .left || node.missing == .right else {
                throw nodeError(tree, position, "a category split sends missing values left or right")
            }
        } else if !(node.value.isInfinite || fits(node.value, valueWidth)) {
            throw nodeError(tree, position, "the threshold must be a number of the forest's width")
        }
    }

    private func fits(_ value: Double, _ width: NumberWidth) -> Bool {
        value.isFinite && (width == .float64 || Double(Float(value)) == value)
    }

    private func nodeError(_ tree: Int, _ node: Int, _ message: String) -> ModelFormatError {
        ModelFormatError("trees[\(tree)].nodes[\(node)]", message)
    }
}
