// XGBoost's trees, in the order in which they are added.
//
//     scalar leaves   one tree of the file is one of the forest; tree_info has its output
//     vector leaves   one tree of the file is one of the forest for each output, with the same splits:
//                     every output's sum takes the same leaves in the same order as in the library

struct XGBoostTrees {
    let booster: XGBoostBooster
    let parameters: XGBoostParameters
    /// The distinct sets, and the number of each.
    private(set) var categorySets: [[UInt32]] = []
    /// Why there are no covers, where the file's are not usable.
    private(set) var note: String?
    private var setNumbers: [[UInt32]: Int32] = [:]
    private var memberCount = 0
    private var nodesLeft = ModelBounds.nodes

    init(booster: XGBoostBooster, parameters: XGBoostParameters) {
        self.booster = booster
        self.parameters = parameters
    }

    mutating func read(progress: ((Double) -> Void)?) throws(ModelFormatError) -> [Forest.Tree] {
        let treesField = try booster.model.member("trees")
        let count = try checkedCount(treesField)
        let outputField = try booster.model.member("tree_info")
        let outputs = try outputField.integers(count: count)
        var trees: [Forest.Tree] = []
        trees.reserveCapacity(count)
        for index in 0..<count {
            let output = Int(outputs[index])
            guard (0..<parameters.outputs).contains(output) else {
                throw ModelFormatError("\(outputField.place)[\(index)]", "must be 0 to \(parameters.outputs - 1)")
            }
            let weight = index < booster.weights.count ? booster.weights[index] : 1
            try read(treesField.element(index), output: output, weight: weight, into: &trees)
            if index & 63 == 0 { progress?(Double(index) / Double(count)) }
        }
        if note != nil { for index in trees.indices { trees[index].covers = [] } }
        return trees
    }

    private func checkedCount(_ field: ModelField) throws(ModelFormatError) -> Int {
        let count = try field.count()
        guard count <= ModelBounds.trees else { throw field.error("more than \(ModelBounds.trees) trees") }
        let stated = try booster.model.member("gbtree_model_param").member("num_trees")
        guard try stated.integer(0...ModelBounds.trees) == count else {
            throw stated.error("is not the number of trees, \(count)")
        }
        guard booster.weights.count <= count else {
            throw ModelFormatError(booster.weightsPlace, "has more weights than there are trees")
        }
        return count
    }

    /// Appends one tree of the file: one tree, or one an output.
    private mutating func read(
        _ field: ModelField, output: Int, weight: Float, into trees: inout [Forest.Tree]
    ) throws(ModelFormatError) {
        let table = try XGBoostNodeTable(field, parameters: parameters, weight: weight)
        var sets: [Int: Int32] = [:]
        for (node, members) in try table.categories() { sets[node] = try number(of: members, field) }
        let linker = TreeLinker(count: table.count) { node in
            "\(field.place).left_children[\(node)]"
        } read: { node throws(ModelFormatError) in
            try table.node(node, set: sets[node])
        }
        let linked = try linker.link(nodesLeft: nodesLeft)
        let covers = try covers(field, linked)
        guard table.leafSize > 1 else {
            nodesLeft -= linked.nodes.count
            trees.append(tree(output, linked.nodes, covers))
            return
        }
        for output in 0..<table.leafSize {
            nodesLeft -= linked.nodes.count
            guard nodesLeft >= 0, trees.count < ModelBounds.trees else {
                throw field.error("more than \(ModelBounds.nodes) nodes or \(ModelBounds.trees) trees in all")
            }
            trees.append(tree(output, try table.leaves(linked, output: output), covers))
        }
    }

    private func tree(_ output: Int, _ nodes: [Forest.Node], _ covers: [Double]) -> Forest.Tree {
        var tree = Forest.Tree(output: output, nodes: nodes)
        tree.covers = covers
        return tree
    }

    /// `sum_hessian` by the forest's nodes; empty where the file has none, or where one is no weight.
    private mutating func covers(
        _ field: ModelField, _ linked: TreeLinker.Linked
    ) throws(ModelFormatError) -> [Double] {
        guard let hessians = try field.optional("sum_hessian")?.floats(count: field.member("left_children").count())
        else { return [] }
        let covers = linked.sources.map { Double(hessians[Int($0)]) }
        guard covers.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            note = "\(field.place).sum_hessian is not a finite weight for every node: contributions are not available"
            return []
        }
        return covers
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
