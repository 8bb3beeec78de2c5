// Which scheme each tree gets: the cheapest way through the forest, run by run.
//
// Sixteen trees that follow each other get one scheme.  What they would cost is known for each
// scheme by shape alone (nanoseconds on a Zen 4, from measurements; only their ratios matter), and
// changing the scheme costs a little too, so the best plan is a shortest path: for each group and
// scheme the cheapest way to get there.

internal import CKernels
internal import ModelFormat

struct SchemePlan {
    enum Scheme: Hashable {
        case scalar
        case complete(depth: Int)
        case blocks(depth: Int)
        case doubling(lanes: Int)
        case planes(depth: Int)
        case linked
    }

    struct Run: Equatable {
        var scheme: Scheme
        var trees: Range<Int>
    }

    /// What decides: the shape of the trees of one group.
    private struct Shape {
        var depth = 0
        var splits = 0
        var hasCategories = false
        var isOblivious = true
        var isLinear = false
        var depths: Set<Int> = []
    }

    private static let group = Int(SERIN_VECTOR_GROUP)
    /// What opening another segment costs.
    private static let change = 20.0

    private static let schemes: [Scheme] =
        [.scalar] + (3...6).map { .complete(depth: $0) } + [.blocks(depth: 7), .blocks(depth: 8)]
        + [.doubling(lanes: 32), .doubling(lanes: 64)] + (1...8).map { .planes(depth: $0) } + [.linked]

    let runs: [Run]

    /// `hasWords`: the forest's slots are words, which only linked blocks can read.
    init(_ forest: Forest, _ depths: [Int], hasWords: Bool) {
        let starts = stride(from: 0, to: forest.trees.count, by: Self.group)
        let shapes = starts.map {
            Self.shape(forest.trees[$0..<min($0 + Self.group, forest.trees.count)], depths)
        }
        runs = Self.runs(Self.cheapest(shapes, hasWords: hasWords), count: forest.trees.count)
    }

    private static func shape(_ trees: ArraySlice<Forest.Tree>, _ depths: [Int]) -> Shape {
        var shape = Shape()
        for (tree, depth) in zip(trees, depths[trees.indices]) {
            shape.depth = max(shape.depth, depth)
            shape.depths.insert(depth)
            shape.splits = max(shape.splits, (tree.nodes.count - 1) / 2)
            shape.hasCategories = shape.hasCategories || tree.nodes.contains { $0.categories >= 0 }
            shape.isLinear = shape.isLinear || !tree.linearLeaves.isEmpty
            shape.isOblivious = shape.isOblivious && tree.isOblivious(depth: depth)
        }
        return shape
    }

    /// Nanoseconds for a group of sixteen trees; nil: they do not fit.
    private static func cost(_ scheme: Scheme, _ shape: Shape, hasWords: Bool) -> Double? {
        if shape.isLinear, scheme != .scalar { return nil }
        if hasWords, scheme != .scalar, scheme != .linked { return nil }
        switch scheme {
        case .scalar: return 60 + 22 * Double(shape.depth)
        case .complete(let depth): return shape.depth <= depth ? [3: 18, 4: 24, 5: 32, 6: 44][depth] : nil
        case .blocks(let depth): return shape.depth <= depth && !shape.hasCategories ? 40 + 2 * Double(depth) : nil
        case .doubling(let lanes): return shape.splits < lanes ? (lanes == 32 ? 46 : 66) : nil
        case .planes(let depth):
            return shape.isOblivious && shape.depths == [depth] ? 8 + 2 * Double(depth) : nil
        case .linked:
            let levels = VectorLayout.linkedLevels(hasWords: hasWords)
            let steps = max(1, (shape.depth + levels - 1) / levels)
            return shape.hasCategories ? nil : 20 + Double(steps) * (hasWords ? 48 : 40)
        }
    }

    /// The scheme of each group on the cheapest way through all of them.
    private static func cheapest(_ shapes: [Shape], hasWords: Bool) -> [Scheme] {
        var costs = [Double](repeating: 0, count: schemes.count)
        var cameFrom: [[Int]] = []
        for shape in shapes {
            let best = costs.indices.min { costs[$0] < costs[$1] }!
            var (next, from) = (costs, Array(costs.indices))
            for index in schemes.indices {
                if costs[best] + change < costs[index] { (next[index], from[index]) = (costs[best] + change, best) }
                next[index] += cost(schemes[index], shape, hasWords: hasWords) ?? .infinity
            }
            costs = next
            cameFrom.append(from)
        }
        var path: [Scheme] = []
        var index = costs.indices.min { costs[$0] < costs[$1] }!
        for from in cameFrom.reversed() {
            path.append(schemes[index])
            index = from[index]
        }
        return path.reversed()
    }

    private static func runs(_ path: [Scheme], count: Int) -> [Run] {
        var runs: [Run] = []
        for (index, scheme) in path.enumerated() {
            let trees = index * group..<min((index + 1) * group, count)
            if runs.last?.scheme == scheme {
                runs[runs.count - 1].trees = runs[runs.count - 1].trees.lowerBound..<trees.upperBound
            } else {
                runs.append(Run(scheme: scheme, trees: trees))
            }
        }
        return runs
    }
}

extension SchemePlan.Scheme {
    /// The scheme's number in the image.
    var number: UInt32 {
        switch self {
        case .scalar: UInt32(SERIN_SCHEME_SCALAR)
        case .complete: UInt32(SERIN_SCHEME_COMPLETE)
        case .blocks: UInt32(SERIN_SCHEME_BLOCKS)
        case .doubling: UInt32(SERIN_SCHEME_DOUBLING)
        case .planes: UInt32(SERIN_SCHEME_PLANES)
        case .linked: UInt32(SERIN_SCHEME_LINKED)
        }
    }

    var depth: Int {
        switch self {
        case .scalar, .linked: 0
        case .complete(let depth), .blocks(let depth), .planes(let depth): depth
        case .doubling(let lanes): lanes
        }
    }

    /// Bytes of a block of 64 lanes.
    var bytesPerRegister: Int {
        if case .doubling = self { return 256 }
        return 128
    }
}

extension Forest.Tree {
    /// Whether it is complete and asks one question a level.
    func isOblivious(depth: Int) -> Bool {
        guard depth > 0, nodes.count == 2 << depth - 1 else { return false }
        var level: [Int32] = [0]
        for _ in 0..<depth {
            let first = nodes[Int(level[0])]
            var below: [Int32] = []
            for index in level {
                let node = nodes[Int(index)]
                guard !node.isLeaf, node.feature == first.feature, node.categories == first.categories,
                    node.value == first.value, node.missing == first.missing
                else { return false }
                below += [node.left, node.right]
            }
            level = below
        }
        return true
    }
}
