// Rollouts over a restart: what was acknowledged serves from the first request on, and the machine goes on from there.
//
//     ControlStart   the state's route, with the candidate at the weight that the machine acknowledged, never more
//     openRollouts   machines, counters that begin anew, and what `resumeAfterRestart` asks for
//
// A snapshot that cannot be read is not guessed at: stable alone serves, and the rollout is over.

import Admin
import Configuration
import Logging
import Primitives
import Rollout
import State
import Synchronization

/// A rollout of the state, read; `machine` nil: it cannot be.
struct StoredRollout {
    let record: StateStore.RolloutRecord
    let machine: RolloutMachine?
    let problem: String?

    init(_ record: StateStore.RolloutRecord) {
        self.record = record
        do {
            let plan = try PlanReader.parse(Array(record.plan.utf8), source: "rollout \(record.id)")
            machine = try RolloutMachine(plan, restoring: record.snapshot)
            problem = nil
        } catch {
            (machine, problem) = (nil, "\(error)")
        }
    }

    /// The model's route as it was acknowledged.
    func route(_ before: RouteConfiguration) -> RouteConfiguration {
        guard let machine else {
            var route = before
            route.canary = nil
            return route
        }
        if machine.state == .baking || machine.state == .promoted {
            var route = before
            (route.stable, route.canary) = (machine.candidate, nil)
            return route
        }
        return Controller.route(before, machine, percent: machine.percent)
    }
}

extension Controller {
    /// This process has the rollouts from now on.
    func openRollouts() {
        let stored: [StoredRollout]
        do { stored = try store.rollouts().map { StoredRollout($0) } } catch {
            logger.error("rollouts cannot be restored: \(error)")
            stored = []
        }
        let jobs = rolloutTable.withLock { table -> [SerialWorker.Job] in
            var jobs: [SerialWorker.Job] = []
            for rollout in stored { restore(rollout, &table, &jobs) }
            table.isOpen = true
            return jobs
        }
        worker.add(jobs)
        for name in state.withLock({ $0.models.map(\.name) }) { watchRoute(name) }
    }

    private func restore(_ stored: StoredRollout, _ table: inout RolloutTable, _ jobs: inout [SerialWorker.Job]) {
        let record = stored.record
        guard let machine = stored.machine else { return giveUp(stored) }
        if record.isOver {
            return table.finish(RolloutDocument(machine, model: record.model, startedAt: record.startedAt))
        }
        guard let counters = adopt(stored, machine, Self.presentTick) else {
            return logger.error("rollout \(record.id): \(record.model) is not served any more")
        }
        var rollout = ActiveRollout(
            machine, model: record.model, planText: record.plan, startedAt: record.startedAt, counters: counters,
            rate: 0)
        let resumed = rollout.machine.resumeAfterRestart()
        logger.notice("rollout \(record.id) goes on: \(machine.state.rawValue) at \(machine.percent)%")
        follow(resumed, &rollout, &jobs)
        table.running[record.id] = rollout
        settleEnd(record.id, &table, &jobs)
    }

    /// Counters of its own, and the route that they belong to; nil: the model is gone.
    private func adopt(_ stored: StoredRollout, _ machine: RolloutMachine, _ tick: UInt64) -> GuardCounters? {
        state.withLock { state -> GuardCounters? in
            guard let index = state.index(of: stored.record.model), let stable = state.models[index].stable else {
                return nil
            }
            let counters = GuardCounters(
                rolloutShape(state.models[index], stable), shards: publication.epochs.count, startTick: tick)
            let route = stored.route(state.models[index].route)
            let others = route.arms.reduce(0) { $0 + $1.share.percent }
            let share = route.stable == machine.candidate ? 1 : min(1, machine.percent / max(100 - others, 1e-9))
            // Below the epoch that a raise under way will have.
            let epoch = machine.state == .raising ? machine.epoch - 1 : machine.epoch
            counters.announce(epoch: epoch, share: share, thresholds: SIMD4(repeating: .max))
            state.models[index].route = route
            state.models[index].guarded = GuardedRoute(
                counters: counters, epoch: epoch, stable: machine.stable, canary: machine.candidate)
            publish(&state)
            return counters
        }
    }

    private func giveUp(_ stored: StoredRollout) {
        if stored.record.isOver { return }
        logger.error("rollout \(stored.record.id) cannot be restored, stable serves alone: \(stored.problem ?? "")")
        var change = StateStore.Change(audit: [
            AuditEntry(
                actor: "guard", origin: Self.rolloutOrigin, action: "rollout", model: stored.record.model,
                reason: "its snapshot cannot be read: \(stored.problem ?? "")", outcome: "aborted")
        ])
        var record = stored.record
        record.isOver = true
        change.rollouts = [record]
        do { try store.commit(change) } catch { logger.error("\(error)") }
    }

    /// Another process has them from now on; what is known is stored.
    func closeRollouts() {
        let running = rolloutTable.withLock { table -> [String] in
            table.isOpen = false
            return Array(table.running.keys)
        }
        for id in running { save(id) }
    }
}
