// A manifest's `pipeline`: read, compiled around the model, answered by golden rows worked out apart from it.

import Configuration
import Execution
import Foundation
import Inference
import Registry
import Testing

@Suite struct PipelineTests {
    /// The tiny model behind steps: half the amount, the country as two columns, a calibrated margin.
    ///
    ///     margin = (amount × 2 < 100 ? -0.5 : 0.7) + (isDE < 0.5 ? 0.2 : -0.3)
    ///     score  = 1 / (1 + exp(-2 × margin + 0.5))
    private static let steps = """
        pipeline:
          before:
          - impute: {features: [amount], value: 10}
          - scale: {features: [amount], scale: 2}
          - one_hot: {features: [country]}
          after:
          - platt: {slope: -2, intercept: 0.5, of: margin}
        """

    private static let manifest = """
        schema: 1
        name: tiny
        version: "1"
        model: {file: model.json}
        features:
        - {name: amount, type: number}
        - {name: country, type: category, categories: [DE, FR]}
        \(steps)
        output: {objective: "binary:logistic", threshold: 0.25}
        golden: present
        """

    private static func row(_ amount: Float?, _ country: Int?, offset: Float = 0) -> String {
        let first: Float = (amount ?? 10) * 2 < 100 ? -0.5 : 0.7
        let second: Float = country == 0 ? -0.3 : 0.2
        let margin = first + second
        let score = 1 / (1 + exp(-2 * margin + 0.5)) + offset
        let name = country.map { ["\"DE\"", "\"FR\""][$0] } ?? "null"
        return "{\"row\":[\(amount.map { "\($0)" } ?? "null"),\(name)],\"input\":\"FP32\","
            + "\"margin\":[\(margin)],\"score\":[\(score)]}\n"
    }

    private static func golden(offset: Float = 0) -> String {
        (0..<64).map { row($0 % 7 == 0 ? nil : Float($0) * 1.7, [nil, 0, 1][$0 % 3], offset: offset) }.joined()
    }

    private func bundle(_ manifest: String = Self.manifest, golden: String = Self.golden()) -> TinyBundle {
        var bundle = TinyBundle()
        bundle.files = [
            "model.json": TinyBundle.model, "manifest.yaml": Array(manifest.utf8), "golden.ndjson": Array(golden.utf8),
        ]
        return bundle
    }

    @Test func stepsAreCompiledAroundTheModel() throws {
        let loaded = try BundleLoaderTests.load(bundle())
        #expect(loaded.goldenCount == 64 && loaded.model.featureCount == 2 && loaded.model.isExact)
        #expect(loaded.model.treeCount == 2 && loaded.output.threshold == 0.25)
        #expect(loaded.model.stages.map(\.name).contains("pipeline.after[0].platt"))
    }

    /// Scores are compared after the steps, within one unit in the last place.
    @Test func aWrongAnswerIsFound() {
        let message = BundleLoaderTests.error(bundle(golden: Self.golden(offset: 1e-6)))
        #expect(message?.hasPrefix("golden.ndjson:1: score[0]: the model gives ") == true)
    }

    @Test func columnsMustBeTheModels() {
        let manifest = Self.manifest.replacing("  - one_hot: {features: [country]}\n", with: "")
        #expect(
            BundleLoaderTests.error(bundle(manifest))
                == "manifest.yaml: pipeline.before: makes 2 columns of 2 features, but the model has 3")
    }

    @Test func calibrationsMustFitTheScore() {
        let manifest = Self.manifest.replacing("platt: {slope: -2, intercept: 0.5, of: margin}", with: "softmax: {}")
        #expect(
            BundleLoaderTests.error(bundle(manifest))
                == "manifest.yaml: pipeline.after[0].softmax: needs a score of several columns, but the model's has one"
        )
    }

    /// Two manifests on one source model have two images, and each finds its own.
    @Test func theCacheTellsStepsApart() throws {
        let folder = try TemporaryFolder()
        let cache = try ImageCache(path: folder["cache"].path(percentEncoded: false))
        let first = try BundleLoaderTests.load(bundle(), cache: cache)
        #expect(!first.isCached)
        #expect(try BundleLoaderTests.load(bundle(), cache: cache).isCached)
        #expect(try !BundleLoaderTests.load(cache: cache).isCached, "the same source without steps")
        let other = Self.manifest.replacing("value: 10}", with: "value: 60}")
        #expect(BundleLoaderTests.error(bundle(other))?.hasPrefix("golden.ndjson:1: margin[0]") == true)
        let error = #expect(throws: ConfigurationError.self) { try BundleLoaderTests.load(bundle(other), cache: cache) }
        #expect(error?.keyPath == "margin[0]")
        #expect(try BundleLoaderTests.load(bundle(), cache: cache).isCached)
    }

    /// Every step there is, in one manifest, against its formula.
    @Test func everyStepDoesWhatItSays() throws {
        let steps = """
            pipeline:
              before:
              - clip: {features: [amount], low: 0, high: 1000}
              - log: {features: [amount], offset: 1}
              - scale: {features: [amount], scale: 30}
              - target_encode: {features: [country], table: {DE: 0.1, FR: 0.9}, otherwise: 0.4, missing: 0.6}
              - impute: {features: [age], value: 40, marker: -1}
              - bucket: {features: [age], edges: [18, 40, 65]}
              after:
              - isotonic: {x: [0.25, 0.5, 0.75], y: [0, 0.5, 1]}
              - sigmoid: {}
            """
        let manifest = Self.manifest.replacing(Self.steps, with: steps)
            .replacing("categories: [DE, FR]}\n", with: "categories: [DE, FR]}\n- {name: age, type: integer}\n")
        let golden = (0..<64).map { index in
            let amount: Double? = index % 5 == 0 ? nil : Double(index * index)
            let country = [nil, 0, 1][index % 3]
            let scaled = amount.map { 30 * log1p(min(max($0, 0), 1000)) }
            let first: Float = scaled.map { Float($0) < 100 ? -0.5 : 0.7 } ?? -0.5
            let code: Float = country.map { $0 == 0 ? 0.1 : 0.9 } ?? 0.6
            let margin = first + (code < 0.5 ? 0.2 : -0.3)
            let probability = 1 / (1 + exp(-margin))
            let place = min(max(probability, 0.25), 0.75)
            let calibrated = place <= 0.5 ? (place - 0.25) * 2 : 0.5 + (place - 0.5) * 2
            let score = 1 / (1 + exp(-calibrated))
            let name = country.map { ["\"DE\"", "\"FR\""][$0] } ?? "null"
            return "{\"row\":[\(amount.map { "\($0)" } ?? "null"),\(name),\(index % 90)],\"input\":\"FP64\","
                + "\"margin\":[\(margin)],\"score\":[\(score)]}\n"
        }.joined()
        #expect(try BundleLoaderTests.load(bundle(manifest, golden: golden)).goldenCount == 64)
    }
}
