// A few trees as TreeSHAP's kernels want them: splits in an order with parents before children, shares instead
// of covers, and coefficients for splits on features that were split on before.
//
//     nodes:  inner splits (with a split below) | last splits (of two leaves) | leaves that hang on inner splits
//     runs of inner splits:  on new features | on features split on before | new | before | …
//
// serin_contributions.h says what the kernels do with it.

internal import CKernels
internal import ModelFormat

struct ShapGroup {
    /// A tree with splits, and what is known about it.
    struct Member {
        var tree: Forest.Tree
        var paths: ShapPaths
        var shares: ShapShares

        func isInner(_ node: Int32) -> Bool { !tree.nodes[Int(node)].isLeaf }
        /// Whether the split's feature is new to its path (0), or was split on before (1).
        func kind(_ split: Int32) -> Int { paths.earlier[Int(split)] < 0 ? 0 : 1 }
    }

    /// A node of one of the trees.
    struct Place {
        var member: Int
        var node: Int32
    }

    let members: [Member]
    /// Splits in the order of the kernels: inner ones, then last ones.
    private(set) var splits: [Place] = []
    private(set) var roots: [UInt32] = []
    private(set) var runs: [UInt32] = []
    private(set) var inner: [serin_shap_inner] = []
    private(set) var last: [serin_shap_last] = []
    /// Last splits on features that are new to their path; they stand in front.
    private(set) var lastNewCount = 0
    private(set) var leaves: [Double] = []
    private(set) var repeats: [serin_shap_repeat] = []
    /// Points that integrate the longest path's polynomial; more do no harm.
    let points: Int
    /// [block][pair](a, b)[lanes]; grows with the repeats.
    private(set) var coefficients: [Double] = []
    private(set) var weights: [Double] = []

    var lanes: Int { points <= 4 ? 4 : 8 }
    var blocks: Int { (points + lanes - 1) / lanes }
    var pairCount: Int { 2 + repeats.count }
    /// Vectors that the kernels need.
    var cellCount: Int { splits.count + leaves.count }
    private var vectorBytes: Int { lanes * 8 }

    /// Quadrature points for a tree of these paths.
    static func points(_ paths: ShapPaths) -> Int { max(1, (paths.longest + 1) / 2) }

    /// `features`: the number of each column among those that are split on; `rules`: quadratures that are
    /// known already.
    init(_ members: [Member], features: [Int32], rules: inout [Int: GaussLegendre]) {
        self.members = members
        points = members.map { Self.points($0.paths) }.max() ?? 1
        order()
        var vectors = members.map { [UInt32](repeating: 0, count: $0.tree.nodes.count) }
        for (number, place) in splits.enumerated() {
            vectors[place.member][Int(place.node)] = UInt32(number * vectorBytes)
        }
        roots = vectors.map { $0[0] }
        for number in splits.indices { addSplit(number, vectors, features) }
        let rule = rules[points] ?? GaussLegendre(count: points)
        rules[points] = rule
        addCoefficients(rule)
    }

    /// Bytes of a feature's vector.
    private static let phiBytes = UInt32(SERIN_SHAP_LANES) * 8

    /// Whatever is ready and of the run's kind, first come, first served; then the other kind.
    private mutating func order() {
        var lasts: [[Place]] = [[], []]
        var ready: [[Place]] = [[], []]
        func put(_ place: Place) {
            let member = members[place.member]
            let node = member.tree.nodes[Int(place.node)]
            if member.isInner(node.left) || member.isInner(node.right) {
                ready[member.kind(place.node)].append(place)
            } else {
                lasts[member.kind(place.node)].append(place)
            }
        }
        for index in members.indices { put(Place(member: index, node: 0)) }
        while !(ready[0].isEmpty && ready[1].isEmpty) {
            let run = runs.count % 2
            var next = 0
            while next < ready[run].count {
                let place = ready[run][next]
                splits.append(place)
                let member = members[place.member]
                let node = member.tree.nodes[Int(place.node)]
                for child in [node.left, node.right] where member.isInner(child) {
                    put(Place(member: place.member, node: child))
                }
                next += 1
            }
            runs.append(UInt32(next))
            ready[run].removeAll()
        }
        splits += lasts[0] + lasts[1]
        lastNewCount = lasts[0].count
    }

    /// Appends a split of the order; `vectors` of the splits by member and node.
    private mutating func addSplit(_ number: Int, _ vectors: [[UInt32]], _ features: [Int32]) {
        let place = splits[number]
        let (member, split) = (members[place.member], Int(place.node))
        let node = member.tree.nodes[split]
        var pair = UInt32(2 * vectorBytes)
        let earlier = member.paths.earlier[split]
        if earlier >= 0 {
            pair = UInt32(pairCount * 2 * vectorBytes)
            let side = UInt32(member.paths.side[split])
            let before = vectors[place.member][Int(earlier)] / UInt32(vectorBytes)
            repeats.append(serin_shap_repeat(split: UInt32(number), earlier: before, side: side))
        }
        let feature = UInt32(features[Int(node.feature)]) * Self.phiBytes
        let share = (member.shares.left[split], member.shares.right[split])
        guard !member.isInner(node.left), !member.isInner(node.right) else {
            let children = (child(node.left, place.member, vectors), child(node.right, place.member, vectors))
            inner.append(serin_shap_inner(children: children, feature: feature, pair: pair, shares: share))
            return
        }
        let (left, right) = (member.tree.nodes[Int(node.left)].value, member.tree.nodes[Int(node.right)].value)
        let mean = share.0 * left + share.1 * right
        last.append(serin_shap_last(feature: feature, pair: pair, mean: mean, differences: (left - mean, right - mean)))
    }

    /// A child's vector; a leaf gets one behind the splits'.
    private mutating func child(_ node: Int32, _ member: Int, _ vectors: [[UInt32]]) -> UInt32 {
        guard !members[member].isInner(node) else { return vectors[member][Int(node)] }
        leaves.append(members[member].tree.nodes[Int(node)].value)
        return UInt32((splits.count + leaves.count - 1) * vectorBytes)
    }

    private mutating func addCoefficients(_ rule: GaussLegendre) {
        for block in 0..<blocks {
            // Lanes without a point weigh nothing.
            let range = block * lanes..<(block + 1) * lanes
            let times = range.map { $0 < points ? rule.points[$0] : 0.5 }
            weights += range.map { $0 < points ? rule.weights[$0] : 0 }
            coefficients += [Double](repeating: 0, count: 2 * lanes) + times + [Double](repeating: 1, count: lanes)
            for repeated in repeats {
                let place = splits[Int(repeated.split)]
                let share = members[place.member].paths.share[Int(place.node)]
                let factors = times.map { share * (1 - $0) + $0 }
                coefficients += zip(times, factors).map { $0 / $1 } + factors.map { share / ($0 * $0) }
            }
        }
    }
}
