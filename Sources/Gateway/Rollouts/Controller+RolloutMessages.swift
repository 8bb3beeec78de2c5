// What rollouts say to others: hooks before and after a step, and alerts, as CloudEvents over HTTP.

import Admin
import Configuration
import Glibc
import Logging
import Reactor
import Rollout
import State
import Synchronization

extension Controller {
    /// Asks, on a thread of its own; silence is the machine's to judge.
    func callHook(_ kind: HookKind, _ hook: RolloutPlan.Hook, _ sequence: UInt64, _ rollout: ActiveRollout) {
        let id = rollout.machine.id
        let document = RolloutDocument(rollout.machine, model: rollout.model, startedAt: rollout.startedAt)
        let event = CloudEvent(
            "dev.serin.rollout.\(kind.rawValue)", subject: "\(rollout.model)/\(rollout.machine.candidate)",
            id: "\(id)-\(sequence)", at: AuditEntry.now(), data: document)
        // A start refuses plans with other URLs.
        guard let target = WebhookTarget(hook.url) else { return }
        let webhook = Webhook(
            target: target, body: AdminJSON.encode(event), headers: CloudEvent<RolloutDocument>.headers,
            timeoutNanos: hook.timeoutNanos)
        ReactorThread.start("rollout-hook") { [weak self, logger] in
            guard case .status(let status) = webhook.post() else {
                return logger.warning("rollout \(id): nobody answers at its hook \(hook.url)")
            }
            self?.answerHook(id, sequence, mayGoOn: 200..<300 ~= status)
        }
    }

    private func answerHook(_ id: String, _ sequence: UInt64, mayGoOn: Bool) {
        let jobs = rolloutTable.withLock { table -> [SerialWorker.Job] in
            guard table.isOpen, var rollout = table.running[id] else { return [] }
            var jobs: [SerialWorker.Job] = []
            let actions = rollout.machine.answerHook(sequence: sequence, mayGoOn: mayGoOn, wall: Int64(time(nil)))
            follow(actions, &rollout, &jobs)
            table.running[id] = rollout
            return jobs
        }
        worker.add(jobs)
    }
}
