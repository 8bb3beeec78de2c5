// A version as executors explain it: a queue of its own beside the one for scores.
//
//     rows ─► the version's own scorer ─► scores, to the bit those of :predict
//         └─► TreeSHAP, or the terms   ─► contributions
//
// Explaining a row takes tens to thousands of times what scoring it takes. In a queue of its own it is admitted by its own
// cost, waits behind explanations only, and leaves the estimates for scores as they are; executors share their time
// between the two as between two models, in batches of the same length.

import Batching
import Configuration
import Execution
import Inference
import Telemetry

// SAFETY: written in init, read by executors after it.
final class ExplainedVersion: @unchecked Sendable {
    /// Requests that may wait, in each class.
    static let requestsMax = 256
    /// A wait that is too long for everybody, and for how long it may be.
    static let targetNanos: UInt64 = 50_000_000
    static let intervalNanos: UInt64 = 200_000_000

    let explainer: ContributionExplainer
    /// Nanoseconds of processor time for a row, scored and explained, as measured when it was prepared.
    let rowNanos: Double
    let metrics: ExplanationMetrics
    private let queued: QueuedVersion
    /// `nil` only while `init` runs: the queue needs this object's address.
    private var made: VersionQueue?
    var queue: VersionQueue { made.unsafelyUnwrapped }

    init(
        _ explainer: ContributionExplainer, _ model: CompiledModel, _ queued: QueuedVersion,
        _ metrics: ExplanationMetrics
    ) {
        self.explainer = explainer
        self.queued = queued
        self.metrics = metrics
        rowNanos = explainer.measuredNanosPerRow() + model.cost.nanosAlone
        var limits = queued.queue.limits
        (limits.requests, limits.lingerNanos) = (Self.requestsMax, 0)
        (limits.targetNanos, limits.intervalNanos) = (Self.targetNanos, Self.intervalNanos)
        let scoring = ScoringFunction(
            context: Unmanaged.passUnretained(self).toOpaque(), call: Self.explain,
            scratchBytes: max(queued.scratchBytes, explainer.scratchByteCount), featureCount: model.featureCount,
            columns: model.outputCount, scoreType: model.scoreType)
        made = VersionQueue(
            tag: Self.tag(slot: queued.queue.tag), limits: limits, scoring: scoring, nanosAlone: rowNanos,
            nanosInBatch: rowNanos)
    }

    /// The number of the queue of explanations, behind those for scores.
    static func tag(slot: Int) -> Int { VersionSlots.limit + slot }

    private static let explain: ScoringFunction.Call = { context, jobs, count, scratch, bytes in
        Unmanaged<ExplainedVersion>.fromOpaque(context)._withUnsafeGuaranteedRef { version in
            version.explain(
                UnsafeMutableBufferPointer(start: jobs.assumingMemoryBound(to: ScoringJob.self), count: count),
                scratch: UnsafeMutableRawBufferPointer(start: scratch, count: bytes))
        }
    }

    private func explain(
        _ jobs: UnsafeMutableBufferPointer<ScoringJob>, scratch: UnsafeMutableRawBufferPointer
    ) {
        queued.score(jobs, scratch: scratch)
        for index in jobs.indices where jobs[index].status == .ok {
            guard let contributions = jobs[index].contributions else { continue }
            var job = ContributionJob(
                values: jobs[index].values, rowCount: jobs[index].rowCount, valueType: jobs[index].valueType,
                contributions: contributions)
            withUnsafeMutablePointer(to: &job) { pointer in
                explainer.explain(UnsafeMutableBufferPointer(start: pointer, count: 1), scratch: scratch)
            }
            jobs[index].status = job.status
        }
    }
}

/// A version's explanations in plain words, for the data plane.
struct ExplanationEntry {
    /// Whether there can be explanations, now or soon.
    let isPossible: Bool
    /// nil: they are not ready.
    let queue: Unmanaged<VersionQueue>?
    let owner: Unmanaged<VersionExplanations>
    let budgetNanos: UInt64
    /// nil: they are off.
    let metrics: ExplanationMetrics?

    /// The version keeps its explanations.
    init(_ explanations: VersionExplanations) {
        owner = .passUnretained(explanations)
        metrics = explanations.metrics
        budgetNanos = explanations.settings.budgetNanos
        switch explanations.state {
        case .ready(let explained): (isPossible, queue) = (true, .passUnretained(explained.queue))
        case .preparing: (isPossible, queue) = (true, nil)
        case .off, .impossible: (isPossible, queue) = (false, nil)
        }
    }
}
