// The executors of a gateway: made of its configuration, told where to count, and served with the queues that are loaded.
//
//     metrics shards   [ reactor 0 … | executor slot 0 … | supervisor | shadow thread ]      each written by one thread
//
//     a version comes   its queue is served ─► then a snapshot leads to it
//     a version goes    no snapshot leads to it, nobody holds it ─► its queue is served no more
//                       ─► every executor has a table without it, or sleeps: its memory goes

import Batching
import CLinux
import Configuration
import Logging
import Primitives
import Reactor
import Synchronization
import Telemetry

// SAFETY: a series is written before its version's queue is served, and again only when no executor runs that any more.
final class GatewayExecutors: @unchecked Sendable {
    /// What is counted for a version's batches.
    private struct Series {
        /// nil: it is not counted.
        let batchSize: HistogramID?
        let compute: HistogramID
        let cost: CounterID
        let stuck: CounterID
    }

    /// Which queues are served now.
    private struct Served {
        /// Of the queues, in the order of the table.
        var keys: [UInt64] = []
        var generation: UInt64 = 1
    }

    let pool: ExecutorPool
    /// A seat a thread; generations are those of the pool's table.
    private let epochs: Epochs
    /// By the queue's number.
    private let series: UnsafeMutablePointer<Series>
    private let names: Names
    private let served = Mutex(Served())

    /// Not started yet.
    init(_ configuration: GatewayConfiguration, reactors: Int, _ metrics: MetricsRegistry, _ logger: Logger) throws {
        let settings = Self.settings(configuration, reactors: reactors)
        let epochs = Epochs(seats: ExecutorPool.slotCount(threads: settings.threads))
        nonisolated(unsafe) let series = UnsafeMutablePointer<Series>.allocate(capacity: 2 * VersionSlots.limit)
        let supervisor = metrics.shard(Self.supervisorShard(configuration, reactors))
        let names = Names()
        let hooks = ExecutorHooks(
            startThread: { ReactorThread.start($0, $1) },
            ran: { slot, tag, batch in
                let shard = metrics.shard(reactors + slot)
                if let batchSize = series[tag].batchSize { shard.observe(batchSize, value: UInt64(batch.rows)) }
                shard.observe(series[tag].compute, nanos: batch.endedAt &- batch.startedAt)
                shard.add(series[tag].cost, batch.processorNanos)
            },
            quiescent: { slot, generation in epochs.announce(generation, seat: slot) },
            stuck: { tag, nanos, isReplaced in
                supervisor.add(series[tag].stuck)
                logger.error(
                    """
                    \(names[tag]): an executor is stuck in a batch since \(nanos / 1_000_000) ms; \
                    \(isReplaced ? "another thread has taken its place" : "there is no thread left to take its place")
                    """)
            })
        (self.epochs, self.series, self.names) = (epochs, series, names)
        let pool = ExecutorPool(settings, hooks: hooks)
        self.pool = pool
        try metrics.gauge("serin_executors", "Threads that score, those that are stuck included.") {
            Double(pool.aliveCount)
        }
    }

    deinit { series.deallocate() }

    private static func settings(_ configuration: GatewayConfiguration, reactors: Int) -> ExecutorSettings {
        var settings = ExecutorSettings()
        settings.threads = threads(configuration, reactors: reactors)
        settings.spinNanos = configuration.executors.spinNanos
        settings.stuckNanos = configuration.executors.stuckNanos
        settings.niceness = configuration.executors.niceness
        settings.processors = configuration.executors.processors
        return settings
    }

    func start() { pool.start() }

    func stop() { pool.stop() }

    // MARK: Versions that come and go

    /// Serves the queues of these versions from now on; returns the generation of executors that have no others. One
    /// thread at a time calls it.
    @discardableResult
    func serve(_ versions: [ServedVersion]) -> UInt64 {
        served.withLock { served in
            // Explanations may become ready at any moment: looked at once.
            let queues = versions.map { (version: $0, explained: $0.explanations.explained) }
            let keys: [UInt64] = queues.flatMap { version, explained in
                [2 * version.serial] + (explained == nil ? [] : [2 * version.serial + 1])
            }
            if keys == served.keys { return served.generation }
            for (version, explained) in queues {
                if !served.keys.contains(2 * version.serial) { declare(version) }
                if let explained, !served.keys.contains(2 * version.serial + 1) { declare(explained, of: version) }
            }
            served.keys = keys
            served.generation = pool.serve(
                queues.flatMap { version, explained in
                    [version.queue.queue] + (explained.map { [$0.queue] } ?? [])
                })
            return served.generation
        }
    }

    private func declare(_ version: ServedVersion) {
        (series + version.slot).initialize(
            to: Series(
                batchSize: version.metrics.batchSize, compute: version.metrics.compute,
                cost: version.metrics.cost.score, stuck: version.queue.metrics.stuck))
        names[version.slot] = "\(version.name)/\(version.version)"
    }

    private func declare(_ explained: ExplainedVersion, of version: ServedVersion) {
        (series + explained.queue.tag).initialize(
            to: Series(
                batchSize: nil, compute: explained.metrics.compute, cost: version.metrics.cost.explain,
                stuck: version.queue.metrics.stuck))
        names[explained.queue.tag] = "the explanations of \(version.name)/\(version.version)"
    }

    /// The oldest generation that an executor may look at.
    var oldest: UInt64 { epochs.oldest() }

    /// What queues are called, by their number.
    private final class Names: Sendable {
        private let names = Mutex<[Int: String]>([:])

        subscript(slot: Int) -> String {
            get { names.withLock { $0[slot] ?? "" } }
            set { names.withLock { $0[slot] = newValue } }
        }
    }

    // MARK: Threads

    static func threads(_ configuration: GatewayConfiguration, reactors: Int) -> Int {
        configuration.executors.threads == 0 ? reactors : configuration.executors.threads
    }

    /// Shards of the metrics, for every thread that counts.
    static func shards(_ configuration: GatewayConfiguration, reactors: Int) -> Int {
        supervisorShard(configuration, reactors) + 2
    }

    private static func supervisorShard(_ configuration: GatewayConfiguration, _ reactors: Int) -> Int {
        reactors + ExecutorPool.slotCount(threads: threads(configuration, reactors: reactors))
    }

    static func shadowShard(
        _ configuration: GatewayConfiguration, _ reactors: Int, _ metrics: MetricsRegistry
    ) -> MetricsShard {
        metrics.shard(supervisorShard(configuration, reactors) + 1)
    }

    /// Pins the calling reactor's thread, where the configuration says to what.
    static func place(reactor index: Int, _ configuration: GatewayConfiguration) {
        let processors = configuration.executors.reactorProcessors
        if !processors.isEmpty { _ = clinux_pin_thread(Int32(processors[index % processors.count])) }
    }
}
