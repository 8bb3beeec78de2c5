// Loading and unloading while requests are served.
//
//     load     LOADING ─► gate, on the loader's thread ─► commit ─► AVAILABLE, published
//     unload   in no route, not pinned ─► commit ─► UNLOADING, published without it
//              ─► every reactor has that, and no request holds the version: its queue is empty
//              ─► executors serve it no more ─► its slot and its memory are free

import Admin
import Batching
import CLinux
import Codec
import Configuration
import Glibc
import Logging
import Primitives
import Registry
import State
import Synchronization

extension Controller {
    /// Takes a version of the repository through the gate and makes it ready. One that is ready stays as it is.
    func load(_ name: String, _ version: String, _ context: AdminContext) throws(AdminProblem) -> LoadDocument {
        guard ModelIdentifier.isName(name), ModelIdentifier.versionNumber(version) != nil else {
            throw AdminProblem(.notFound, "no model or version has such a name")
        }
        if let document = try begin(name, version, context) { return document }
        let (model, slot, serving, loader) = try state.withLock { (state) throws(AdminProblem) in
            try prepare(name, version, &state)
        }
        let outcome = loaderQueue.run { loader.load(model.settings, version, slot: slot, serving: serving) }
        switch outcome {
        case .success(let served): return try finish(name, version, served, context)
        case .failure(let error):
            fail(name, version, slot, error.description, context)
            throw AdminProblem(.refused, error.description)
        }
    }

    /// What needs no loading: a dry run, a version that is ready.
    private func begin(
        _ name: String, _ version: String, _ context: AdminContext
    ) throws(AdminProblem) -> LoadDocument? {
        try discover(name)
        return try state.withLock { (state) throws(AdminProblem) in
            guard state.isOpen else { throw AdminProblem(.unavailable, "another process serves now: ask that one") }
            guard let index = state.index(of: name), let known = state.models[index][version] else {
                throw AdminProblem(
                    .notFound, "\(state.configuration.repository) does not hold \(name)/\(version): import it first")
            }
            switch known.state {
            case .available:
                return LoadDocument(
                    model: name, version: version, state: known.state.rawValue, dryRun: context.isDryRun)
            case .loading, .unloading:
                throw AdminProblem(.conflict, "version \(version) is \(known.state.rawValue): try again when it is not")
            case .start, .end:
                guard context.isDryRun else { return nil }
                return LoadDocument(model: name, version: version, state: known.state.rawValue, dryRun: true)
            }
        }
    }

    /// Looks what the repository holds now of a model.
    func discover(_ name: String) throws(AdminProblem) {
        let path = state.withLock { $0.configuration.repository }
        let contents: ModelRepository.Contents
        do throws(ConfigurationError) { contents = try ModelRepository(path: path).contents() } catch {
            throw AdminProblem(.unavailable, error.description)
        }
        guard let entry = contents.models.first(where: { $0.name == name }) else { return }
        state.withLock { state in
            if state.index(of: name) == nil {
                let settings = state.configuration.model(named: name)
                state.models.append(ControlledModel(name: name, settings: settings, route: settings.route))
                state.models.sort { $0.name < $1.name }
            }
            guard let index = state.index(of: name) else { return }
            for version in entry.versions where state.models[index][version] == nil {
                state.models[index][version] = ControlledVersion(version)
            }
        }
    }

    private func prepare(
        _ name: String, _ version: String, _ state: inout ControlState
    ) throws(AdminProblem) -> (ControlledModel, Int, ServedVersion?, SnapshotLoader) {
        guard let index = state.index(of: name), var controlled = state.models[index][version] else {
            throw AdminProblem(.notFound, "version \(version) is not there any more")
        }
        guard controlled.state == .start || controlled.state == .end else {
            throw AdminProblem(.conflict, "version \(version) is \(controlled.state.rawValue)")
        }
        guard let slot = state.slots.take("\(name)/\(version)") else {
            throw AdminProblem(.conflict, "\(VersionSlots.limit) versions are loaded: unload one first")
        }
        (controlled.state, controlled.error) = (.loading, nil)
        state.models[index][version] = controlled
        let loader = SnapshotLoader(state.configuration, metrics: metrics, logger: logger)
        return (state.models[index], slot, state.models[index].stable, loader)
    }

    private func finish(
        _ name: String, _ version: String, _ served: ServedVersion, _ context: AdminContext
    ) throws(AdminProblem) -> LoadDocument {
        let document = LoadDocument(model: name, version: version, state: "AVAILABLE", dryRun: false)
        let committed = changing.withLock { _ -> String? in
            do { try store.commit(record("load", name, version, true, served, context, document)) } catch {
                return "\(error)"
            }
            let published = state.withLock { state -> UInt64 in
                if let index = state.index(of: name), var controlled = state.models[index][version] {
                    (controlled.state, controlled.served) = (.available, served)
                    state.models[index][version] = controlled
                }
                return publish(&state)
            }
            settle(published)
            return nil
        }
        if let committed {
            fail(name, version, served.slot, committed, context)
            throw AdminProblem(.unavailable, "the version is not loaded: \(committed)")
        }
        logger.notice("\(name)/\(version) is loaded, by \(context.actor)")
        events.append("load", AdminJSON.encode(document))
        health.set(hasModels: state.withLock { Self.isReady($0, fieldNames) })
        prepareExplanations(served)
        return document
    }

    private func fail(_ name: String, _ version: String, _ slot: Int, _ reason: String, _ context: AdminContext) {
        state.withLock { state in
            state.slots.give(slot)
            guard let index = state.index(of: name), var controlled = state.models[index][version] else { return }
            (controlled.state, controlled.error) = (.end, reason)
            state.models[index][version] = controlled
            publish(&state)
        }
        let entry = AuditEntry(
            actor: context.actor, origin: context.origin, action: "load", model: name, after: version,
            reason: context.reason, outcome: reason)
        changing.withLock { _ in try? store.commit(.init(audit: [entry])) }
        events.append("refused", AdminJSON.encode(["model": name, "version": version, "reason": reason]))
    }

    private func record(
        _ action: String, _ name: String, _ version: String, _ isWanted: Bool, _ served: ServedVersion,
        _ context: AdminContext, _ document: LoadDocument
    ) -> StateStore.Change {
        let digest = served.bundle.sourceDigest.description
        var change = StateStore.Change(audit: [
            AuditEntry(
                actor: context.actor, origin: context.origin, action: action, model: name,
                before: isWanted ? "" : version, after: isWanted ? version : "", reason: context.reason)
        ])
        change.versions = [.init(model: name, version: version, isWanted: isWanted, digest: isWanted ? digest : "")]
        change.answers = Self.answers(context, document)
        return change
    }

    // MARK: Unload

    /// Takes a version out of memory that no route names.
    func unload(_ name: String, _ version: String, _ context: AdminContext) throws(AdminProblem) -> LoadDocument {
        let document = LoadDocument(model: name, version: version, state: "END", dryRun: context.isDryRun)
        let isThere = try changing.withLock { (_) throws(AdminProblem) -> Bool in
            let served = try state.withLock { (state) throws(AdminProblem) in try refuseUnload(name, version, state) }
            guard let served else { return false }
            if context.isDryRun { return true }
            do { try store.commit(record("unload", name, version, false, served, context, document)) } catch {
                throw AdminProblem(.unavailable, "the version stays loaded: \(error)")
            }
            let published = state.withLock { state -> UInt64 in
                guard let index = state.index(of: name), var controlled = state.models[index][version] else { return 0 }
                controlled.state = .unloading
                state.models[index][version] = controlled
                let generation = publish(&state)
                state.models[index][version]?.leftAt = generation
                return generation
            }
            settle(published)
            return true
        }
        guard isThere, !context.isDryRun else { return document }
        logger.notice("\(name)/\(version) is unloaded, by \(context.actor)")
        events.append("unload", AdminJSON.encode(document))
        // Mostly at once; where a request still holds it, `tick` goes on with it.
        for _ in 0..<500 {
            if freeUnloaded() == 0 { return document }
            usleep(1000)
        }
        return LoadDocument(model: name, version: version, state: "UNLOADING", dryRun: false)
    }

    /// The version to be unloaded; nil: it is not loaded.
    private func refuseUnload(
        _ name: String, _ version: String, _ state: borrowing ControlState
    ) throws(AdminProblem) -> ServedVersion? {
        guard state.isOpen else { throw AdminProblem(.unavailable, "another process serves now: ask that one") }
        guard let index = state.index(of: name), let known = state.models[index][version] else {
            throw AdminProblem(.notFound, "there is no version \(quoted(version)) of \(quoted(name))")
        }
        let model = state.models[index]
        if known.state == .loading { throw AdminProblem(.conflict, "version \(version) is being loaded") }
        guard known.state == .available else { return nil }
        var uses = model.route.uses(of: version)
        if uses.isEmpty, model.stable?.version == version { uses = ["stable"] }
        uses += model.versions.filter { $0.isReady && $0.version != version && $0.falls(backOn: version) }
            .map { "fallback of version \($0.version)" }
        if let guarded = model.guarded, guarded.isRollout, [guarded.stable, guarded.canary].contains(version) {
            uses.append("rollout")
        }
        if !uses.isEmpty {
            throw AdminProblem(
                .conflict, "version \(version) is in use: \(uses.joined(separator: ", ")) of \(name)",
                generation: model.generation)
        }
        if let until = model.pinnedUntil, until > AuditEntry.now(), model.previous?.versions.contains(version) == true {
            throw AdminProblem(
                .conflict, "version \(version) is pinned until \(Timestamp.text(until)): rollback goes back to it",
                generation: model.generation)
        }
        return known.served
    }

    /// Lets go of versions that nobody can see and nobody holds; returns how many are left.
    func freeUnloaded() -> Int {
        let oldest = publication.epochs.oldest()
        let (freed, left, published) = state.withLock { state -> (Bool, Int, UInt64) in
            leaveQueues(&state, oldest)
            let served = executors.oldest
            var (freed, left) = (false, 0)
            for index in state.models.indices {
                for var controlled in state.models[index].versions where controlled.state == .unloading {
                    guard let version = controlled.served, controlled.queueLeftAt != 0, controlled.queueLeftAt <= served
                    else {
                        left += 1
                        continue
                    }
                    state.slots.give(version.slot)
                    (controlled.state, controlled.served) = (.end, nil)
                    (controlled.leftAt, controlled.queueLeftAt) = (0, 0)
                    state.models[index][controlled.version] = controlled
                    freed = true
                }
            }
            return (freed, left, freed ? publish(&state) : 0)
        }
        if freed { settle(published) }
        return left
    }

    /// Executors stop to look at the queues of versions that no reactor leads to and no request holds any more.
    private func leaveQueues(_ state: inout ControlState, _ oldest: UInt64) {
        var leaving: [(model: Int, version: String)] = []
        for (index, model) in state.models.enumerated() {
            for controlled in model.versions where controlled.state == .unloading && controlled.queueLeftAt == 0 {
                guard let served = controlled.served, controlled.leftAt != 0, controlled.leftAt <= oldest,
                    holds.total(served.slot) == 0, served.queues.allSatisfy(\.isIdle)
                else { continue }
                state.models[index][controlled.version]?.queueLeftAt = .max
                leaving.append((index, controlled.version))
            }
        }
        if leaving.isEmpty { return }
        let generation = executors.serve(state.queued)
        for (model, version) in leaving { state.models[model][version]?.queueLeftAt = generation }
    }

    /// Now and then: what could not be done at once.
    func tick() {
        publication.collect()
        _ = freeUnloaded()
        if isDegraded { flush() }
        let now = clinux_now()
        tickDrift(at: now)
        tickFeedback(at: now)
        tickTriggers(at: now)
    }
}
