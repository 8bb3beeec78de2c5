// Triggers as the admin plane tells of them.

import Admin
import Configuration
import Monitoring
import State
import Synchronization

extension Controller {
    func triggers(_ name: String) throws(AdminProblem) -> [TriggerDocument] {
        _ = try model(name)
        let now = AuditEntry.now()
        return triggers.withLock { $0.models[name] ?? [] }.map { Self.document($0, now) }
    }

    private static func document(_ trigger: ActiveTrigger, _ now: Int64) -> TriggerDocument {
        let (settings, record) = (trigger.settings, trigger.machine.record)
        var document = TriggerDocument(
            name: settings.name, kind: settings.kind.rawValue, url: settings.webhook.target.url,
            state: trigger.machine.state(at: now).rawValue, cooldownSeconds: Double(settings.cooldownNanos) / 1e9)
        document.now = trigger.finding?.text
        document.firedAt = record.firedAt.map(Timestamp.text)
        document.deliveredAt = record.deliveredAt.map(Timestamp.text)
        document.cooledAt = trigger.machine.cooledAt(now).map(Timestamp.text)
        (document.event, document.reason, document.failure) = (record.event?.id, record.event?.reason, record.failure)
        if record.isPending {
            document.attempts = record.attempts
            document.nextAttemptAt = Timestamp.text(record.nextAttemptAt)
        }
        (document.fired, document.delivered) = (record.fired, record.delivered)
        (document.failedAttempts, document.givenUp) = (record.failedAttempts, record.givenUp)
        return document
    }

    /// What of a model's triggers somebody should know, a sentence each.
    func triggerWarnings(_ name: String, _ stable: ServedVersion?) -> [String] {
        triggers.withLock { $0.models[name] ?? [] }.flatMap { trigger -> [String] in
            [Self.deliveryWarning(trigger), Self.blindness(trigger.settings, stable)].compactMap { $0 }
        }
    }

    private static func deliveryWarning(_ trigger: ActiveTrigger) -> String? {
        let record = trigger.machine.record
        guard let failure = record.failure, let event = record.event else { return nil }
        let place = "trigger \(trigger.settings.name): \(trigger.settings.webhook.target.url)"
        return record.isPending
            ? "\(place) has not taken event \(event.id) in \(record.attempts) attempts: \(failure)"
            : "\(place) never took event \(event.id): \(failure)"
    }

    /// Why a condition cannot be met by this version.
    private static func blindness(_ settings: TriggerConfiguration, _ stable: ServedVersion?) -> String? {
        guard case .drift(_, let variables, _) = settings.condition, let stable else { return nil }
        guard let watched = stable.watched else {
            return "trigger \(settings.name): version \(stable.version) has no profile, so it sees no drift"
        }
        let known = watched.counters.layout.variables.map(\.name)
        guard let unknown = variables.first(where: { !known.contains($0) }) else { return nil }
        return "trigger \(settings.name): version \(stable.version) has no feature or score \(unknown)"
    }
}
