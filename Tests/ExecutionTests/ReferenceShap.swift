// The oracles of contributions: TreeSHAP as its authors wrote it down, the same without its undoing of
// divisions (which loses all digits at 40 features), and Shapley's formula over all subsets.
//
// They share nothing with the explainer but the `Forest`; they are slow, and clear.

import ModelFormat

struct ReferenceShap {
    let forest: Forest
    /// The row as the forest's trainer compares it.
    private let values: [Double]

    init(_ forest: Forest, row: [Double], rowType: NumberWidth) {
        self.forest = forest
        values = row.map { value in
            let arrived = rowType == .float32 ? Double(Float(value)) : value
            let rounded = forest.valueWidth == .float32 ? Double(Float(arrived)) : arrived
            return rounded.magnitude <= forest.zeroBand ? 0 : rounded
        }
    }

    /// [output][features + 1]: every tree's game, added up.
    private func summed(_ game: (Forest.Tree) -> [Double]) -> [[Double]] {
        var sums = forest.baseMargins.map { [Double](repeating: 0, count: forest.featureCount) + [$0] }
        for tree in forest.trees {
            for (index, value) in game(tree).enumerated() { sums[tree.output][index] += value }
        }
        for output in sums.indices {
            sums[output] = sums[output].map { $0 * forest.marginScale }
            if !forest.marginBias.isEmpty { sums[output][forest.featureCount] += forest.marginBias[output] }
        }
        return sums
    }

    // MARK: What a tree is worth when only some features are known

    private func goesLeft(_ node: Forest.Node) -> Bool {
        let value = values[Int(node.feature)]
        if node.missing == .left || node.missing == .right, value.isNaN { return node.missing == .left }
        if node.missing == .zeroLeft || node.missing == .zeroRight, value.isNaN || value == 0 {
            return node.missing == .zeroLeft
        }
        let number = value.isNaN ? 0 : value
        if node.categories >= 0 {
            let isCode = forest.categoryRule == .notNegative ? number >= 0 : number > -1
            let isMember =
                isCode && number < Double(ModelBounds.categories)
                && forest.categorySets[Int(node.categories)].contains(UInt32(number.rounded(.towardZero)))
            return isMember == forest.membersGoLeft
        }
        return forest.comparison == .less ? number < node.value : number <= node.value
    }

    private func shares(_ tree: Forest.Tree, _ index: Int) -> (left: Double, right: Double) {
        let (node, cover) = (tree.nodes[index], tree.covers[index])
        guard cover > 0 else { return (0.5, 0.5) }
        return (tree.covers[Int(node.left)] / cover, tree.covers[Int(node.right)] / cover)
    }

    private func worth(_ tree: Forest.Tree, _ index: Int, _ known: Set<Int>) -> Double {
        let node = tree.nodes[index]
        if node.isLeaf { return node.value }
        if known.contains(Int(node.feature)) {
            return worth(tree, Int(goesLeft(node) ? node.left : node.right), known)
        }
        let share = shares(tree, index)
        return share.left * worth(tree, Int(node.left), known) + share.right * worth(tree, Int(node.right), known)
    }

    /// Shapley values by their definition; for trees of few features.
    func bySubsets() -> [[Double]] {
        summed { tree in
            let features = Set(tree.nodes.filter { !$0.isLeaf }.map { Int($0.feature) }).sorted()
            precondition(features.count <= 12, "2^features subsets")
            var contributions = [Double](repeating: 0, count: forest.featureCount + 1)
            contributions[forest.featureCount] = worth(tree, 0, [])
            for feature in features {
                let others = features.filter { $0 != feature }
                for subset in 0..<1 << others.count {
                    let known = Set(others.indices.filter { subset >> $0 & 1 == 1 }.map { others[$0] })
                    // |S|! (n - |S| - 1)! / n!
                    var weight = 1 / Double(features.count)
                    for place in 0..<known.count { weight *= Double(place + 1) / Double(others.count - place) }
                    let gain = worth(tree, 0, known.union([feature])) - worth(tree, 0, known)
                    contributions[feature] += weight * gain
                }
            }
            return contributions
        }
    }

    // MARK: Leaf by leaf

    /// For each leaf and feature the weights of all subsets of the path's other features, added by size.
    func byPaths() -> [[Double]] {
        summed { tree in
            var contributions = [Double](repeating: 0, count: forest.featureCount + 1)
            contributions[forest.featureCount] = worth(tree, 0, [])
            var open: [(node: Int, path: [Int: (zero: Double, one: Double)])] = [(0, [:])]
            while let (index, path) = open.popLast() {
                let node = tree.nodes[index]
                guard node.isLeaf else {
                    let (share, left) = (shares(tree, index), goesLeft(node))
                    let (zero, one) = path[Int(node.feature)] ?? (1, 1)
                    for (child, part, isHot) in [(node.left, share.left, left), (node.right, share.right, !left)] {
                        let own = [Int(node.feature): (zero: zero * part, one: isHot ? one : 0)]
                        open.append((Int(child), path.merging(own) { $1 }))
                    }
                    continue
                }
                for (feature, own) in path {
                    let others = path.filter { $0.key != feature }.values
                    contributions[feature] += node.value * (own.one - own.zero) * Self.weight(Array(others))
                }
            }
            return contributions
        }
    }

    /// Σ over subsets S of the others: |S|! (n - |S|)! / (n + 1)! × Π in S of one × Π not in S of zero.
    private static func weight(_ others: [(zero: Double, one: Double)]) -> Double {
        var sums = [1.0]
        for other in others {
            var next = [Double](repeating: 0, count: sums.count + 1)
            for (size, sum) in sums.enumerated() {
                next[size] += sum * other.zero
                next[size + 1] += sum * other.one
            }
            sums = next
        }
        var (total, weight) = (0.0, 1 / Double(others.count + 1))
        for (size, sum) in sums.enumerated() {
            total += sum * weight
            weight *= Double(size + 1) / Double(max(1, others.count - size))
        }
        return total
    }

    // MARK: Algorithm 2 of Lundberg et al. 2018, in double

    private struct Element {
        var feature: Int
        var zero: Double
        var one: Double
        var weight: Double
    }

    /// For covers above 0.
    func byRecursion() -> [[Double]] {
        summed { tree in
            var contributions = [Double](repeating: 0, count: forest.featureCount + 1)
            contributions[forest.featureCount] = worth(tree, 0, [])
            recurse(tree, 0, [], Element(feature: -1, zero: 1, one: 1, weight: 0), &contributions)
            return contributions
        }
    }

    private func recurse(
        _ tree: Forest.Tree, _ index: Int, _ above: [Element], _ element: Element, _ contributions: inout [Double]
    ) {
        let path = extended(above, element)
        let node = tree.nodes[index]
        if node.isLeaf {
            for place in path.indices.dropFirst() {
                let weight = unwound(path, place).reduce(0) { $0 + $1.weight }
                contributions[path[place].feature] += weight * (path[place].one - path[place].zero) * node.value
            }
            return
        }
        var rest = path
        var (zero, one) = (1.0, 1.0)
        if let place = path.firstIndex(where: { $0.feature == Int(node.feature) }) {
            (zero, one) = (path[place].zero, path[place].one)
            rest = unwound(path, place)
        }
        let (share, left) = (shares(tree, index), goesLeft(node))
        for (child, part, isHot) in [(node.left, share.left, left), (node.right, share.right, !left)] {
            let element = Element(feature: Int(node.feature), zero: zero * part, one: isHot ? one : 0, weight: 0)
            recurse(tree, Int(child), rest, element, &contributions)
        }
    }

    private func extended(_ path: [Element], _ element: Element) -> [Element] {
        var path = path
        let depth = path.count
        path.append(Element(feature: element.feature, zero: element.zero, one: element.one, weight: depth == 0 ? 1 : 0))
        for place in stride(from: depth - 1, through: 0, by: -1) {
            path[place + 1].weight += element.one * path[place].weight * Double(place + 1) / Double(depth + 1)
            path[place].weight *= element.zero * Double(depth - place) / Double(depth + 1)
        }
        return path
    }

    private func unwound(_ path: [Element], _ removed: Int) -> [Element] {
        var path = path
        let depth = path.count - 1
        let (one, zero) = (path[removed].one, path[removed].zero)
        var next = path[depth].weight
        for place in stride(from: depth - 1, through: 0, by: -1) {
            if one != 0 {
                let old = path[place].weight
                path[place].weight = next * Double(depth + 1) / (Double(place + 1) * one)
                next = old - path[place].weight * zero * Double(depth - place) / Double(depth + 1)
            } else {
                path[place].weight = path[place].weight * Double(depth + 1) / (zero * Double(depth - place))
            }
        }
        for place in removed..<depth {
            (path[place].feature, path[place].zero, path[place].one) =
                (path[place + 1].feature, path[place + 1].zero, path[place + 1].one)
        }
        path.removeLast()
        return path
    }
}
