// What explaining a row is measured to cost, and what the tables for it take.

import ModelFormat
import Testing

@testable import Execution

@Suite struct ContributionCostTests {
    private func explainer(trees: Int) throws -> ContributionExplainer {
        var random = RandomForests(seed: 7)
        var forest = random.covered(random.forest(features: 10), zeros: 0)
        let tree = try #require(forest.trees.max { $0.nodes.count < $1.nodes.count })
        forest.trees = [Forest.Tree](repeating: tree, count: trees)
        return try ContributionExplainer(.forest(forest))
    }

    @Test func moreTreesTakeMore() throws {
        let (few, many) = (try explainer(trees: 8), try explainer(trees: 512))
        #expect(few.memoryBytes > 0 && many.memoryBytes > 8 * few.memoryBytes)
        let (cheap, dear) = (few.measuredNanosPerRow(), many.measuredNanosPerRow())
        #expect(cheap >= 1 && dear > 4 * cheap, "\(cheap), \(dear)")
    }
}
