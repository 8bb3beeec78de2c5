// Trees in the trainer's order, eight to a group, each group complete or linked.
//
// A complete tree needs no child pointers and half the bytes of a node, but 2^depth of them; a
// group whose trees are shallow and well filled is padded to complete trees, any other is linked
// by child indices.  Neighbouring groups of the same kind and depth form a segment.

internal import CKernels
internal import ModelFormat

struct TreeLayout {
    private static let groupSize = Int(SERIN_GROUP)
    /// Complete trees may have this many times the leaves that the forest has.
    private static let paddingLimit = 4
    /// Up to this depth padding costs less than links, however empty a tree is.
    private static let alwaysCompleteDepth = 4
    /// Bytes of nodes and leaves of one block: most of a first-level cache.
    private static let blockBytes = 24 << 10

    private let ask: (Forest.Node) -> (slot: Int, rank: Int)

    private(set) var segments: [serin_segment] = []
    private(set) var heapNodes: [serin_heap_node] = []
    private(set) var heapLeaves: [Double] = []
    private(set) var groups: [serin_linked_group] = []
    private(set) var linkedNodes: [serin_linked_node] = []
    private(set) var linkedLeaves: [Double] = []
    /// By linked node: 0, or its number in `linearLeaves` and 1; empty: there are none.
    private(set) var linearOf: [UInt32] = []
    private(set) var linearLeaves: [serin_linear_leaf] = []
    private(set) var linearTerms: [serin_linear_term] = []
    private let leafBytes: Int
    private let cuts: Set<Int>

    /// `ask` turns a split into its slot and rank.
    ///
    /// A segment ends before each of `cuts` (multiples of the group size), so that runs of trees
    /// are runs of segments.
    init(
        _ forest: Forest, _ depths: [Int], cuts: Set<Int>, ask: @escaping (Forest.Node) -> (slot: Int, rank: Int)
    ) throws(ImageError) {
        self.ask = ask
        self.cuts = cuts
        leafBytes = forest.accumulation == .float32 ? 4 : 8
        for start in stride(from: 0, to: forest.trees.count, by: Self.groupSize) {
            let trees = Array(forest.trees[start..<min(start + Self.groupSize, forest.trees.count)])
            add(trees, first: start, depth: depths[start..<start + trees.count].max() ?? 0)
            // The image's limit is far below; this keeps indices within 32 bits on the way there.
            guard heapNodes.count < 1 << 31, linkedNodes.count < 1 << 31 else { throw ImageError("too many nodes") }
        }
        if !linearOf.isEmpty { linearOf += [UInt32](repeating: 0, count: linkedNodes.count - linearOf.count) }
    }

    /// The segments of a run of trees that begins and ends at a cut.
    func segments(of trees: Range<Int>) -> Range<Int> {
        let first = segments.firstIndex { $0.first_tree >= UInt32(trees.lowerBound) } ?? segments.count
        let end = segments.firstIndex { $0.first_tree >= UInt32(trees.upperBound) } ?? segments.count
        return first..<end
    }

    private mutating func add(_ trees: [Forest.Tree], first: Int, depth: Int) {
        let leaves = trees.reduce(0) { $0 + ($1.nodes.count + 1) / 2 }
        let isLinear = trees.contains { !$0.linearLeaves.isEmpty }
        let isComplete =
            !isLinear && depth <= Self.alwaysCompleteDepth
            || !isLinear && depth <= Int(SERIN_HEAP_DEPTH_MAX) && trees.count << depth <= Self.paddingLimit * leaves
        let kind = isComplete ? SERIN_SEGMENT_HEAP : isLinear ? SERIN_SEGMENT_LINEAR : SERIN_SEGMENT_LINKED
        let start = isComplete ? heapNodes.count : groups.count
        if isComplete { addComplete(trees, depth) } else { addLinked(trees, depth) }
        extend(UInt32(kind), depth: isComplete ? depth : 0, first: first, count: trees.count, start: start)
    }

    /// Adds a group to the last segment, or opens one.
    private mutating func extend(_ kind: UInt32, depth: Int, first: Int, count: Int, start: Int) {
        if let last = segments.last, !cuts.contains(first), last.kind == kind, last.depth == UInt32(depth) {
            segments[segments.count - 1].tree_count += UInt32(count)
            return
        }
        let groupBytes = Self.groupSize << depth * (4 + leafBytes)
        let perBlock = kind == UInt32(SERIN_SEGMENT_HEAP) ? max(1, Self.blockBytes / groupBytes) : 4
        segments.append(
            serin_segment(
                kind: kind, depth: UInt32(depth), first_tree: UInt32(first), tree_count: UInt32(count),
                first_node: UInt32(start), groups_per_block: UInt32(perBlock)))
    }

    private mutating func addComplete(_ trees: [Forest.Tree], _ depth: Int) {
        let start = heapNodes.count
        heapNodes += [serin_heap_node](repeating: 0, count: Self.groupSize << depth)
        heapLeaves += [Double](repeating: 0, count: Self.groupSize << depth)
        for (index, tree) in trees.enumerated() { fill(tree, start + index << depth, depth) }
    }

    /// A leaf above the lowest level fills all leaves below it; which way the splits there lead
    /// does not matter, so they stay 0.
    private mutating func fill(_ tree: Forest.Tree, _ start: Int, _ depth: Int) {
        var open: [(node: Int32, place: Int, level: Int)] = [(0, 1, 0)]
        while let (index, place, level) = open.popLast() {
            let node = tree.nodes[Int(index)]
            if node.isLeaf {
                let width = 1 << (depth - level)
                let leaf = start + place * width - 1 << depth
                for offset in 0..<width { heapLeaves[leaf + offset] = node.value }
            } else {
                let (slot, rank) = ask(node)
                heapNodes[start + place] = UInt32(slot) | UInt32(rank) << 16
                open.append((node.left, 2 * place, level + 1))
                open.append((node.right, 2 * place + 1, level + 1))
            }
        }
    }

    private mutating func addLinked(_ trees: [Forest.Tree], _ depth: Int) {
        var roots = trees.map { addLinked($0) }
        while roots.count < Self.groupSize { roots.append(roots[0]) }
        groups.append(
            serin_linked_group(
                roots: (roots[0], roots[1], roots[2], roots[3], roots[4], roots[5], roots[6], roots[7]),
                depth: UInt32(depth)))
    }

    /// Breadth first, so that the splits that every row meets lie together; gives the root's index.
    private mutating func addLinked(_ tree: Forest.Tree) -> UInt32 {
        let root = linkedNodes.count
        var queue: [Int32] = [0]
        var next = 0
        while next < queue.count {
            let node = tree.nodes[Int(queue[next])]
            if node.isLeaf {
                linkedNodes.append(serin_linked_node(slot: 0, rank: .max, left: UInt32(root + next)))
                linkedLeaves.append(node.value)
                addLinear(tree, leaf: queue[next])
            } else {
                let (slot, rank) = ask(node)
                linkedNodes.append(
                    serin_linked_node(slot: UInt16(slot), rank: UInt16(rank), left: UInt32(root + queue.count)))
                linkedLeaves.append(0)
                queue += [node.left, node.right]
            }
            next += 1
        }
        return UInt32(root)
    }

    /// The function of the leaf that was added last, if it has one.
    private mutating func addLinear(_ tree: Forest.Tree, leaf: Int32) {
        guard let linear = tree.linearLeaf(of: leaf) else { return }
        linearOf += [UInt32](repeating: 0, count: linkedNodes.count - linearOf.count)
        linearLeaves.append(
            serin_linear_leaf(
                constant: linear.constant, first_term: UInt32(linearTerms.count),
                term_count: UInt32(linear.features.count)))
        linearOf[linkedNodes.count - 1] = UInt32(linearLeaves.count)
        for (feature, coefficient) in zip(linear.features, linear.coefficients) {
            linearTerms.append(serin_linear_term(coefficient: coefficient, feature: UInt32(feature), reserved: 0))
        }
    }
}
