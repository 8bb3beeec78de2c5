// The counters of one guard, all shards of them, and the read side: cohorts, merged over the shards.
//
//     reactor 0 ─► shard 0 ─┐
//     reactor 1 ─► shard 1 ─┴─► collect(tick) ─► final cohorts, in order ─► Evaluator.step
//                                            └─► open cohorts            ─► Evaluator.verdict(early:)
//
// A cohort is final when no reactor is still in its tick and nothing of it is pending; at the latest when its last
// deadline has passed, with what is pending then counted late.  The collector waits no longer: a reactor that is stuck
// for good must not keep the guard from seeing it.

internal import Synchronization

/// The sizes and limits of a guard's counters.
public struct GuardCounterShape: Equatable, Sendable {
    /// The SLO: an answer after it is late.
    public var budgetNanos: UInt64
    /// The longest a request may be under way.
    public var deadlineNanos: UInt64
    /// The 15 inner edges of the score bins, ascending; `[e_i, e_i+1)`.
    public var scoreEdges: [Double]
    /// Keys repeat and keep their arm, so that only a key's first request has events and a score.
    public var isSticky: Bool

    public init(budgetNanos: UInt64, deadlineNanos: UInt64, scoreEdges: [Double], isSticky: Bool) {
        self.budgetNanos = budgetNanos
        self.deadlineNanos = deadlineNanos
        self.scoreEdges = scoreEdges
        self.isSticky = isSticky
    }

    public static let tickNanos: UInt64 = 100_000_000
    /// Ten seconds: who waits longer is late, and whether it fails in the end is not waited for. It bounds the ring, and
    /// with it the memory of a guard.
    static let deadlineTicksMax: UInt64 = 100

    /// Ticks after which what is pending of a cohort is over its budget.
    var budgetTicks: UInt64 { min(budgetNanos / Self.tickNanos + 1, Self.deadlineTicksMax) }

    /// Ticks after which a cohort is final whatever is pending.
    var deadlineTicks: UInt64 { min(deadlineNanos / Self.tickNanos + 2, Self.deadlineTicksMax) }
}

// SAFETY: the shards' cells are written by their reactors and read by one collector, all through atomics; what else there
// is is written in init, or by the control plane as `GuardEpochEntry` says.
public final class GuardCounters: @unchecked Sendable {
    static let epochsKept = 16

    public let shape: GuardCounterShape
    let slotCount: Int
    let edges: UnsafeMutablePointer<Double>
    let epochs: UnsafeMutablePointer<GuardEpochEntry>
    let firstKeys: KeyBitmap
    private var memories: [UnsafeMutablePointer<GuardShardMemory>] = []
    public private(set) var shards: [GuardShard] = []
    /// The shares that were announced, of the epochs that are kept.
    private var shares: [UInt32: Double] = [:]
    /// The tick whose cohort is collected next.
    private var nextTick: UInt64

    public init(_ shape: GuardCounterShape, shards count: Int, startTick: UInt64) {
        precondition(shape.scoreEdges.count == ArmCounts.binCount - 1)
        self.shape = shape
        nextTick = startTick
        var size = 64
        // Two epochs a tick, and some ticks for the collector to come by.
        while size < 2 * (Int(shape.deadlineTicks) + 10) { size <<= 1 }
        slotCount = size
        edges = .allocate(capacity: ArmCounts.binCount - 1)
        edges.initialize(from: shape.scoreEdges, count: ArmCounts.binCount - 1)
        epochs = .allocate(capacity: Self.epochsKept)
        for index in 0..<Self.epochsKept { (epochs + index).initialize(to: GuardEpochEntry()) }
        firstKeys = KeyBitmap(isOn: shape.isSticky)
        for _ in 0..<count {
            let memory = UnsafeMutablePointer<GuardShardMemory>.allocate(capacity: 1)
            memory.initialize(to: GuardShardMemory(self))
            memories.append(memory)
            shards.append(GuardShard(memory: memory))
        }
    }

    deinit {
        for memory in memories {
            memory.deinitialize(count: 1)
            memory.deallocate()
        }
        firstKeys.deallocate()
        epochs.deinitialize(count: Self.epochsKept)
        epochs.deallocate()
        edges.deallocate()
    }

    /// Before a route with this epoch is published: its share, and the latencies that its requests are held against.
    public func announce(epoch: UInt32, share: Double, thresholds: SIMD4<UInt64>) {
        shares[epoch] = share
        if epoch >= UInt32(Self.epochsKept) { shares[epoch - UInt32(Self.epochsKept)] = nil }
        epochs[Int(epoch) % Self.epochsKept].announce(epoch: epoch, thresholds: thresholds)
    }

    // MARK: Reading

    /// Cohorts that became final, in order, and those that are still open.
    /// - Parameter tick: the present one; its own cohort is left for later.
    public func collect(tick now: UInt64) -> (final: [Cohort], open: [Cohort]) {
        guard now > nextTick else { return ([], []) }
        let openTicks = memories.map { $0.pointee.openTick.load(ordering: .acquiring) }
        var building: [UInt64: CohortBuilder] = [:]
        for memory in memories { gather(memory, below: now, into: &building) }
        var (final, open): ([Cohort], [Cohort]) = ([], [])
        var allFinal = true
        for tick in nextTick..<now {
            let builder = building[tick]
            let isClosed = openTicks.allSatisfy { $0 > tick }
            let isOverdue = now >= tick + shape.deadlineTicks
            let isFinal = isOverdue || isClosed && builder?.pending ?? 0 == 0
            allFinal = allFinal && isFinal
            // A budget after the end of its tick, what is pending is late already, whenever it will be settled.
            let isLate = isOverdue || now > tick + shape.budgetTicks
            if let cohort = builder?.cohort(tick: tick, isOverdue: isLate, shares: shares) {
                if allFinal { final.append(cohort) } else { open.append(cohort) }
            }
            if allFinal { nextTick = tick + 1 }
        }
        return (final, open)
    }

    /// Requests that were routed and are not settled. Zero after the last route has left them: nobody writes any more.
    public var unsettled: Int { memories.reduce(0) { $0 + $1.pointee.unsettled.load(ordering: .acquiring) } }

    /// Ticks below it are final, whether they had a request or not.
    public var finalTick: UInt64 { nextTick }

    private func gather(
        _ memory: UnsafeMutablePointer<GuardShardMemory>, below now: UInt64,
        into building: inout [UInt64: CohortBuilder]
    ) {
        for index in 0..<slotCount {
            let slot = memory.pointee.slots + index
            let tick = slot.pointee.tick.load(ordering: .acquiring)
            guard tick >= nextTick, tick < now else { continue }
            let first = memory.pointee.cells + index * 2 * GuardShardMemory.cellsAnArm
            let epoch = slot.pointee.epoch.load(ordering: .relaxed)
            let stable = ArmCells(first)
            let canary = ArmCells(first + GuardShardMemory.cellsAnArm)
            // Taken again while it was read: it was final long ago.
            atomicMemoryFence(ordering: .acquiring)
            guard slot.pointee.tick.load(ordering: .relaxed) == tick else { continue }
            building[tick, default: CohortBuilder()].add(epoch: epoch, stable: stable, canary: canary)
        }
    }

    /// An arm's latencies so far, over the shards.
    public func latencies(of arm: GuardArm) -> LatencyHistogram {
        var histogram = LatencyHistogram()
        for memory in memories {
            let first = memory.pointee.latencies + Int(arm.rawValue) * LatencyBuckets.count
            for bucket in 0..<LatencyBuckets.count {
                histogram.counts[bucket] += UInt64((first + bucket).pointee.load(ordering: .relaxed))
            }
        }
        return histogram
    }

    /// τ_j: the quantiles of `histogram` plus the tolerance, ascending; none above the budget, and none at all from fewer
    /// than 1,000 requests.
    public func thresholds(of histogram: LatencyHistogram, toleranceNanos: UInt64) -> SIMD4<UInt64> {
        var thresholds = SIMD4<UInt64>(repeating: .max)
        guard histogram.total >= 1000 else { return thresholds }
        for (index, quantile) in [0.5, 0.9, 0.95, 0.99].enumerated() {
            let nanos = histogram.quantile(quantile) + toleranceNanos
            if nanos <= shape.budgetNanos { thresholds[index] = nanos }
        }
        return thresholds
    }
}
