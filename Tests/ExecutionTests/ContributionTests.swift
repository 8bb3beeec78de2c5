// Contributions: equal to the trainers', to TreeSHAP's own recursion and to Shapley's formula.

import Foundation
import Inference
import JSON
import ModelFormat
import Testing

@testable import Execution

@Suite struct ContributionTests {
    private static let kernels = ["scalar", "avx2", "avx512"]

    /// Explainers of one forest, one for each set of kernels that runs here; at least the scalar one.
    private func explainers(_ model: PortableModel) throws -> [ContributionExplainer] {
        let others = Self.kernels.dropFirst().compactMap { try? ContributionExplainer(model, kernels: $0) }
        return [try ContributionExplainer(model, kernels: "scalar")] + others
    }

    /// The largest difference, in units of what the row's contributions add up to, signs aside.
    private func distance(_ left: [Double], _ right: [Double]) -> Double {
        let scale = max(1, right.reduce(0) { $0 + $1.magnitude })
        return zip(left, right).map { ($0 - $1).magnitude / scale }.max() ?? .infinity
    }

    // MARK: Against the trainers

    private struct Line {
        var model: String
        var row: [Double]
        var type: NumberWidth
        var contributions: [Double]
    }

    private func lines() throws -> [Line] {
        func numbers(_ value: JSONValue?) -> [Double] { value!.asArray!.map { $0.asDouble ?? .nan } }
        let environment = ProcessInfo.processInfo.environment["SERIN_PARITY_FIXTURES"]
        let file = Fixture.folder.deletingLastPathComponent().appending(path: "contributions.ndjson")
        guard environment == nil || FileManager.default.fileExists(atPath: file.path) else { return [] }
        var parser = JSONParser(maxBytes: 1 << 20)
        return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
            let line = try parser.parse(copying: [UInt8]($0))
            return Line(
                model: line["model"]!.asString!, row: numbers(line["row"]),
                type: line["input"]!.asString == "FP32" ? .float32 : .float64,
                contributions: numbers(line["contributions"]))
        }
    }

    @Test func contributionsAreTheTrainers() throws {
        let files = Dictionary(uniqueKeysWithValues: try Fixture.all().map { ($0.name, $0.files[0]) })
        var (rows, models) = (0, Set<String>())
        for (name, lines) in Dictionary(grouping: try lines(), by: { $0.model }) {
            let model = try ModelImporter.importModel(path: files[name]!).model
            let explainer = try ContributionExplainer(model)
            for line in lines {
                let (found, status) = explain(explainer, [line.row], line.type)
                #expect(distance(found[0], line.contributions) < 1e-5, "\(name): \(found[0]), \(line.contributions)")
                #expect(status == .ok, "\(name)")
                let margins = ReferenceScorer.score(model, row: line.row, rowType: line.type).margins
                for (output, margin) in margins.enumerated() {
                    let own = found[0][output * explainer.columnCount..<(output + 1) * explainer.columnCount]
                    #expect(distance([own.reduce(0, +)], [margin]) < 1e-5, "\(name), output \(output)")
                }
                rows += 1
            }
            models.insert(name)
        }
        #expect(models.count >= 75 && rows >= 300)
        print("contributions == trainers': \(models.count) models, \(rows) rows")
    }

    // MARK: Against the oracles

    @Test func randomForestsAgreeWithTheRecursion() throws {
        for seed in 1...80 as ClosedRange<UInt64> {
            var random = RandomForests(seed: seed)
            let forest = random.covered(random.forest(features: seed % 3 == 0 ? 100 : nil), zeros: 0)
            let rows = random.rows(forest, count: 3)
            let type: NumberWidth = seed % 2 == 0 ? .float32 : .float64
            let explainers = try explainers(.forest(forest))
            let found = explainers.map { explain($0, rows, type) }
            for (index, row) in rows.enumerated() {
                let expected = ReferenceShap(forest, row: row, rowType: type).byRecursion().flatMap { $0 }
                let tolerance = forest.accumulation == .float32 ? 1e-6 : 1e-9
                if distance(found[0].contributions[index], expected) > tolerance {
                    Issue.record("seed \(seed), row \(index): \(found[0].contributions[index]), expected \(expected)")
                }
            }
            for other in found.dropFirst() {
                #expect(bits(other.contributions) == bits(found[0].contributions), "seed \(seed), kernels")
            }
        }
    }

    @Test func zeroCoversAgreeWithShapleysFormula() throws {
        for seed in 1...80 as ClosedRange<UInt64> {
            var random = RandomForests(seed: seed)
            let forest = random.covered(
                random.forest(features: Int(seed % 7) + 1, maxTrees: 3, maxSplits: 12), zeros: 0.4)
            let rows = random.rows(forest, count: 2)
            let found = try explain(ContributionExplainer(.forest(forest)), rows, .float64).contributions
            for (index, row) in rows.enumerated() {
                let expected = ReferenceShap(forest, row: row, rowType: .float64).bySubsets().flatMap { $0 }
                let tolerance = forest.accumulation == .float32 ? 1e-6 : 1e-12
                if distance(found[index], expected) > tolerance {
                    Issue.record("seed \(seed), row \(index): \(found[index]), expected \(expected)")
                }
            }
        }
    }

    // MARK: Depth

    /// A chain of `features` × `rounds` splits, whose right sides go on.
    private func chain(features: Int, rounds: Int = 1) -> Forest {
        var nodes: [Forest.Node] = []
        var covers: [Double] = []
        let splits = features * rounds
        for split in 0..<splits {
            let place = Int32(2 * split)
            nodes.append(
                .split(
                    feature: Int32(split % features), threshold: Double(split / features), left: place + 1,
                    right: place + 2, missing: .left))
            nodes.append(.leaf(Double(split % 10) - 4))
            covers += [Double(splits + 1 - split), 1]
        }
        nodes.append(.leaf(100))
        covers.append(1)
        var tree = Forest.Tree(output: 0, nodes: nodes)
        tree.covers = covers
        return Forest(
            featureCount: features, valueWidth: .float64, comparison: .less, trees: [tree], accumulation: .float64,
            baseMargins: [0.5])
    }

    @Test(arguments: [(1, 10_000), (7, 1_000), (16, 1), (17, 5), (40, 3), (512, 1), (512, 19)])
    func deepChainsAddUp(features: Int, rounds: Int) throws {
        let forest = chain(features: features, rounds: rounds)
        let explainer = try ContributionExplainer(.forest(forest))
        for value in [-1, 0, Double(rounds / 2), 1e9] {
            let row = [Double](repeating: value, count: features)
            let sum = explain(explainer, [row], .float64).contributions[0].reduce(0, +)
            let margin = ReferenceScorer.score(forest, row: row, rowType: .float64).margins[0]
            #expect((sum - margin).magnitude < 1e-9 * max(1, margin.magnitude), "\(sum), \(margin)")
        }
        guard features <= 40, features * rounds < 200 else { return }
        let row = (0..<features).map { Double($0 % 3) }
        let expected = ReferenceShap(forest, row: row, rowType: .float64).byPaths()[0]
        #expect(distance(explain(explainer, [row], .float64).contributions[0], expected) < 1e-9)
    }

    @Test func morePathFeaturesThanTheBoundAreRefused() {
        let error = #expect(throws: ContributionError.self) {
            try ContributionExplainer(.forest(chain(features: 513)))
        }
        #expect(error?.place == "trees[0]" && error?.message.contains("513 features, at most 512") == true)
    }

    @Test func quadratureIsExact() {
        for count in [1, 2, 3, 4, 8, 31, 256] {
            let rule = GaussLegendre(count: count)
            for power in 0..<2 * count {
                let sum = zip(rule.points, rule.weights).reduce(0) { $0 + $1.1 * pow($1.0, Double(power)) }
                #expect((sum - 1 / Double(power + 1)).magnitude < 1e-13, "\(count) points, power \(power)")
            }
        }
    }

    // MARK: What is no forest, or no such forest

    @Test func whatCannotBeExplainedSaysWhy() throws {
        var random = RandomForests(seed: 8)
        var forest = random.covered(random.forest(), zeros: 0)
        let tree = try #require(forest.trees.firstIndex { $0.nodes.count > 1 })
        func error(_ forest: Forest) -> ContributionError? {
            #expect(throws: ContributionError.self) { try ContributionExplainer(.forest(forest)) }
        }
        let covers = forest.trees[tree].covers
        forest.trees[tree].covers = []
        #expect(error(forest)?.place == "trees[\(tree)]")
        #expect(error(forest)?.message.contains("how many training rows") == true)
        forest.trees[tree].covers = covers
        forest.accumulation = .float64
        let leaf = forest.trees[tree].nodes.firstIndex { $0.isLeaf }!
        forest.trees[tree].linearLeaves = [
            Forest.LinearLeaf(node: Int32(leaf), constant: 1, features: [0], coefficients: [2])
        ]
        #expect(error(forest)?.message.contains("linear functions") == true)
    }

    private func pipeline(_ operations: [(ModelFormat.Operation, Int)]) -> PortableModel {
        let stages = operations.enumerated().map { index, stage in
            Pipeline.Stage(
                inputs: [index], operation: stage.0, output: Pipeline.Value(columns: stage.1, width: .float64),
                name: "s\(index)")
        }
        return .pipeline(
            Pipeline(
                input: Pipeline.Value(columns: 3, width: .float64), stages: stages, margins: stages.count,
                scores: stages.count))
    }

    @Test func linearPipelinesAreTheirTerms() throws {
        let model = pipeline([
            (.impute(values: [1, 2, 3], marker: .nan), 3), (.scale(offsets: [1, 0, 0], scales: [2, 1, 0.5]), 3),
            (.dense(DenseLayer(inputs: 3, outputs: 2, weights: [1, 2, 4, -1, 0, 3], bias: [10, 20])), 2),
        ])
        let found = try explain(ContributionExplainer(model), [[3, .nan, 8]], .float64).contributions[0]
        // 10 + 2 (3 - 1) + 2 × 2 + 4 × 4; the offset of the first feature belongs to the constant.
        #expect(found == [6, 4, 16, 8, -6, 0, 12, 22])
    }

    @Test func featuresMixedOtherwiseAreRefused() {
        let error = #expect(throws: ContributionError.self) {
            try ContributionExplainer(pipeline([(.copy, 3), (.normalize(.l2), 3), (.reduce(.sum, size: 3), 1)]))
        }
        #expect(error?.place == "stages[1] (s1)" && error?.message.contains("not linear") == true)
    }

    @Test func aRowThatIsNotFiniteIsTold() throws {
        let model = pipeline([(.reduce(.sum, size: 3), 1)])
        let explainer = try ContributionExplainer(model)
        #expect(explain(explainer, [[1, 2, 3]], .float32).status == .ok)
        #expect(explain(explainer, [[1, .nan, 3]], .float32).status == .nonFinite)
    }
}
