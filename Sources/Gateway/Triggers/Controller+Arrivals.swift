// New versions: a bundle that arrives in the repository is loaded, or rolled out, where its model's configuration says so.
//
//     a folder ─► whole, and the same at two looks ─► the gate ─► loaded ─► a rollout, by the model's plan ─► started
//                   └─► incomplete: looked at again      └─► refused, until its files change      └─► waiting, tried again
//
// Only what is newer than the stable version counts, the newest first; older arrivals are passed over for it. What was
// done is stored: a version is rolled out by itself once, whatever became of it.

import Admin
import Configuration
import Logging
import Monitoring
import Registry
import Rollout
import State
import Synchronization

extension Controller {
    private static let actor = "repository"

    /// Restores what is known; versions that nobody has dealt with yet and that are there now are known from here on.
    func openArrivals() {
        var rows: [StateStore.ArrivalRow] = []
        do { rows = try store.arrivals() } catch { logger.error("arrivals cannot be restored: \(error)") }
        let watched = watchedModels()
        var seeds = StateStore.Change()
        for model in watched where !rows.contains(where: { $0.model == model.name }) {
            seeds.arrivals += presentVersions(model.name)
        }
        arrivals.withLock { table in
            for row in rows + seeds.arrivals { table.rows[row.model, default: [:]][row.version] = row }
            for model in watched { declare(model.name, &table) }
            table.isOpen = true
        }
        guard !seeds.arrivals.isEmpty else { return }
        do { try store.commit(seeds) } catch { logger.error("arrivals: \(error)") }
    }

    /// What the start has found of a model: known, or refused until its files change.
    private func presentVersions(_ name: String) -> [StateStore.ArrivalRow] {
        let (path, versions) = state.withLock { state in
            (state.configuration.repository, state.models.first { $0.name == name }?.versions ?? [])
        }
        return versions.compactMap { version in
            let identity = BundleIdentity(name: name, version: version.version)
            // A route may name what is not there.
            guard let presence = try? ModelRepository(path: path).presence(of: identity) else { return nil }
            var row = StateStore.ArrivalRow(
                model: name, version: version.version, fingerprint: "", outcome: ArrivalOutcome.known.rawValue,
                reason: "it was there when the gateway began to look", time: AuditEntry.now())
            if let error = version.error, case .whole(let fingerprint) = presence {
                (row.outcome, row.reason, row.fingerprint) = (ArrivalOutcome.refused.rawValue, error, fingerprint)
            }
            return row
        }
    }

    func closeArrivals() { arrivals.withLock { $0.isOpen = false } }

    private func declare(_ model: String, _ table: inout ArrivalTable) {
        guard table.counters[model] == nil else { return }
        table.counters[model] = try? OutcomeCounters(
            metrics.registry, "serin_arrivals_total",
            "Versions that arrived in the repository, by what became of them.",
            labels: [("model", model)],
            outcomes: ArrivalOutcome.allCases.filter { $0.isStored && $0 != .known }.map(\.label))
    }

    /// Models whose new versions matter.
    func watchedModels() -> [ModelConfiguration] {
        state.withLock { $0.configuration.models.filter { $0.onNewVersion != .ignore } }
    }

    /// One look at the repository; takes as long as bundles take to load.
    func lookForArrivals() {
        guard arrivals.withLock({ $0.isOpen }) else { return }
        let repository = ModelRepository(path: state.withLock { $0.configuration.repository })
        let contents: ModelRepository.Contents
        do throws(ConfigurationError) { contents = try repository.contents() } catch {
            return logger.error("the repository cannot be looked at: \(error)")
        }
        for model in watchedModels() {
            guard let entry = contents.models.first(where: { $0.name == model.name }) else { continue }
            look(model, entry.versions, repository)
        }
    }

    private func look(_ model: ModelConfiguration, _ versions: [String], _ repository: ModelRepository) {
        let stable = state.withLock { state in state.models.first { $0.name == model.name }?.stable?.version }
        let stableNumber = stable.map(ControlledModel.number) ?? 0
        for version in versions.reversed() {
            let outcome = arrivals.withLock { $0.outcome(model.name, version) }
            if outcome?.isFinal == true {
                // What was rolled out or loaded by itself is newer than whatever comes below it.
                if outcome != .started, outcome != .loaded { continue }
                return passOver(model.name, versions, below: version, "version \(version) is newer")
            }
            if ControlledModel.number(version) <= stableNumber {
                settle(model.name, version, .passedOver, "version \(stable ?? "") serves, which is newer")
            } else if take(model, version, repository) {
                return
            }
        }
    }

    private func passOver(_ model: String, _ versions: [String], below newest: String, _ reason: String) {
        for version in versions where ControlledModel.number(version) < ControlledModel.number(newest) {
            if arrivals.withLock({ $0.outcome(model, version) })?.isFinal == true { continue }
            settle(model, version, .passedOver, reason)
        }
    }

    /// True: older ones are not its turn now.
    private func take(_ model: ModelConfiguration, _ version: String, _ repository: ModelRepository) -> Bool {
        let identity = BundleIdentity(name: model.name, version: version)
        let presence: BundlePresence
        do throws(ConfigurationError) { presence = try repository.presence(of: identity) } catch {
            settle(model.name, version, .incomplete, error.description)
            return false
        }
        switch presence {
        case .incomplete(let reason):
            settle(model.name, version, .incomplete, reason)
            return false
        case .whole(let fingerprint):
            guard isSettled(model.name, version, fingerprint) else { return false }
            return load(model, version, fingerprint)
        }
    }

    /// It was the same at the last look, and is none that was refused.
    private func isSettled(_ model: String, _ version: String, _ fingerprint: String) -> Bool {
        arrivals.withLock { table in
            let isSame = table.seen.updateValue(fingerprint, forKey: "\(model)/\(version)") == fingerprint
            let row = table.rows[model]?[version]
            let isRefused = row?.outcome == ArrivalOutcome.refused.rawValue && row?.fingerprint == fingerprint
            return isSame && !isRefused
        }
    }

    private func load(_ model: ModelConfiguration, _ version: String, _ fingerprint: String) -> Bool {
        var context = AdminContext(actor: Self.actor, origin: "arrival")
        context.reason = "it arrived in the repository"
        if case .rollout = model.onNewVersion, let reason = obstacle(model.name, version) {
            settle(model.name, version, .waiting, reason, fingerprint)
            return true
        }
        do throws(AdminProblem) { _ = try load(model.name, version, context) } catch {
            settle(model.name, version, error.kind == .refused ? .refused : .waiting, error.detail, fingerprint)
            return error.kind != .refused
        }
        guard case .rollout(let source, let needsApproval) = model.onNewVersion else {
            settle(model.name, version, .loaded, "as its model's configuration says", fingerprint)
            return true
        }
        do throws(AdminProblem) {
            let rollout = try roll(model.name, version, source, needsApproval, context)
            let waits = needsApproval ? ", which waits for approval: serin ctl rollout resume \(rollout)" : ""
            settle(model.name, version, .started, "rollout \(rollout)\(waits)", fingerprint)
        } catch { settle(model.name, version, .waiting, error.detail, fingerprint) }
        return true
    }

    /// What keeps a version from being rolled out; it is not loaded meanwhile.
    private func obstacle(_ name: String, _ version: String) -> String? {
        let model = state.withLock { state in state.models.first { $0.name == name } }
        guard let model, let stable = model.stable else { return "the model has no stable version beside it" }
        // The highest ready version would serve everybody as soon as it is loaded.
        if model.route.stable == nil {
            return "the route names no stable version: it would take all traffic at once; set it to \(stable.version)"
        }
        return nil
    }

    /// Starts the rollout of a version; the id of the one that there was, if there was one.
    private func roll(
        _ name: String, _ version: String, _ source: NewVersionPolicy.PlanSource, _ needsApproval: Bool,
        _ context: AdminContext
    ) throws(AdminProblem) -> String {
        if let known = rollouts().last(where: { $0.model == name && $0.candidate == version }) { return known.id }
        let text: String
        do throws(ConfigurationError) { text = try TriggerCheck.text(of: source) } catch {
            throw AdminProblem(.unprocessable, error.description)
        }
        return try startRollout(name, RolloutOrder(version: version, plan: text, hold: needsApproval), context).id
    }

    /// What has become of a version; said and stored where it is news.
    private func settle(
        _ model: String, _ version: String, _ outcome: ArrivalOutcome, _ reason: String, _ fingerprint: String = ""
    ) {
        let row = StateStore.ArrivalRow(
            model: model, version: version, fingerprint: fingerprint, outcome: outcome.rawValue, reason: reason,
            time: AuditEntry.now())
        let isNews = arrivals.withLock { table in
            let before = table.rows[model]?[version]
            // The reason of what waits may tell of a rate, which changes all the time.
            let isSame = before?.outcome == row.outcome && before?.fingerprint == fingerprint
            table.rows[model, default: [:]][version] = row
            if isSame, let before { table.rows[model]?[version]?.time = before.time }
            if !isSame, outcome.isStored { table.counters[model]?.add(outcome.label) }
            return !isSame
        }
        guard isNews else { return }
        let line = "\(model)/\(version) has arrived: \(outcome.rawValue): \(reason)"
        logger.log(level: outcome == .refused ? .error : .notice, "\(line)")
        events.append(
            "arrival",
            AdminJSON.encode(
                ArrivalEventDocument(model: model, version: version, outcome: outcome.rawValue, reason: reason)))
        guard outcome.isStored else { return }
        var change = StateStore.Change(audit: [
            AuditEntry(
                actor: Self.actor, origin: "arrival", action: "arrival", model: model, after: version, reason: reason,
                outcome: outcome.rawValue)
        ])
        change.arrivals = [row]
        do { try store.commit(change) } catch { logger.error("\(line), which is not recorded: \(error)") }
    }

    // MARK: Documents

    func arrivals(_ name: String) throws(AdminProblem) -> [ArrivalDocument] {
        _ = try model(name)
        return arrivals.withLock { Array(($0.rows[name] ?? [:]).values) }
            .sorted { ControlledModel.number($0.version) < ControlledModel.number($1.version) }
            .map { row in
                ArrivalDocument(
                    version: row.version, outcome: row.outcome, reason: row.reason, time: Timestamp.text(row.time))
            }
    }

    /// New versions that need somebody, a sentence each.
    func arrivalWarnings(_ name: String) -> [String] {
        arrivals.withLock { Array(($0.rows[name] ?? [:]).values) }
            .filter { row in
                [.refused, .waiting, .incomplete].contains(ArrivalOutcome(rawValue: row.outcome))
            }
            .map { "version \($0.version) has arrived: \($0.outcome): \($0.reason)" }
            .sorted()
    }
}
