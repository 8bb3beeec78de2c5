// A version as executors have it: its queue, its scorer, the ladder under it, and what is counted of all that.
//
//     bundle + models.NAME.queue ─► VersionQueue ─ score ─► CompiledModel, or FaultyScorer around it

import Batching
import Configuration
import Execution
import Inference
import Registry
import Routing
import Telemetry

// SAFETY: written in init and, once, before the first request by `climb`; read by every reactor after it.
final class QueuedVersion: @unchecked Sendable {
    let queue: VersionQueue
    let lane: LaneChoice.Mode
    let inlineLimitNanos: UInt64
    let metrics: QueueMetrics
    /// The route's tiers as the configuration has them.
    let tiers: [FallbackTier]
    private(set) var ladder = Ladder([])
    private let faulty: FaultyScorer?

    init(
        bundle: LoadedBundle, _ model: ModelConfiguration, _ executors: ExecutorConfiguration, _ index: Int,
        _ metrics: GatewayMetrics
    ) throws(MetricsError) {
        faulty = bundle.manifest.fault.map { FaultyScorer($0, bundle.model) }
        let limits = QueueLimits(model.queue)
        let compiled = bundle.model
        let scoring = ScoringFunction(
            context: faulty?.address ?? Unmanaged.passUnretained(compiled).toOpaque(),
            call: faulty == nil ? Self.score : FaultyScorer.score,
            scratchBytes: max(compiled.scratchByteCount(rows: limits.batchRows), 64),
            featureCount: compiled.featureCount, columns: compiled.outputCount, scoreType: compiled.scoreType)
        let delay = Double(bundle.manifest.fault?.delayNanos ?? 0)
        queue = VersionQueue(
            tag: index, limits: limits, scoring: scoring, nanosAlone: compiled.cost.nanosAlone + delay,
            nanosInBatch: compiled.cost.nanosInBatch + delay / 64)
        // What goes wrong on purpose does not go wrong on a reactor.
        lane = faulty == nil ? LaneChoice.Mode(model.queue) : .pooled
        inlineLimitNanos = executors.inlineLimitNanos
        tiers = model.fallback
        self.metrics = try QueueMetrics(metrics.registry, model: bundle.name, version: bundle.version)
    }

    /// Takes its place over the tiers, when all versions are known.
    func climb(_ ladder: Ladder) { self.ladder = ladder }

    private static let score: ScoringFunction.Call = { context, jobs, count, scratch, bytes in
        Unmanaged<CompiledModel>.fromOpaque(context)._withUnsafeGuaranteedRef { model in
            model.score(
                UnsafeMutableBufferPointer(start: jobs.assumingMemoryBound(to: ScoringJob.self), count: count),
                scratch: UnsafeMutableRawBufferPointer(start: scratch, count: bytes))
        }
    }
}

extension QueueLimits {
    init(_ queue: QueueConfiguration) {
        self.init()
        requests = queue.requests
        batchRows = queue.batchRows
        batchNanos = queue.batchNanos
        lingerNanos = queue.lingerNanos
        concurrency = queue.concurrency
        starvationBatches = queue.starvation
        targetNanos = queue.targetNanos
        intervalNanos = queue.intervalNanos
        share = queue.share
    }
}

extension LaneChoice.Mode {
    /// A model that lingers is always with the executors: a reactor does not wait.
    init(_ queue: QueueConfiguration) {
        switch queue.lane {
        case .inline: self = .inline
        case .pooled: self = .pooled
        case .measured: self = queue.lingerNanos > 0 ? .pooled : .measured
        }
    }
}

/// What is counted of one version's queue.
struct QueueMetrics: Sendable {
    /// Requests that were refused, by class and reason.
    private var shed: InlineArray<15, CounterID>
    /// Answers of the ladder, by arm.
    private var fallbacks: InlineArray<2, CounterID>
    /// Scores that came when the request had been answered, or its client was gone.
    let lateResults: CounterID
    /// Executors' batches.
    let stuck: CounterID

    /// Reasons of the queue, and one of the reactor's: too many of its jobs are out.
    static let reasons = Refusal.allCases.count + 1

    init(_ registry: MetricsRegistry, model: String, version: String) throws(MetricsError) {
        let labels = [("model", model), ("version", version)]
        lateResults = try registry.counter(
            "serin_late_results_total", "Scores that came after the request was answered, and were dropped.",
            labels: labels)
        stuck = try registry.counter(
            "serin_executor_stuck_total", "Batches that were taken for stuck; each has its executor replaced.",
            labels: labels)
        shed = .init(repeating: lateResults)
        fallbacks = .init(repeating: lateResults)
        for priority in Priority.allCases {
            for reason in 0..<Self.reasons {
                let text = Refusal(rawValue: UInt8(reason))?.text ?? "in_flight"
                shed[Int(priority.rawValue) * Self.reasons + reason] = try registry.counter(
                    "serin_shed_total", "Requests that were refused because they could not be answered in time.",
                    labels: labels + [("priority", priority.text.description), ("reason", text)])
            }
        }
        for arm in [Arm.stable, .pinned] {
            fallbacks[Int(arm.rawValue)] = try registry.counter(
                GatewayMetrics.requestsName, GatewayMetrics.requestsHelp,
                labels: [
                    ("model", model), ("version", version), ("arm", arm.text.description), ("tier", "fallback"),
                    ("outcome", Outcome.ok.label),
                ])
        }
    }

    func shed(_ priority: Priority, _ refusal: Refusal?) -> CounterID {
        shed[Int(priority.rawValue) * Self.reasons + (refusal.map { Int($0.rawValue) } ?? Refusal.allCases.count)]
    }

    func fallback(_ arm: Arm) -> CounterID { fallbacks[Int(arm.rawValue)] }
}
