// LightGBM's trees, block by block: the lines of one, its table of nodes, and what is shared by all.

struct LightGBMTreeReader {
    let featureCount: Int
    /// The distinct sets, and the number of each.
    private(set) var categorySets: [[UInt32]] = []
    private var setNumbers: [[UInt32]: Int32] = [:]
    private var memberCount = 0
    private var nodesLeft = ModelBounds.nodes
    private var termsLeft = ModelBounds.linearTerms

    init(featureCount: Int) { self.featureCount = featureCount }

    private static let known: Set<String> = [
        "num_leaves", "num_cat", "split_feature", "threshold", "decision_type", "left_child", "right_child",
        "leaf_value", "cat_boundaries", "cat_threshold", "is_linear", "internal_count", "leaf_count", "leaf_const",
        "num_features", "leaf_features", "leaf_coeff",
    ]

    /// Reads one block, from behind its `Tree=` line to the empty line.
    mutating func read(_ text: inout LightGBMText, output: Int) throws(ModelFormatError) -> Forest.Tree {
        var lines: [String: LightGBMLine] = [:]
        let place = text.place
        while let line = text.nextLine(), !line.isEmpty {
            let key = line.key
            guard Self.known.contains(key) else { continue }
            guard lines.updateValue(line, forKey: key) == nil else { throw line.error("\(key) stands twice") }
        }
        let table = try LightGBMNodeTable(lines, place)
        let sets = try table.sets(lines, place).map { set throws(ModelFormatError) in try number(of: set, place) }
        let featureCount = featureCount
        let linker = TreeLinker(count: table.count) { node in
            table.place(node)
        } read: { node throws(ModelFormatError) in
            try table.node(node, featureCount: featureCount, sets: sets)
        }
        let linked = try linker.link(nodesLeft: nodesLeft)
        nodesLeft -= linked.nodes.count
        var tree = Forest.Tree(output: output, nodes: linked.nodes)
        tree.covers = try covers(lines, table, linked)
        if let linear = try LightGBMLinearLeaves(lines, leaves: table.leaves, featureCount: featureCount, place) {
            termsLeft -= linear.termCount
            guard termsLeft >= 0 else {
                throw ModelFormatError(place, "more than \(ModelBounds.linearTerms) terms of linear leaves in all")
            }
            linear.put(into: &tree, sources: linked.sources, firstLeaf: table.splits)
        }
        return tree
    }

    /// Rows that reached each node in training; empty where the file does not say.
    private func covers(
        _ lines: [String: LightGBMLine], _ table: LightGBMNodeTable, _ linked: TreeLinker.Linked
    ) throws(ModelFormatError) -> [Double] {
        guard let leafLine = lines["leaf_count"] else { return [] }
        let leafCounts = try leafLine.integers(count: table.leaves, 0...Int(Int32.max))
        var counts: [Int64] = []
        if table.splits > 0 {
            guard let splitLine = lines["internal_count"] else { return [] }
            counts = try splitLine.integers(count: table.splits, 0...Int(Int32.max))
        }
        counts += leafCounts
        return linked.sources.map { Double(counts[Int($0)]) }
    }

    /// The set's number; a set that is already there is shared.
    private mutating func number(of members: [UInt32], _ place: String) throws(ModelFormatError) -> Int32 {
        if let number = setNumbers[members] { return number }
        memberCount += members.count
        guard memberCount <= ModelBounds.categoryMembers else {
            throw ModelFormatError(place, "more than \(ModelBounds.categoryMembers) members of category sets in all")
        }
        let number = Int32(categorySets.count)
        categorySets.append(members)
        setNumbers[members] = number
        return number
    }
}
