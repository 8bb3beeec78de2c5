// The controller as the admin plane sees it.

import Admin
import CLinux
import Codec
import Configuration
import Execution
import Glibc
import Logging
import ModelFormat
import Registry
import State
import Synchronization

extension Controller: AdminBackend {
    func status() -> StatusDocument {
        let (models, served) = state.withLock { ($0.models, $0.served) }
        return StatusDocument(
            version: GatewayServer.version, ready: health.isReady, degraded: isDegraded,
            state: store.folder == nil ? "memory" : "disk", models: models.map { document($0, served) })
    }

    func model(_ name: String) throws(AdminProblem) -> ModelDocument {
        let (model, served) = state.withLock { state in (state.models.first { $0.name == name }, state.served) }
        guard let model else { throw AdminProblem(.notFound, "there is no model \(quoted(name))") }
        return document(model, served)
    }

    private func document(_ model: ControlledModel, _ served: ServedVersions) -> ModelDocument {
        var document = ModelDocument(name: model.name, route: model.route)
        let listed = model.listed
        document.problems = RouteResolution(listed, served, fieldNames).problems
        document.ready = listed.stable != nil && document.problems.isEmpty
        document.warnings = triggerWarnings(model.name, model.stable) + arrivalWarnings(model.name)
        document.required = model.settings.isRequired
        document.generation = model.generation
        document.previous = model.previous
        document.pinnedUntil = model.pinnedUntil.map(Timestamp.text)
        document.differsFromConfiguration =
            model.settings.route != RouteConfiguration() && model.settings.route != model.route
        document.versions = model.versions.map { self.document($0, model) }
        return document
    }

    private func document(_ version: ControlledVersion, _ model: ControlledModel) -> VersionDocument {
        var document = VersionDocument(version: version.version, state: version.state.rawValue)
        document.error = version.error
        document.uses = model.route.uses(of: version.version)
        guard let served = version.served else { return document }
        let isDefault = model.route.stable == nil && model.stable?.version == version.version
        if isDefault { document.uses.append("stable") }
        document.weight = isDefault ? 1 : model.route.weight(of: version.version)
        let bundle = served.bundle
        document.digest = bundle.sourceDigest.description
        document.format = bundle.facts.format.rawValue
        document.costNanos = bundle.model.cost.nanosAlone
        document.golden = bundle.goldenCount
        document.cpuSeconds = served.metrics.cost.seconds(metrics.registry)
        document.memoryBytes = bundle.model.imageBytes + served.explanations.memoryBytes
        document.explanations = served.explanations.text
        document.explainNanos = served.explanations.explained?.rowNanos
        document.requests = served.arms.totals()
        document.lineage = LineageDocument(bundle.manifest.lineage)
        return document
    }

    // MARK: Audit

    func audit(_ query: AuditQuery) throws(AdminProblem) -> [AuditDocument] {
        var filter = AuditFilter()
        (filter.model, filter.actor, filter.action) = (query.model, query.actor, query.action)
        (filter.since, filter.after, filter.limit) = (query.since, query.after, query.limit)
        do {
            return try store.audit(filter).map { AuditDocument($0) }
        } catch {
            throw AdminProblem(.unavailable, "\(error)")
        }
    }

    func auditVerdict() throws(AdminProblem) -> AuditVerdictDocument {
        do {
            let verdict = try store.verifyAudit()
            return AuditVerdictDocument(
                lines: verdict.lines, checkpoints: verdict.checkpoints, unsigned: verdict.unsigned, fault: verdict.fault
            )
        } catch {
            throw AdminProblem(.unavailable, "\(error)")
        }
    }

    func recordRefusal(_ action: String, _ model: String, _ context: AdminContext, _ problem: AdminProblem) {
        if context.isDryRun { return }
        let entry = AuditEntry(
            actor: context.actor, origin: context.origin, action: action, model: model, reason: context.reason,
            outcome: "\(problem.kind.rawValue): \(problem.detail)")
        changing.withLock { _ in
            do { try store.commit(.init(audit: [entry])) } catch {
                logger.error("a refusal is not in the audit log: \(error)")
            }
        }
    }

    func answer(_ key: String) throws(AdminProblem) -> (request: String, status: Int, body: String)? {
        do { return try store.answer(key).map { ($0.request, $0.status, $0.body) } } catch {
            throw AdminProblem(.unavailable, "\(error)")
        }
    }

    // MARK: Events

    /// Waits up to ten seconds for an event; the client comes back with the number of the last one it has.
    func events(after number: UInt64?) -> String {
        let start = number ?? events.last
        for _ in 0..<200 {
            let news = events.after(start)
            if !news.isEmpty {
                return "retry: 100\n\n"
                    + news.map { "id: \($0.number)\nevent: \($0.kind)\ndata: \($0.data)\n\n" }.joined()
            }
            usleep(50_000)
        }
        return "retry: 100\nid: \(start)\n: nothing new\n\n"
    }
}

extension AuditDocument {
    init(_ record: AuditRecord) {
        let entry = record.entry
        self.init(
            sequence: record.sequence, time: Timestamp.text(entry.time), actor: entry.actor, origin: entry.origin,
            action: entry.action, model: entry.model, before: entry.before, after: entry.after, reason: entry.reason,
            outcome: entry.outcome, hash: Ed25519.hex(record.hash))
    }
}

extension LineageDocument {
    init?(_ lineage: Manifest.Lineage) {
        if lineage == Manifest.Lineage() { return nil }
        self.init()
        (dataSHA256, codeCommit) = (lineage.dataSHA256, lineage.codeCommit)
        (trainedAt, parent) = (lineage.trainedAt, lineage.parent)
        func table(_ pairs: [Manifest.Pair]) -> [String: String] {
            Dictionary(pairs.map { ($0.name, $0.text) }) { first, _ in first }
        }
        parameters = table(lineage.parameters)
        metrics = table(lineage.metrics)
        environment = table(lineage.environment)
    }
}
