// Changes of routes: one pointer swap each, with a generation, recorded with who and why.

import Admin
import Configuration
import Foundation
import Logging
import Registry
import State
import Synchronization

extension Controller {
    /// What a change makes of a model's route.
    struct RouteChange {
        var route: RouteConfiguration
        var previous: RouteConfiguration?
        var pinnedUntil: Int64?
        var guarded: GuardedRoute?

        init(_ route: RouteConfiguration, keeping model: ControlledModel) {
            self.route = route
            previous = model.previous
            pinnedUntil = model.pinnedUntil
            guarded = model.guarded
        }
    }

    typealias Make = (ControlledModel) throws(AdminProblem) -> RouteChange

    /// A change that is checked and not yet in force.
    private struct Plan {
        var index: Int
        var before: RouteConfiguration
        var generation: UInt64
        var change: RouteChange
        /// Nobody gets more of a candidate than before, and stable stays.
        var isLowering: Bool
    }

    /// Changes the route of a model. `match`: the generation that the caller has seen; nil: any.
    /// `goesBack`: it is taken for a lowering whatever it does, as a rollback is.
    func change(
        _ name: String, _ action: String, match: UInt64?, _ context: AdminContext, goesBack: Bool = false, _ make: Make
    ) throws(AdminProblem) -> ChangeDocument {
        let make: Make = { (model) throws(AdminProblem) in
            try Self.refuseWhileGuarded(model, context)
            return try make(model)
        }
        let plan = try plan(name, match, make)
        if context.isDryRun { return document(name, plan, isDryRun: true) }
        let document =
            if goesBack || plan.isLowering {
                try lower(name, action, match, context, make)
            } else {
                try raise(name, action, match, context, make)
            }
        if context.origin != Self.rolloutOrigin { watchRoute(name) }
        return document
    }

    /// A rollout alone moves the traffic of its model.
    private static func refuseWhileGuarded(_ model: ControlledModel, _ context: AdminContext) throws(AdminProblem) {
        guard model.guarded?.isRollout == true, context.origin != rolloutOrigin else { return }
        throw AdminProblem(
            .conflict, "a rollout of \(model.name) runs: pause, promote or abort that", generation: model.generation)
    }

    private func plan(_ name: String, _ match: UInt64?, _ make: Make) throws(AdminProblem) -> Plan {
        try state.withLock { (state) throws(AdminProblem) in try self.plan(name, match, make, state) }
    }

    private func plan(
        _ name: String, _ match: UInt64?, _ make: Make, _ state: borrowing ControlState
    ) throws(AdminProblem) -> Plan {
        guard state.isOpen else { throw AdminProblem(.unavailable, "another process serves now: ask that one") }
        guard let index = state.index(of: name) else {
            throw AdminProblem(.notFound, "there is no model \(quoted(name))")
        }
        var model = state.models[index]
        if let match, match != model.generation {
            throw AdminProblem(
                .stale, "the route has generation \(model.generation), not \(match): read it again",
                generation: model.generation)
        }
        let before = model.route
        let change = try make(model)
        if let (field, message) = change.route.problem() { throw AdminProblem(.unprocessable, "\(field): \(message)") }
        model.route = change.route
        let problems = RouteResolution(model.listed, state.served, fieldNames).problems
        guard problems.isEmpty, model.stable != nil else {
            let all = problems.isEmpty ? ["no version is ready to be stable"] : problems
            throw AdminProblem(.conflict, all[0], generation: model.generation, problems: all)
        }
        return Plan(
            index: index, before: before, generation: model.generation + 1, change: change,
            isLowering: Self.isLowering(before, change.route))
    }

    /// Every version but stable gets as much as before or less, and nothing else changes.
    static func isLowering(_ before: RouteConfiguration, _ after: RouteConfiguration) -> Bool {
        var (one, other) = (before, after)
        guard one.stable == other.stable else { return false }
        if let canary = after.canary {
            guard let old = before.canary, old.version == canary.version,
                canary.share.millionths <= old.share.millionths
            else { return false }
        }
        let arms = zip(before.arms, after.arms)
        guard before.arms.count == after.arms.count || after.arms.isEmpty,
            arms.allSatisfy({
                $0.name == $1.name && $0.version == $1.version && $1.share.millionths <= $0.share.millionths
            })
        else { return false }
        (one.canary, other.canary) = (nil, nil)
        (one.arms, other.arms) = ([], [])
        return one == other
    }

    private func document(_ name: String, _ plan: Plan, isDryRun: Bool = false, recorded: Bool = true) -> ChangeDocument
    {
        ChangeDocument(
            model: name, generation: isDryRun ? plan.generation - 1 : plan.generation, before: plan.before,
            after: plan.change.route, dryRun: isDryRun, recorded: recorded)
    }

    // MARK: Up

    /// On disk first, then in force.
    private func raise(
        _ name: String, _ action: String, _ match: UInt64?, _ context: AdminContext, _ make: Make
    ) throws(AdminProblem) -> ChangeDocument {
        try recordingFirst { () throws(AdminProblem) in
            let plan = try self.plan(name, match, make)
            let document = document(name, plan)
            do { try store.commit(record(name, action, plan, context, document)) } catch {
                throw AdminProblem(.unavailable, "the change is not made: \(error)")
            }
            let published = state.withLock { state -> UInt64? in
                // Somebody may have lowered meanwhile; that wins.
                guard state.models[plan.index].generation + 1 == plan.generation else { return nil }
                return apply(plan, &state)
            }
            guard let published else {
                try? store.commit(
                    .init(audit: [
                        AuditEntry(
                            actor: context.actor, origin: context.origin, action: action, model: name,
                            reason: "the change before this line was overtaken by a lowering", outcome: "stale")
                    ]))
                throw AdminProblem(.stale, "the route was lowered meanwhile: read it again")
            }
            settle(published)
            announce(name, action, document, context)
            return document
        }
    }

    // MARK: Down

    /// In force first; then on disk, and again until it is.
    private func lower(
        _ name: String, _ action: String, _ match: UInt64?, _ context: AdminContext, _ make: Make
    ) throws(AdminProblem) -> ChangeDocument {
        let (plan, published) = try state.withLock { (state) throws(AdminProblem) -> (Plan, UInt64) in
            let plan = try self.plan(name, match, make, state)
            // In the order in which they are in force: a later change may be recorded first otherwise.
            let change = record(name, action, plan, context, self.document(name, plan))
            unrecorded.withLock { $0.append(change) }
            return (plan, apply(plan, &state))
        }
        settle(published)
        var document = self.document(name, plan)
        announce(name, action, document, context)
        document.recorded = flush()
        return document
    }

    /// Records what is in force and not yet on disk; true: all of it is.
    @discardableResult
    func flush() -> Bool { changing.withLock { _ in flushLocked() } }

    /// A change that raises, under `changing`: what was lowered is on disk before it, or it is not made. Nobody waits for a
    /// disk that has just failed.
    func recordingFirst<Result>(_ body: () throws(AdminProblem) -> Result) throws(AdminProblem) -> Result {
        let problem = AdminProblem(
            .unavailable, "degraded: a lowering is in force that cannot be recorded; no traffic is raised until it is")
        if cannotRecord.load(ordering: .relaxed) { throw problem }
        return try changing.withLock { (_) throws(AdminProblem) in
            guard flushLocked() else { throw problem }
            return try body()
        }
    }

    /// The caller holds `changing`.
    func flushLocked() -> Bool {
        while let change = unrecorded.withLock({ $0.first }) {
            do { try store.commit(change) } catch {
                cannotRecord.store(true, ordering: .relaxed)
                logger.error("degraded: a lowering is in force and cannot be recorded: \(error)")
                events.append("degraded", "{}")
                return false
            }
            unrecorded.withLock { _ = $0.removeFirst() }
        }
        cannotRecord.store(false, ordering: .relaxed)
        return true
    }

    // MARK: Both

    @discardableResult
    private func apply(_ plan: Plan, _ state: inout ControlState) -> UInt64 {
        state.models[plan.index].route = plan.change.route
        state.models[plan.index].previous = plan.change.previous
        state.models[plan.index].pinnedUntil = plan.change.pinnedUntil
        state.models[plan.index].guarded = plan.change.guarded
        state.models[plan.index].generation = plan.generation
        return publish(&state)
    }

    private func record(
        _ name: String, _ action: String, _ plan: Plan, _ context: AdminContext, _ document: ChangeDocument
    ) -> StateStore.Change {
        let (before, after) = (RouteText.encode(plan.before), RouteText.encode(plan.change.route))
        var change = StateStore.Change(audit: [
            AuditEntry(
                actor: context.actor, origin: context.origin, action: action, model: name, before: before, after: after,
                reason: context.reason)
        ])
        change.models = [
            .init(
                name: name, generation: plan.generation, route: after,
                previous: plan.change.previous.map(RouteText.encode), pinnedUntil: plan.change.pinnedUntil)
        ]
        change.answers = Self.answers(context, document)
        return change
    }

    /// What a call with the same key is answered from now on.
    static func answers(_ context: AdminContext, _ document: some Encodable) -> [StateStore.Answer] {
        guard let key = context.idempotencyKey else { return [] }
        return [.init(key: key, request: context.requestDigest, status: 200, body: AdminJSON.encode(document))]
    }

    private func announce(_ name: String, _ action: String, _ document: ChangeDocument, _ context: AdminContext) {
        logger.notice("\(name): \(action) by \(context.actor): \(RouteText.encode(document.after))")
        events.append(action, AdminJSON.encode(document))
        health.set(hasModels: state.withLock { Self.isReady($0, fieldNames) })
    }

    // MARK: For the rollout guard

    /// Puts a route in force that takes traffic from a candidate, and waits for nobody; it is recorded by `flush`.
    /// - Parameter rollout: what is recorded of its rollout in the same transaction: neither is on disk without the other.
    func lowerAtOnce(
        _ name: String, _ action: String, _ context: AdminContext, with rollout: StateStore.Change? = nil, _ make: Make
    ) throws(AdminProblem) {
        let plan = try state.withLock { (state) throws(AdminProblem) -> Plan in
            let plan = try self.plan(name, nil, make, state)
            var change = record(name, action, plan, context, document(name, plan))
            if let rollout {
                change.audit += rollout.audit
                change.answers += rollout.answers
                change.rollouts = rollout.rollouts
            }
            unrecorded.withLock { $0.append(change) }
            apply(plan, &state)
            return plan
        }
        for wake in wakers.withLock({ $0 }) { wake() }
        announce(name, action, document(name, plan), context)
    }
}
