// One reactor's way to the executors: which lane each version's requests take, and where finished ones come back.

import Batching
import Execution
import Inference
import Reactor

/// At an address of its own, so that using it counts no reference; of one reactor's thread, but for the completions' own
/// atomics.
struct PooledLanes: ~Copyable {
    struct Version {
        let queue: Unmanaged<VersionQueue>
        let metrics: QueueMetrics
        var choice: LaneChoice
        /// Larger requests go to executors in either case.
        let inlineRows: Int

        /// Whether a request of so many rows goes to executors.
        @inline(__always)
        func isPooled(_ rows: Int) -> Bool { choice.isPooled || rows > inlineRows }

        /// Requests of this reactor that executors have.
        var pending = 0
    }

    /// Requests that one reactor may have with executors.
    static let outstandingMax = 4096

    private let owner: ExecutorPool
    let pool: Unmanaged<ExecutorPool>
    /// By slot, as the lanes of the reactor itself.
    let versions: UnsafeMutablePointer<Version>
    let completions: UnsafeMutablePointer<CompletionLane>
    /// How long the reactor looks for a request that is alone with the executors.
    let spinNanos: UInt64
    /// Something was pushed since the last signal.
    var hasPushed = false

    /// Finished requests come back to `reactor`, which outlives this.
    init(_ pool: ExecutorPool, waking reactor: Reactor) {
        owner = pool
        self.pool = .passUnretained(pool)
        spinNanos = pool.spinNanos
        versions = .allocate(capacity: VersionSlots.limit)
        completions = .allocate(capacity: 1)
        completions.initialize(
            to: CompletionLane(
                capacity: Self.outstandingMax, context: Unmanaged.passUnretained(reactor).toOpaque(),
                wake: { context in
                    Unmanaged<Reactor>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.wake() }
                }))
    }

    /// A version stands at its slot from now on; executors have nothing of the one before.
    func place(_ version: ServedVersion, isFirst: Bool) {
        precondition(isFirst || versions[version.slot].pending == 0, "a slot that is given again is empty")
        let choice = LaneChoice(version.queue.lane, limitNanos: version.queue.inlineLimitNanos)
        (versions + version.slot).initialize(
            to: Version(
                queue: .passUnretained(version.queue.queue), metrics: version.queue.metrics, choice: choice,
                inlineRows: choice.inlineRows(version.queue.queue.cost)))
    }

    deinit {
        completions.deinitialize(count: 1)
        completions.deallocate()
        versions.deallocate()
    }
}
