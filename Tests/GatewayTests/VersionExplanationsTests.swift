// How a version comes to explain: its states, and what an executor computes for a batch.

import Configuration
import Execution
import Inference
import Registry
import Telemetry
import Testing

@testable import Batching
@testable import Gateway

@Suite struct VersionExplanationsTests {
    private static let models = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/models"

    private struct Prepared {
        let bundle: LoadedBundle
        let queued: QueuedVersion
        let explanations: VersionExplanations
    }

    /// fraud/1, with this configuration of the model.
    private func load(_ model: String, keepsSource: Bool = true) throws -> Prepared {
        let settings = try ConfigurationLoader.parse("models: {fraud: \(model)}").model(named: "fraud")
        let bundle = try BundleLoader.load(directory: Self.models + "/fraud/1", keepsSource: keepsSource)
        let registry = MetricsRegistry(shards: 1)
        let queued = try QueuedVersion(
            bundle: bundle, settings, try ConfigurationLoader.parse("").executors, slot: 3, registry)
        return Prepared(
            bundle: bundle, queued: queued,
            explanations: try VersionExplanations(bundle, settings.explanation, registry))
    }

    @Test func aVersionPreparesBehindItsLoading() throws {
        let version = try load("{}")
        #expect(version.explanations.text == "preparing" && version.explanations.explained == nil)
        #expect(version.explanations.memoryBytes == 0)
        #expect(ExplanationEntry(version.explanations).isPossible)
        version.explanations.prepare(version.bundle, version.queued)
        let explained = try #require(version.explanations.explained)
        #expect(version.explanations.text == "ready" && version.explanations.memoryBytes > 10_000)
        #expect(explained.rowNanos > version.bundle.model.cost.nanosAlone)
        #expect(explained.queue.tag == VersionSlots.limit + 3 && explained.queue.limits.lingerNanos == 0)
        // The source is let go with the tables made of it.
        #expect(try version.bundle.takeModel() == nil)
        version.explanations.prepare(version.bundle, version.queued)
        #expect(version.explanations.explained === explained)
    }

    @Test func whatIsOffSaysSo() throws {
        let version = try load("{explain: {enabled: false}}", keepsSource: false)
        version.explanations.prepare(version.bundle, version.queued)
        #expect(version.explanations.text == "off" && version.explanations.metrics == nil)
        #expect(version.explanations.refusal.hasSuffix("off for this model (models.fraud.explain.enabled)"))
        #expect(!ExplanationEntry(version.explanations).isPossible)
    }

    @Test func aBatchHasTheScoresOfAPredictionAndTheExplainersContributions() throws {
        let version = try load("{}")
        let explainer = try ContributionExplainer(try #require(try load("{}").bundle.takeModel()))
        version.explanations.prepare(version.bundle, version.queued)
        let explained = try #require(version.explanations.explained)
        let (rows, features) = (5, version.bundle.model.featureCount)
        let width = features + 1
        let values = (0..<rows * features).map { Float($0 % 23) - 3 }
        let plain = score(version.bundle.model, values, rows)
        let wanted = contributions(explainer, values, rows)
        var (scores, found) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows * width))
        let scratch = UnsafeMutableRawBufferPointer.allocate(
            byteCount: explained.queue.scoring.scratchBytes, alignment: 64)
        defer { scratch.deallocate() }
        values.withUnsafeBytes { values in
            scores.withUnsafeMutableBytes { scores in
                found.withUnsafeMutableBytes { found in
                    var job = ScoringJob(
                        values: values.baseAddress!, rowCount: rows, valueType: .float32, margins: nil,
                        scores: scores.baseAddress!, contributions: found.baseAddress!)
                    let scoring = explained.queue.scoring
                    withUnsafeMutablePointer(to: &job) {
                        scoring.call(scoring.context, $0, 1, scratch.baseAddress!, scratch.count)
                    }
                    #expect(job.status == .ok)
                }
            }
        }
        #expect(scores.map(\.bitPattern) == plain.map(\.bitPattern))
        #expect(found.map(\.bitPattern) == wanted.map(\.bitPattern))
    }

    private func score(_ model: CompiledModel, _ values: [Float], _ rows: Int) -> [Float] {
        var scores = [Float](repeating: 0, count: rows)
        let scratch = UnsafeMutableRawBufferPointer.allocate(
            byteCount: model.scratchByteCount(rows: rows), alignment: 64)
        defer { scratch.deallocate() }
        values.withUnsafeBytes { values in
            scores.withUnsafeMutableBytes { scores in
                var job = ScoringJob(
                    values: values.baseAddress!, rowCount: rows, valueType: .float32, margins: nil,
                    scores: scores.baseAddress!)
                withUnsafeMutablePointer(to: &job) { model.score(.init(start: $0, count: 1), scratch: scratch) }
            }
        }
        return scores
    }

    private func contributions(_ explainer: ContributionExplainer, _ values: [Float], _ rows: Int) -> [Float] {
        var found = [Float](repeating: 0, count: rows * explainer.columnCount)
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: explainer.scratchByteCount, alignment: 64)
        defer { scratch.deallocate() }
        values.withUnsafeBytes { values in
            found.withUnsafeMutableBytes { found in
                var job = ContributionJob(
                    values: values.baseAddress!, rowCount: rows, valueType: .float32,
                    contributions: found.baseAddress!)
                withUnsafeMutablePointer(to: &job) { explainer.explain(.init(start: $0, count: 1), scratch: scratch) }
            }
        }
        return found
    }
}
