// What a start serves: the state's last word where it has one, the configuration's route where it has none.
//
//     to be loaded = what `load` selects, what an operator loaded, what the routes name, less what an operator unloaded
//
// A bundle that the state needs and that is gone or does not pass the gate is not replaced by another: its model serves
// what it can, says what it cannot, and is not ready.

import Admin
import Codec
import Configuration
import Foundation
import Logging
import Registry
import Rollout
import State

struct ControlStart {
    private let configuration: GatewayConfiguration
    private let store: StateStore
    private let logger: Logger
    private let loader: SnapshotLoader

    init(
        _ configuration: GatewayConfiguration, metrics: GatewayMetrics, store: StateStore, logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.logger = logger
        loader = SnapshotLoader(configuration, metrics: metrics, logger: logger)
    }

    func run() throws -> ControlState {
        if let aside = store.setAside {
            logger.error("\(aside); canaries are at 0 and the configuration's stable versions serve")
        }
        var state = ControlState(configuration: configuration)
        let records = try store.models()
        let plan = try ServingPlan(configuration, routed: records.map(\.name))
        for warning in plan.warnings { logger.warning("\(warning)") }
        let wanted = try store.versions()
        let rollouts = try store.rollouts().filter { !$0.isOver }.map { StoredRollout($0) }
        for entry in plan.models {
            var model = ControlledModel(
                name: entry.name, settings: entry.configuration, route: entry.configuration.route)
            // After a corrupted file nothing says which candidate was still wanted.
            if store.setAside != nil { model.route = RouteConfiguration(stable: entry.stableVersion) }
            if let record = records.first(where: { $0.name == entry.name }) { restore(record, &model) }
            let rollout = rollouts.first { $0.record.model == entry.name }
            if let rollout { model.route = rollout.route(model.route) }
            load(entry, wanted.filter { $0.model == entry.name }, rollout, &model, &state)
            state.models.append(model)
        }
        for record in records where state.index(of: record.name) == nil {
            logger.error("the state has a route of \(record.name), which \(configuration.repository) does not hold")
            var model = ControlledModel(
                name: record.name, settings: configuration.model(named: record.name), route: RouteConfiguration())
            restore(record, &model)
            for version in model.route.versions { model[version] = missing(version) }
            state.models.append(model)
        }
        try seed(&state)
        return state
    }

    private func missing(_ version: String) -> ControlledVersion {
        var missing = ControlledVersion(version)
        (missing.state, missing.error) = (.end, "the repository does not hold it")
        return missing
    }

    private func restore(_ record: StateStore.ModelRecord, _ model: inout ControlledModel) {
        guard let route = RouteText.decode(record.route) else {
            logger.error("\(record.name): the state's route cannot be read; the configuration's is served")
            return
        }
        if route != model.route, model.settings.route != RouteConfiguration() {
            let hint = "serin ctl route \(record.name) --from-config applies it"
            logger.warning(
                "\(record.name): the configuration's route differs from the state's, which is in force; \(hint)")
        }
        model.route = route
        model.generation = record.generation
        model.previous = record.previous.flatMap(RouteText.decode)
        model.pinnedUntil = record.pinnedUntil
    }

    private func load(
        _ entry: ServingPlan.Model, _ wanted: [StateStore.VersionRecord], _ rollout: StoredRollout?,
        _ model: inout ControlledModel, _ state: inout ControlState
    ) {
        let watched = rollout?.machine.map { [$0.stable, $0.candidate] } ?? []
        let named = model.route.versions + (model.previous?.versions ?? []) + watched
        for version in Set(entry.available + named).sorted(by: {
            ControlledModel.number($0) < ControlledModel.number($1)
        }) {
            guard entry.available.contains(version) else {
                model[version] = missing(version)
                logger.error("\(model.name)/\(version) is in the route, but the repository does not hold it")
                continue
            }
            var controlled = ControlledVersion(version)
            let asked = wanted.first { $0.version == version }?.isWanted
            if named.contains(version) || asked ?? entry.versions.contains(version) {
                load(&controlled, model, wanted.first { $0.version == version }, &state)
            }
            model[version] = controlled
        }
    }

    private func load(
        _ version: inout ControlledVersion, _ model: ControlledModel, _ record: StateStore.VersionRecord?,
        _ state: inout ControlState
    ) {
        guard let slot = state.slots.take("\(model.name)/\(version.version)") else {
            (version.state, version.error) = (.end, "\(VersionSlots.limit) versions are loaded already")
            return
        }
        switch loader.load(model.settings, version.version, slot: slot, serving: nil) {
        case .success(let served):
            if let digest = record?.digest, !digest.isEmpty, digest != served.bundle.sourceDigest.description {
                state.slots.give(slot)
                (version.state, version.error) = (.end, "its model is not the one that was loaded before: \(digest)")
                logger.error("\(model.name)/\(version.version) stays out: \(version.error ?? "")")
                return
            }
            (version.state, version.served) = (.available, served)
        case .failure(let error):
            state.slots.give(slot)
            (version.state, version.error) = (.end, error.description)
        }
    }

    /// Routes of the configuration become the state's, once.
    private func seed(_ state: inout ControlState) throws {
        guard store.folder != nil else { return }
        var change = StateStore.Change()
        for index in state.models.indices where state.models[index].generation == 0 {
            guard state.models[index].route != RouteConfiguration() else { continue }
            state.models[index].generation = 1
            let (name, route) = (state.models[index].name, RouteText.encode(state.models[index].route))
            change.models.append(.init(name: name, generation: 1, route: route))
            change.audit.append(
                AuditEntry(
                    actor: "configuration", origin: "start", action: "seed", model: name, after: route,
                    reason: "the state had no route of this model"))
        }
        if !change.models.isEmpty { try store.commit(change) }
    }
}

/// Routes as the state and the audit log keep them: JSON with its keys in order.
enum RouteText {
    static func encode(_ route: RouteConfiguration) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(route) else { preconditionFailure("a route is JSON") }
        return String(decoding: data, as: UTF8.self)
    }

    static func decode(_ text: String) -> RouteConfiguration? {
        try? JSONDecoder().decode(RouteConfiguration.self, from: Data(text.utf8))
    }
}
