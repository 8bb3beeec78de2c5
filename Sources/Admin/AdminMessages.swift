// A call of the admin plane and its answer, whatever carried them.

public import Configuration

public struct AdminRequest: Sendable {
    public var method: String
    /// Path and query as they came.
    public var target: String
    /// By name in lower case: authorization, if-match, idempotency-key, host, origin, last-event-id, serin-reason.
    public var headers: [String: String] = [:]
    public var body: [UInt8] = []
    /// Who connects: an address without port.
    public var address = ""

    public init(method: String, target: String) {
        self.method = method
        self.target = target
    }
}

public struct AdminResponse: Sendable, Equatable {
    public var status: Int
    public var body: String
    public var isProblem = false
    /// `text/event-stream` or `application/x-ndjson`; nil: JSON.
    public var contentType: String?
    /// The generation in force.
    public var generation: UInt64?
    public var allow: String?
    public var retryAfterSeconds: Int?

    public init(_ status: Int, _ body: String) {
        self.status = status
        self.body = body
    }

    public init(_ problem: AdminProblem) {
        self.init(problem.kind.status, AdminJSON.encode(ProblemDocument(problem)))
        isProblem = true
        generation = problem.generation
        if problem.kind == .tooMany { retryAfterSeconds = 60 }
        if problem.kind == .unavailable { retryAfterSeconds = 1 }
    }
}

/// RFC 9457.
public struct ProblemDocument: Codable, Sendable {
    public var type: String
    public var title: String
    public var status: Int
    public var detail: String
    public var generation: UInt64?
    public var problems: [String]?

    init(_ problem: AdminProblem) {
        type = "urn:serin:problem:\(problem.kind.rawValue)"
        title = problem.kind.title
        status = problem.kind.status
        detail = problem.detail
        generation = problem.generation
        problems = problem.problems.isEmpty ? nil : problem.problems
    }
}

/// What the admin plane works on.
public protocol AdminBackend: Sendable {
    func status() -> StatusDocument
    func model(_ name: String) throws(AdminProblem) -> ModelDocument
    func load(_ name: String, _ version: String, _ context: AdminContext) throws(AdminProblem) -> LoadDocument
    func unload(_ name: String, _ version: String, _ context: AdminContext) throws(AdminProblem) -> LoadDocument
    func setRoute(
        _ name: String, _ route: RouteConfiguration, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument
    func setRouteFromConfiguration(
        _ name: String, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument
    func switchTraffic(
        _ name: String, to version: String, bakeMillis: Int64?, match: UInt64?, _ context: AdminContext
    ) throws(AdminProblem) -> ChangeDocument
    func rollback(_ name: String, match: UInt64?, _ context: AdminContext) throws(AdminProblem) -> ChangeDocument
    func drift(_ name: String, _ version: String) throws(AdminProblem) -> DriftDocument
    func accuracy(_ name: String) throws(AdminProblem) -> AccuracyDocument
    func triggers(_ name: String) throws(AdminProblem) -> [TriggerDocument]
    func arrivals(_ name: String) throws(AdminProblem) -> [ArrivalDocument]
    func rollouts() -> [RolloutDocument]
    func rollout(_ id: String) throws(AdminProblem) -> RolloutDocument
    func startRollout(
        _ name: String, _ order: RolloutOrder, _ context: AdminContext
    ) throws(AdminProblem) -> RolloutDocument
    /// `command`: pause, resume, promote, abort or step-back.
    func commandRollout(
        _ id: String, _ command: String, _ context: AdminContext
    ) throws(AdminProblem) -> RolloutDocument
    func audit(_ query: AuditQuery) throws(AdminProblem) -> [AuditDocument]
    func auditVerdict() throws(AdminProblem) -> AuditVerdictDocument
    /// A change that was asked for and not made.
    func recordRefusal(_ action: String, _ model: String, _ context: AdminContext, _ problem: AdminProblem)
    /// What a call with this key was answered; nil: there was none.
    func answer(_ key: String) throws(AdminProblem) -> (request: String, status: Int, body: String)?
    /// Events after a number as server-sent events; waits for one, and at most some seconds.
    func events(after number: UInt64?) -> String
}

public struct AuditQuery: Sendable, Equatable {
    public var model = ""
    public var actor = ""
    public var action = ""
    /// Milliseconds since 1970.
    public var since: Int64 = 0
    /// Lines after this one.
    public var after: Int64 = 0
    public var limit = 100

    public init() {}
}

public struct AuditVerdictDocument: Codable, Sendable, Equatable {
    public var lines: Int64
    public var checkpoints: Int
    public var unsigned: Int64
    public var fault: String?

    public init(lines: Int64, checkpoints: Int, unsigned: Int64, fault: String?) {
        (self.lines, self.checkpoints, self.unsigned, self.fault) = (lines, checkpoints, unsigned, fault)
    }
}
