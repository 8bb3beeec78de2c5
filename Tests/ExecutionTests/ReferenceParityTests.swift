// Reference == compiled, bit for bit, on forests that no trainer made.

import Execution
import Inference
import ModelFormat
import Testing

@Suite struct ReferenceParityTests {
    /// Compares all rows in both widths, in one job and one job a row; gives the rows compared.
    @discardableResult
    private func compare(_ forest: Forest, _ rows: [[Double]], _ place: String, scratchRows: Int = 64) throws -> Int {
        let model = try CompiledModel.compile(forest)
        for type in [NumberWidth.float32, .float64] {
            let reference = rows.map { ReferenceScorer.score(forest, row: $0, rowType: type) }
            let compiled = score(model, rows, type, rowsPerJob: 1, scratchRows: scratchRows)
            let together = score(model, rows, type, scratchRows: scratchRows)
            for (index, expected) in reference.enumerated() {
                let got = (compiled.margins[index], compiled.scores[index])
                let finite = (expected.margins + expected.scores).allSatisfy { $0.isFinite }
                // Plain comparisons: a million #expects would take minutes.
                if bits([got.0]) != bits([expected.margins]) || bits([got.1]) != bits([expected.scores])
                    || compiled.status[index] != (finite ? .ok : .nonFinite)
                {
                    Issue.record("\(place), row \(index): \(got), \(compiled.status[index]); reference \(expected)")
                }
            }
            let joined =
                bits(together.margins) == bits(compiled.margins) && bits(together.scores) == bits(compiled.scores)
            #expect(joined, "\(place), one job")
            let anyBad = compiled.status.contains(.nonFinite)
            #expect(rows.isEmpty || together.status == [anyBad ? .nonFinite : .ok], "\(place), one job's status")
        }
        return rows.count * 2
    }

    @Test func randomForestsAgree() throws {
        var compared = 0
        for seed in 1...SeedCount.of(2_000) {
            var random = RandomForests(seed: seed)
            let forest = random.forest()
            compared += try compare(forest, random.rows(forest, count: 12), "seed \(seed)")
        }
        print("reference == compiled: \(SeedCount.of(2_000)) forests, \(compared) rows")
    }

    /// A value between -1 and 0 is LightGBM's category 0; with no member at all it once read a row
    /// that was not there.
    @Test func aFractionBelowZeroIsInNoEmptySet() throws {
        let nodes: [Forest.Node] = [
            .split(feature: 0, categories: 0, left: 1, right: 2, missing: .right), .leaf(1), .leaf(2),
        ]
        let forest = Forest(
            featureCount: 1, valueWidth: .float64, comparison: .lessOrEqual, categoryRule: .aboveMinusOne,
            membersGoLeft: true, categorySets: [[]], trees: [Forest.Tree(output: 0, nodes: nodes)],
            accumulation: .float64,
            baseMargins: [0])
        try compare(forest, [[-0.5], [-1], [0], [0.5], [-.leastNonzeroMagnitude]], "an empty set")
    }

    @Test func deepChainsAgree() throws {
        for splits in [63, 64, 200, 900] {
            var random = RandomForests(seed: UInt64(splits))
            let forest = random.forest(features: 6, maxTrees: 12, maxSplits: splits)
            try compare(forest, random.rows(forest, count: 20), "\(splits) splits")
        }
    }

    @Test func aTreeIsAsDeepAsTheBoundAllows() throws {
        var nodes: [Forest.Node] = []
        for depth in 0..<Int32(ModelBounds.depth) {
            nodes.append(
                .split(feature: 0, threshold: Double(depth), left: 2 * depth + 1, right: 2 * depth + 2, missing: .left))
            nodes.append(.leaf(Double(depth)))
        }
        // Node 2d + 2 continues the chain; the last one is a leaf.
        nodes.append(.leaf(-1))
        let forest = Forest(
            featureCount: 1, valueWidth: .float64, comparison: .less, trees: [Forest.Tree(output: 0, nodes: nodes)],
            accumulation: .float64, baseMargins: [0])
        try compare(forest, [-1, 0, 17, 9_998, 9_999, 10_000, 1e9, .nan].map { [$0] }, "the deepest tree")
    }

    @Test(arguments: [255, 256, 300, 4_000, 65_535, 65_536, 70_000])
    func anyNumberOfThresholdsAgrees(count: Int) throws {
        var random = RandomForests(seed: UInt64(count))
        var trees: [Forest.Tree] = []
        var next = 0
        while next < count {
            // A chain of up to 500 thresholds each, in an order that is not sorted.
            let size = min(500, count - next)
            let thresholds = (0..<size).map { Double((next + $0) &* 7_919 % count) }
            trees.append(Self.chain(thresholds))
            next += size
        }
        let forest = Forest(
            featureCount: 1, valueWidth: .float32, comparison: .less, trees: trees, accumulation: .float32,
            baseMargins: [0])
        let rows = (0..<20).map { _ in [Double(Int.random(in: -2...count, using: &random.generator)) + 0.5] }
        try compare(forest, rows + [[.nan], [0], [Double(count - 1)]], "\(count) thresholds")
    }

    /// Right of threshold i goes on, left of it ends in leaf i.
    private static func chain(_ thresholds: [Double]) -> Forest.Tree {
        var nodes: [Forest.Node] = []
        for (index, threshold) in thresholds.enumerated() {
            let place = Int32(nodes.count)
            nodes.append(.split(feature: 0, threshold: threshold, left: place + 1, right: place + 2, missing: .right))
            nodes.append(.leaf(Double(Float(index) / 64)))
        }
        nodes.append(.leaf(-0.25))
        return Forest.Tree(output: 0, nodes: nodes)
    }

    @Test func manySlotsAgree() throws {
        var random = RandomForests(seed: 5)
        let forest = random.forest(features: 700, maxTrees: 200, maxSplits: 60, poolSize: 300)
        #expect(forest.treeCount > 20)
        try compare(forest, random.rows(forest, count: 70), "many slots")
    }

    @Test func aSmallScratchCutsTheRowsIntoChunks() throws {
        var random = RandomForests(seed: 11)
        let forest = random.forest(features: 8)
        for scratchRows in [1, 2, 3, 64, 1_000] {
            try compare(forest, random.rows(forest, count: 150), "scratch of \(scratchRows)", scratchRows: scratchRows)
        }
    }

    @Test func moreQuestionsThanSlotsAreRefused() {
        let trees = (0..<70_000).map { set in
            Forest.Tree(
                output: 0,
                nodes: [
                    .split(feature: 0, categories: Int32(set), left: 1, right: 2, missing: .left), .leaf(1), .leaf(2),
                ])
        }
        let forest = Forest(
            featureCount: 1, valueWidth: .float32, comparison: .less, categorySets: (0..<70_000).map { [$0] },
            trees: trees,
            accumulation: .float32, baseMargins: [0])
        #expect(throws: ImageError.self) { try CompiledModel.compile(forest) }
    }
}
