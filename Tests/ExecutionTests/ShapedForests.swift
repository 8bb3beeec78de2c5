// Forests of the shapes that the kernels' schemes are for: whatever is not in the shape is random.

import ModelFormat

/// What a forest's trees look like.
enum ForestShape {
    /// All leaves at this depth, or a few above it.
    case complete(depth: Int)
    /// One question a level.
    case oblivious(depth: Int)
    /// Grown leaf by leaf to at most so many splits, wherever.
    case leafWise(splits: Int)
    /// Paths of more than eight levels.
    case deep
    /// More thresholds than byte slots hold, on so many features.
    case thresholds(features: Int)
    /// As many features and missing kinds as two or four registers of byte slots hold.
    case features(Int)
    /// A bit of everything, sixteen trees each.
    case mixed

    static let all: [ForestShape] =
        (1...8).map { .complete(depth: $0) } + (1...8).map { .oblivious(depth: $0) }
        + [.leafWise(splits: 31), .leafWise(splits: 63), .deep, .thresholds(features: 3), .thresholds(features: 12)]
        + [.thresholds(features: 25), .features(40), .features(100), .mixed, .mixed]
}

extension RandomForests {
    mutating func forest(_ shape: ForestShape) -> Forest {
        let features: Int? =
            switch shape {
            case .thresholds(let features), .features(let features): features
            case .deep: 5
            default: nil
            }
        var forest = forest(features: features, maxTrees: 0, poolSize: 50)
        let hasSets = generator.chance(0.4)
        switch shape {
        case .thresholds, .deep: forest.categorySets = []
        default: if !hasSets { forest.categorySets = [] }
        }
        let count = Int.random(in: 1...40, using: &generator)
        switch shape {
        case .mixed:
            for _ in 0..<4 {
                let part = ForestShape.all.dropLast(5).randomElement(using: &generator)!
                for _ in 0..<16 { forest.trees.append(tree(forest, part)) }
            }
        case .thresholds:
            for _ in 0..<(40 + 9 * forest.featureCount) { forest.trees.append(tree(forest, shape)) }
        case .features:
            for _ in 0..<20 { forest.trees.append(tree(forest, shape)) }
        default: for _ in 0..<count { forest.trees.append(tree(forest, shape)) }
        }
        return forest
    }

    private mutating func tree(_ forest: Forest, _ shape: ForestShape) -> Forest.Tree {
        var nodes: [Forest.Node] = []
        switch shape {
        case .complete(let depth):
            _ = grow(forest, &nodes, depth: depth, stop: 0.02)
        case .oblivious(let depth):
            let questions = (0..<depth).map { _ in question(forest) }
            _ = grow(forest, &nodes, depth: depth, stop: 0, questions)
        case .leafWise(let splits): nodes = leafWise(forest, Int.random(in: splits / 2...splits, using: &generator))
        case .deep: nodes = leafWise(forest, Int.random(in: 64...150, using: &generator))
        case .thresholds: nodes = leafWise(forest, 255)
        case .features: nodes = leafWise(forest, 20)
        case .mixed: preconditionFailure("a mixed forest has no mixed trees")
        }
        return Forest.Tree(output: Int.random(in: 0..<forest.outputCount, using: &generator), nodes: nodes)
    }

    /// A complete tree whose splits are leaves with the chance given; gives its root's index.
    private mutating func grow(
        _ forest: Forest, _ nodes: inout [Forest.Node], depth: Int, stop: Double, _ questions: [Forest.Node] = []
    ) -> Int32 {
        let place = nodes.count
        guard depth > 0, !generator.chance(stop) else {
            nodes.append(.leaf(Double(Float.random(in: -1...1, using: &generator))))
            return Int32(place)
        }
        nodes.append(questions.last ?? question(forest))
        nodes[place].left = grow(forest, &nodes, depth: depth - 1, stop: stop, questions.dropLast())
        nodes[place].right = grow(forest, &nodes, depth: depth - 1, stop: stop, questions.dropLast())
        return Int32(place)
    }

    private mutating func leafWise(_ forest: Forest, _ splits: Int) -> [Forest.Node] {
        var nodes: [Forest.Node] = [.leaf(0.5)]
        var leaves: [Int32] = [0]
        for _ in 0..<splits {
            let chosen = Int32(leaves.remove(at: Int.random(in: 0..<leaves.count, using: &generator)))
            var split = question(forest)
            (split.left, split.right) = (Int32(nodes.count), Int32(nodes.count + 1))
            nodes[Int(chosen)] = split
            for child in [split.left, split.right] {
                nodes.append(.leaf(Double(Float.random(in: -1...1, using: &generator))))
                leaves.append(child)
            }
        }
        return nodes
    }

    private mutating func question(_ forest: Forest) -> Forest.Node {
        let feature = Int32.random(in: 0..<Int32(forest.featureCount), using: &generator)
        if !forest.categorySets.isEmpty, generator.chance(0.3) {
            let set = Int32.random(in: 0..<Int32(forest.categorySets.count), using: &generator)
            return .split(
                feature: feature, categories: set, left: 0, right: 0, missing: generator.chance(0.5) ? .left : .right)
        }
        let missing: Forest.Missing = [.left, .left, .right, .right, .zero, .zeroLeft, .zeroRight]
            .randomElement(using: &generator)!
        let threshold = Double(Float.random(in: -4...4, using: &generator))
        return .split(
            feature: feature, threshold: generator.chance(0.05) ? 0 : threshold, left: 0, right: 0, missing: missing)
    }

    /// Rows of one value each: infinities, zeros, the smallest numbers, nothing.
    func extremeRows(_ forest: Forest) -> [[Double]] {
        let values: [Double] = [
            .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1e-45, -1e-45,
            Double(Float.leastNormalMagnitude), 1e300, -1e300,
        ]
        return values.map { [Double](repeating: $0, count: forest.featureCount) }
    }
}
