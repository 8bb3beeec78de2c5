// What a version costs: processor time by kind of work, and memory.
//
//     score on a reactor      the batch's wall time, which is read anyway, but no more than four times what the version should
//                             take: a thread that lost its processor is not charged for it. One addition a batch, 1 ns
//     score, explain          by executors: their thread's own clock, two system calls of 0.2 µs a batch
//     shadow                  the same, on the shadows' thread
//
// Reading a request and writing its answer is the reactor's time, not the model's: process_cpu_seconds_total less the sum.

import Execution
import Registry
import Telemetry

struct CostMetrics: Sendable {
    let score: CounterID
    let explain: CounterID
    let shadow: CounterID

    init(_ registry: MetricsRegistry, model: String, version: String) throws(MetricsError) {
        func counter(_ work: String) throws(MetricsError) -> CounterID {
            try registry.counter(
                "serin_model_cpu_seconds_total", "Processor time that a version has taken, by kind of work.",
                labels: [("model", model), ("version", version), ("work", work)], unit: .seconds)
        }
        (score, explain, shadow) = (try counter("score"), try counter("explain"), try counter("shadow"))
    }

    /// All of it so far, in seconds.
    func seconds(_ registry: MetricsRegistry) -> Double {
        Double(registry.total(score) + registry.total(explain) + registry.total(shadow)) / 1e9
    }
}

extension GatewayMetrics {
    /// Declares what a version takes of memory; nothing once it is freed.
    func memory(_ bundle: LoadedBundle, _ explanations: VersionExplanations) throws(MetricsError) {
        func gauge(_ part: String, _ read: @escaping @Sendable () -> Int) throws(MetricsError) {
            try registry.gauge(
                "serin_model_memory_bytes", "What a loaded version takes: its compiled model, its tables to explain.",
                labels: [("model", bundle.name), ("version", bundle.version), ("part", part)]
            ) { Double(read()) }
        }
        try gauge("model") { [weak model = bundle.model] in model?.imageBytes ?? 0 }
        try gauge("explanations") { [weak explanations] in explanations?.memoryBytes ?? 0 }
    }
}

extension DataPlane {
    /// The reactor has scored a batch itself.
    @inline(__always)
    func countCost(_ index: Int, rows: Int, nanos: UInt64) {
        shard.add(versions[index].metrics.cost.score, min(nanos, versions[index].scoringNanosMax(rows)))
    }
}
