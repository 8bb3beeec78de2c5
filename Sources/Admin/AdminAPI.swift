// The admin plane's calls: who may make them, what they need, and what they answer.
//
//     address ─► identity (401, 429) ─► path (404) ─► method (405) ─► role (403) ─► key seen before: the same answer
//             ─► If-Match, body (400, 412, 428) ─► the backend ─► JSON with an ETag, or a problem
//
// One table, `AdminCall.table`, says what there is; the OpenAPI document and the tests go by it too.

public import Configuration
internal import Registry
internal import Synchronization

public final class AdminAPI: Sendable {
    let backend: any AdminBackend
    private let access: AdminAccess
    /// Keys of calls that are being made.
    private let running = Mutex<Set<String>>([])

    /// `clock`: nanoseconds that only grow.
    public init(
        _ backend: any AdminBackend, _ configuration: AdminConfiguration, clock: @escaping @Sendable () -> UInt64
    ) {
        self.backend = backend
        access = AdminAccess(configuration, clock: clock)
    }

    /// Answers one call; takes as long as it takes.
    public func handle(_ request: AdminRequest) -> AdminResponse {
        do throws(AdminProblem) {
            let identity = try access.identify(request)
            let (call, names) = try AdminCall.find(request)
            guard identity.role >= call.role else {
                throw AdminProblem(
                    .forbidden,
                    "\(identity.name) is a \(identity.role.rawValue); this needs the role \(call.role.rawValue)")
            }
            return try answer(request, call, names, identity)
        } catch {
            var response = AdminResponse(error)
            if error.kind == .methodNotAllowed {
                response.allow = AdminCall.methods(of: request).joined(separator: ", ")
            }
            return response
        }
    }

    private func answer(
        _ request: AdminRequest, _ call: AdminCall, _ names: [String], _ identity: AdminIdentity
    ) throws(AdminProblem) -> AdminResponse {
        let target = try AdminTarget(request.target)
        guard call.isChange else { return try read(request, call, names, target) }
        var context = AdminContext(actor: identity.name, origin: request.address)
        context.reason = target["reason"] ?? request.headers["serin-reason"] ?? ""
        context.isDryRun = try target.flag("dry_run")
        guard context.reason.utf8.count <= 1024 else {
            throw AdminProblem(.badRequest, "reason: is longer than 1024 bytes")
        }
        guard let key = request.headers["idempotency-key"], request.method == "POST" else {
            return try change(request, call, names, target, context)
        }
        return try once(request, key, identity) { (key, digest) throws(AdminProblem) in
            (context.idempotencyKey, context.requestDigest) = (key, digest)
            return try change(request, call, names, target, context)
        }
    }

    /// A call with a key is made once; made again it gets the same answer.
    private func once(
        _ request: AdminRequest, _ key: String, _ identity: AdminIdentity,
        _ body: (String, String) throws(AdminProblem) -> AdminResponse
    ) throws(AdminProblem) -> AdminResponse {
        guard 1...128 ~= key.utf8.count else {
            throw AdminProblem(.badRequest, "idempotency-key: expected 1 to 128 bytes")
        }
        let owned = "\(identity.name) \(key)"
        let digest = SHA256Digest(of: Array("\(request.method) \(request.target)\n".utf8) + request.body).description
        let isFirst = running.withLock { $0.insert(owned).inserted }
        guard isFirst else { throw AdminProblem(.conflict, "a call with this idempotency-key is being made") }
        defer { running.withLock { _ = $0.remove(owned) } }
        if let known = try backend.answer(owned) {
            guard known.request == digest else {
                throw AdminProblem(.unprocessable, "idempotency-key: was used for another call")
            }
            return AdminResponse(known.status, known.body)
        }
        return try body(owned, digest)
    }

    // MARK: Reads

    private func read(
        _ request: AdminRequest, _ call: AdminCall, _ names: [String], _ target: AdminTarget
    ) throws(AdminProblem) -> AdminResponse {
        switch call.name {
        case .openapi: return AdminResponse(200, AdminOpenAPI.document)
        case .status: return AdminResponse(200, AdminJSON.encode(backend.status()))
        case .models: return AdminResponse(200, AdminJSON.encode(["models": backend.status().models]))
        case .model: return tagged(try backend.model(names[0]))
        case .route:
            let model = try backend.model(names[0])
            var response = AdminResponse(200, AdminJSON.encode(model.route))
            response.generation = model.generation
            return response
        case .accuracy: return AdminResponse(200, AdminJSON.encode(try backend.accuracy(names[0])))
        case .drift: return AdminResponse(200, AdminJSON.encode(try backend.drift(names[0], names[1])))
        case .triggers: return AdminResponse(200, AdminJSON.encode(["triggers": try backend.triggers(names[0])]))
        case .arrivals: return AdminResponse(200, AdminJSON.encode(["arrivals": try backend.arrivals(names[0])]))
        case .events:
            let last = request.headers["last-event-id"].flatMap { UInt64($0) }
            var response = AdminResponse(200, backend.events(after: last))
            response.contentType = "text/event-stream"
            return response
        case .audit: return try audit(target)
        case .rollouts, .rollout, .rolloutVerdict, .rolloutQuestion: return try readRollout(call.name, names, target)
        case .auditVerdict: return AdminResponse(200, AdminJSON.encode(try backend.auditVerdict()))
        default: throw AdminProblem(.notFound, "there is no such call")
        }
    }

    private func tagged(_ model: ModelDocument) -> AdminResponse {
        var response = AdminResponse(200, AdminJSON.encode(model))
        response.generation = model.generation
        return response
    }

    private func audit(_ target: AdminTarget) throws(AdminProblem) -> AdminResponse {
        var query = AuditQuery()
        query.model = target["model"] ?? ""
        query.actor = target["actor"] ?? ""
        query.action = target["action"] ?? ""
        query.after = try target.number("after", 0...Int64.max) ?? 0
        query.limit = Int(try target.number("limit", 1...10_000) ?? 100)
        if let since = target["since"] {
            guard let millis = Timestamp.millis(since) else {
                throw AdminProblem(.badRequest, "since: expected an instant such as 2026-01-31T09:00:00Z")
            }
            query.since = millis
        }
        let lines = try backend.audit(query)
        guard target["format"] == "ndjson" else {
            if let other = target["format"], other != "json" {
                throw AdminProblem(.badRequest, "format: expected json or ndjson")
            }
            return AdminResponse(200, AdminJSON.encode(["lines": lines]))
        }
        var response = AdminResponse(200, lines.map { AdminJSON.encode($0) + "\n" }.joined())
        response.contentType = "application/x-ndjson"
        return response
    }

    // MARK: Changes

    private func change(
        _ request: AdminRequest, _ call: AdminCall, _ names: [String], _ target: AdminTarget, _ context: AdminContext
    ) throws(AdminProblem) -> AdminResponse {
        do throws(AdminProblem) {
            switch call.name {
            case .load: return AdminResponse(200, AdminJSON.encode(try backend.load(names[0], names[1], context)))
            case .unload: return AdminResponse(200, AdminJSON.encode(try backend.unload(names[0], names[1], context)))
            case .rolloutStart, .rolloutPause, .rolloutResume, .rolloutPromote, .rolloutAbort, .rolloutStepBack:
                return try changeRollout(request, call.name, names[0], context)
            default: break
            }
            let document = try changeRoute(request, call, names[0], target, context)
            var response = AdminResponse(200, AdminJSON.encode(document))
            response.generation = document.generation
            return response
        } catch {
            // The gate writes a line of its own.
            if error.kind != .refused { backend.recordRefusal(call.name.action, names[0], context, error) }
            throw error
        }
    }

    private func changeRoute(
        _ request: AdminRequest, _ call: AdminCall, _ model: String, _ target: AdminTarget, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument {
        let match = try Self.match(request)
        switch call.name {
        case .setRoute:
            if request.headers["if-match"] == nil {
                throw AdminProblem(
                    .preconditionRequired, "If-Match: send the ETag of the route that this one replaces, or *")
            }
            if try target.flag("from_config") {
                return try backend.setRouteFromConfiguration(model, match: match, context)
            }
            let route = try AdminJSON.decode(RouteConfiguration.self, request.body)
            return try backend.setRoute(model, route, match: match, context)
        case .switchTraffic:
            let order = try AdminJSON.decode(SwitchOrder.self, request.body)
            return try backend.switchTraffic(
                model, to: order.version, bakeMillis: try order.bakeMillis(), match: match, context)
        default: return try backend.rollback(model, match: match, context)
        }
    }

    /// nil: any generation.
    private static func match(_ request: AdminRequest) throws(AdminProblem) -> UInt64? {
        guard let text = request.headers["if-match"], text != "*" else { return nil }
        let digits =
            text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 2 ? String(text.dropFirst().dropLast()) : ""
        guard let generation = UInt64(digits) else {
            throw AdminProblem(.badRequest, "If-Match: expected an ETag such as \"7\", or *")
        }
        return generation
    }
}

/// The body of a switch.
struct SwitchOrder: Decodable {
    var version: String
    /// How long the version before stays pinned.
    var bake: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case version, bake }

    func bakeMillis() throws(AdminProblem) -> Int64? {
        guard let bake else { return nil }
        guard let nanos = Quantity.nanos(bake), nanos <= 30 * 24 * 3_600_000_000_000 else {
            throw AdminProblem(.badRequest, "bake: expected a duration up to 720h, such as 1h")
        }
        return Int64(nanos / 1_000_000)
    }
}
