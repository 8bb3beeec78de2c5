// A forest's size, for people and for the cost model.

extension Forest {
    public var treeCount: Int { trees.count }
    /// Splits and leaves of all trees.
    public var nodeCount: Int { trees.reduce(0) { $0 + $1.nodes.count } }
    /// Splits on the longest path.
    public var maxDepth: Int { trees.reduce(0) { max($0, $1.depth) } }
    /// Splits that one row can meet, over all trees.
    public var worstCaseNodesPerRow: Int { trees.reduce(0) { $0 + $1.depth } }
}

extension Forest.Tree {
    /// The function of a leaf, if it has one.
    public func linearLeaf(of node: Int32) -> Forest.LinearLeaf? {
        var low = 0
        var high = linearLeaves.count
        while low < high {
            let middle = (low + high) / 2
            if linearLeaves[middle].node < node { low = middle + 1 } else { high = middle }
        }
        return low < linearLeaves.count && linearLeaves[low].node == node ? linearLeaves[low] : nil
    }

    /// Splits on the longest path from the root; the tree must have been checked.
    public var depth: Int {
        var deepest = 0
        var open: [(node: Int32, depth: Int)] = [(0, 0)]
        while let (index, depth) = open.popLast() {
            let node = nodes[Int(index)]
            if node.isLeaf {
                deepest = max(deepest, depth)
            } else {
                open.append((node.left, depth + 1))
                open.append((node.right, depth + 1))
            }
        }
        return deepest
    }
}
