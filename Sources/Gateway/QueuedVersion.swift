// A version as executors have it: its queue, its scorer, and what is counted of them. It comes and goes with the version.
//
//     bundle + models.NAME.queue ─► VersionQueue ─ score ─► CompiledModel, or FaultyScorer around it

import Batching
import Configuration
import Execution
import Inference
import Registry
import Telemetry

// SAFETY: written in init, read by every reactor after it.
final class QueuedVersion: @unchecked Sendable {
    let queue: VersionQueue
    let lane: LaneChoice.Mode
    let inlineLimitNanos: UInt64
    let metrics: QueueMetrics
    /// The route's tiers as the configuration has them.
    let tiers: [FallbackTier]
    private let scoring: ScoringFunction
    private let compiled: CompiledModel
    private let faulty: FaultyScorer?

    init(
        bundle: LoadedBundle, _ model: ModelConfiguration, _ executors: ExecutorConfiguration, slot: Int,
        _ registry: MetricsRegistry
    ) throws(MetricsError) {
        faulty = bundle.manifest.fault.map { FaultyScorer($0, bundle.model) }
        let limits = QueueLimits(model.queue)
        compiled = bundle.model
        scoring = ScoringFunction(
            context: faulty?.address ?? Unmanaged.passUnretained(compiled).toOpaque(),
            call: faulty == nil ? Self.score : FaultyScorer.score,
            scratchBytes: max(compiled.scratchByteCount(rows: limits.batchRows), 64),
            featureCount: compiled.featureCount, columns: compiled.outputCount, scoreType: compiled.scoreType)
        let delay = Double(bundle.manifest.fault?.delayNanos ?? 0)
        queue = VersionQueue(
            tag: slot, limits: limits, scoring: scoring, nanosAlone: compiled.cost.nanosAlone + delay,
            nanosInBatch: compiled.cost.nanosInBatch + delay / 64)
        // What goes wrong on purpose does not go wrong on a reactor.
        lane = faulty == nil ? LaneChoice.Mode(model.queue) : .pooled
        inlineLimitNanos = executors.inlineLimitNanos
        tiers = model.fallback
        metrics = try QueueMetrics(registry, model: bundle.name, version: bundle.version)
        try registry.gauge(
            "serin_queue_requests", "Requests that wait for an executor.",
            labels: [("model", bundle.name), ("version", bundle.version)]
        ) { [weak queue] in Double(queue?.requestCount ?? 0) }
    }

    /// What `score` needs for the queue's largest batch.
    var scratchBytes: Int { scoring.scratchBytes }

    /// Scores as executors do, on the calling thread.
    func score(_ jobs: UnsafeMutableBufferPointer<ScoringJob>, scratch: UnsafeMutableRawBufferPointer) {
        guard let first = jobs.baseAddress, let memory = scratch.baseAddress else { return }
        scoring.call(scoring.context, first, jobs.count, memory, scratch.count)
    }

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
        for priority in Priority.allCases {
            for reason in 0..<Self.reasons {
                let text = Refusal(rawValue: UInt8(reason))?.text ?? "in_flight"
                shed[Int(priority.rawValue) * Self.reasons + reason] = try registry.counter(
                    "serin_shed_total", "Requests that were refused because they could not be answered in time.",
                    labels: labels + [("priority", priority.text.description), ("reason", text)])
            }
        }
    }

    func shed(_ priority: Priority, _ refusal: Refusal?) -> CounterID {
        shed[Int(priority.rawValue) * Self.reasons + (refusal.map { Int($0.rawValue) } ?? Refusal.allCases.count)]
    }
}
