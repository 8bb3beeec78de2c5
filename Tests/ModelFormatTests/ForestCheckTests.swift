// The checker, on forests that no importer would hand over.

import ModelFormat
import Testing

@Suite struct ForestCheckTests {
    private func forest(_ change: (inout Forest) -> Void) -> Forest {
        var forest = Forest(
            featureCount: 2, valueWidth: .float32, comparison: .less, categorySets: [[1, 5]],
            trees: [
                Forest.Tree(
                    output: 0,
                    nodes: [
                        .split(feature: 0, threshold: 0.5, left: 1, right: 2, missing: .left), .leaf(1),
                        .split(feature: 1, categories: 0, left: 3, right: 4, missing: .right), .leaf(2), .leaf(3),
                    ])
            ], accumulation: .float32, baseMargins: [0])
        change(&forest)
        return forest
    }

    @Test func aGoodForestPasses() throws { try forest { _ in }.check() }

    static let bad: [(place: String, change: @Sendable (inout Forest) -> Void)] = [
        ("featureCount", { $0.featureCount = 0 }),
        ("featureCount", { $0.featureCount = 1 << 40 }),
        ("baseMargins", { $0.baseMargins = [] }),
        ("baseMargins[0]", { $0.baseMargins = [.infinity] }),
        ("baseMargins[0]", { $0.baseMargins = [0.1] }),
        ("averageDivisor", { $0.averageDivisor = 0 }),
        ("zeroBand", { $0.zeroBand = .nan }),
        ("transform", { $0.transform = .sigmoid(scale: 0) }),
        ("categorySets[0][1]", { $0.categorySets = [[5, 5]] }),
        ("categorySets[0][0]", { $0.categorySets = [[1 << 24]] }),
        ("trees[0].output", { $0.trees[0].output = 1 }),
        ("trees[0].nodes", { $0.trees[0].nodes = [] }),
        ("trees[0].nodes[0]", { $0.trees[0].nodes[0].feature = 2 }),
        ("trees[0].nodes[0]", { $0.trees[0].nodes[0].left = 5 }),
        ("trees[0].nodes[0]", { $0.trees[0].nodes[0].left = -1 }),
        ("trees[0].nodes[0]", { $0.trees[0].nodes[0].value = .nan }),
        ("trees[0].nodes[0]", { $0.trees[0].nodes[0].value = 0.1 }),
        ("trees[0].nodes[1]", { $0.trees[0].nodes[1].value = .infinity }),
        ("trees[0].nodes[2]", { $0.trees[0].nodes[2].categories = 1 }),
        ("trees[0].nodes[2]", { $0.trees[0].nodes[2].missing = .zero }),
        ("trees[0].nodes[0]", { $0.trees[0].nodes[2].left = 0 }),
        ("trees[0].nodes[4]", { $0.trees[0].nodes[2].left = 4 }),
        ("trees[0].nodes[5]", { $0.trees[0].nodes.append(.leaf(0)) }),
        ("trees[0].covers", { $0.trees[0].covers = [1, 1] }),
        ("trees[0].covers[3]", { $0.trees[0].covers = [3, 1, 2, -1, 1] }),
        ("trees[0].covers[0]", { $0.trees[0].covers = [.infinity, 1, 2, 1, 1] }),
    ]

    @Test(arguments: bad.indices)
    func everythingOutOfRangeIsNamed(index: Int) {
        let error = #expect(throws: ModelFormatError.self) { try forest(Self.bad[index].change).check() }
        #expect(error?.place == Self.bad[index].place)
    }

    @Test func measuresCountSplits() {
        let forest = forest { _ in }
        #expect(
            forest.treeCount == 1 && forest.nodeCount == 5 && forest.maxDepth == 2 && forest.worstCaseNodesPerRow == 2)
    }
}
