// What the guard of one model counts, as the data plane sees it.
//
//     rollout ─► GuardedRoute { counters, epoch, stable, canary } ─► the model's route ─► Snapshot ─► VersionEntry.guarded
//
// The epoch travels with the route in one snapshot, so a request is counted at the share by which its arm was drawn. The
// counters outlive the routes: a request may settle long after the last route has left them.

import Configuration
import Execution
import Primitives
import Rollout

/// Of one model; in its route from the start of a rollout to its end, or while it is watched.
struct GuardedRoute: Sendable {
    let counters: GuardCounters
    /// Of the rollout's changes of the share.
    var epoch: UInt32
    /// Versions.
    let stable: String
    let canary: String
    /// A plan moves the traffic, and nobody else; false: people do, and the guard watches.
    var isRollout = true
}

/// The guard of a version, in plain words: whose counters its requests go to, and as what.
struct GuardEntry {
    /// By reactor; nil: nobody watches.
    let shards: UnsafePointer<GuardShard>?
    let arm: GuardArm
    let epoch: UInt32
    /// A row of the cheaper of the two versions: who has less left than this is too late for any.
    let rowNanos: UInt64

    static var none: GuardEntry { GuardEntry(shards: nil, arm: .stable, epoch: 0, rowNanos: 0) }
}

/// The guards of a snapshot, kept with it.
// SAFETY: written in init, before the snapshot is published; read by all reactors after it.
final class SnapshotGuards: @unchecked Sendable {
    let counters: [GuardCounters]
    /// For each of the counters its shards, by reactor.
    let shards: [UnsafeMutablePointer<GuardShard>]

    init(_ counters: [GuardCounters]) {
        self.counters = counters
        shards = counters.map { counters in
            let shards = UnsafeMutablePointer<GuardShard>.allocate(capacity: max(counters.shards.count, 1))
            shards.initialize(from: counters.shards, count: counters.shards.count)
            return shards
        }
    }

    deinit { for pointer in shards { pointer.deallocate() } }
}

extension Snapshot {
    /// Writes into the table which versions' requests are counted.
    static func place(
        _ models: [ListedModel], _ versions: ServedVersions, _ table: UnsafeMutablePointer<VersionEntry>
    ) -> SnapshotGuards {
        let guarded = models.compactMap { model in model.guarded.map { (model, $0) } }
        let guards = SnapshotGuards(guarded.map(\.1.counters))
        for (index, (model, route)) in guarded.enumerated() {
            let slots = model.versions.filter { [route.stable, route.canary].contains(versions[$0].version) }
            let rowNanos = slots.map { UInt64(versions[$0].model.cost.nanosAlone) }.min() ?? 0
            for slot in slots {
                (table + slot).pointee.guarded = GuardEntry(
                    shards: UnsafePointer(guards.shards[index]),
                    arm: versions[slot].version == route.canary ? .canary : .stable, epoch: route.epoch,
                    rowNanos: rowNanos)
            }
        }
        return guards
    }
}
