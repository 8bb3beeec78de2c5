// One reactor's counters for a guard: the write side, on the way of every request.
//
//     shard ─┬─ openTick                                  the tick of the round that runs, .max while it sleeps
//            ├─ ring of slots, one a (tick, ρ-epoch)
//            │    slot: tick | epoch | τ_1…τ_4 | stable: 32 cells | canary: 32 cells
//            │                                    └─ requests settled late … scores[16]: two cache lines an arm
//            └─ latencies: a histogram an arm, 16 buckets a power of two
//
// A request is counted into the slot of the tick in which it was *routed*, and so is all that becomes of it: the ticket
// that `route` gives out names the slot, and carries the slot's generation, so that an outcome that comes after the slot
// was taken again is dropped and not counted into a stranger's cohort.  One thread writes a shard: an increment is a plain
// load, add and store.  Measured (Benchmarks/counting): route and settle together well below 20 ns.

public import Synchronization

/// Which of the two arms of a guard.
public enum GuardArm: UInt8, Sendable {
    case stable, canary
}

/// What a counted request keeps until its outcome is known. 16 bytes, no reference.
public struct GuardTicket: Sendable {
    @usableFromInline var slot: UInt32
    @usableFromInline var generation: UInt32
    @usableFromInline var arm: GuardArm
    /// The first request of its key: its outcome is an event.
    @usableFromInline var isFirst: Bool
    /// Whether it counts at all.
    public let isCounted: Bool

    @usableFromInline
    init(slot: UInt32, generation: UInt32, arm: GuardArm, isFirst: Bool) {
        (self.slot, self.generation, self.arm) = (slot, generation, arm)
        (self.isFirst, isCounted) = (isFirst, true)
    }

    /// Override, segment, label and shadow traffic, and requests that came too late for any version.
    public static let uncounted = GuardTicket()

    private init() {
        (slot, generation, arm) = (0, 0, .stable)
        (isFirst, isCounted) = (false, false)
    }
}

/// How a request ended.
public struct GuardOutcome: Sendable {
    /// From its first byte to its answer.
    public var nanos: UInt64
    /// Non-finite score, executor fault, internal error, or refused because the arm's own lane was full.
    public var isError: Bool
    /// The full tier answered; a fallback's answer is late, whenever it came.
    public var isFull: Bool
    /// Of the first row; NaN: none.
    public var score: Double
    /// The decision at the model's threshold.
    public var isPositive: Bool

    @inlinable
    public init(nanos: UInt64, isError: Bool, isFull: Bool, score: Double, isPositive: Bool) {
        self.nanos = nanos
        self.isError = isError
        self.isFull = isFull
        self.score = score
        self.isPositive = isPositive
    }
}

/// The write handle of one reactor. Valid as long as its `GuardCounters`; two threads never share one.
public struct GuardShard: @unchecked Sendable {
    // SAFETY: one thread writes the cells and the ring, with relaxed stores (the slot's tick with release, after its cells
    // are zero); the collector loads them. The counters keep the memory until they are released themselves.
    @usableFromInline let memory: UnsafeMutablePointer<GuardShardMemory>

    @usableFromInline
    init(memory: UnsafeMutablePointer<GuardShardMemory>) { self.memory = memory }

    /// A round begins: what it routes belongs to this tick.
    @inlinable
    public func begin(tick: UInt64) { memory.pointee.openTick.store(tick, ordering: .releasing) }

    /// The reactor waits for events: nothing is routed until it wakes.
    @inlinable
    public func sleep() { memory.pointee.openTick.store(.max, ordering: .releasing) }

    /// Counts a request of an arm's own traffic.
    /// - Parameters:
    ///   - epoch: of the route by which the arm was chosen.
    ///   - keyHash: of the sticky key by which it was chosen; 0: none.
    @inlinable
    public func route(_ arm: GuardArm, epoch: UInt32, tick: UInt64, keyHash: UInt64 = 0) -> GuardTicket {
        let memory = memory
        if memory.pointee.tick != tick || memory.pointee.epoch != epoch { claim(tick: tick, epoch: epoch) }
        let slot = memory.pointee.current
        bump(cells(slot, arm), .requests)
        memory.pointee.unsettled.store(memory.pointee.unsettled.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        return GuardTicket(
            slot: slot, generation: memory.pointee.generation, arm: arm,
            isFirst: memory.pointee.firstKeys.claim(keyHash))
    }

    /// Counts what became of a request, exactly once.
    @inlinable
    public func settle(_ ticket: GuardTicket, _ outcome: GuardOutcome) {
        guard ticket.isCounted else { return }
        let memory = memory
        observe(outcome.nanos, ticket.arm)
        // Last, with release: who sees nothing unsettled may free the memory.
        defer {
            let left = memory.pointee.unsettled.load(ordering: .relaxed) &- 1
            memory.pointee.unsettled.store(left, ordering: .releasing)
        }
        guard isCurrent(ticket) else { return }
        let cells = cells(ticket.slot, ticket.arm)
        if !outcome.isFull || outcome.nanos > memory.pointee.budgetNanos { bump(cells, .late) }
        countSlower(outcome.nanos, slot: ticket.slot, cells)
        if outcome.isError {
            bump(cells, .errors)
            if ticket.isFirst { bump(cells, .errorEvents) }
        } else if outcome.isFull {
            countScore(outcome, isFirst: ticket.isFirst, cells)
        }
        // Last, with release: who sees it settled sees what became of it.
        let settled = cells + Cell.settled.rawValue
        settled.pointee.store(settled.pointee.load(ordering: .relaxed) &+ 1, ordering: .releasing)
    }
}

// MARK: Cells

extension GuardShard {
    /// A cell's place in an arm's 32.
    @usableFromInline
    enum Cell: Int {
        case requests, settled, late, errors, errorEvents, positives, positiveEvents
        /// 4 of them.
        case slower
        /// 16 of them.
        case scores = 16
    }

    @usableFromInline typealias Cells = UnsafeMutablePointer<Atomic<UInt32>>

    @inlinable
    func cells(_ slot: UInt32, _ arm: GuardArm) -> Cells {
        memory.pointee.cells + (Int(slot) &* 2 &+ Int(arm.rawValue)) &* GuardShardMemory.cellsAnArm
    }

    @inlinable
    func bump(_ cells: Cells, _ cell: Cell, offset: Int = 0) {
        let place = cells + (cell.rawValue &+ offset)
        place.pointee.store(place.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// Whether the ticket's slot still holds its cohort.
    @inlinable
    func isCurrent(_ ticket: GuardTicket) -> Bool {
        memory.pointee.slots[Int(ticket.slot)].generation == ticket.generation
    }

    @inlinable
    func observe(_ nanos: UInt64, _ arm: GuardArm) {
        let bucket = LatencyBuckets.bucket(of: nanos) &+ Int(arm.rawValue) &* LatencyBuckets.count
        let place = memory.pointee.latencies + bucket
        place.pointee.store(place.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// τ ascend, so the first that is not passed ends it.
    @inlinable
    func countSlower(_ nanos: UInt64, slot: UInt32, _ cells: Cells) {
        let slots = memory.pointee.slots
        var quantile = 0
        while quantile < ArmCounts.quantileCount, nanos > slots[Int(slot)].thresholds[quantile] {
            bump(cells, .slower, offset: quantile)
            quantile &+= 1
        }
    }

    @inlinable
    func countScore(_ outcome: GuardOutcome, isFirst: Bool, _ cells: Cells) {
        if outcome.isPositive {
            bump(cells, .positives)
            if isFirst { bump(cells, .positiveEvents) }
        }
        guard isFirst, outcome.score == outcome.score else { return }
        // 15 inner edges: four halvings without a branch.
        let edges = memory.pointee.edges
        var bin = 0
        bin = outcome.score >= edges[bin &+ 7] ? bin &+ 8 : bin
        bin = outcome.score >= edges[bin &+ 3] ? bin &+ 4 : bin
        bin = outcome.score >= edges[bin &+ 1] ? bin &+ 2 : bin
        bin = outcome.score >= edges[bin] ? bin &+ 1 : bin
        bump(cells, .scores, offset: bin)
    }

    /// Takes the next slot for a (tick, epoch), once a tick.
    @usableFromInline
    func claim(tick: UInt64, epoch: UInt32) { GuardShardMemory.claim(memory, tick: tick, epoch: epoch) }
}
