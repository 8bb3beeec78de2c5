// What people ask of rollouts: start, pause, resume, promote, abort, a step back.

import Admin
import Configuration
import Glibc
import Logging
import Primitives
import Registry
import Rollout
import State
import Synchronization

extension Controller {
    func startRollout(
        _ name: String, _ order: RolloutOrder, _ context: AdminContext
    ) throws(AdminProblem) -> RolloutDocument {
        let plan = try Self.plan(order, of: name)
        let place = try rolloutPlace(name, plan, order)
        let rate = plan.rate ?? rolloutTable.withLock { $0.rates.rate(name) }
        guard rate > 0 else {
            throw AdminProblem(
                .unprocessable,
                "\(name) has had no request for ten seconds: nothing could be decided; send some, or name "
                    + "the plan's rate")
        }
        let now = AuditEntry.now()
        var machine = try machine(name, plan, place, rate, context, now)
        if order.hold == true { machine.awaitApproval() }
        let counters = GuardCounters(
            place.shape, shards: publication.epochs.count, startTick: Self.presentTick)
        counters.announce(epoch: 0, share: 0, thresholds: SIMD4(repeating: .max))
        var rollout = ActiveRollout(
            machine, model: name, planText: order.plan, startedAt: now, counters: counters, rate: rate)
        rollout.decided.audit = [
            AuditEntry(
                actor: context.actor, origin: context.origin, action: "rollout-start", model: name,
                before: machine.stable, after: machine.candidate, reason: context.reason)
        ]
        if context.isDryRun { return document(rollout) }
        return try begin(rollout, context)
    }

    private static func plan(_ order: RolloutOrder, of name: String) throws(AdminProblem) -> RolloutPlan {
        do throws(ConfigurationError) { return try TriggerCheck.plan(order.plan, source: "plan", of: name) } catch {
            throw AdminProblem(.unprocessable, error.description)
        }
    }

    /// What a start finds.
    private struct Place {
        var stable: ServedVersion
        var candidate: ServedVersion
        var shape: GuardCounterShape
        var before: (late: Double?, errors: Double?)
    }

    private func rolloutPlace(
        _ name: String, _ plan: RolloutPlan, _ order: RolloutOrder
    ) throws(AdminProblem) -> Place {
        guard let version = order.version ?? plan.candidate else {
            throw AdminProblem(.unprocessable, "version: name the candidate, here or in the plan")
        }
        if let planned = plan.candidate, planned != version {
            throw AdminProblem(.unprocessable, "version: the plan is for candidate \(planned), not \(version)")
        }
        return try state.withLock { (state) throws(AdminProblem) -> Place in
            guard state.isOpen else { throw AdminProblem(.unavailable, "another process serves now: ask that one") }
            guard let index = state.index(of: name) else {
                throw AdminProblem(.notFound, "there is no model \(quoted(name))")
            }
            let model = state.models[index]
            guard model.guarded?.isRollout != true else {
                throw AdminProblem(.conflict, RolloutRefusal.alreadyRunning(model: name).description)
            }
            guard let stable = model.stable else { throw AdminProblem(.conflict, RolloutRefusal.notWarm.description) }
            if let planned = plan.stable, planned != stable.version {
                throw AdminProblem(.conflict, "stable is version \(stable.version), the plan is for \(planned)")
            }
            guard let candidate = model[version], candidate.isReady, let served = candidate.served else {
                throw AdminProblem(.conflict, "version \(version) is not ready: load it first")
            }
            if let canary = model.route.canary, canary.share.millionths > 0 {
                throw AdminProblem(
                    .conflict, "version \(canary.version) is a canary at \(canary.share.percent)% already: set it to 0")
            }
            return Place(
                stable: stable, candidate: served, shape: rolloutShape(model, stable), before: pastOf(stable))
        }
    }

    func rolloutShape(_ model: ControlledModel, _ stable: ServedVersion) -> GuardCounterShape {
        let timeout = model.settings.timeout
        return GuardCounterShape(
            budgetNanos: model.settings.budgetNanos ?? stable.bundle.manifest.latencyBudgetNanos ?? 10_000_000,
            deadlineNanos: max(timeout.standardNanos ?? 60_000_000_000, timeout.maxNanos),
            scoreEdges: Self.scoreEdges(stable.bundle), isSticky: model.route.sticky != nil)
    }

    /// The bins of the training's scores; 16 of equal width from 0 to 1 where they are not known.
    static func scoreEdges(_ bundle: LoadedBundle) -> [Double] {
        let inner = bundle.scoreEdges.dropFirst().dropLast().prefix(15)
        if inner.isEmpty { return (1...15).map { Double($0) / 16 } }
        return inner + [Double](repeating: .infinity, count: 15 - inner.count)
    }

    /// Stable's shares since the gateway's start, from a thousand requests on. What the deadline cut off was late too; an
    /// answer between budget and deadline is not told apart, so the share of late ones is only given where it says much.
    private func pastOf(_ stable: ServedVersion) -> (late: Double?, errors: Double?) {
        let totals = stable.arms.totals()
        let all = totals.values.reduce(0, +)
        guard all >= 1000 else { return (nil, nil) }
        return (nil, Double(totals[Outcome.modelError.label] ?? 0) / Double(all))
    }

    private func machine(
        _ name: String, _ plan: RolloutPlan, _ place: Place, _ rate: Double, _ context: AdminContext, _ now: Int64
    ) throws(AdminProblem) -> RolloutMachine {
        let same = place.stable.bundle.sourceDigest == place.candidate.bundle.sourceDigest
        do throws(RolloutRefusal) {
            return try RolloutMachine(
                plan,
                RolloutMachine.Start(
                    id: "\(name)-\(now)", stable: place.stable.version, candidate: place.candidate.version,
                    startedBy: context.actor, isStableWarm: true, isSameContent: same, rate: rate,
                    isSticky: place.shape.isSticky, lateBefore: place.before.late, errorsBefore: place.before.errors))
        } catch { throw AdminProblem(error) }
    }

    /// On disk, then counted; the first tick goes on from there.
    private func begin(_ rollout: ActiveRollout, _ context: AdminContext) throws(AdminProblem) -> RolloutDocument {
        let (id, document) = (rollout.machine.id, document(rollout))
        try rolloutTable.withLock { (table) throws(AdminProblem) in
            guard table.isOpen else { throw AdminProblem(.unavailable, "rollouts are being restored: try again") }
            guard table.running(of: rollout.model) == nil, table.starting.insert(rollout.model).inserted else {
                throw AdminProblem(.conflict, RolloutRefusal.alreadyRunning(model: rollout.model).description)
            }
        }
        // The disk is waited for without the lock, which a rollback of another model may need.
        defer { rolloutTable.withLock { _ = $0.starting.remove(rollout.model) } }
        try store(rollout, document, context)
        rolloutTable.withLock { table in
            var begun = rollout
            begun.decided = StateStore.Change()
            endWatch(rollout.model, &table)
            table.running[id] = begun
            state.withLock { state in
                guard let index = state.index(of: rollout.model) else { return }
                state.models[index].guarded = rollout.guarded(epoch: 0)
                publish(&state)
            }
        }
        for wake in wakers.withLock({ $0 }) { wake() }
        logger.notice("rollout \(id) of \(rollout.model)/\(rollout.machine.candidate), by \(context.actor)")
        events.append("rollout", AdminJSON.encode(document))
        return document
    }

    private func store(
        _ rollout: ActiveRollout, _ document: RolloutDocument, _ context: AdminContext
    ) throws(AdminProblem) {
        try recordingFirst { () throws(AdminProblem) in
            var change = rollout.decided
            change.rollouts = [rollout.record]
            change.answers = Self.answers(context, document)
            do { try store.commit(change) } catch {
                throw AdminProblem(.unavailable, "the rollout is not started: \(error)")
            }
        }
    }

    func commandRollout(
        _ id: String, _ command: String, _ context: AdminContext
    ) throws(AdminProblem) -> RolloutDocument {
        guard let command = RolloutCommand(rawValue: command) else {
            throw AdminProblem(.notFound, "there is no such command")
        }
        if context.isDryRun { return try self.rollout(id) }
        let (done, isRecorded) = try carryOut(id, command, context, answersRollout: true)
        let document = rolloutTable.withLock { $0.running[id] }.map { self.document($0) } ?? done
        // What lowers is answered in any case, and status tells of it.
        guard isRecorded || command == .abort || command == .stepBack else {
            throw AdminProblem(
                .unavailable, "the rollout is \(document.state), and that cannot be written yet: it is tried again")
        }
        // What was stored with the command is of before a raise that followed.
        var change = StateStore.Change()
        change.answers = Self.answers(context, document)
        if isRecorded && !change.answers.isEmpty { changing.withLock { _ in try? store.commit(change) } }
        return document
    }

    /// Carries a command out, and writes it to disk; false: that could not be done yet.
    /// - Parameter answersRollout: a call with the same key is answered with the rollout; false: with the route.
    private func carryOut(
        _ id: String, _ command: RolloutCommand, _ context: AdminContext, answersRollout: Bool
    ) throws(AdminProblem) -> (RolloutDocument, Bool) {
        let (document, jobs) = try rolloutTable.withLock { (table) throws(AdminProblem) in
            try self.command(id, command, context, answersRollout, &table)
        }
        for job in jobs { job() }
        return (document, save(id))
    }

    private func command(
        _ id: String, _ command: RolloutCommand, _ context: AdminContext, _ answersRollout: Bool,
        _ table: inout RolloutTable
    ) throws(AdminProblem) -> (RolloutDocument, [SerialWorker.Job]) {
        guard table.isOpen else { throw AdminProblem(.unavailable, "another process has the rollouts: ask that one") }
        guard var rollout = table.running[id] else {
            if let over = table.finished.first(where: { $0.id == id }) {
                throw AdminProblem(.conflict, "the rollout is over: \(over.state)")
            }
            throw AdminProblem(.notFound, "there is no rollout \(quoted(id))")
        }
        var jobs: [SerialWorker.Job] = []
        let actions: [RolloutAction]
        do throws(RolloutRefusal) {
            actions = try rollout.machine.command(command, by: context.actor, wall: Int64(time(nil)))
        } catch { throw AdminProblem(error) }
        let document = document(rollout)
        var order = context
        if answersRollout {
            rollout.decided.answers += Self.answers(context, document)
            order.idempotencyKey = nil
        }
        follow(actions, &rollout, &jobs, by: order)
        table.running[id] = rollout
        settleEnd(id, &table, &jobs)
        return (document, jobs)
    }

    /// `rollback` of a model whose rollout runs ends that; nil: none runs.
    func abortRollout(of name: String, _ context: AdminContext) throws(AdminProblem) -> ChangeDocument? {
        let id = rolloutTable.withLock { $0.running(of: name)?.machine.id }
        guard let id else { return nil }
        let before = try model(name).route
        if !context.isDryRun { _ = try carryOut(id, .abort, context, answersRollout: false) }
        let after = try model(name)
        return ChangeDocument(
            model: name, generation: after.generation, before: before, after: after.route, dryRun: context.isDryRun,
            recorded: !isDegraded)
    }
}

extension AdminProblem {
    init(_ refusal: RolloutRefusal) {
        let kind: Kind =
            switch refusal.status {
            case 403: .forbidden
            case 409: .conflict
            default: .unprocessable
            }
        self.init(kind, refusal.description)
    }
}
