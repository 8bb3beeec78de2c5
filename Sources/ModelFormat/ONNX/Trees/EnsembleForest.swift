// From an ensemble's nodes to a forest's: one comparison for all, one output for each tree.
//
//     x ≤ t   x < t    as they are; where a forest has both, x < t is x ≤ the number before t
//     x > t   x ≥ t    not x ≤ t, not x < t: the children change sides
//     x = t   x ≠ t    membership of a set of one, over codes
//     x ∈ S            membership, over codes
//
// Codes: `Forest` knows categories as whole numbers from 0, ONNX compares with any number.  So each
// feature that is asked for equality gets a second column, the position of its value in the sorted
// list of all that it is compared with, made by a lookup before the forest.  Nothing is duplicated
// and nothing rounded.
//
// NaN: every comparison but ≠ is false for it, and then `nodes_missing_value_tracks_true` decides.
//
// Thresholds of doubles over float32 values are rounded to float32 in the direction that changes no
// answer: x ≤ t is x ≤ the largest float32 that is not above t.

struct EnsembleForest {
    let table: EnsembleTable
    let columns: Int
    let targets: Int
    /// The width in which values are compared.
    let width: NumberWidth
    let error: (_ node: Int, _ message: String) -> ModelFormatError

    /// The numbers that each feature is compared with for equality, ascending.
    private(set) var keys: [Int: [Double]] = [:]
    /// Features with keys, ascending; feature i's codes are column `columns` + i.
    private(set) var coded: [Int] = []
    private(set) var comparison = Forest.Comparison.lessOrEqual
    private(set) var categorySets: [[UInt32]] = []
    private var codeColumns: [Int: Int] = [:]
    private var setNumbers: [[UInt32]: Int32] = [:]

    init(
        table: EnsembleTable, columns: Int, targets: Int, width: NumberWidth,
        error: @escaping (_ node: Int, _ message: String) -> ModelFormatError
    ) throws(ModelFormatError) {
        self.table = table
        self.columns = columns
        self.targets = targets
        self.width = width
        self.error = error
        try survey()
    }

    /// Which comparisons there are, and the keys of equalities.
    private mutating func survey() throws(ModelFormatError) {
        var found: [Int: Set<Double>] = [:]
        var hasInclusive = false
        for (index, node) in table.nodes.enumerated() {
            guard node.mode == .leaf || !node.split.isNaN else { throw error(index, "compares with NaN") }
            switch node.mode {
            case .lessOrEqual, .greater: hasInclusive = true
            case .less, .greaterOrEqual, .leaf: break
            case .equal, .notEqual: found[node.feature, default: []].insert(node.split)
            case .member(let set): found[node.feature, default: []].formUnion(table.sets[set])
            }
        }
        comparison = hasInclusive ? .lessOrEqual : .less
        keys = found.mapValues { values in
            values.filter { width == .float64 || Double(Float($0)) == $0 }.sorted()
        }
        coded = keys.keys.sorted()
        for (index, feature) in coded.enumerated() { codeColumns[feature] = columns + index }
        guard columns + coded.count <= ModelBounds.features else {
            throw error(0, "more than \(ModelBounds.features) columns with those of equalities")
        }
    }

    /// The tables that make the codes of `coded`; a number that is compared with nothing gets a code of its own.
    var codeTables: [LookupTable] {
        coded.map { feature in
            let keys = keys[feature]!
            return LookupTable(
                keys: keys, values: keys.indices.map { Double($0) }, otherwise: Double(keys.count), missing: .nan)
        }
    }

    /// The trees, one for each target that has weights in it; `allTargets`: for each target.
    mutating func trees(allTargets: Bool = false) throws(ModelFormatError) -> [Forest.Tree] {
        var trees: [Forest.Tree] = []
        var seen = [Bool](repeating: false, count: table.nodes.count)
        var nodesLeft = ModelBounds.nodes
        for root in table.roots {
            let (nodes, leaves) = try walk(root, &seen, nodesLeft: nodesLeft)
            var values: [Int: [(position: Int, value: Double)]] = [:]
            for (position, leaf) in leaves {
                for weight in table.weights(of: leaf) {
                    guard weight.value.isFinite else { throw error(leaf, "has a weight that is not finite") }
                    values[weight.target, default: []].append((position, weight.value))
                }
            }
            for target in allTargets ? Array(0..<targets) : values.keys.sorted() {
                nodesLeft -= nodes.count
                guard nodesLeft >= 0, trees.count < ModelBounds.trees else {
                    throw error(
                        root, "more than \(ModelBounds.nodes) nodes or \(ModelBounds.trees) trees, one a target")
                }
                var own = nodes
                for (position, value) in values[target] ?? [] { own[position].value = value }
                trees.append(Forest.Tree(output: target, nodes: own))
            }
        }
        return trees
    }

    /// A tree in preorder, and its leaves: their position in it and in the table.
    private mutating func walk(
        _ root: Int, _ seen: inout [Bool], nodesLeft: Int
    ) throws(ModelFormatError) -> (nodes: [Forest.Node], leaves: [(Int, Int)]) {
        var nodes: [Forest.Node] = []
        var leaves: [(Int, Int)] = []
        var open: [(node: Int, parent: Int, isRight: Bool, depth: Int)] = [(root, -1, false, 0)]
        while let (position, parent, isRight, depth) = open.popLast() {
            guard depth <= ModelBounds.depth, nodes.count < nodesLeft else {
                throw error(position, "more than \(ModelBounds.depth) levels or \(ModelBounds.nodes) nodes in all")
            }
            let source = table.nodes[position]
            let number = nodes.count
            if parent >= 0 {
                if isRight { nodes[parent].right = Int32(number) } else { nodes[parent].left = Int32(number) }
            }
            if source.mode == .leaf || isConstant(source) {
                let leaf = source.mode == .leaf ? position : source.whenTrue
                try checkLeaf(leaf)
                leaves.append((number, leaf))
                nodes.append(.leaf(0))
                continue
            }
            // A leaf may be shared (version 5), a split may not: that would be a cycle, or two parents.
            guard !seen[position] else { throw error(position, "is reached twice: a cycle, or two parents") }
            seen[position] = true
            let (node, isSwapped) = try split(source, position)
            nodes.append(node)
            let (left, right) =
                isSwapped ? (source.whenFalse, source.whenTrue) : (source.whenTrue, source.whenFalse)
            open.append((right, number, true, depth + 1))
            open.append((left, number, false, depth + 1))
        }
        return (nodes, leaves)
    }

    private func isConstant(_ node: EnsembleTable.Node) -> Bool {
        node.whenTrue == node.whenFalse && table.nodes[node.whenTrue].mode == .leaf
    }

    private func checkLeaf(_ leaf: Int) throws(ModelFormatError) {
        let weights = table.weights(of: leaf)
        guard weights.count < 2 || Set(weights.map { $0.target }).count == weights.count else {
            throw error(leaf, "has two weights for one target")
        }
    }

    /// The split without its children, and whether they change sides.
    private mutating func split(
        _ node: EnsembleTable.Node, _ position: Int
    ) throws(ModelFormatError) -> (Forest.Node, isSwapped: Bool) {
        switch node.mode {
        case .equal: return (try membership(node, [node.split], missingIsMember: node.missingIsTrue), false)
        // NaN is not equal to anything: the comparison is true for it.
        case .notEqual: return (try membership(node, [node.split], missingIsMember: false), true)
        case .member(let set):
            return (try membership(node, table.sets[set], missingIsMember: node.missingIsTrue), false)
        default: break
        }
        let isSwapped = node.mode == .greater || node.mode == .greaterOrEqual
        let isInclusive = node.mode == .lessOrEqual || node.mode == .greater
        guard let threshold = threshold(node.split, isInclusive: isInclusive) else {
            throw error(position, "compares with -infinity, and other nodes of the forest with ≤")
        }
        let missingIsLeft = node.missingIsTrue != isSwapped
        return (
            .split(
                feature: Int32(node.feature), threshold: threshold, left: 0, right: 0,
                missing: missingIsLeft ? .left : .right), isSwapped
        )
    }

    private mutating func membership(
        _ node: EnsembleTable.Node, _ members: [Double], missingIsMember: Bool
    ) throws(ModelFormatError) -> Forest.Node {
        let keys = keys[node.feature]!
        var codes: [UInt32] = []
        for member in Set(members).sorted() {
            var (low, high) = (0, keys.count)
            while low < high {
                let middle = (low + high) / 2
                if keys[middle] < member { low = middle + 1 } else { high = middle }
            }
            if low < keys.count, keys[low] == member { codes.append(UInt32(low)) }
        }
        let number = setNumbers[codes] ?? Int32(categorySets.count)
        if setNumbers.updateValue(number, forKey: codes) == nil { categorySets.append(codes) }
        return .split(
            feature: Int32(codeColumns[node.feature]!), categories: number, left: 0, right: 0,
            missing: missingIsMember ? .left : .right)
    }

    /// The threshold for the forest's comparison and width that answers as `split` does.
    private func threshold(_ split: Double, isInclusive: Bool) -> Double? {
        var threshold = split
        if width == .float32 {
            let nearest = Float(split)
            if isInclusive {
                threshold = Double(Double(nearest) > split ? nearest.nextDown : nearest)
            } else {
                threshold = Double(Double(nearest) < split ? nearest.nextUp : nearest)
            }
        }
        // A forest with x ≤ t throughout: x < t is x ≤ the number before.
        guard comparison == .lessOrEqual, !isInclusive else { return threshold }
        guard threshold != -.infinity else { return nil }
        return width == .float32 ? Double(Float(threshold).nextDown) : threshold.nextDown
    }
}
