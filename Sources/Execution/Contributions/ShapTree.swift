// One tree as TreeSHAP's kernels want it: splits in breadth-first order, shares instead of covers, and
// coefficients for splits on features that were split on before.
//
//     nodes:  inner splits (with a split below) | last splits (of two leaves) | leaves that hang on inner splits
//
// serin_contributions.h says what the kernels do with it.

internal import CKernels
internal import ModelFormat

struct ShapTree {
    /// Splits in the order of the kernels, by their numbers in the forest's tree: inner ones, then last ones.
    private(set) var splits: [Int32] = []
    private(set) var inner: [serin_shap_inner] = []
    private(set) var last: [serin_shap_last] = []
    private(set) var leaves: [Double] = []
    private(set) var repeats: [serin_shap_repeat] = []
    /// Points that integrate the longest path's polynomial.
    let points: Int
    /// [block][pair](a, b)[lanes]; grows with the repeats.
    private(set) var coefficients: [Double] = []
    private(set) var weights: [Double] = []

    var lanes: Int { points <= 4 ? 4 : 8 }
    var blocks: Int { (points + lanes - 1) / lanes }
    var pairCount: Int { 2 + repeats.count }
    /// Vectors that the kernels need for it.
    var cellCount: Int { splits.count + leaves.count }

    /// Lays out a tree with splits.  `features`: the number of each column among those that are split on;
    /// `rules`: quadratures that are known already.
    init(
        _ tree: Forest.Tree, _ paths: ShapPaths, _ shares: ShapShares, features: [Int32], rules: inout [Int: GaussLegendre]
    ) {
        points = max(1, (paths.longest + 1) / 2)
        order(tree)
        let places = places(tree)
        addSplits(tree, paths, shares, places, features)
        let rule = rules[points] ?? GaussLegendre(count: points)
        rules[points] = rule
        addCoefficients(paths, rule)
    }

    /// Breadth first, splits with splits below them in front.
    private mutating func order(_ tree: Forest.Tree) {
        var lastSplits: [Int32] = []
        var open: [Int32] = [0]
        var next = 0
        while next < open.count {
            let node = tree.nodes[Int(open[next])]
            let below = [node.left, node.right].filter { !tree.nodes[Int($0)].isLeaf }
            if below.isEmpty { lastSplits.append(open[next]) } else { splits.append(open[next]) }
            open += below
            next += 1
        }
        splits += lastSplits
    }

    /// The vector of each split, by its number in the tree.
    private func places(_ tree: Forest.Tree) -> [UInt32] {
        var places = [UInt32](repeating: 0, count: tree.nodes.count)
        for (place, split) in splits.enumerated() { places[Int(split)] = UInt32(place) }
        return places
    }

    private mutating func addSplits(
        _ tree: Forest.Tree, _ paths: ShapPaths, _ shares: ShapShares, _ places: [UInt32], _ features: [Int32]
    ) {
        for (place, split) in splits.enumerated() {
            let node = tree.nodes[Int(split)]
            let feature = UInt32(features[Int(node.feature)])
            var pair: UInt32 = 2
            if paths.earlier[Int(split)] >= 0 {
                pair = UInt32(2 * pairCount)
                repeats.append(
                    serin_shap_repeat(
                        split: UInt32(place), earlier: places[Int(paths.earlier[Int(split)])],
                        side: UInt32(paths.side[Int(split)])))
            }
            let share = (shares.left[Int(split)], shares.right[Int(split)])
            let (left, right) = (tree.nodes[Int(node.left)], tree.nodes[Int(node.right)])
            if left.isLeaf, right.isLeaf {
                let mean = share.0 * left.value + share.1 * right.value
                last.append(
                    serin_shap_last(
                        feature: feature, pairs: (0, pair), reserved: 0, mean: mean,
                        differences: (left.value - mean, right.value - mean)))
                continue
            }
            let children = (child(node.left, tree, places), child(node.right, tree, places))
            inner.append(
                serin_shap_inner(children: children, feature: feature, pairs: (0, pair), reserved: 0, shares: share))
        }
    }

    /// A child's vector; a leaf gets one behind the splits'.
    private mutating func child(_ node: Int32, _ tree: Forest.Tree, _ places: [UInt32]) -> UInt32 {
        guard tree.nodes[Int(node)].isLeaf else { return places[Int(node)] }
        leaves.append(tree.nodes[Int(node)].value)
        return UInt32(splits.count + leaves.count - 1)
    }

    private mutating func addCoefficients(_ paths: ShapPaths, _ rule: GaussLegendre) {
        for block in 0..<blocks {
            // Lanes without a point weigh nothing.
            let range = block * lanes..<(block + 1) * lanes
            let times = range.map { $0 < points ? rule.points[$0] : 0.5 }
            weights += range.map { $0 < points ? rule.weights[$0] : 0 }
            coefficients += [Double](repeating: 0, count: 2 * lanes) + times + [Double](repeating: 1, count: lanes)
            for repeated in repeats {
                let share = paths.share[Int(splits[Int(repeated.split)])]
                let factors = times.map { share * (1 - $0) + $0 }
                coefficients += zip(times, factors).map { $0 / $1 } + factors.map { share / ($0 * $0) }
            }
        }
    }
}
