// What rollouts say to others: hooks before and after a step, and alerts, as CloudEvents over HTTP.

import Admin
import Configuration
import Glibc
import Reactor
import Rollout
import Synchronization

extension Controller {
    /// Asks, on a thread of its own; silence is the machine's to judge.
    func callHook(_ kind: HookKind, _ hook: RolloutPlan.Hook, _ sequence: UInt64, _ rollout: ActiveRollout) {
        let id = rollout.machine.id
        let event = CloudEvent(
            "dev.serin.rollout.\(kind.rawValue)", id: "\(id)-\(sequence)",
            data: RolloutDocument(rollout.machine, model: rollout.model, startedAt: rollout.startedAt))
        let webhook = Webhook(
            url: hook.url, body: AdminJSON.encode(event), headers: CloudEvent.headers, timeoutNanos: hook.timeoutNanos)
        ReactorThread.start("rollout-hook") { [weak self] in
            guard let status = webhook.post() else { return }
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

/// CloudEvents 1.0, structured.
struct CloudEvent: Encodable {
    static let headers = [("Content-Type", "application/cloudevents+json; charset=utf-8")]

    var specversion = "1.0"
    var type: String
    var source = "serin"
    var id: String
    var datacontenttype = "application/json"
    var data: RolloutDocument

    init(_ type: String, id: String, data: RolloutDocument) { (self.type, self.id, self.data) = (type, id, data) }
}
