// From the node table of a file to a forest's tree: only what the root reaches, in preorder.
//
// Files number nodes as they like, and XGBoost's may hold pruned nodes full of rubbish.  The walk
// reads a node only when it is reached, and a node that is reached twice (a cycle, or two parents)
// is refused.

struct TreeLinker {
    /// Nodes in the file's table.
    let count: Int
    /// Names a node of the file in an error.
    let place: (_ node: Int) -> String
    /// A node as the file has it, its children in the file's numbers, checked to be in the table.
    let read: (_ node: Int) throws(ModelFormatError) -> Forest.Node

    /// The nodes that the root reaches, in preorder, and where each stands in the file's table.
    struct Linked {
        var nodes: [Forest.Node] = []
        var sources: [Int32] = []
    }

    /// The tree below node 0, as long as `nodesLeft` allows.
    func link(nodesLeft: Int) throws(ModelFormatError) -> Linked {
        var linked = Linked()
        linked.nodes.reserveCapacity(min(count, nodesLeft))
        linked.sources.reserveCapacity(min(count, nodesLeft))
        var seen = [Bool](repeating: false, count: count)
        /// Node to visit, its parent's new number, and whether it is the right child.
        var open: [(node: Int, parent: Int, isRight: Bool, depth: Int)] = [(0, -1, false, 0)]
        while let (position, parent, isRight, depth) = open.popLast() {
            guard !seen[position] else {
                throw ModelFormatError(place(position), "the node is reached twice: a cycle, or two parents")
            }
            guard depth <= ModelBounds.depth else {
                throw ModelFormatError(place(position), "the tree is deeper than \(ModelBounds.depth)")
            }
            guard linked.nodes.count < nodesLeft else {
                throw ModelFormatError(place(position), "more than \(ModelBounds.nodes) nodes in all")
            }
            seen[position] = true
            let node = try read(position)
            let number = Int32(linked.nodes.count)
            linked.nodes.append(node)
            linked.sources.append(Int32(position))
            if parent >= 0 {
                if isRight { linked.nodes[parent].right = number } else { linked.nodes[parent].left = number }
            }
            if !node.isLeaf {
                open.append((Int(node.right), Int(number), true, depth + 1))
                open.append((Int(node.left), Int(number), false, depth + 1))
            }
        }
        return linked
    }
}
