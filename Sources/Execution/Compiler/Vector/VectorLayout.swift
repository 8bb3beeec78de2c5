// The trees once more, laid out for the SIMD kernels: a run of trees, a scheme, its blocks and leaves.
//
//     forest ──SchemePlan──► runs ──each by its scheme──► blocks (64 bytes each) │ leaves │ decision bits
//
// What a block means is told in CKernels, one file a scheme (avx512_complete.h and so on).  Whatever
// the scheme, a node becomes a *lane*: a byte for its slot, a byte for its rank, and for a category
// split a rank that nothing exceeds and a decision bit instead.

internal import CKernels
internal import ModelFormat

/// The questions' slots: bytes, or words where bytes do not hold them.
enum VectorSlots {
    case bytes(ByteSlots)
    case words(WordSlots)

    /// Nil: the forest fits neither.
    init?(_ ranked: RankedForest) {
        if let bytes = ByteSlots(ranked) {
            self = .bytes(bytes)
        } else if let words = WordSlots(ranked) {
            self = .words(words)
        } else {
            return nil
        }
    }

    var hasWords: Bool {
        if case .words = self { return true }
        return false
    }

    func write(to writer: inout ImageWriter, _ header: inout serin_image_header) throws(ImageError) {
        switch self {
        case .bytes(let slots): try slots.write(to: &writer, &header)
        case .words(let slots): try slots.write(to: &writer, &header)
        }
    }
}

struct VectorLayout {
    let slots: VectorSlots
    var hasWords: Bool { slots.hasWords }
    private let trees: [Forest.Tree]
    let depths: [Int]

    private(set) var segments: [serin_vector_segment] = []
    var blocks: [UInt8] = []
    var leaves: [Double] = []
    /// Of linked blocks.
    var links: [serin_link] = []
    /// Of doubling: each tree's paths or pointers.
    var paths: [UInt8] = []
    /// Category splits by lane: bit `lane % 64` of decision word `lane / 64`.
    private(set) var categoryLanes: [(lane: Int, node: Forest.Node)] = []
    /// Decision words given out.
    private(set) var decisionWords = 0

    /// Runs of trees that the plan leaves to the scalar walk, with their scalar segments.
    init(
        _ forest: Forest, _ depths: [Int], _ slots: VectorSlots, _ runs: [SchemePlan.Run],
        scalar: (Range<Int>) -> Range<Int>
    ) {
        self.slots = slots
        trees = forest.trees
        self.depths = depths
        for run in runs { add(run, scalar) }
    }

    private mutating func add(_ run: SchemePlan.Run, _ scalar: (Range<Int>) -> Range<Int>) {
        var segment = serin_vector_segment()
        segment.first_tree = UInt32(run.trees.lowerBound)
        segment.tree_count = UInt32(run.trees.count)
        segment.first_decision = SERIN_NO_DECISIONS
        segment.first_block = UInt32(blocks.count / 64)
        segment.first_leaf = UInt32(leaves.count)
        segment.first_path = UInt32(paths.count / 64)
        segment.depth = UInt32(run.scheme.depth)
        segment.scheme = run.scheme.number
        switch run.scheme {
        case .scalar:
            let own = scalar(run.trees)
            (segment.first_block, segment.block_count) = (UInt32(own.lowerBound), UInt32(own.count))
        case .complete(let depth): addComplete(trees[run.trees], depth)
        case .blocks(let depth): addBlocks(trees[run.trees], depth)
        case .doubling(let lanes): segment.doublings = UInt32(addDoubling(trees[run.trees], lanes))
        case .planes(let depth): addPlanes(trees[run.trees], depth)
        case .linked:
            segment.first_link = UInt32(links.count)
            segment.link_count = UInt32(addLinked(trees[run.trees]))
            let levels = Self.linkedLevels(hasWords: hasWords)
            let depth = depths[run.trees].reduce(1) { max($0, $1) }
            segment.depth = UInt32((depth + levels - 1) / levels)
        }
        if run.scheme != .scalar {
            segment.block_count = UInt32(blocks.count / 64) - segment.first_block
            segment.leaf_count = UInt32(leaves.count) - segment.first_leaf
            giveDecisions(&segment, run.scheme)
        }
        segments.append(segment)
    }

    /// Decision words for a segment that has category splits: one for each register of its lanes.
    private mutating func giveDecisions(_ segment: inout serin_vector_segment, _ scheme: SchemePlan.Scheme) {
        guard !openLanes.isEmpty else { return }
        segment.first_decision = UInt32(decisionWords)
        for (lane, node) in openLanes { categoryLanes.append((decisionWords * 64 + lane, node)) }
        openLanes.removeAll()
        decisionWords += Int(segment.block_count) * 64 / scheme.bytesPerRegister
    }

    /// Category splits of the segment under way, by lane from its first.
    private var openLanes: [(lane: Int, node: Forest.Node)] = []

    /// Blocks of 64 slots and 64 ranks (and `rest` bytes more) for `count` lanes, none of which asks
    /// anything yet; gives their place.
    mutating func openBlocks(lanes count: Int, rest: Int = 0) -> Int {
        let start = blocks.count
        for _ in 0..<(count + 63) / 64 {
            blocks.append(contentsOf: repeatElement(0, count: 64))
            blocks.append(contentsOf: repeatElement(255, count: 64))
            blocks.append(contentsOf: repeatElement(0, count: rest))
        }
        return start
    }

    /// Where a node of a scheme for bytes finds its answer.
    func byteQuestion(_ node: Forest.Node) -> (slot: UInt8, rank: UInt8) {
        guard case .bytes(let slots) = slots else { preconditionFailure("a plan for bytes without byte slots") }
        return slots.question(node)
    }

    /// Puts a split into a lane of the blocks that begin at `start`.
    mutating func put(_ node: Forest.Node, lane: Int, of start: Int, rest: Int = 0) {
        if node.categories >= 0 {
            openLanes.append((lane, node))
            return
        }
        let (slot, rank) = byteQuestion(node)
        let place = start + lane / 64 * (128 + rest) + lane % 64
        blocks[place] = slot
        blocks[place + 64] = rank
    }
}

extension Forest.Tree {
    /// Visits a tree as if it were complete with `depth` levels: splits by their place breadth first
    /// (the root's is 1), leaves by the range of lowest places below them, from 0 on.
    func visitComplete(
        depth: Int, split: (Forest.Node, _ place: Int) -> Void, leaf: (Double, Range<Int>) -> Void
    ) {
        var open: [(node: Int32, place: Int, level: Int)] = [(0, 1, 0)]
        while let (index, place, level) = open.popLast() {
            let node = nodes[Int(index)]
            if node.isLeaf {
                let width = 1 << (depth - level)
                let first = place * width - 1 << depth
                leaf(node.value, first..<first + width)
            } else {
                split(node, place)
                open.append((node.left, 2 * place, level + 1))
                open.append((node.right, 2 * place + 1, level + 1))
            }
        }
    }
}
