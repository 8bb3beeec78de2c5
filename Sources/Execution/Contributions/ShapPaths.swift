// What a tree's paths say about their features: which split of a path was the one before on the same
// feature, and what share of the training rows passed all of them.

internal import ModelFormat

/// cover(child) / cover(split) of every split, and what each node answers on average.
struct ShapShares {
    /// By node; 0 for leaves.
    private(set) var left: [Double]
    private(set) var right: [Double]
    /// By node: the mean of the leaves below it, weighted by shares.
    private(set) var expected: [Double]

    /// The tree's covers must have been checked; `order` has parents before children.
    ///
    /// Where no training row reached a split, its sides count alike: 0 / 0 would make NaN of whatever row
    /// comes there.
    init(_ tree: Forest.Tree, order: [Int32]) {
        left = [Double](repeating: 0, count: tree.nodes.count)
        right = left
        expected = tree.nodes.map { $0.isLeaf ? $0.value : 0 }
        for index in order.reversed() {
            let (split, node) = (Int(index), tree.nodes[Int(index)])
            guard !node.isLeaf else { continue }
            let cover = tree.covers[split]
            left[split] = cover > 0 ? tree.covers[Int(node.left)] / cover : 0.5
            right[split] = cover > 0 ? tree.covers[Int(node.right)] / cover : 0.5
            expected[split] = left[split] * expected[Int(node.left)] + right[split] * expected[Int(node.right)]
        }
    }
}

struct ShapPaths {
    /// By split: the last split above it on the same feature; -1: none.
    private(set) var earlier: [Int32]
    /// By split: the side of `earlier` that it stands on, 0 left, 1 right.
    private(set) var side: [Int8]
    /// By split: the share of the training rows that pass all splits above it on the same feature.
    private(set) var share: [Double]
    /// Different features on the path that has the most.
    private(set) var longest = 0
    /// Every node, parents before children.
    private(set) var order: [Int32] = []

    /// Where a path's features stand, while the tree is walked.
    struct Cursor {
        /// By feature: the last split on it; -1: none yet.
        var split: [Int32]
        var side: [Int8]

        init(featureCount: Int) {
            split = [Int32](repeating: -1, count: featureCount)
            side = [Int8](repeating: 0, count: featureCount)
        }
    }

    private enum Step {
        /// Go down to a node whose path has so many different features.
        case enter(node: Int32, features: Int)
        /// From here on, this is the last split on its feature, and this its side.
        case set(feature: Int32, split: Int32, side: Int8)
    }

    /// Walks the whole tree; `cursor` is as it was afterwards.
    init(_ tree: Forest.Tree, cursor: inout Cursor) {
        earlier = [Int32](repeating: -1, count: tree.nodes.count)
        side = [Int8](repeating: 0, count: tree.nodes.count)
        share = [Double](repeating: 1, count: tree.nodes.count)
        order.reserveCapacity(tree.nodes.count)
        var steps: [Step] = [.enter(node: 0, features: 0)]
        while let step = steps.popLast() {
            switch step {
            case .set(let feature, let split, let side):
                (cursor.split[Int(feature)], cursor.side[Int(feature)]) = (split, side)
            case .enter(let index, let features):
                order.append(index)
                let node = tree.nodes[Int(index)]
                guard !node.isLeaf else {
                    longest = max(longest, features)
                    continue
                }
                let before = cursor.split[Int(node.feature)]
                let side = cursor.side[Int(node.feature)]
                (earlier[Int(index)], self.side[Int(index)]) = (before, side)
                let count = before < 0 ? features + 1 : features
                // Taken from the end: left side, right side, back to what was before.
                steps.append(.set(feature: node.feature, split: before, side: side))
                steps.append(.enter(node: node.right, features: count))
                steps.append(.set(feature: node.feature, split: index, side: 1))
                steps.append(.enter(node: node.left, features: count))
                steps.append(.set(feature: node.feature, split: index, side: 0))
            }
        }
    }

    /// Fills `share`.
    mutating func measure(_ tree: Forest.Tree, _ shares: ShapShares) {
        for index in order where earlier[Int(index)] >= 0 {
            let before = Int(earlier[Int(index)])
            share[Int(index)] = share[before] * (side[Int(index)] == 0 ? shares.left[before] : shares.right[before])
        }
    }
}
