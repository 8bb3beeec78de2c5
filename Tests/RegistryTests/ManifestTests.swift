// manifest.yaml: every field, every default.

import Configuration
import Inference
import ModelFormat
import Registry
import Testing

@Suite struct ManifestTests {
    @Test func everyFieldIsRead() throws {
        let manifest = try Manifest.parse(Array(TinyBundle.manifest.utf8), source: "manifest.yaml")
        #expect(manifest.name == "tiny")
        #expect(manifest.version == "1")
        #expect(manifest.modelFile == "model.json")
        #expect(manifest.modelFormat == .xgboostJSON)
        #expect(manifest.inputType == .float32)
        #expect(
            manifest.features == [
                FeatureSpec(name: "amount", kind: .number, unit: "EUR", range: 0...100000, onRange: .clip),
                FeatureSpec(name: "country", kind: .category, categories: ["DE", "FR"], unknown: .missing),
                FeatureSpec(name: "age", kind: .integer, missing: .value(30), pii: true),
            ])
        #expect(manifest.objective == "binary:logistic")
        #expect(manifest.classes == ["genuine", "fraud"])
        #expect(manifest.threshold == 0.25)
        #expect(manifest.positive == 1)
        #expect(manifest.latencyBudgetNanos == 10_000_000)
        #expect(manifest.costBudgetNanos == 50_000)
        #expect(manifest.golden == .present)
        #expect(manifest.lineage.trainedAt == "2026-01-31T12:00:00Z")
        #expect(manifest.lineage.parameters.map(\.name) == ["max_depth", "eta", "tree_method"])
        #expect(manifest.lineage.metrics == [Manifest.Pair("auc", "0.97")])
        #expect(manifest.lineage.environment == [Manifest.Pair("xgboost", "3.2.0")])
        let output = manifest.output(scoreType: .float32, columns: 1)
        #expect(output.threshold == 0.25 && output.classes.count == 2 && output.columns == 1)
    }

    @Test func whatIsLeftOutHasItsDefault() throws {
        let text = """
            {schema: 1, name: NO, version: 7, model: {file: m.txt}, output: {objective: regression},
             features: [{name: x, type: number}, {name: on, type: boolean}]}
            """
        let manifest = try Manifest.parse(Array(text.utf8), source: "m")
        #expect(manifest.name == "NO" && manifest.version == "7")
        #expect(manifest.features == [FeatureSpec(name: "x", kind: .number), FeatureSpec(name: "on", kind: .boolean)])
        #expect(manifest.golden == nil && manifest.modelFormat == nil && manifest.lineage == Manifest.Lineage())
        #expect(manifest.input(format: .lightgbm).declaredType == .float64)
        #expect(manifest.input(format: .xgboostUBJSON).declaredType == .float32)
        #expect(manifest.input(format: .lightgbm).name == "features")
        let output = manifest.output(scoreType: .float64, columns: 1)
        #expect(output.threshold == 0.5 && output.positive == 1)
    }

    @Test func reasonsAreRead() throws {
        let text = """
            {schema: 1, name: a, version: 1, model: {file: m.txt}, output: {objective: regression},
             features: [{name: x, type: number, reason: "Too much"}, {name: y, type: number, reason: R02}],
             reasons: {top: 2, toward: lower}}
            """
        let manifest = try Manifest.parse(Array(text.utf8), source: "m")
        #expect(manifest.features.map(\.reason) == ["Too much", "R02"])
        let reasons = manifest.output(scoreType: .float64, columns: 1).reasons
        #expect(reasons.top == 2 && reasons.toward == .lower)
        let plain = try Manifest.parse(Array(TinyBundle.manifest.utf8), source: "manifest.yaml")
        #expect(plain.reasons == ReasonPolicy() && plain.reasons.top == 4 && plain.reasons.toward == .higher)
    }

    @Test func emptyFileNeedsItsKeys() {
        let error = #expect(throws: ConfigurationError.self) { try Manifest.parse([], source: "m") }
        #expect(error?.description == "m:1: needs the key schema")
    }
}
