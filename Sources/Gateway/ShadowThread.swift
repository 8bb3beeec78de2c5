// Scores copies of requests for versions that nobody is answered by, and compares.
//
//     answered ─► ring of the reactor ─► this thread, at idle priority ─► difference, decision flipped, time taken
//
// It never holds a caller up: the copy is made after the answer, the ring is bounded, and the thread runs when nothing
// else wants the processor. A shadow sees the rows as the answering version's rules left them.

import CLinux
import Execution
import Glibc
import Inference
import Primitives
import Reactor
import Registry
import Synchronization
import Telemetry

/// What is counted for a version as a shadow.
struct ShadowMetrics: Sendable {
    let compared: CounterID
    let failed: CounterID
    let dropped: CounterID
    let flipped: CounterID
    let difference: HistogramID
    let duration: HistogramID

    init(_ registry: MetricsRegistry, model: String, version: String) throws(MetricsError) {
        func outcome(_ text: String) throws(MetricsError) -> CounterID {
            try registry.counter(
                "serin_shadow_total", "Copies of requests for a shadow, by outcome.",
                labels: [("model", model), ("version", version), ("outcome", text)])
        }
        (compared, failed, dropped) = (try outcome("ok"), try outcome("model_error"), try outcome("dropped"))
        let labels = [("model", model), ("version", version)]
        flipped = try registry.counter(
            "serin_shadow_flips_total", "Rows that the shadow decides otherwise than the version that answered.",
            labels: labels)
        difference = try registry.histogram(
            "serin_shadow_score_difference_millionths",
            "How far the shadow's score lies from the one that was answered.",
            labels: labels, edges: [1, 10, 100, 1000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000],
            unit: .plain)
        duration = try registry.histogram(
            "serin_shadow_duration_seconds", "What scoring a copy took.", labels: labels, edges: LatencyEdges.standard,
            unit: .seconds)
    }
}

// SAFETY: the buffers belong to the thread; the rings are shared as they say.
final class ShadowThread: @unchecked Sendable {
    private let rings: [ShadowRing]
    private let shard: MetricsShard
    private let running = Atomic<Bool>(true)
    private var scores = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
    private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)

    /// `shard`: of this thread alone.
    init(_ rings: [ShadowRing], _ shard: MetricsShard) {
        (self.rings, self.shard) = (rings, shard)
    }

    deinit {
        scores.deallocate()
        scratch.deallocate()
    }

    func start() {
        ReactorThread.start("shadow") {
            IdlePriority.take()
            // Looks twice as seldom each time it finds nothing, at least every 32 ms.
            var pause: UInt32 = 1000
            while self.running.load(ordering: .acquiring) {
                var found = false
                for ring in self.rings where ring.drain({ self.score($0) }) { found = true }
                pause = found ? 1000 : min(pause * 2, 32_000)
                if !found { usleep(pause) }
            }
        }
    }

    func stop() { running.store(false, ordering: .releasing) }

    private func score(_ cell: UnsafeMutablePointer<ShadowCell>) {
        guard let version = cell.pointee.version?.takeUnretainedValue(), let metrics = version.shadow else { return }
        let model = version.model
        let bytes = cell.pointee.rowCount * model.outputCount * model.scoreType.byteCount
        Self.grow(&scores, bytes)
        Self.grow(&scratch, model.scratchByteCount(rows: max(cell.pointee.rowCount, 64)))
        guard let base = scores.baseAddress else { return }
        var job = ScoringJob(
            values: cell.pointee.values.pointer, rowCount: cell.pointee.rowCount, valueType: cell.pointee.valueType,
            margins: nil, scores: base)
        let (started, processorAt) = (clinux_now(), clinux_thread_cpu())
        withUnsafeMutablePointer(to: &job) { version.queue.score(.init(start: $0, count: 1), scratch: scratch) }
        shard.observe(metrics.duration, nanos: clinux_now() &- started)
        shard.add(version.metrics.cost.shadow, clinux_thread_cpu() &- processorAt)
        guard job.status == .ok, cell.pointee.columns == model.outputCount else { return shard.add(metrics.failed) }
        shard.add(metrics.compared)
        compare(cell, UnsafeRawPointer(base), model.scoreType, version.bundle.output.threshold, metrics)
    }

    private func compare(
        _ cell: UnsafeMutablePointer<ShadowCell>, _ mine: UnsafeRawPointer, _ type: ValueType, _ threshold: Double,
        _ metrics: ShadowMetrics
    ) {
        let columns = cell.pointee.columns
        for row in 0..<cell.pointee.rowCount {
            var widest = 0.0
            var (best, bestMine) = (0, 0)
            for column in 0..<columns {
                let index = row * columns + column
                let theirs = Self.value(cell.pointee.scores.pointer, index, cell.pointee.scoreType)
                let own = Self.value(mine, index, type)
                widest = max(widest, abs(theirs - own))
                if theirs > Self.value(cell.pointee.scores.pointer, row * columns + best, cell.pointee.scoreType) {
                    best = column
                }
                if own > Self.value(mine, row * columns + bestMine, type) { bestMine = column }
            }
            shard.observe(metrics.difference, value: UInt64(min(widest * 1e6, 1e15)))
            if columns == 1 {
                let theirs =
                    Self.value(cell.pointee.scores.pointer, row, cell.pointee.scoreType) >= cell.pointee.threshold
                if theirs != (Self.value(mine, row, type) >= threshold) { shard.add(metrics.flipped) }
            } else if best != bestMine {
                shard.add(metrics.flipped)
            }
        }
    }

    private static func value(_ scores: UnsafeRawPointer, _ index: Int, _ type: ValueType) -> Double {
        type == .float32
            ? Double(scores.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
            : scores.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
    }

    private static func grow(_ buffer: inout UnsafeMutableRawBufferPointer, _ bytes: Int) {
        guard bytes > buffer.count else { return }
        buffer.deallocate()
        buffer = .allocate(byteCount: bytes, alignment: 64)
    }
}

/// The calling thread gives way to everything else.
enum IdlePriority {
    /// SCHED_BATCH of linux/sched.h, which Glibc leaves out. Not SCHED_IDLE: the kernel takes a processor that runs such a
    /// thread for an idle one and places a reactor there that wakes, and where it preempts lazily (Linux 6.13) the reactor
    /// then waits for the next tick.
    private static let policy: Int32 = 3

    static func take() {
        var parameters = sched_param()
        sched_setscheduler(0, policy, &parameters)
        _ = clinux_nice_thread(19)
    }
}
