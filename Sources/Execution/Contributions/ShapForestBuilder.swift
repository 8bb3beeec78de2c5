// Gathers a forest's trees, by output, into groups, and the groups into the arrays of a `ShapForest`.

internal import CKernels
internal import ModelFormat

struct ShapForestBuilder {
    /// All groups' elements, one group behind the other.
    struct Arrays {
        var slots: [UInt16] = []
        var ranks: [UInt16] = []
        var inner: [serin_shap_inner] = []
        var runs: [UInt32] = []
        var last: [serin_shap_last] = []
        var roots: [UInt32] = []
        var leaves: [Double] = []
        var repeats: [serin_shap_repeat] = []
        var categories: [serin_shap_category] = []
        var coefficients: [Double] = []
        var weights: [Double] = []
        var categoryWords: [UInt64] = []
    }

    /// Where a group's elements begin, and how many they are.
    struct Part {
        var splits, inner, runs, last, roots, leaves, repeats, categories, coefficients, weights: Int
        var rootCount = 0
        var innerCount = 0
        var runCount = 0
        var lastCount = 0
        var lastNewCount = 0
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
    private(set) var firstGroups: [Int] = [0]
    let questions: ShapQuestions
    private(set) var features: [Int32] = []
    private(set) var expected: [Double]
    private(set) var cellCount = 1
    private(set) var splitCount = 0

    /// Splits that are worked off together: their vectors stay in the first-level cache.
    private static let groupSplits = 256
    /// Trees of the current output that are in no group yet.
    private var members: [ShapGroup.Member] = []

    /// By column of the row: its number among `features`.
    private var featureNumbers: [Int32]
    /// By category set: its first word and the codes that it spans; nil: not laid out yet.
    private var sets: [(words: Int, codes: Int)?]
    private var rules: [Int: GaussLegendre] = [:]
    private var cursor: ShapPaths.Cursor

    init(_ forest: Forest) throws(ContributionError) {
        self.forest = forest
        questions = try ShapQuestions(forest)
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
            try addGroups()
            firstGroups.append(parts.count)
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
        members.append(ShapGroup.Member(tree: tree, paths: paths, shares: shares))
    }

    /// Puts the current output's trees in groups, those with as many points side by side.
    private mutating func addGroups() throws(ContributionError) {
        members.sort { $0.paths.longest < $1.paths.longest }
        var group: [ShapGroup.Member] = []
        var splits = 0
        for member in members {
            let count = member.tree.nodes.count / 2
            let isAlike = group.last.map { Self.passes($0) == Self.passes(member) } ?? true
            if !group.isEmpty, !isAlike || splits + count > Self.groupSplits {
                try append(ShapGroup(group, features: featureNumbers, rules: &rules))
                (group, splits) = ([], 0)
            }
            group.append(member)
            splits += count
        }
        if !group.isEmpty { try append(ShapGroup(group, features: featureNumbers, rules: &rules)) }
        members = []
    }

    /// What a tree's points need: 0 half a vector, n n vectors.
    private static func passes(_ member: ShapGroup.Member) -> Int {
        let points = ShapGroup.points(member.paths)
        return points <= 4 ? 0 : (points + 7) / 8
    }

    private mutating func append(_ laidOut: ShapGroup) throws(ContributionError) {
        guard arrays.coefficients.count + laidOut.coefficients.count <= ContributionBounds.coefficients else {
            throw ContributionError("", "the forest has too many splits on features that were split on before")
        }
        let part = Part(
            splits: arrays.slots.count, inner: arrays.inner.count, runs: arrays.runs.count, last: arrays.last.count,
            roots: arrays.roots.count, leaves: arrays.leaves.count, repeats: arrays.repeats.count,
            categories: arrays.categories.count,
            coefficients: arrays.coefficients.count, weights: arrays.weights.count,
            rootCount: laidOut.roots.count, innerCount: laidOut.inner.count, runCount: laidOut.runs.count,
            lastCount: laidOut.last.count,
            lastNewCount: laidOut.lastNewCount, leafCount: laidOut.leaves.count, repeatCount: laidOut.repeats.count,
            pairCount: laidOut.pairCount, lanes: laidOut.lanes, blocks: laidOut.blocks)
        parts.append(part)
        for (number, place) in laidOut.splits.enumerated() {
            try addQuestion(laidOut.members[place.member].tree.nodes[Int(place.node)], UInt32(number))
        }
        parts[parts.count - 1].categoryCount = arrays.categories.count - part.categories
        arrays.inner += laidOut.inner
        arrays.runs += laidOut.runs
        arrays.last += laidOut.last
        arrays.roots += laidOut.roots
        arrays.leaves += laidOut.leaves
        arrays.repeats += laidOut.repeats
        arrays.coefficients += laidOut.coefficients
        arrays.weights += laidOut.weights
        // Vectors of eight start at multiples of 64 bytes.
        arrays.weights += [Double](repeating: 0, count: (8 - arrays.weights.count % 8) % 8)
        let padding = (Int(SERIN_SHAP_GROUP) - arrays.slots.count % Int(SERIN_SHAP_GROUP)) % Int(SERIN_SHAP_GROUP)
        arrays.slots += [UInt16](repeating: 0, count: padding)
        arrays.ranks += [UInt16](repeating: 0, count: padding)
        cellCount = max(cellCount, laidOut.cellCount)
        splitCount = max(splitCount, arrays.slots.count - part.splits)
    }

    /// Appends what decides a split's side.
    private mutating func addQuestion(_ node: Forest.Node, _ number: UInt32) throws(ContributionError) {
        let question = node.categories < 0 ? questions.question(node) : (slot: 0, rank: 0)
        arrays.slots.append(question.slot)
        arrays.ranks.append(question.rank)
        if node.categories >= 0 {
            try addCategories(node, number, questions.value(of: node))
        }
    }

    private mutating func addCategories(
        _ node: Forest.Node, _ number: UInt32, _ value: UInt32
    ) throws(ContributionError) {
        let set = Int(node.categories)
        if sets[set] == nil { sets[set] = try layOut(forest.categorySets[set]) }
        let found = sets[set]!
        arrays.categories.append(
            serin_shap_category(
                split: number, value: value, words: UInt32(found.words), code_count: UInt32(found.codes),
                other_right: forest.membersGoLeft ? 1 : 0, missing_right: node.missing == .right ? 1 : 0))
    }

    /// A set as bits, 1 for codes that go right.
    private mutating func layOut(_ members: [UInt32]) throws(ContributionError) -> (words: Int, codes: Int) {
        let first = arrays.categoryWords.count
        let codes = members.last.map { Int($0) + 1 } ?? 0
        let count = (codes + 63) / 64
        guard first + count <= ContributionBounds.categoryWords else {
            throw ContributionError("", "the forest's category sets span too many codes")
        }
        arrays.categoryWords += [UInt64](repeating: forest.membersGoLeft ? .max : 0, count: count)
        for member in members { arrays.categoryWords[first + Int(member) / 64] ^= 1 << UInt64(member % 64) }
        return (first, codes)
    }
}
