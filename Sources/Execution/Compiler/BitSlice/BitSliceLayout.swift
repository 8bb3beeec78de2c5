// A forest once more, for batches: each tree as logic on masks, in the kind that costs least.
//
// serin_bitslice.h tells what the kinds are.  A complete tree costs a load and up to seven selections a
// node, whether there is a split or not; a linked one a load, two stores and two operations a split, and
// a load a leaf: so trees that are at least a third full are complete.  Leaves are stored by bytes, for
// look-ups in registers.

internal import CKernels
internal import ModelFormat

struct BitSliceLayout {
    private static let bitsMax = Int(SERIN_SLICE_BITS_MAX)
    /// Cycles for 512 rows, measured on a Zen 4: a node of a complete tree; a split and a leaf of a linked one.
    private static let cost = (node: 2.2, split: 7.0, leaf: 1.3)

    private let forest: Forest
    private let categories: CategoryTable
    private let questions: BitSliceQuestions
    private let leafBytes: Int

    private var segments: [serin_slice_segment] = []
    private var nodes: [UInt16] = []
    private var starts: [UInt32] = []
    private var leaves: [UInt8] = []
    private var splitCount = 0

    /// Nil: the forest does not fit.
    init?(_ ranked: RankedForest, _ categories: CategoryTable) {
        let forest = ranked.forest
        guard !forest.trees.isEmpty, forest.trees.allSatisfy({ Self.fits($0) }) else { return nil }
        guard let questions = BitSliceQuestions(ranked, categories) else { return nil }
        self.forest = forest
        self.categories = categories
        self.questions = questions
        leafBytes = forest.accumulation == .float32 ? 4 : 8
        for tree in forest.trees { add(tree) }
    }

    private static func fits(_ tree: Forest.Tree) -> Bool {
        tree.linearLeaves.isEmpty && (tree.nodes.count + 1) / 2 <= 1 << bitsMax
    }

    /// Adds the sections, and to the header what the kernels need to know.
    func write(to writer: inout ImageWriter, _ header: inout serin_image_header) throws(ImageError) {
        header.slice_masks = UInt32(questions.maskCount)
        header.slice_splits = UInt32(splitCount)
        header.slice_columns = try writer.add(questions.columns)
        header.slice_slots = try writer.add(questions.slots)
        header.slice_categories = try writer.add(questions.categories)
        header.slice_ranks = try writer.add(questions.ranks)
        header.slice_keys = try writer.add(questions.searchKeys)
        header.slice_limits = try writer.add(questions.limits)
        header.slice_segments = try writer.add(segments)
        header.slice_nodes = try writer.add(nodes)
        header.slice_starts = try writer.add(starts)
        header.slice_leaves = try writer.add(leaves)
    }

    private mutating func add(_ tree: Forest.Tree) {
        let depth = max(1, tree.depth)
        let splits = tree.nodes.count / 2
        let linkedBits = max(1, Int.bitWidth - splits.leadingZeroBitCount)
        let linked = Self.cost.split * Double(splits) + Self.cost.leaf * Double(1 << linkedBits)
        guard depth <= Self.bitsMax, Self.cost.node * Double(1 << depth) <= linked else {
            addLinked(tree, bits: linkedBits)
            return
        }
        let own = complete(tree, depth)
        let isOblivious = (0..<depth).allSatisfy { level in
            own.masks[1 << level..<2 << level].allSatisfy { $0 == own.masks[1 << level] }
        }
        extend(isOblivious ? SERIN_SLICE_OBLIVIOUS : SERIN_SLICE_COMPLETE, bits: depth, node: nodes.count)
        nodes += isOblivious ? (0..<depth).map { own.masks[1 << $0] } : own.masks
        addLeaves(own.leaves, bits: depth)
    }

    /// Adds a tree to the last segment, or opens one.
    private mutating func extend(_ kind: Int, bits: Int, node: Int) {
        if let last = segments.last, last.kind == UInt32(kind), last.bits == UInt32(bits) {
            segments[segments.count - 1].tree_count += 1
            return
        }
        let first = segments.last.map { $0.first_tree + $0.tree_count } ?? 0
        segments.append(
            serin_slice_segment(
                kind: UInt32(kind), bits: UInt32(bits), first_tree: first, tree_count: 1, first_node: UInt32(node),
                first_leaf: UInt32(leaves.count)))
    }

    /// Masks in heap order and leaves; a leaf above the lowest level fills all below it.
    private func complete(_ tree: Forest.Tree, _ depth: Int) -> (masks: [UInt16], leaves: [Double]) {
        var masks = [UInt16](repeating: 0, count: 1 << depth)
        var leaves = [Double](repeating: 0, count: 1 << depth)
        var open: [(node: Int32, place: Int, level: Int)] = [(0, 1, 0)]
        while let (index, place, level) = open.popLast() {
            let node = tree.nodes[Int(index)]
            if node.isLeaf {
                let width = 1 << (depth - level)
                for leaf in 0..<width { leaves[place * width + leaf - 1 << depth] = node.value }
            } else {
                masks[place] = questions.mask(node, categories)
                open.append((node.left, 2 * place, level + 1))
                open.append((node.right, 2 * place + 1, level + 1))
            }
        }
        return (masks, leaves)
    }

    /// Breadth first: what a split waits for then lies some splits back.
    private mutating func addLinked(_ tree: Forest.Tree, bits: Int) {
        var queue: [(node: Int32, source: Int)] = [(0, 1)]
        var splits: [UInt16] = []
        var sources: [UInt16] = []
        var values: [Double] = []
        var next = 0
        while next < queue.count {
            let (index, source) = queue[next]
            let node = tree.nodes[Int(index)]
            if node.isLeaf {
                sources.append(UInt16(source))
                values.append(node.value)
            } else {
                let split = splits.count / 2
                splits += [questions.mask(node, categories), UInt16(source)]
                queue += [(node.left, 2 * split + 2), (node.right, 2 * split + 3)]
            }
            next += 1
        }
        splitCount = max(splitCount, splits.count / 2)
        extend(SERIN_SLICE_LINKED, bits: bits, node: starts.count)
        starts.append(UInt32(nodes.count))
        nodes.append(UInt16(splits.count / 2))
        nodes += splits + sources + [UInt16](repeating: 0, count: 1 << bits - sources.count)
        addLeaves(values, bits: bits)
    }

    /// A leaf table: all lowest bytes, then all next ones.
    private mutating func addLeaves(_ values: [Double], bits: Int) {
        let entries = max(64, 1 << bits)
        let start = leaves.count
        leaves += [UInt8](repeating: 0, count: entries * leafBytes)
        for (index, value) in values.enumerated() {
            let pattern = leafBytes == 4 ? UInt64(Float(value).bitPattern) : value.bitPattern
            for byte in 0..<leafBytes {
                leaves[start + byte * entries + index] = UInt8(truncatingIfNeeded: pattern >> UInt64(8 * byte))
            }
        }
    }
}
