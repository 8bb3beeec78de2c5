// One reactor's way to the executors: which lane each version's requests take, and where finished ones come back.

import Batching
import Execution
import Inference
import Reactor

/// Of a reactor's thread only, but for the completions' own atomics.
final class PooledLanes {
    struct Version {
        let queue: Unmanaged<VersionQueue>
        let metrics: QueueMetrics
        let rungs: UnsafeMutablePointer<Rung>
        let rungCount: Int
        var choice: LaneChoice
        /// Requests of this reactor that executors have.
        var pending = 0
    }

    /// Requests that one reactor may have with executors.
    static let outstandingMax = 4096

    let pool: ExecutorPool
    /// In the snapshot's order.
    let versions: UnsafeMutablePointer<Version>
    private let count: Int
    private(set) var completions: UnsafeMutablePointer<CompletionLane>
    private var isOpen = false
    /// Something was pushed in this round.
    var hasPushed = false
    /// The completions' wake-up keeps this.
    private var reactor: Reactor?

    init(_ pool: ExecutorPool, _ served: [ServedVersion]) {
        self.pool = pool
        count = served.count
        versions = .allocate(capacity: max(count, 1))
        completions = .allocate(capacity: 1)
        for (index, version) in served.enumerated() {
            (versions + index).initialize(
                to: Version(
                    queue: .passUnretained(version.queue.queue), metrics: version.queue.metrics,
                    rungs: version.queue.ladder.rungs, rungCount: version.queue.ladder.count,
                    choice: LaneChoice(version.queue.lane, limitNanos: version.queue.inlineLimitNanos)))
        }
    }

    /// Finished requests come back to this reactor.
    func open(waking reactor: Reactor) {
        self.reactor = reactor
        isOpen = true
        completions.initialize(
            to: CompletionLane(
                capacity: Self.outstandingMax, context: Unmanaged.passUnretained(reactor).toOpaque(),
                wake: { context in
                    Unmanaged<Reactor>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.wake() }
                }))
    }

    deinit {
        if isOpen { completions.deinitialize(count: 1) }
        completions.deallocate()
        versions.deallocate()
    }
}
