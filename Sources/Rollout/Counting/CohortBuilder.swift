// A cohort while the shards' parts of it are added up.

internal import Synchronization

/// An arm's cells of one slot, read.
struct ArmCells {
    var counts = ArmCounts()
    private let settled: UInt32
    /// Settled when everything else was read.
    private let settledAfter: UInt32

    init(_ cells: UnsafeMutablePointer<Atomic<UInt32>>) {
        func cell(_ cell: GuardShard.Cell, _ offset: Int = 0) -> UInt32 {
            (cells + (cell.rawValue + offset)).pointee.load(ordering: .relaxed)
        }
        // `settled` first: a request that ends while this reads is then pending, never settled without its outcome.
        settled = cell(.settled)
        atomicMemoryFence(ordering: .acquiring)
        counts.requests = cell(.requests)
        counts.late = cell(.late)
        counts.errors = cell(.errors)
        counts.errorEvents = cell(.errorEvents)
        counts.positives = cell(.positives)
        counts.positiveEvents = cell(.positiveEvents)
        for quantile in 0..<ArmCounts.quantileCount { counts.slower[quantile] = cell(.slower, quantile) }
        for bin in 0..<ArmCounts.binCount { counts.scores[bin] = cell(.scores, bin) }
        atomicMemoryFence(ordering: .acquiring)
        settledAfter = cell(.settled)
    }

    var pending: UInt32 { counts.requests &- min(settled, counts.requests) }

    /// A budget after the end of the tick, what is pending has no answer in time.
    var overdue: ArmCounts {
        var counts = counts
        // Those that ended while this was read may be among the late already.
        counts.late += counts.requests &- min(settledAfter, counts.requests)
        return counts
    }
}

struct CohortBuilder {
    private var parts: [(epoch: UInt32, stable: ArmCounts, canary: ArmCounts)] = []
    private var overdueParts: [(epoch: UInt32, stable: ArmCounts, canary: ArmCounts)] = []
    private(set) var pending: UInt32 = 0

    mutating func add(epoch: UInt32, stable: ArmCells, canary: ArmCells) {
        pending += stable.pending + canary.pending
        Self.add(&parts, epoch, stable.counts, canary.counts)
        Self.add(&overdueParts, epoch, stable.overdue, canary.overdue)
    }

    private static func add(
        _ parts: inout [(epoch: UInt32, stable: ArmCounts, canary: ArmCounts)], _ epoch: UInt32, _ stable: ArmCounts,
        _ canary: ArmCounts
    ) {
        if let index = parts.firstIndex(where: { $0.epoch == epoch }) {
            parts[index].stable += stable
            parts[index].canary += canary
        } else {
            parts.append((epoch, stable, canary))
        }
    }

    /// nil: none of its epochs is known. A third epoch in one tick is left out: changes are at least a tick apart.
    func cohort(tick: UInt64, isOverdue: Bool, shares: [UInt32: Double]) -> Cohort? {
        let known: [CohortPart] = (isOverdue ? overdueParts : parts).compactMap { epoch, stable, canary in
            guard let share = shares[epoch] else { return nil }
            var part = CohortPart(epoch: epoch, share: share)
            (part.stable, part.canary) = (stable, canary)
            return part
        }.sorted { $0.epoch < $1.epoch }
        guard let first = known.first else { return nil }
        return Cohort(tick: tick, first: first, second: known.count > 1 ? known[1] : nil)
    }
}
