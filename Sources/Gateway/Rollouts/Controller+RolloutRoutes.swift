// How a rollout moves traffic: routes made from the machine's word, up on disk first, down at once.

import Admin
import Configuration
import Glibc
import Logging
import Rollout
import State
import Synchronization

extension Controller {
    static let rolloutOrigin = "rollout"

    private func context(_ rollout: ActiveRollout, _ reason: String) -> AdminContext {
        AdminContext(actor: "rollout \(rollout.machine.id)", origin: Self.rolloutOrigin, reason: reason)
    }

    /// The route with the candidate at so much; 0: stable alone, whatever the route was.
    static func route(
        _ before: RouteConfiguration, _ machine: RolloutMachine, percent: Double
    ) -> RouteConfiguration {
        var route = before
        route.stable = machine.stable
        let share = RouteConfiguration.Share(percent: percent)
        route.canary = percent > 0 ? share.map { .init(version: machine.candidate, share: $0) } : nil
        return route
    }

    /// A worker's job: stores the rollout, then the route, publishes it, and tells the machine.
    func raise(_ id: String, _ epoch: UInt32, _ percent: Double, makesStable: Bool) {
        let found = rolloutTable.withLock { table in table.isOpen ? table.running[id] : nil }
        guard let rollout = found, rollout.machine.state == .raising, rollout.machine.epoch == epoch else { return }
        let problem = save(id) ? publishRaise(rollout, epoch, percent, makesStable) : "it cannot be stored"
        let jobs = rolloutTable.withLock { table -> [SerialWorker.Job] in
            guard var rollout = table.running[id] else { return [] }
            var jobs: [SerialWorker.Job] = []
            if problem == nil {
                follow(rollout.machine.acknowledge(epoch: epoch), &rollout, &jobs)
            } else {
                rollout.retryAt = Self.presentTick + 10
            }
            table.running[id] = rollout
            return jobs
        }
        if let problem { logger.error("rollout \(id) is not raised, and tried again: \(problem)") }
        for job in jobs { job() }
    }

    /// nil: it is in force.
    private func publishRaise(
        _ rollout: ActiveRollout, _ epoch: UInt32, _ percent: Double, _ makesStable: Bool
    ) -> String? {
        let (machine, gate) = (rollout.machine, rollout.gate)
        let bakeMillis = Int64(machine.plan.bakeNanos / 1_000_000)
        do throws(AdminProblem) {
            _ = try change(rollout.model, "rollout", match: nil, context(rollout, "step \(machine.step + 1)")) {
                (model) throws(AdminProblem) in
                guard gate.isOpen(to: epoch) else {
                    throw AdminProblem(.conflict, "a rollback came first")
                }
                var change = RouteChange(Self.route(model.route, machine, percent: percent), keeping: model)
                if makesStable {
                    change.previous = Self.route(model.route, machine, percent: 0)
                    change.pinnedUntil = AuditEntry.now() + bakeMillis
                    (change.route.stable, change.route.canary) = (machine.candidate, nil)
                }
                change.guarded = rollout.guarded(epoch: epoch)
                return change
            }
            return nil
        } catch { return error.detail }
    }

    /// Publishes a lower weight at once; what is left is to record it, together with what the machine has decided. The
    /// caller holds the table's lock.
    ///
    /// - Parameter order: who asked for it, and records it; nil: the machine.
    func lower(
        _ rollout: inout ActiveRollout, to percent: Double, _ jobs: inout [SerialWorker.Job],
        by order: AdminContext? = nil
    ) {
        let machine = rollout.machine
        let guarded = machine.state.isFinal ? nil : rollout.guarded(epoch: machine.epoch)
        var told = rollout.decided
        told.rollouts = [rollout.record(isLowered: true)]
        var context = context(rollout, machine.reason.text)
        if let order { (context.idempotencyKey, context.requestDigest) = (order.idempotencyKey, order.requestDigest) }
        do throws(AdminProblem) {
            try lowerAtOnce(rollout.model, "rollback", context, with: told) { model in
                var change = RouteChange(Self.route(model.route, machine, percent: percent), keeping: model)
                change.guarded = guarded
                if percent == 0 { (change.previous, change.pinnedUntil) = (nil, nil) }
                return change
            }
            (rollout.pendingLower, rollout.decided) = (nil, StateStore.Change())
        } catch {
            if rollout.pendingLower == nil {
                logger.critical("rollout \(machine.id) cannot go back, and tries again: \(error.detail)")
            }
            rollout.pendingLower = percent
        }
        if order == nil { jobs.append { [weak self] in _ = self?.flush() } }
    }
}
