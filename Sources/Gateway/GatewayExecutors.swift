// The executors of a gateway: made of its configuration, and told where to count.
//
//     metrics shards   [ reactor 0 … | executor slot 0 … | supervisor ]      each written by one thread

import Batching
import CLinux
import Configuration
import Logging
import Reactor
import Telemetry

enum GatewayExecutors {
    static func threads(_ configuration: GatewayConfiguration, reactors: Int) -> Int {
        configuration.executors.threads == 0 ? reactors : configuration.executors.threads
    }

    /// Shards of the metrics, for every thread that counts.
    static func shards(_ configuration: GatewayConfiguration, reactors: Int) -> Int {
        reactors + ExecutorPool.slotCount(threads: threads(configuration, reactors: reactors)) + 1
    }

    /// The pool that serves the snapshot's queues; not started.
    static func make(
        _ configuration: GatewayConfiguration, reactors: Int, _ snapshot: Snapshot, _ metrics: MetricsRegistry,
        _ logger: Logger
    ) throws(MetricsError) -> ExecutorPool {
        var settings = ExecutorSettings()
        settings.threads = threads(configuration, reactors: reactors)
        settings.spinNanos = configuration.executors.spinNanos
        settings.stuckNanos = configuration.executors.stuckNanos
        settings.niceness = configuration.executors.niceness
        settings.processors = configuration.executors.processors
        let versions = snapshot.versions
        let supervisor = metrics.shard(shards(configuration, reactors: reactors) - 1)
        let hooks = ExecutorHooks(
            startThread: { ReactorThread.start($0, $1) },
            ran: { slot, tag, rows, startedAt, endedAt in
                let shard = metrics.shard(reactors + slot)
                shard.observe(versions[tag].metrics.batchSize, value: UInt64(rows))
                shard.observe(versions[tag].metrics.compute, nanos: endedAt &- startedAt)
            },
            stuck: { tag, nanos, isReplaced in
                supervisor.add(versions[tag].queue.metrics.stuck)
                logger.error(
                    """
                    \(versions[tag].name)/\(versions[tag].version): an executor is stuck in a batch since \(nanos / 1_000_000) ms; \
                    \(isReplaced ? "another thread has taken its place" : "there is no thread left to take its place")
                    """)
            })
        let pool = ExecutorPool(settings, hooks: hooks)
        pool.serve(versions.map(\.queue.queue))
        try declare(pool, versions, metrics)
        return pool
    }

    private static func declare(
        _ pool: ExecutorPool, _ versions: [ServedVersion], _ metrics: MetricsRegistry
    ) throws(MetricsError) {
        try metrics.gauge("serin_executors", "Threads that score, those that are stuck included.", labels: []) {
            Double(pool.aliveCount)
        }
        for version in versions {
            let queue = version.queue.queue
            try metrics.gauge(
                "serin_queue_requests", "Requests that wait for an executor.",
                labels: [("model", version.name), ("version", version.version)]
            ) { Double(queue.requestCount) }
        }
    }

    /// Pins the calling reactor's thread, where the configuration says to what.
    static func place(reactor index: Int, _ configuration: GatewayConfiguration) {
        let processors = configuration.executors.reactorProcessors
        if !processors.isEmpty { _ = clinux_pin_thread(Int32(processors[index % processors.count])) }
    }
}
