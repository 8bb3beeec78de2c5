// Seeded random forests, and rows that aim at their edges: no trainer would make most of them.

import ModelFormat

/// SplitMix64: one seed, one sequence, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}

struct RandomForests {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private static let edges: [Double] = [
        0, -0.0, 1, -1, .infinity, -.infinity, 1e-45, -1e-45, 1e-36, -1e-36, 1e-34, -1e-34, 3.4028234663852886e38,
        -3.4028234663852886e38, Double(Float(1e-35)), -Double(Float(1e-35)), 16_777_216, 1e300, -1e300,
        .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
    ]

    private mutating func number(in width: NumberWidth) -> Double {
        let value =
            generator.chance(0.2)
            ? Self.edges.randomElement(using: &generator)! : Double.random(in: -4...4, using: &generator)
        return width == .float32 ? Double(Float(value)) : value
    }

    private mutating func finite(in width: NumberWidth) -> Double {
        while true {
            let value = number(in: width)
            if value.isFinite { return value }
        }
    }

    /// A forest of any kind: both widths and comparisons, all missing kinds, sets, shapes, transforms.
    mutating func forest(features: Int? = nil, maxTrees: Int = 20, maxSplits: Int = 40, poolSize: Int? = nil) -> Forest
    {
        let width: NumberWidth = generator.chance(0.5) ? .float32 : .float64
        let featureCount = features ?? Int.random(in: 1...40, using: &generator)
        let outputs = generator.chance(0.6) ? 1 : Int.random(in: 2...6, using: &generator)
        let accumulation: NumberWidth = generator.chance(0.5) ? .float32 : .float64
        let pool = (0..<(poolSize ?? Int.random(in: 1...60, using: &generator))).map { _ in number(in: width) }
        let sets = (0..<Int.random(in: 0...12, using: &generator)).map { _ in set() }
        let zeroBand = [0, Double(Float(1e-35)), 0.5].randomElement(using: &generator)!
        var forest = Forest(
            featureCount: featureCount, valueWidth: width, comparison: generator.chance(0.5) ? .less : .lessOrEqual,
            zeroBand: zeroBand,
            categoryRule: zeroBand == 0 && generator.chance(0.5) ? .notNegative : .aboveMinusOne,
            membersGoLeft: generator.chance(0.5),
            categorySets: sets, trees: [], accumulation: accumulation,
            baseMargins: (0..<outputs).map { _ in Double(Float.random(in: -2...2, using: &generator)) },
            averageDivisor: generator.chance(0.8) ? 1 : Int.random(in: 2...9, using: &generator), transform: transform()
        )
        let shape = Int.random(in: 0...3, using: &generator)
        for _ in 0..<Int.random(in: 0...maxTrees, using: &generator) {
            let splits = generator.chance(0.1) ? 0 : Int.random(in: 0...maxSplits, using: &generator)
            forest.trees.append(tree(forest, pool, splits: splits, shape: shape))
        }
        addMargins(&forest)
        if generator.chance(0.15) { addLinearLeaves(&forest) }
        return forest
    }

    private mutating func addMargins(_ forest: inout Forest) {
        if generator.chance(0.2) { forest.marginScale = Double(Float.random(in: -2...2, using: &generator)) }
        guard generator.chance(0.2) else { return }
        forest.marginBias = forest.baseMargins.map { _ in Double(Float.random(in: -2...2, using: &generator)) }
    }

    /// Makes leaves of some trees functions of up to four features, none among them.
    private mutating func addLinearLeaves(_ forest: inout Forest) {
        for tree in forest.trees.indices where generator.chance(0.7) {
            for (node, leaf) in forest.trees[tree].nodes.enumerated() where leaf.isLeaf && generator.chance(0.6) {
                let count = Int.random(in: 0...4, using: &generator)
                forest.trees[tree].linearLeaves.append(
                    Forest.LinearLeaf(
                        node: Int32(node), constant: Double.random(in: -1...1, using: &generator),
                        features: (0..<count).map { _ in
                            Int32.random(in: 0..<Int32(forest.featureCount), using: &generator)
                        },
                        coefficients: (0..<count).map { _ in Double.random(in: -1...1, using: &generator) }))
            }
        }
    }

    private mutating func set() -> [UInt32] {
        let top = generator.chance(0.01) ? 70_000 : [3, 40, 300].randomElement(using: &generator)!
        let size = Int.random(in: 0...12, using: &generator)
        return Set((0..<size).map { _ in UInt32.random(in: 0..<UInt32(top), using: &generator) }).sorted()
    }

    private mutating func transform() -> OutputTransform {
        let scale = Double.random(in: 0.2...3, using: &generator)
        return [
            .identity, .sigmoid(scale: scale), .softmax, .exponential, .step, .signedSquare, .softplus, .fastSoftmax,
            .fastExponential,
        ]
        .randomElement(using: &generator)!
    }

    /// Splits leaves until there are enough splits: a random one, the newest (a chain), or the oldest.
    private mutating func tree(_ forest: Forest, _ pool: [Double], splits: Int, shape: Int) -> Forest.Tree {
        var nodes = [leaf(forest)]
        var leaves: [Int32] = [0]
        for _ in 0..<splits {
            let chosen =
                switch shape {
                case 0: leaves.count - 1
                case 1: 0
                default: Int.random(in: 0..<leaves.count, using: &generator)
                }
            let place = leaves.remove(at: chosen)
            let children = (Int32(nodes.count), Int32(nodes.count + 1))
            nodes[Int(place)] = split(forest, pool, children)
            nodes += [leaf(forest), leaf(forest)]
            leaves += generator.chance(0.5) ? [children.0, children.1] : [children.1, children.0]
        }
        return Forest.Tree(output: Int.random(in: 0..<forest.outputCount, using: &generator), nodes: nodes)
    }

    private mutating func leaf(_ forest: Forest) -> Forest.Node {
        if generator.chance(0.02) { return .leaf(finite(in: forest.accumulation)) }
        return .leaf(Double(Float.random(in: -1...1, using: &generator)))
    }

    private mutating func split(_ forest: Forest, _ pool: [Double], _ children: (Int32, Int32)) -> Forest.Node {
        let feature = Int32.random(in: 0..<Int32(forest.featureCount), using: &generator)
        let isSided = generator.chance(0.5)
        if !forest.categorySets.isEmpty, generator.chance(0.3) {
            let set = Int32.random(in: 0..<Int32(forest.categorySets.count), using: &generator)
            return .split(
                feature: feature, categories: set, left: children.0, right: children.1,
                missing: isSided ? .left : .right)
        }
        let missing: Forest.Missing =
            isSided
            ? [.left, .right].randomElement(using: &generator)!
            : [.zero, .zeroLeft, .zeroRight].randomElement(using: &generator)!
        return .split(
            feature: feature, threshold: pool.randomElement(using: &generator)!, left: children.0, right: children.1,
            missing: missing)
    }

    /// Rows that stand on thresholds and beside them, hold edges, codes and holes, or nothing at all.
    mutating func rows(_ forest: Forest, count: Int) -> [[Double]] {
        let thresholds = forest.trees.flatMap { $0.nodes }.filter { !$0.isLeaf && $0.categories < 0 }.map { $0.value }
        let members = forest.categorySets.flatMap { $0 }.map { Double($0) }
        return (0..<count).map { row in
            (0..<forest.featureCount).map { _ in row == 0 ? .nan : value(thresholds, members) }
        }
    }

    private mutating func value(_ thresholds: [Double], _ members: [Double]) -> Double {
        switch Int.random(in: 0...9, using: &generator) {
        case 0: return .nan
        case 1: return Self.edges.randomElement(using: &generator)!
        case 2, 3, 4:
            let value = thresholds.randomElement(using: &generator) ?? 0
            return [value, value.nextUp, value.nextDown, Double(Float(value).nextUp), Double(Float(value).nextDown)]
                .randomElement(using: &generator)!
        case 5, 6:
            let code = members.randomElement(using: &generator) ?? 1
            return [code, code + 0.5, code - 1, code + 1, -code, -0.5, code + 16_777_216].randomElement(
                using: &generator)!
        default: return Double.random(in: -5...5, using: &generator)
        }
    }
}
