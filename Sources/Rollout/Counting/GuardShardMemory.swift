// Where a shard's counters lie, and how a slot of its ring changes hands.

public import Synchronization

/// A slot's identity; the cells lie apart.
@usableFromInline
struct GuardSlot: ~Copyable {
    /// Of the cohort; `GuardShardMemory.free` while it is being cleared. Stored with release after the cells are zero.
    @usableFromInline let tick = Atomic<UInt64>(GuardShardMemory.free)
    @usableFromInline let epoch = Atomic<UInt32>(0)
    /// How often it was taken; only the shard's own thread looks.
    @usableFromInline var generation: UInt32 = 0
    /// τ_j of its epoch, ascending; .max: none.
    @usableFromInline var thresholds = SIMD4<UInt64>(repeating: .max)

    init() {}
}

@usableFromInline
struct GuardShardMemory: ~Copyable {
    @usableFromInline static let cellsAnArm = 32
    static let free = UInt64.max

    /// The tick of the round that runs; .max: the reactor sleeps.
    @usableFromInline let openTick = Atomic<UInt64>(.max)
    /// Requests that were routed and are not settled: while there is one, the memory must stay.
    @usableFromInline let unsettled = Atomic<Int>(0)
    // The slot in use; the shard's own thread only.
    @usableFromInline var tick = UInt64.max
    @usableFromInline var epoch: UInt32 = 0
    @usableFromInline var current: UInt32 = 0
    @usableFromInline var generation: UInt32 = 0

    @usableFromInline let budgetNanos: UInt64
    @usableFromInline let slots: UnsafeMutablePointer<GuardSlot>
    @usableFromInline let cells: UnsafeMutablePointer<Atomic<UInt32>>
    @usableFromInline let latencies: UnsafeMutablePointer<Atomic<UInt32>>
    /// The 15 inner edges of the score bins; shared by the shards, never written after the start.
    @usableFromInline let edges: UnsafePointer<Double>
    @usableFromInline let firstKeys: KeyBitmap
    let epochs: UnsafePointer<GuardEpochEntry>
    let slotCount: Int

    init(_ counters: GuardCounters) {
        slotCount = counters.slotCount
        budgetNanos = counters.shape.budgetNanos
        slots = .allocate(capacity: slotCount)
        for index in 0..<slotCount { (slots + index).initialize(to: GuardSlot()) }
        cells = Self.zeros(slotCount * 2 * Self.cellsAnArm)
        latencies = Self.zeros(2 * LatencyBuckets.count)
        edges = UnsafePointer(counters.edges)
        firstKeys = counters.firstKeys
        epochs = UnsafePointer(counters.epochs)
    }

    /// On cache lines of their own.
    private static func zeros(_ count: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 128)
        let cells = bytes.bindMemory(to: Atomic<UInt32>.self, capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
        return cells
    }

    deinit {
        slots.deinitialize(count: slotCount)
        slots.deallocate()
        UnsafeMutableRawPointer(cells).deallocate()
        UnsafeMutableRawPointer(latencies).deallocate()
    }

    /// The next slot becomes the cohort of (tick, epoch). What it held is gone: the ring is long enough that it was
    /// final, and collected, long before.
    ///
    /// A field at a time is assigned, of the shard as of the slot: the collector reads the atomics beside them, so nobody
    /// may have the whole of either for writing, as a mutating method and `+=` have.
    static func claim(_ shard: UnsafeMutablePointer<Self>, tick: UInt64, epoch: UInt32) {
        let current = (shard.pointee.current + 1) & UInt32(shard.pointee.slotCount - 1)
        let slot = shard.pointee.slots + Int(current)
        let generation = slot.pointee.generation &+ 1
        slot.pointee.tick.store(Self.free, ordering: .relaxed)
        atomicMemoryFence(ordering: .acquiringAndReleasing)
        slot.pointee.generation = generation
        slot.pointee.epoch.store(epoch, ordering: .relaxed)
        slot.pointee.thresholds = shard.pointee.epochs[Int(epoch) % GuardCounters.epochsKept].thresholds(of: epoch)
        let first = shard.pointee.cells + Int(current) * 2 * Self.cellsAnArm
        for cell in 0..<2 * Self.cellsAnArm { (first + cell).pointee.store(0, ordering: .relaxed) }
        slot.pointee.tick.store(tick, ordering: .releasing)
        shard.pointee.current = current
        shard.pointee.tick = tick
        shard.pointee.epoch = epoch
        shard.pointee.generation = generation
    }
}

/// What the control plane announces of an epoch before a route speaks of it.
struct GuardEpochEntry: ~Copyable {
    let epoch = Atomic<UInt32>(.max)
    private let p50 = Atomic<UInt64>(.max)
    private let p90 = Atomic<UInt64>(.max)
    private let p95 = Atomic<UInt64>(.max)
    private let p99 = Atomic<UInt64>(.max)

    init() {}

    /// SAFETY: written by the control plane before the route with this epoch is published, so a reactor that knows the
    /// epoch sees its thresholds; an entry is written again only `epochsKept` changes later.
    func announce(epoch: UInt32, thresholds: SIMD4<UInt64>) {
        p50.store(thresholds[0], ordering: .relaxed)
        p90.store(thresholds[1], ordering: .relaxed)
        p95.store(thresholds[2], ordering: .relaxed)
        p99.store(thresholds[3], ordering: .relaxed)
        self.epoch.store(epoch, ordering: .releasing)
    }

    /// None where the epoch is not the entry's.
    func thresholds(of epoch: UInt32) -> SIMD4<UInt64> {
        guard self.epoch.load(ordering: .acquiring) == epoch else { return SIMD4(repeating: .max) }
        return SIMD4(
            p50.load(ordering: .relaxed), p90.load(ordering: .relaxed), p95.load(ordering: .relaxed),
            p99.load(ordering: .relaxed))
    }
}
