// Triggers: rules on the version that serves, looked at every five seconds.
//
//     every 5 s    facts of each stable version ─► conditions ─► fire: stored by a worker, then pending
//     every 100 ms what is pending and due ─► a thread posts it ─► answered: delivered, again later, given up
//
// Nothing here runs on a serving thread, and nothing that serves waits for any of it: a target that is down costs a
// thread for the webhook's timeout, once in a while.

import Admin
import CLinux
import Configuration
import Foundation
import Logging
import Monitoring
import Reactor
import Registry
import State
import Synchronization

extension Controller {
    /// This process has the triggers from now on: what was fired and not delivered is sent again.
    func openTriggers() {
        var rows: [StateStore.TriggerRow] = []
        do { rows = try store.triggers() } catch { logger.error("triggers cannot be restored: \(error)") }
        let configured = state.withLock { $0.configuration.models }
        triggers.withLock { table in
            for model in configured {
                table.models[model.name] = model.triggers.compactMap { settings in
                    active(settings, model.name, rows.first { $0.model == model.name && $0.name == settings.name })
                }
            }
            table.isOpen = true
        }
    }

    private func active(
        _ settings: TriggerConfiguration, _ model: String, _ row: StateStore.TriggerRow?
    ) -> ActiveTrigger? {
        var record = TriggerRecord()
        if let row {
            do { record = try JSONDecoder().decode(TriggerRecord.self, from: Data(row.record.utf8)) } catch {
                logger.error("\(model): trigger \(settings.name) begins anew, its record cannot be read: \(error)")
            }
        }
        var machine = TriggerMachine(
            cooldownNanos: settings.cooldownNanos, retryNanos: settings.retryNanos, record)
        machine.settle(AuditEntry.now())
        do {
            let counters = try OutcomeCounters(
                metrics.registry, "serin_trigger_total",
                "Events of triggers: fired, delivered, attempts that failed, given up.",
                labels: [("model", model), ("trigger", settings.name)], outcomes: ActiveTrigger.outcomes)
            return ActiveTrigger(settings: settings, machine: machine, counters: counters)
        } catch {
            logger.error("\(model): trigger \(settings.name) is off: \(error)")
            return nil
        }
    }

    /// Another process has them from now on.
    func closeTriggers() { triggers.withLock { $0.isOpen = false } }

    /// - Parameter now: of `clinux_now`.
    func tickTriggers(at now: UInt64) {
        let wall = AuditEntry.now()
        let tick = now / (DriftWindow.tickSeconds * 1_000_000_000)
        if triggerTick.exchange(tick, ordering: .relaxed) != tick { evaluateTriggers(tick, wall) }
        sendDueEvents(wall)
    }

    // MARK: Conditions

    private func evaluateTriggers(_ tick: UInt64, _ wall: Int64) {
        let watched = triggers.withLock { $0.isOpen ? $0.models.filter { !$0.value.isEmpty }.map(\.key) : [] }
        for name in watched {
            let found = state.withLock { state -> (ServedVersion, ModelConfiguration)? in
                guard let model = state.models.first(where: { $0.name == name }), let stable = model.stable else {
                    return nil
                }
                return (stable, model.settings)
            }
            noteRefusals(name, tick)
            guard let (version, settings) = found else { continue }
            let facts = facts(version, settings.triggers)
            let thresholds = DriftThresholds(settings.drift)
            let jobs = triggers.withLock { table -> [SerialWorker.Job] in
                var jobs: [SerialWorker.Job] = []
                for index in (table.models[name] ?? []).indices {
                    guard var trigger = table.models[name]?[index] else { continue }
                    trigger.machine.settle(wall)
                    trigger.finding = trigger.settings.condition.finding(facts, thresholds)
                    if let finding = trigger.finding, !trigger.isStoring, trigger.machine.state(at: wall) == .quiet {
                        trigger.isStoring = true
                        jobs.append(firing(name, trigger, finding, version, wall))
                    }
                    table.models[name]?[index] = trigger
                }
                return jobs
            }
            worker.add(jobs)
        }
    }

    /// Reads the counters of every version of a model, so that one that becomes stable has a past.
    private func noteRefusals(_ name: String, _ tick: UInt64) {
        let served = state.withLock { state in
            state.models.first { $0.name == name }?.versions.compactMap(\.served) ?? []
        }
        for version in served {
            let count = Self.refusals(version)
            triggers.withLock { table in
                let key = "\(name)/\(version.version)"
                table.meters[key, default: RefusalMeter(since: tick - 1)].note(count, tick: tick)
            }
        }
    }

    private static func refusals(_ version: ServedVersion) -> RefusalCount {
        let totals = version.arms.totals()
        return RefusalCount(
            refused: totals[Outcome.clientError.label] ?? 0,
            all: Outcome.allCases.reduce(0) { $0 + (totals[$1.label] ?? 0) })
    }

    /// Everything that is known of a version.
    private func facts(_ version: ServedVersion, _ triggers: [TriggerConfiguration]) -> TriggerFacts {
        var facts = TriggerFacts(version: version.version)
        if let watched = version.watched { facts.drift = DriftWindow.allCases.map { watched.report($0) } }
        let count = Self.refusals(version)
        if let meter = self.triggers.withLock({ $0.meters["\(version.name)/\(version.version)"] }) {
            for window in DriftWindow.allCases { facts.refusals[window] = meter.count(window, now: count) }
        }
        for window in Set(triggers.compactMap(\.condition.labelWindow)) {
            facts.labels[window] = feedback.labels(model: version.name, version: version.version, window)
        }
        return facts
    }

    // MARK: Fire

    /// What writes a firing, and then lets it be sent.
    private func firing(
        _ model: String, _ trigger: ActiveTrigger, _ finding: TriggerFinding, _ version: ServedVersion, _ wall: Int64
    ) -> SerialWorker.Job {
        let name = trigger.settings.name
        let data = TriggerEventDocument(
            model: model, version: finding.version, digest: version.bundle.sourceDigest.description, trigger: name,
            kind: finding.kind.rawValue, figure: finding.figure, value: finding.value, limit: finding.limit,
            samples: finding.samples, window: finding.window, reason: finding.text,
            lineage: LineageDocument(version.bundle.manifest.lineage))
        let id = "\(model)-\(name)-\(wall)"
        let event = CloudEvent(
            "dev.serin.trigger.\(finding.kind.rawValue)", subject: "\(model)/\(finding.version)", id: id, at: wall,
            data: data)
        var machine = trigger.machine
        machine.fire(.init(id: id, body: AdminJSON.encode(event), reason: finding.text), at: wall)
        let entry = AuditEntry(
            actor: "trigger", origin: "trigger", action: "trigger", model: model, before: name,
            after: AdminJSON.encode(data), reason: finding.text, outcome: "fired")
        return { [weak self, machine] in self?.fire(model, name, machine, entry) }
    }

    private func fire(_ model: String, _ name: String, _ machine: TriggerMachine, _ entry: AuditEntry) {
        let failure = save(model, name, machine.record, entry)
        let isFired = triggers.withLock { table -> Bool in
            guard let index = table.index(model, name) else { return false }
            table.models[model]?[index].isStoring = false
            guard failure == nil else { return false }
            table.models[model]?[index].machine = machine
            table.models[model]?[index].counters.add("fired")
            return true
        }
        guard isFired, let event = machine.record.event else {
            return logger.error("\(model): trigger \(name) has not fired: \(failure ?? "it is gone")")
        }
        logger.warning("\(model): trigger \(name) fires: \(event.reason)")
        announceTrigger(model, name, event, "fired", event.reason)
    }

    /// Why it could not be written; nil: it is.
    private func save(_ model: String, _ name: String, _ record: TriggerRecord, _ entry: AuditEntry?) -> String? {
        var change = StateStore.Change(audit: [entry].compactMap { $0 })
        change.triggers = [.init(model: model, name: name, record: AdminJSON.encode(record))]
        do { try store.commit(change) } catch { return "\(error)" }
        return nil
    }

    private func announceTrigger(
        _ model: String, _ name: String, _ event: TriggerRecord.Event, _ outcome: String, _ reason: String
    ) {
        events.append(
            "trigger",
            AdminJSON.encode(
                TriggerOutcomeDocument(
                    model: model, trigger: name, event: event.id, outcome: outcome, reason: reason)))
    }

    // MARK: Deliver

    private func sendDueEvents(_ wall: Int64) {
        let due = triggers.withLock { table -> [(String, TriggerConfiguration, TriggerRecord.Event)] in
            guard table.isOpen else { return [] }
            var due: [(String, TriggerConfiguration, TriggerRecord.Event)] = []
            for (model, list) in table.models {
                for (index, trigger) in list.enumerated() where !trigger.isInFlight {
                    guard let event = trigger.machine.due(wall) else { continue }
                    table.models[model]?[index].isInFlight = true
                    due.append((model, trigger.settings, event))
                }
            }
            return due
        }
        for (model, settings, event) in due {
            ReactorThread.start("trigger") { [weak self] in
                let answer = Self.post(event, settings.webhook)
                self?.answerTrigger(model, settings.name, event, answer)
            }
        }
    }

    /// The secret is read each time, so that it can be replaced while the gateway runs.
    private static func post(_ event: TriggerRecord.Event, _ settings: WebhookConfiguration) -> TriggerAnswer {
        let secrets: WebhookSecrets
        do throws(ConfigurationError) { secrets = try WebhookSecrets(file: settings.secretFile) } catch {
            return .failed(error.description)
        }
        let headers =
            CloudEvent<TriggerEventDocument>.headers
            + secrets.headers(id: event.id, seconds: AuditEntry.now() / 1000, body: event.body)
        let webhook = Webhook(
            target: settings.target, body: event.body, headers: headers, authorities: settings.authorities,
            timeoutNanos: settings.timeoutNanos)
        switch webhook.post() {
        case .status(let status): return .status(status)
        case .failed(let reason): return .failed(reason)
        }
    }

    private func answerTrigger(_ model: String, _ name: String, _ event: TriggerRecord.Event, _ answer: TriggerAnswer) {
        let now = AuditEntry.now()
        let result = triggers.withLock { table -> (TriggerMachine.Outcome, TriggerRecord)? in
            guard let index = table.index(model, name), var trigger = table.models[model]?[index] else { return nil }
            trigger.isInFlight = false
            let outcome = trigger.machine.answer(event.id, answer, at: now)
            if outcome == .failed || outcome == .givenUp { trigger.counters.add("failed") }
            if outcome == .delivered { trigger.counters.add("delivered") }
            if outcome == .givenUp { trigger.counters.add("given_up") }
            table.models[model]?[index] = trigger
            return outcome.map { ($0, trigger.machine.record) }
        }
        guard let (outcome, record) = result else { return }
        let place = "\(model): trigger \(name): event \(event.id)"
        var entry: AuditEntry?
        if outcome != .failed {
            entry = AuditEntry(
                actor: "trigger", origin: "trigger", action: "trigger", model: model, before: name, after: event.id,
                reason: record.failure ?? "", outcome: outcome.rawValue)
            announceTrigger(model, name, event, outcome.rawValue, record.failure ?? "")
        }
        switch outcome {
        case .delivered: logger.notice("\(place) is delivered")
        case .failed:
            logger.warning("\(place) is not delivered yet, attempt \(record.attempts): \(record.failure ?? "")")
        case .givenUp: logger.error("\(place) is given up: \(record.failure ?? "")")
        }
        worker.add([
            { [weak self, entry] in
                guard let failure = self?.save(model, name, record, entry) else { return }
                self?.logger.error("\(place): \(failure); a restart would send it again")
            }
        ])
    }
}

extension DriftThresholds {
    init(_ settings: DriftConfiguration) {
        self.init()
        (warning, alert, rowsMin, silent) = (settings.warning, settings.alert, settings.rowsMin, settings.silent)
    }
}
