// The oracle: one row, one tree, one node at a time, as the trainer's own predict does it.
//
// It shares nothing with the compiled path but the `Forest`, so that a mistake in ranks, slots or
// kernels cannot hide: tests hold trainer == reference and reference == compiled, bit for bit.

internal import Glibc

public enum ReferenceScorer {
    /// Margins and scores of one row, in the forest's width (a float32 is widened, exactly).
    ///
    /// - Parameters:
    ///   - row: `forest.featureCount` values; NaN is missing.
    ///   - rowType: the width in which the row arrived; `.float32` rounds the values first.
    public static func score(
        _ forest: Forest, row: [Double], rowType: NumberWidth
    ) -> (margins: [Double], scores: [Double]) {
        precondition(row.count == forest.featureCount, "a row has as many values as the forest has features")
        let values = row.map { convert($0, forest, rowType) }
        let arrived = rowType == .float32 ? row.map { Double(Float($0)) } : row
        let raw = arrived.map { $0.magnitude <= forest.zeroBand ? 0 : $0 }
        let margins =
            forest.accumulation == .float32
            ? sum(forest, values, raw, Float.self).map { Double($0) } : sum(forest, values, raw, Double.self)
        return (margins, scores(forest, margins))
    }

    /// A value as it arrived, as the trainer compares it.
    private static func convert(_ value: Double, _ forest: Forest, _ rowType: NumberWidth) -> Double {
        let arrived = rowType == .float32 ? Double(Float(value)) : value
        let rounded = forest.valueWidth == .float32 ? Double(Float(arrived)) : arrived
        return rounded.magnitude <= forest.zeroBand ? 0 : rounded
    }

    private static func sum<Number: BinaryFloatingPoint>(
        _ forest: Forest, _ values: [Double], _ raw: [Double], _ number: Number.Type
    ) -> [Number] {
        var sums = forest.baseMargins.map { Number($0) }
        for tree in forest.trees { sums[tree.output] += Number(leaf(forest, tree, values, raw)) }
        for output in sums.indices {
            sums[output] *= Number(forest.marginScale)
            if !forest.marginBias.isEmpty { sums[output] += Number(forest.marginBias[output]) }
        }
        return sums
    }

    /// The leaf that the values lead to: its value, or its linear function of the row.
    private static func leaf(
        _ forest: Forest, _ tree: Forest.Tree, _ values: [Double], _ raw: [Double]
    ) -> Double {
        var index: Int32 = 0
        while true {
            let node = tree.nodes[Int(index)]
            if node.isLeaf {
                guard let linear = tree.linearLeaf(of: index) else { return node.value }
                return value(linear, raw) ?? node.value
            }
            index = goesLeft(forest, node, values[Int(node.feature)]) ? node.left : node.right
        }
    }

    /// Nil: one of its features is missing.
    private static func value(_ leaf: Forest.LinearLeaf, _ raw: [Double]) -> Double? {
        var sum = leaf.constant
        for (feature, coefficient) in zip(leaf.features, leaf.coefficients) {
            let value = raw[Int(feature)]
            if value.isNaN { return nil }
            sum += coefficient * value
        }
        return sum
    }

    private static func goesLeft(_ forest: Forest, _ node: Forest.Node, _ value: Double) -> Bool {
        var value = value
        switch node.missing {
        case .left: if value.isNaN { return true }
        case .right: if value.isNaN { return false }
        case .zero: if value.isNaN { value = 0 }
        case .zeroLeft: if value.isNaN || value == 0 { return true }
        case .zeroRight: if value.isNaN || value == 0 { return false }
        }
        if node.categories >= 0 {
            return isMember(forest, forest.categorySets[Int(node.categories)], value) == forest.membersGoLeft
        }
        return forest.comparison == .less ? value < node.value : value <= node.value
    }

    private static func isMember(_ forest: Forest, _ set: [UInt32], _ value: Double) -> Bool {
        guard forest.categoryRule == .notNegative ? value >= 0 : value > -1 else { return false }
        guard value < Double(ModelBounds.categories) else { return false }
        let code = UInt32(value.rounded(.towardZero))
        var low = 0
        var high = set.count
        while low < high {
            let middle = (low + high) / 2
            if set[middle] < code { low = middle + 1 } else { high = middle }
        }
        return low < set.count && set[low] == code
    }

    private static func scores(_ forest: Forest, _ margins: [Double]) -> [Double] {
        guard forest.averageDivisor > 1 else { return forest.transform.apply(margins, width: forest.accumulation) }
        let averages = margins.map { margin in
            forest.accumulation == .float32
                ? Double(Float(margin) / Float(forest.averageDivisor)) : margin / Double(forest.averageDivisor)
        }
        return forest.transform.apply(averages, width: forest.accumulation)
    }
}
