// A model as the control plane knows it: its route, and every version with its state.
//
//     START ──load──► LOADING ──gate passed──► AVAILABLE ──unload──► UNLOADING ──nobody holds it──► END
//                        └──────gate failed──► END, with the reason

import Codec
import Configuration
import Monitoring
import Primitives

struct ControlledVersion {
    let version: String
    var state = VersionStatus.State.start
    /// Why it is not available.
    var error: String?
    /// From AVAILABLE until it is freed.
    var served: ServedVersion?
    /// The publication's generation from which no route leads to it; set with UNLOADING.
    var leftAt: UInt64 = 0
    /// The generation from which no executor looks at its queue; 0: they serve it.
    var queueLeftAt: UInt64 = 0

    init(_ version: String) { self.version = version }

    var isReady: Bool { state == .available }

    /// Whether another version of the model stands on its ladder.
    func falls(backOn other: String) -> Bool {
        served?.queue.tiers.contains { $0.answer == .version(other) } ?? false
    }
}

struct ControlledModel {
    let name: String
    var settings: ModelConfiguration
    var route: RouteConfiguration
    /// Of the route; 0: it is the configuration's, and nobody has changed it.
    var generation: UInt64 = 0
    var previous: RouteConfiguration?
    /// Milliseconds since 1970.
    var pinnedUntil: Int64?
    /// What a rollout's guard counts; nil: none runs.
    var guarded: GuardedRoute?
    /// The lowest number first.
    var versions: [ControlledVersion] = []

    subscript(version: String) -> ControlledVersion? {
        get { versions.first { $0.version == version } }
        set {
            guard let newValue else { return }
            if let index = versions.firstIndex(where: { $0.version == version }) {
                versions[index] = newValue
            } else {
                versions.append(newValue)
                versions.sort { Self.number($0.version) < Self.number($1.version) }
            }
        }
    }

    static func number(_ version: String) -> Int64 { ModelIdentifier.versionNumber(version) ?? 0 }

    /// The version that gets what no share takes; nil: none is ready.
    var stable: ServedVersion? {
        if let wanted = route.stable { return self[wanted].flatMap { $0.isReady ? $0.served : nil } }
        return versions.last { $0.isReady }?.served
    }

    /// As the data plane lists it.
    var listed: Snapshot.ListedModel {
        Snapshot.ListedModel(
            name: name, versions: versions.filter(\.isReady).compactMap { $0.served?.slot }, stable: stable?.slot,
            isRequired: settings.isRequired,
            statuses: versions.map { VersionStatus(version: $0.version, state: $0.state, error: $0.error) },
            route: route, guarded: guarded)
    }
}

/// Everything that changes, behind the controller's lock.
struct ControlState {
    var configuration: GatewayConfiguration
    var models: [ControlledModel] = []
    var slots = VersionSlots()
    /// Arms whose weight a metric shows: model, version, arm.
    var weighed: Set<[String]> = []
    /// False: another process has the state.
    var isOpen = true
    /// What prediction ids are made with.
    var predictionKey: PredictionKey?
    /// What is missing on the ladders, as it was last said.
    var ladderProblems: [String] = []

    func index(of name: String) -> Int? { models.firstIndex { $0.name == name } }

    /// Every version that has memory, whatever its state.
    var served: ServedVersions { ServedVersions(models.flatMap { $0.versions.compactMap(\.served) }) }

    /// Versions whose queues executors serve.
    var queued: [ServedVersion] {
        models.flatMap { $0.versions.compactMap { $0.queueLeftAt == 0 ? $0.served : nil } }
    }

    func snapshot(_ names: FieldNames) -> Snapshot {
        Snapshot(
            versions: served, models: models.map(\.listed), fieldNames: names, predictionKey: predictionKey)
    }
}
