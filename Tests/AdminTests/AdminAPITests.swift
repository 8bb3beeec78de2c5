import Configuration
import Foundation
import Registry
import Synchronization
import Testing

@testable import Admin

/// A control plane that notes what it is asked.
private final class FakeBackend: AdminBackend {
    let asked = Mutex<[String]>([])
    let refused = Mutex<[String]>([])
    let answers = Mutex<[String: (String, Int, String)]>([:])

    private func note(_ what: String) { asked.withLock { $0.append(what) } }

    func status() -> StatusDocument {
        StatusDocument(version: "0", ready: true, degraded: false, state: "memory", models: [document("fraud")])
    }

    func accuracy(_ name: String) throws(AdminProblem) -> AccuracyDocument {
        AccuracyDocument(model: name, versions: [])
    }

    func drift(_ name: String, _ version: String) throws(AdminProblem) -> DriftDocument {
        note("drift \(name) \(version)")
        return DriftDocument(model: name, version: version, windows: [])
    }

    func triggers(_ name: String) throws(AdminProblem) -> [TriggerDocument] {
        note("triggers \(name)")
        return [TriggerDocument(name: "drifted", kind: "drift", url: "http://a/", state: "quiet", cooldownSeconds: 1)]
    }

    func arrivals(_ name: String) throws(AdminProblem) -> [ArrivalDocument] {
        note("arrivals \(name)")
        return [ArrivalDocument(version: "2", outcome: "refused", reason: "no", time: "2026-01-31T09:00:00.000Z")]
    }

    private func document(_ name: String) -> ModelDocument {
        var document = ModelDocument(name: name, route: RouteConfiguration(stable: "1"))
        document.generation = 7
        return document
    }

    func model(_ name: String) throws(AdminProblem) -> ModelDocument {
        guard name == "fraud" else { throw AdminProblem(.notFound, "there is no model") }
        return document(name)
    }

    func load(_ name: String, _ version: String, _ context: AdminContext) throws(AdminProblem) -> LoadDocument {
        note("load \(name) \(version) \(context.actor)")
        if version == "9" { throw AdminProblem(.refused, "golden row 3 differs") }
        let document = LoadDocument(model: name, version: version, state: "AVAILABLE", dryRun: context.isDryRun)
        if let key = context.idempotencyKey {
            answers.withLock { $0[key] = (context.requestDigest, 200, AdminJSON.encode(document)) }
        }
        return document
    }

    func unload(_ name: String, _ version: String, _ context: AdminContext) throws(AdminProblem) -> LoadDocument {
        note("unload \(name) \(version)")
        return LoadDocument(model: name, version: version, state: "END", dryRun: context.isDryRun)
    }

    private func change(_ name: String, _ what: String, _ match: UInt64?) throws(AdminProblem) -> ChangeDocument {
        if let match, match != 7 { throw AdminProblem(.stale, "read it again", generation: 7) }
        note(what)
        let route = RouteConfiguration(stable: "1")
        return ChangeDocument(model: name, generation: 8, before: route, after: route, dryRun: false)
    }

    func setRoute(
        _ name: String, _ route: RouteConfiguration, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument {
        try change(name, "route \(route.canary?.share.millionths ?? 0) \(context.reason)", match)
    }

    func setRouteFromConfiguration(
        _ name: String, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument { try change(name, "from configuration", match) }

    func switchTraffic(
        _ name: String, to version: String, bakeMillis: Int64?, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument { try change(name, "switch \(version) \(bakeMillis ?? -1)", match) }

    func rollback(_ name: String, match: UInt64?, _ context: AdminContext) throws(AdminProblem) -> ChangeDocument {
        try change(name, "rollback", match)
    }

    private var rolloutDocument: RolloutDocument {
        var document = RolloutDocument(id: "fraud-1", model: "fraud", stable: "1", candidate: "2", state: "running")
        (document.verdict, document.reason) = ("environment", "stable suffers as well")
        return document
    }

    func rollouts() -> [RolloutDocument] { [rolloutDocument] }

    func rollout(_ id: String) throws(AdminProblem) -> RolloutDocument {
        guard id == "fraud-1" else { throw AdminProblem(.notFound, "there is no rollout") }
        return rolloutDocument
    }

    func startRollout(
        _ name: String, _ order: RolloutOrder, _ context: AdminContext
    ) throws(AdminProblem) -> RolloutDocument {
        note("rollout \(name) \(order.version ?? "") \(order.plan.utf8.count)")
        return rolloutDocument
    }

    func commandRollout(
        _ id: String, _ command: String, _ context: AdminContext
    ) throws(AdminProblem) -> RolloutDocument {
        note("\(command) \(id) \(context.actor)")
        return try rollout(id)
    }

    func audit(_ query: AuditQuery) throws(AdminProblem) -> [AuditDocument] {
        note("audit \(query.model) \(query.since) \(query.limit)")
        return []
    }

    func auditVerdict() throws(AdminProblem) -> AuditVerdictDocument {
        AuditVerdictDocument(lines: 0, checkpoints: 0, unsigned: 0, fault: nil)
    }

    func recordRefusal(_ action: String, _ model: String, _ context: AdminContext, _ problem: AdminProblem) {
        refused.withLock { $0.append("\(action) \(model) \(context.actor) \(problem.kind.rawValue)") }
    }

    func answer(_ key: String) throws(AdminProblem) -> (request: String, status: Int, body: String)? {
        answers.withLock { $0[key] }
    }

    func events(after number: UInt64?) -> String { "retry: 100\n\n" }
}

@Suite struct AdminAPITests {
    private let backend = FakeBackend()

    private static let roles = ["viewer", "operator", "admin"]

    private func api(withTokens: Bool = true, clock: @escaping @Sendable () -> UInt64 = { 0 }) throws -> AdminAPI {
        let tokens = Self.roles.map { role in
            "{name: \(role)-1, role: \(role), sha256: \(SHA256Digest(of: Array("secret-\(role)".utf8)))}"
        }
        let yaml = withTokens ? "admin: {tokens: [\(tokens.joined(separator: ", "))]}" : ""
        return AdminAPI(backend, try ConfigurationLoader.parse(yaml).admin, clock: clock)
    }

    private static func request(
        _ method: String, _ path: String, token: String? = "secret-admin", body: String = "",
        headers: [String: String] = [:]
    ) -> AdminRequest {
        var request = AdminRequest(method: method, target: "/admin/v1" + path)
        request.headers = headers
        request.headers["host"] = request.headers["host"] ?? "127.0.0.1:9901"
        if let token { request.headers["authorization"] = "Bearer \(token)" }
        request.body = Array(body.utf8)
        request.address = "127.0.0.1"
        return request
    }

    /// A call that would succeed.
    private static func good(_ call: AdminCall, token: String?) -> AdminRequest {
        let path = call.path.replacing("{model}", with: "fraud").replacing("{version}", with: "2")
            .replacing("{id}", with: "fraud-1")
        let body =
            switch call.name {
            case .switchTraffic: #"{"version":"2"}"#
            case .setRoute: #"{"stable":"1"}"#
            case .rolloutStart: #"{"version":"2","plan":"steps: []"}"#
            default: ""
            }
        return request(
            call.method, path, token: token, body: body, headers: call.name == .setRoute ? ["if-match": "\"7\""] : [:])
    }

    /// Flagger's hooks go by the status; environment is a rollback too, and no other verdict is.
    @Test func verdictsAnswerQuestions() throws {
        func ask(_ method: String, _ query: String) throws -> AdminResponse {
            try api().handle(Self.request(method, "/rollouts/fraud-1/verdict" + query))
        }
        let plain = try ask("GET", "")
        #expect(plain.status == 200 && plain.body.contains(#""verdict":"environment""#))
        for method in ["GET", "POST"] {
            #expect(try ask(method, "?is=rollback").status == 200)
            #expect(try ask(method, "?is=promote").status == 409)
            #expect(try ask(method, "?is=perhaps").status == 400)
        }
        #expect(try api().handle(Self.request("POST", "/rollouts/fraud-2:abort")).status == 404)
        #expect(backend.asked.withLock { $0 } == ["abort fraud-2 admin-1"])
    }

    /// Every call, every role, every state of authentication.
    @Test func everyCallByEveryRole() throws {
        for call in AdminCall.table {
            for role in Self.roles {
                let status = try api().handle(Self.good(call, token: "secret-\(role)")).status
                let mayCall = AdminRole(rawValue: role).map { $0 >= call.role } ?? false
                #expect(status == (mayCall ? 200 : 403), "\(call.method) \(call.path) as \(role): \(status)")
            }
            for token in [nil, "", "wrong", "secret-viewer ", "SECRET-ADMIN"] {
                #expect(
                    try api().handle(Self.good(call, token: token)).status == 401,
                    "\(call.path) with \(token ?? "none")")
            }
            let open = try api(withTokens: false)
            #expect(open.handle(Self.good(call, token: nil)).status == 200, "\(call.path) on loopback")
            for (header, value) in [
                ("host", "evil.example"), ("host", ""), ("origin", "https://evil.example"), ("origin", "null"),
            ] {
                var foreign = Self.good(call, token: nil)
                foreign.headers[header] = value
                #expect(open.handle(foreign).status == 403, "\(call.path) with \(header) \(value)")
            }
            var own = Self.good(call, token: nil)
            own.headers["origin"] = "http://localhost:9901"
            #expect(open.handle(own).status == 200)
        }
    }

    @Test func tenWrongTokensAMinuteAreEnough() throws {
        let now = Atomic64()
        let api = try api(clock: { now.value.load(ordering: .relaxed) })
        for _ in 0..<10 { #expect(api.handle(Self.request("GET", "/models", token: "x")).status == 401) }
        #expect(api.handle(Self.request("GET", "/models")).status == 429)
        var elsewhere = Self.request("GET", "/models")
        elsewhere.address = "10.0.0.1"
        #expect(api.handle(elsewhere).status == 200)
        now.value.store(61_000_000_000, ordering: .relaxed)
        #expect(api.handle(Self.request("GET", "/models")).status == 200)
    }

    @Test(arguments: [
        ("GET", "/nothing", 404), ("GET", "/models/fraud/", 404), ("GET", "/models/other", 404),
        ("DELETE", "/models", 405),
        ("POST", "/models/fraud/route", 405), ("GET", "/models/fraud:switch", 405),
        ("POST", "/models/fraud:explode", 404),
        ("GET", "/models/..%2f..", 404), ("GET", "/audit?limit=0", 400), ("GET", "/audit?since=yesterday", 400),
        ("GET", "/audit?model=%zz", 400), ("GET", "/audit?format=xml", 400), ("POST", "/models/fraud:switch", 400),
        ("POST", "/models/fraud:rollback?dry_run=perhaps", 400), ("PUT", "/models/fraud/route", 428),
    ])
    func whatIsWrongIsSaid(method: String, path: String, status: Int) throws {
        let answer = try api().handle(Self.request(method, path))
        #expect(answer.status == status && answer.isProblem, "\(answer)")
        if status == 405 { #expect(answer.allow != nil) }
        let problem = try JSONDecoder().decode(ProblemDocument.self, from: Data(answer.body.utf8))
        #expect(problem.status == status && !problem.detail.isEmpty)
    }

    @Test(arguments: [
        (#"{"stable":"1","canary":{"version":"2","percent":101}}"#, "canary.percent"),
        (#"{"canary":{"version":"2","percent":"NaN"}}"#, "canary.percent: expected a number"),
        (#"{"canary":{"version":"2","percent":0.00001}}"#, "steps of 0.0001"),
        (#"{"canry":{}}"#, "did you mean canary?"),
        (#"{"canary":{"version":"2"}}"#, "canary.percent: is missing"), (#"{"stable":1}"#, "stable: expected text"),
        ("", "not JSON"), ("[]", "expected another kind of value"),
        (#"{"sticky":{}}"#, "expected one of header and feature"),
    ])
    func aRouteThatCannotBeReadNamesItsPlace(body: String, expected: String) throws {
        let answer = try api().handle(
            Self.request("PUT", "/models/fraud/route", body: body, headers: ["if-match": "\"7\""]))
        #expect(answer.status == 400 && answer.body.contains(expected), "\(answer.body)")
    }

    @Test func aStaleMatchIs412WithTheGeneration() throws {
        let answer = try api().handle(
            Self.request("PUT", "/models/fraud/route", body: #"{"stable":"1"}"#, headers: ["if-match": "\"6\""]))
        #expect(answer.status == 412 && answer.generation == 7)
        #expect(backend.refused.withLock { $0 } == ["route fraud admin-1 stale"])
        for match in ["7", "\"x\"", "W/\"7\""] {
            let odd = try api().handle(
                Self.request("PUT", "/models/fraud/route", body: #"{"stable":"1"}"#, headers: ["if-match": match]))
            #expect(odd.status == 400, "\(match)")
        }
        let any = try api().handle(
            Self.request(
                "PUT", "/models/fraud/route?reason=friday%20night",
                body: #"{"stable":"1","canary":{"version":"2","percent":2.5}}"#,
                headers: ["if-match": "*"]))
        #expect(any.status == 200 && any.generation == 8)
        #expect(backend.asked.withLock { $0 } == ["route 25000 friday night"])
    }

    @Test func aCallWithAKeyIsMadeOnce() throws {
        let api = try api()
        func load(_ version: String, _ key: String, token: String = "secret-admin") -> AdminResponse {
            api.handle(
                Self.request(
                    "POST", "/models/fraud/versions/\(version):load", token: token, headers: ["idempotency-key": key]))
        }
        let first = load("2", "abc")
        #expect(first.status == 200 && load("2", "abc") == first)
        #expect(backend.asked.withLock { $0.count } == 1)
        #expect(load("3", "abc").status == 422)
        #expect(load("3", "def").status == 200)
        #expect(load("3", String(repeating: "k", count: 129)).status == 400)
        #expect(load("9", "ghi").status == 422)
        #expect(backend.refused.withLock { $0.isEmpty }, "the gate writes its own line")
    }

    @Test func theServedDocumentIsTheCommittedOne() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../config/openapi.json")
        let committed = try String(contentsOf: file, encoding: .utf8)
        #expect(committed == AdminOpenAPI.document, "curl the admin plane's openapi.json into config/openapi.json")
    }
}

private final class Atomic64: Sendable {
    let value = Atomic<UInt64>(0)
}
