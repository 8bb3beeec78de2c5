// The queue of one model version: what reactors have handed over and executors have not yet taken.
//
//     reactors ─push─► ring (high)   ─┐                 ┌► heap (high)   ─┐
//              ─push─► ring (normal) ─┼─ the token's ───┼► heap (normal) ─┼─► batch ─► score, with no token
//              ─push─► ring (low)    ─┘   holder drains └► heap (low)    ─┘
//
//     token    0 free, 1 held     an executor makes a batch; another one goes to another version meanwhile
//     running  executors that score the version's batches now
//     waiting  jobs in heaps      written by the token's holder, read by those who look for work
//
// Reactors never wait: they push into a lock-free ring, or refuse. The order (earliest deadline first within a class)
// needs more than a ring, so the executor that takes the token moves what has come into heaps of its own and takes a
// batch off them, about a microsecond for 64 requests. The token is tried, never waited for. Whoever lets it go, or
// stops running, and leaves work that another executor could take, wakes one: that and WakeWord's rule are why no job
// is left lying.

internal import Inference
internal import Synchronization

// SAFETY: rings and atomics are for everybody. `state` belongs to the holder of the token: taken by an acquiring
// exchange, let go by a releasing store.
public final class VersionQueue: @unchecked Sendable {
    /// One class of requests, on lines of its own.
    struct Lane: ~Copyable {
        let ring: BoundedRing
        /// Jobs between admission and the batch that takes their last row.
        let requests = Atomic<Int>(0)
        /// Their rows that no batch has taken.
        let rows = Atomic<Int>(0)
        /// The queue stands: StandingQueue.
        let isStanding = Atomic<Bool>(false)
        private let padding: InlineArray<10, UInt64> = .init(repeating: 0)

        init(capacity: Int) { ring = BoundedRing(capacity: capacity) }
    }

    /// What the token guards.
    struct State: ~Copyable {
        var heaps: UnsafeMutablePointer<DeadlineHeap>
        var standing: InlineArray<3, StandingQueue>
        /// Batches that took from others while the class waited.
        var passedBy: InlineArray<3, Int> = .init(repeating: 0)

        init(_ limits: QueueLimits) {
            heaps = .allocate(capacity: Priority.allCases.count)
            for index in 0..<Priority.allCases.count {
                (heaps + index).initialize(to: DeadlineHeap(capacity: limits.requests))
            }
            let queue = StandingQueue(targetNanos: limits.targetNanos, intervalNanos: limits.intervalNanos)
            standing = .init(repeating: queue)
        }

        deinit {
            heaps.deinitialize(count: Priority.allCases.count)
            heaps.deallocate()
        }
    }

    /// The gateway's number for the version.
    public let tag: Int
    public let limits: QueueLimits
    public let cost: BatchCost
    let scoring: ScoringFunction
    let lanes: UnsafeMutablePointer<Lane>
    let token = Atomic<Bool>(false)
    let running = Atomic<Int>(0)
    let waiting = Atomic<Int>(0)
    /// While a batch lingers, nobody need look before.
    let readyAt = Atomic<UInt64>(0)
    /// Executors that were replaced while they ran the version, and have not come back.
    let stuck = Atomic<Int>(0)
    /// Executors that may run it; set by the pool it joins.
    let parallelism = Atomic<Int>(1)
    /// What executors have spent on it, divided by its share: who has the least is next.
    let virtualTime = Atomic<UInt64>(0)
    let load = OfferedLoad()
    /// How waits turn out against what admission thought, in 1024ths.
    let stretch = Atomic<Int>(1024)
    var state: State

    public init(
        tag: Int, limits: QueueLimits, scoring: ScoringFunction, nanosAlone: Double, nanosInBatch: Double
    ) {
        self.tag = tag
        self.limits = limits
        self.scoring = scoring
        cost = BatchCost(alone: nanosAlone, inBatch: nanosInBatch)
        lanes = .allocate(capacity: Priority.allCases.count)
        for index in 0..<Priority.allCases.count {
            (lanes + index).initialize(to: Lane(capacity: limits.requests))
        }
        state = State(limits)
    }

    deinit {
        lanes.deinitialize(count: Priority.allCases.count)
        lanes.deallocate()
    }

    /// Jobs that no batch has taken whole.
    public var requestCount: Int {
        (0..<Priority.allCases.count).reduce(0) { $0 + lanes[$1].requests.load(ordering: .relaxed) }
    }

    /// Nobody waits and nobody runs.
    public var isIdle: Bool { requestCount == 0 && running.load(ordering: .acquiring) == 0 }

    /// Rows of one batch, as the present cost has it.
    var rowsMax: Int { min(limits.batchRows, cost.rows(in: limits.batchNanos)) }

    // MARK: Looking for work

    /// Whether an executor could take a batch at `now`; `due` becomes the moment at which a lingering one is ready.
    func hasWork(at now: UInt64, due: inout UInt64) -> Bool {
        step()
        if token.load(ordering: .acquiring) { return false }
        if running.load(ordering: .acquiring) >= parallelism.load(ordering: .relaxed) { return false }
        for index in 0..<Priority.allCases.count where !lanes[index].ring.isEmpty { return true }
        step()
        guard waiting.load(ordering: .acquiring) > 0 else { return false }
        let ready = readyAt.load(ordering: .relaxed)
        if ready > now { due = min(due, ready) }
        return ready <= now
    }

    /// False: another executor has it.
    func takeToken() -> Bool {
        step()
        return !token.exchange(true, ordering: .acquiringAndReleasing)
    }

    /// Sequenced so that an executor that looked while it was held is seen by who wakes one afterwards.
    func releaseToken() {
        step()
        token.store(false, ordering: .releasing)
    }
}
