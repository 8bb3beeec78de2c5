// The guard where no plan runs: after a switch or while a manual canary serves, for the bake time.
//
//     a person's change of a route ─► watch: counters, GuardWatch ─► every tick ─► rollback: the route before, at once
//                                                                           └─► over: the counters retire
//
// Its threshold is the always-on one: a false alarm in a thousand days at most, on average. `watch: false` of a model turns
// it off. A canary that is changed by hand is watched anew; so is what a restart finds within its time.

import Admin
import Configuration
import Glibc
import Logging
import Primitives
import Rollout
import State
import Synchronization

struct ActiveWatch {
    var watch: GuardWatch
    let counters: GuardCounters
    /// The gateway's tick less the watch's.
    let origin: UInt64
    let stable: String
    let canary: String
    /// All traffic was moved; else it is a canary.
    let isSwitch: Bool
}

extension Controller {
    /// What is to be watched of a route.
    private struct Watched {
        var stable: String
        var canary: String
        var share: Double
        var isSwitch: Bool
        var nanos: UInt64
    }

    private static func watched(_ model: ControlledModel) -> Watched? {
        guard model.settings.isWatched, let stable = model.stable else { return nil }
        let route = model.route
        if let canary = route.canary, canary.share.millionths > 0, canary.version != stable.version {
            let others = route.arms.reduce(0) { $0 + $1.share.percent }
            return Watched(
                stable: stable.version, canary: canary.version,
                share: min(1, canary.share.percent / max(100 - others, 1e-9)), isSwitch: false,
                nanos: UInt64(bakeMillis) * 1_000_000)
        }
        guard let before = model.previous?.stable, before != stable.version, let until = model.pinnedUntil else {
            return nil
        }
        let left = until - AuditEntry.now()
        guard left > 0 else { return nil }
        return Watched(
            stable: before, canary: stable.version, share: 1, isSwitch: true, nanos: UInt64(left) * 1_000_000)
    }

    /// A route is another one, or the gateway has begun: what it needs is watched, and what was is not.
    func watchRoute(_ name: String) {
        rolloutTable.withLock { table in
            guard table.isOpen, table.running(of: name) == nil else { return }
            state.withLock { state in
                guard let index = state.index(of: name) else { return }
                endWatch(name, &table, &state)
                guard let watched = Self.watched(state.models[index]), let stable = state.models[index].stable else {
                    return
                }
                let tick = Self.presentTick
                let shape = rolloutShape(state.models[index], stable)
                let counters = GuardCounters(shape, shards: publication.epochs.count, startTick: tick)
                counters.announce(epoch: 1, share: watched.share, thresholds: SIMD4(repeating: .max))
                var settings = GuardSettings()
                settings.isSticky = shape.isSticky
                settings.slower = [.off, .off, .off, .off]
                settings.watchesScores = false
                // Nobody has said that it may not decide otherwise.
                settings.decisionTolerance = nil
                table.watches[name] = ActiveWatch(
                    watch: GuardWatch(settings, startTick: 0, ticks: watched.nanos / GuardCounterShape.tickNanos),
                    counters: counters, origin: tick, stable: watched.stable, canary: watched.canary,
                    isSwitch: watched.isSwitch)
                state.models[index].guarded = GuardedRoute(
                    counters: counters, epoch: 1, stable: watched.stable, canary: watched.canary, isRollout: false)
                publish(&state)
            }
        }
    }

    /// The caller holds both locks.
    private func endWatch(_ name: String, _ table: inout RolloutTable, _ state: inout ControlState) {
        guard let watch = table.watches.removeValue(forKey: name), let index = state.index(of: name) else { return }
        var generation = publication.load().generation
        if state.models[index].guarded?.counters === watch.counters {
            state.models[index].guarded = nil
            generation = publish(&state)
        }
        table.retiring.append((watch.counters, generation))
    }

    /// A rollout begins: it has counters of its own.
    func endWatch(_ name: String, _ table: inout RolloutTable) {
        state.withLock { endWatch(name, &table, &$0) }
    }

    func tickWatches(_ tick: UInt64, _ table: inout RolloutTable, _ jobs: inout [SerialWorker.Job]) {
        for name in Array(table.watches.keys) {
            guard var watch = table.watches[name], tick > watch.origin else { continue }
            let (final, open) = watch.counters.collect(tick: tick)
            let origin = watch.origin
            func own(_ cohorts: [Cohort]) -> [Cohort] {
                cohorts.map { cohort in
                    var own = cohort
                    own.tick -= origin
                    return own
                }
            }
            let verdict = watch.watch.tick(
                tick - origin, cohorts: own(final), finalBelow: watch.counters.finalTick - origin, open: own(open))
            table.watches[name] = watch
            if let verdict {
                goBack(name, watch, verdict)
                jobs.append { [weak self] in self?.flush() }
            }
            if watch.watch.isOver(at: tick - origin) { endWatch(name, &table) }
        }
    }

    /// One publication: the canary's traffic is stable's again, or the route before the switch serves.
    private func goBack(_ name: String, _ watch: ActiveWatch, _ verdict: Verdict) {
        let reason = RolloutReason.verdict(verdict).text
        logger.warning("\(name)/\(watch.canary) goes back: \(reason)")
        do throws(AdminProblem) {
            try lowerAtOnce(
                name, "rollback", AdminContext(actor: "guard", origin: Self.rolloutOrigin, reason: reason)
            ) { (model) throws(AdminProblem) in
                var change = RouteChange(model.route, keeping: model)
                if watch.isSwitch {
                    guard model.route.stable == watch.canary, let previous = model.previous else {
                        throw AdminProblem(.conflict, "the route is another one by now")
                    }
                    change.route = previous
                    (change.previous, change.pinnedUntil) = (nil, nil)
                } else {
                    guard model.route.canary?.version == watch.canary else {
                        throw AdminProblem(.conflict, "the canary is another one by now")
                    }
                    change.route.canary = nil
                }
                change.guarded = nil
                return change
            }
        } catch { logger.critical("\(name)/\(watch.canary) cannot go back: \(error.detail)") }
    }
}
