// Gathers a forest's trees, by output, into the arrays of a `ShapForest`.

internal import CKernels
internal import ModelFormat

/// The values that splits look at, each with its number.
struct ShapColumns {
    private(set) var all: [ShapColumn] = []
    private var numbers: [ShapColumn: UInt32] = [:]

    mutating func number(of column: ShapColumn) -> UInt32 {
        if let number = numbers[column] { return number }
        let number = UInt32(all.count)
        numbers[column] = number
        all.append(column)
        return number
    }
}

struct ShapForestBuilder {
    /// All trees' elements, one tree behind the other.
    struct Arrays {
        var thresholds: [Double] = []
        var columns: [UInt32] = []
        var missingLeft: [UInt8] = []
        var inner: [serin_shap_inner] = []
        var last: [serin_shap_last] = []
        var leaves: [Double] = []
        var repeats: [serin_shap_repeat] = []
        var categories: [serin_shap_category] = []
        var coefficients: [Double] = []
        var weights: [Double] = []
        var categoryWords: [UInt64] = []
    }

    /// Where a tree's elements begin, and how many they are.
    struct Part {
        var splits, inner, last, leaves, repeats, categories, coefficients, weights: Int
        var innerCount = 0
        var lastCount = 0
        var leafCount = 0
        var repeatCount = 0
        var categoryCount = 0
        var pairCount = 0
        var lanes = 4
        var blocks = 1
    }

    private let forest: Forest
    private(set) var arrays = Arrays()
    private(set) var parts: [Part] = []
    private(set) var firstTrees: [Int] = [0]
    private(set) var columns = ShapColumns()
    private(set) var features: [Int32] = []
    private(set) var expected: [Double]
    private(set) var cellCount = 1
    private(set) var splitCount = 0

    /// By column of the row: its number among `features`.
    private var featureNumbers: [Int32]
    /// By category set: its first word and the codes that it spans; nil: not laid out yet.
    private var sets: [(words: Int, codes: Int)?]
    private var rules: [Int: GaussLegendre] = [:]
    private var cursor: ShapPaths.Cursor

    init(_ forest: Forest) {
        self.forest = forest
        var isUsed = [Bool](repeating: false, count: forest.featureCount)
        for tree in forest.trees {
            for node in tree.nodes where !node.isLeaf { isUsed[Int(node.feature)] = true }
        }
        featureNumbers = [Int32](repeating: -1, count: forest.featureCount)
        for feature in isUsed.indices where isUsed[feature] {
            featureNumbers[feature] = Int32(features.count)
            features.append(Int32(feature))
        }
        expected = forest.baseMargins
        sets = [(words: Int, codes: Int)?](repeating: nil, count: forest.categorySets.count)
        cursor = ShapPaths.Cursor(featureCount: forest.featureCount)
    }

    mutating func addTrees() throws(ContributionError) {
        for output in 0..<forest.outputCount {
            for (index, tree) in forest.trees.enumerated() where tree.output == output {
                try add(tree, "trees[\(index)]")
            }
            firstTrees.append(parts.count)
        }
    }

    private mutating func add(_ tree: Forest.Tree, _ place: String) throws(ContributionError) {
        guard tree.linearLeaves.isEmpty else {
            throw ContributionError(place, "its leaves are linear functions, which TreeSHAP does not explain")
        }
        guard !tree.nodes[0].isLeaf else {
            expected[tree.output] += tree.nodes[0].value
            return
        }
        guard !tree.covers.isEmpty else {
            throw ContributionError(
                place, "the model file does not say how many training rows reached each node, which contributions need")
        }
        var paths = ShapPaths(tree, cursor: &cursor)
        let shares = ShapShares(tree, order: paths.order)
        paths.measure(tree, shares)
        guard paths.longest <= ContributionBounds.pathFeatures else {
            throw ContributionError(
                place, "a path has \(paths.longest) features, at most \(ContributionBounds.pathFeatures) are explained")
        }
        expected[tree.output] += shares.expected[0]
        guard expected[tree.output].isFinite else {
            throw ContributionError(place, "its covers are out of proportion")
        }
        let laidOut = ShapTree(tree, paths, shares, features: featureNumbers, rules: &rules)
        try append(laidOut, tree, place)
    }

    private mutating func append(
        _ laidOut: ShapTree, _ tree: Forest.Tree, _ place: String
    ) throws(ContributionError) {
        guard arrays.coefficients.count + laidOut.coefficients.count <= ContributionBounds.coefficients else {
            throw ContributionError(place, "the forest has too many splits on features that were split on before")
        }
        var part = Part(
            splits: arrays.thresholds.count, inner: arrays.inner.count, last: arrays.last.count,
            leaves: arrays.leaves.count, repeats: arrays.repeats.count, categories: arrays.categories.count,
            coefficients: arrays.coefficients.count, weights: arrays.weights.count)
        for (number, split) in laidOut.splits.enumerated() {
            try addQuestion(tree.nodes[Int(split)], UInt32(number), place)
        }
        arrays.inner += laidOut.inner
        arrays.last += laidOut.last
        arrays.leaves += laidOut.leaves
        arrays.repeats += laidOut.repeats
        arrays.coefficients += laidOut.coefficients
        arrays.weights += laidOut.weights
        // Vectors of eight start at multiples of 64 bytes.
        arrays.weights += [Double](repeating: 0, count: (8 - arrays.weights.count % 8) % 8)
        (part.innerCount, part.lastCount) = (laidOut.inner.count, laidOut.last.count)
        (part.leafCount, part.repeatCount) = (laidOut.leaves.count, laidOut.repeats.count)
        part.categoryCount = arrays.categories.count - part.categories
        (part.pairCount, part.lanes, part.blocks) = (laidOut.pairCount, laidOut.lanes, laidOut.blocks)
        parts.append(part)
        padQuestions()
        cellCount = max(cellCount, laidOut.cellCount)
        splitCount = max(splitCount, arrays.thresholds.count - part.splits)
    }

    private mutating func padQuestions() {
        let padding = (Int(SERIN_SHAP_GROUP) - arrays.thresholds.count % Int(SERIN_SHAP_GROUP)) % Int(SERIN_SHAP_GROUP)
        arrays.thresholds += [Double](repeating: 0, count: padding)
        arrays.columns += [UInt32](repeating: 0, count: padding)
        arrays.missingLeft += [UInt8](repeating: 0, count: padding)
    }

    /// Appends what decides a split's side.
    private mutating func addQuestion(
        _ node: Forest.Node, _ number: UInt32, _ place: String
    ) throws(ContributionError) {
        guard node.categories < 0 else {
            let column = columns.number(of: ShapColumn(feature: node.feature, kind: .category))
            try addCategories(node, number, column, place)
            arrays.thresholds.append(0)
            arrays.columns.append(column)
            arrays.missingLeft.append(0)
            return
        }
        let zeroIsMissing = node.missing == .zeroLeft || node.missing == .zeroRight
        let column = ShapColumn(feature: node.feature, kind: zeroIsMissing ? .zeroMissing : .plain)
        arrays.columns.append(columns.number(of: column))
        arrays.thresholds.append(threshold(node))
        switch node.missing {
        case .left, .zeroLeft: arrays.missingLeft.append(255)
        case .right, .zeroRight: arrays.missingLeft.append(0)
        case .zero: arrays.missingLeft.append(isLeft(0, node) ? 255 : 0)
        }
    }

    private func isLeft(_ value: Double, _ node: Forest.Node) -> Bool {
        forest.comparison == .less ? value < node.value : value <= node.value
    }

    /// The largest value that goes left; NaN where none does.
    private func threshold(_ node: Forest.Node) -> Double {
        guard forest.comparison == .less else { return node.value }
        guard node.value > -.infinity else { return .nan }
        return forest.valueWidth == .float32 ? Double(Float(node.value).nextDown) : node.value.nextDown
    }

    private mutating func addCategories(
        _ node: Forest.Node, _ number: UInt32, _ column: UInt32, _ place: String
    ) throws(ContributionError) {
        let set = Int(node.categories)
        if sets[set] == nil { sets[set] = try layOut(forest.categorySets[set], place) }
        let found = sets[set]!
        arrays.categories.append(
            serin_shap_category(
                split: number, column: column, words: UInt32(found.words), code_count: UInt32(found.codes),
                other_right: forest.membersGoLeft ? 1 : 0, missing_right: node.missing == .right ? 1 : 0))
    }

    /// A set as bits, 1 for codes that go right.
    private mutating func layOut(
        _ members: [UInt32], _ place: String
    ) throws(ContributionError) -> (words: Int, codes: Int) {
        let first = arrays.categoryWords.count
        let codes = members.last.map { Int($0) + 1 } ?? 0
        let count = (codes + 63) / 64
        guard first + count <= ContributionBounds.categoryWords else {
            throw ContributionError(place, "the forest's category sets span too many codes")
        }
        arrays.categoryWords += [UInt64](repeating: forest.membersGoLeft ? .max : 0, count: count)
        for member in members { arrays.categoryWords[first + Int(member) / 64] ^= 1 << UInt64(member % 64) }
        return (first, codes)
    }
}
