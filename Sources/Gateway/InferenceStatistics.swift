// What ModelStatistics needs and the metrics do not have: when a version ran last, and what failures took.
//
//     shard 0 ─► [ cell | cell | … ]      a cell a version, written by reactor 0 only
//     shard 1 ─► [ cell | cell | … ]
//
// Everything else is read from the metrics: durations, rows and batches are counted there already.

import CLinux
import Codec
import Execution
import Glibc
import Synchronization
import Telemetry

// SAFETY: one reactor writes a shard, with relaxed stores of whole words; readers load them relaxed.
final class InferenceStatistics: @unchecked Sendable {
    /// On two lines of its own, as a metrics shard is.
    struct Cell: ~Copyable {
        private let ranAt = Atomic<UInt64>(0)
        private let failures = Atomic<UInt64>(0)
        private let failedNanos = Atomic<UInt64>(0)
        private let padding: InlineArray<13, UInt64> = .init(repeating: 0)

        /// A batch of the version began to run.
        func ran(at nanos: UInt64) { ranAt.store(nanos, ordering: .relaxed) }

        func addFailure(nanos: UInt64) {
            failures.store(failures.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            failedNanos.store(failedNanos.load(ordering: .relaxed) &+ nanos, ordering: .relaxed)
        }

        var values: (ranAt: UInt64, failures: UInt64, failedNanos: UInt64) {
            (ranAt.load(ordering: .relaxed), failures.load(ordering: .relaxed), failedNanos.load(ordering: .relaxed))
        }
    }

    private let cells: UnsafeMutablePointer<Cell>
    private let shards: Int
    private let versions: Int

    init(shards: Int, versions: Int) {
        self.shards = shards
        self.versions = versions
        let count = max(shards * versions, 1)
        cells = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Cell>.stride, alignment: 128)
            .bindMemory(to: Cell.self, capacity: count)
        for index in 0..<shards * versions { (cells + index).initialize(to: Cell()) }
    }

    deinit {
        cells.deinitialize(count: shards * versions)
        cells.deallocate()
    }

    /// The cells of one reactor, by version.
    func shard(_ index: Int) -> UnsafeMutablePointer<Cell> { cells + index * versions }

    /// Everything about the version at `index`.
    func read(_ version: ServedVersion, at index: Int, _ registry: MetricsRegistry) -> VersionStatistics {
        var statistics = VersionStatistics(name: version.name, version: version.version)
        var ranAt: UInt64 = 0
        for shard in 0..<shards {
            let values = cells[shard * versions + index].values
            ranAt = max(ranAt, values.ranAt)
            statistics.fail.count += values.failures
            statistics.fail.nanos += values.failedNanos
        }
        statistics.lastMillis = ranAt == 0 ? 0 : Self.wallMillis(of: ranAt)
        let duration = registry.total(version.metrics.duration)
        let queue = registry.total(version.metrics.queue)
        let compute = registry.total(version.metrics.compute)
        statistics.executions = compute.count
        statistics.rows = registry.total(version.metrics.batchSize).sum
        // A reader between two stores of a writer may see them apart: never below zero.
        statistics.success.count = duration.count - min(duration.count, statistics.fail.count)
        statistics.success.nanos = duration.sum - min(duration.sum, statistics.fail.nanos)
        statistics.queue = .init(count: queue.count, nanos: queue.sum)
        statistics.compute = .init(count: compute.count, nanos: compute.sum)
        statistics.modelBytes = UInt64(version.model.imageBytes)
        return statistics
    }

    /// Milliseconds since 1970 of an instant of `clinux_now`.
    private static func wallMillis(of instant: UInt64) -> UInt64 {
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        let now = UInt64(wall.tv_sec) * 1000 + UInt64(wall.tv_nsec) / 1_000_000
        let age = (clinux_now() &- instant) / 1_000_000
        return now - min(now, age)
    }
}
