// Everything the data plane looks up: the routes and the versions they speak of.
//
//     control plane: builds a whole new one ─► Publication ─► every reactor takes it, for one load a request
//
// It never changes; what a request needs of it lies behind raw pointers, so that looking up counts no reference.
// Versions stand at their slots, so that an index means the same in two snapshots that follow each other.

import Codec
import Configuration
import Execution
import Inference
import Monitoring
import Primitives
import Registry
import Routing

// SAFETY: written in init, before it is published; read by all reactors after it.
final class Snapshot: @unchecked Sendable {
    let routes: RouteTable
    /// By slot; keeps them alive.
    let versions: ServedVersions
    /// The same versions in plain words, for the data plane; only taken slots are there.
    let table: UnsafeMutablePointer<VersionEntry>
    /// For listings.
    let models: [ListedModel]
    /// The header fields that routes ask for.
    let fieldNames: FieldNames
    /// Of the versions, which keep them no longer than this.
    private let ladders: [Ladder]
    /// What is missing on the ladders, a sentence each.
    let ladderProblems: [String]
    /// The rollouts' counters that routes of this snapshot lead to.
    let guards: SnapshotGuards

    struct ListedModel: Sendable {
        var name: String
        /// Slots of the versions that are ready, the lowest number first.
        var versions: [Int]
        var stable: Int?
        var isRequired: Bool
        /// All that are known, ready or not, the lowest number first; empty: only those of `versions`.
        var statuses: [VersionStatus] = []
        var route = RouteConfiguration()
        /// nil: no rollout watches.
        var guarded: GuardedRoute?
    }

    init(
        versions: ServedVersions, models: [ListedModel], fieldNames: FieldNames, predictionKey: PredictionKey? = nil
    ) {
        self.versions = versions
        self.models = models
        self.fieldNames = fieldNames
        table = .allocate(capacity: max(versions.limit, 1))
        var schemas: [ModelInput] = []
        var arms: [Int: [(arm: Arm, name: String)]] = [:]
        var routed: [RoutedModel] = []
        for model in models {
            let resolution = RouteResolution(model, versions, fieldNames)
            routed.append(resolution.routed)
            arms.merge(resolution.arms) { $0 + $1 }
            for shadow in resolution.routed.shadows { versions[shadow.index].becomeShadow() }
        }
        var ladders: [Ladder] = []
        var problems: [String] = []
        for slot in versions.indices {
            let version = versions[slot]
            let (ladder, missing) = Ladder.resolve(version, models, versions)
            ladders.append(ladder)
            problems += missing
            let input = version.bundle.input
            let schema = schemas.firstIndex(of: input) ?? schemas.count
            if schema == schemas.count { schemas.append(input) }
            (table + slot).initialize(
                to: VersionEntry(
                    version, schema: schema, arms: arms[slot] ?? [], ladder: ladder, key: predictionKey))
        }
        (self.ladders, ladderProblems) = (ladders, problems)
        guards = Self.place(models, versions, table)
        Self.watch(models, versions, table)
        routes = RouteTable(routed)
    }

    deinit { table.deallocate() }
}

/// Loaded versions at their slots.
struct ServedVersions: Sendable {
    private var slots: [ServedVersion?] = []

    init() {}

    init(_ versions: [ServedVersion]) { for version in versions { insert(version) } }

    mutating func insert(_ version: ServedVersion) {
        while slots.count <= version.slot { slots.append(nil) }
        precondition(slots[version.slot] == nil, "a slot holds one version")
        slots[version.slot] = version
    }

    /// The version at a taken slot.
    subscript(slot: Int) -> ServedVersion {
        guard let version = slots[slot] else { preconditionFailure("a route leads to an empty slot") }
        return version
    }

    /// The taken slots.
    var indices: [Int] { slots.indices.filter { slots[$0] != nil } }

    /// One more than the highest slot.
    var limit: Int { slots.count }
}
