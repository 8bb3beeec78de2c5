// What the admin plane gives out, as JSON: the same types are written by the gateway and read by `serin ctl`.

public import Configuration

/// One version of a model.
public struct VersionDocument: Codable, Sendable, Equatable {
    public var version: String
    /// TensorFlow Serving's words: START, LOADING, AVAILABLE, UNLOADING, END.
    public var state: String
    /// Why it is not available.
    public var error: String?
    /// SHA-256 of the source model.
    public var digest: String?
    public var format: String?
    /// Worst-case processor time of one row.
    public var costNanos: Double?
    /// Golden rows that it answered.
    public var golden: Int?
    /// Processor time that it has taken so far: scores, explanations and copies as a shadow.
    public var cpuSeconds: Double?
    /// Its compiled model and its tables to explain.
    public var memoryBytes: Int?
    /// `ready`, `preparing`, `off`, or why it cannot be explained.
    public var explanations: String?
    /// Processor time of one row, scored and explained.
    public var explainNanos: Double?
    /// What of the route names it.
    public var uses: [String]
    /// Its share of the model's own traffic, 0 to 1.
    public var weight: Double
    /// Requests so far, by outcome.
    public var requests: [String: UInt64]
    public var lineage: LineageDocument?

    public init(version: String, state: String) {
        (self.version, self.state) = (version, state)
        (uses, weight, requests) = ([], 0, [:])
    }

    enum CodingKeys: String, CodingKey {
        case version, state, error, digest, format, golden, uses, weight, requests, lineage, explanations
        case costNanos = "cost_nanos"
        case cpuSeconds = "cpu_seconds"
        case memoryBytes = "memory_bytes"
        case explainNanos = "explain_nanos"
    }
}

/// Where a version comes from.
public struct LineageDocument: Codable, Sendable, Equatable {
    public var dataSHA256: String?
    public var codeCommit: String?
    public var trainedAt: String?
    public var parent: String?
    public var parameters: [String: String]
    public var metrics: [String: String]
    public var environment: [String: String]

    public init() { (parameters, metrics, environment) = ([:], [:], [:]) }

    enum CodingKeys: String, CodingKey {
        case parent, parameters, metrics, environment
        case dataSHA256 = "data_sha256"
        case codeCommit = "code_commit"
        case trainedAt = "trained_at"
    }
}

public struct ModelDocument: Codable, Sendable, Equatable {
    public var name: String
    /// Its stable version serves, and everything that its route names is there.
    public var ready: Bool
    public var required: Bool
    /// Of the route: what If-Match names.
    public var generation: UInt64
    public var route: RouteConfiguration
    /// What `rollback` goes back to.
    public var previous: RouteConfiguration?
    /// Until then the previous version cannot be unloaded, as RFC 3339.
    public var pinnedUntil: String?
    public var versions: [VersionDocument]
    /// What of the route cannot be served, a sentence each.
    public var problems: [String]
    /// What does not keep it from serving, and somebody should know: a webhook that is down, a bundle that was refused.
    public var warnings: [String]
    /// The configuration file says another route.
    public var differsFromConfiguration: Bool

    public init(name: String, route: RouteConfiguration) {
        (self.name, self.route) = (name, route)
        (ready, required, generation, versions, problems, warnings) = (false, false, 0, [], [], [])
        differsFromConfiguration = false
    }

    enum CodingKeys: String, CodingKey {
        case name, ready, required, generation, route, previous, versions, problems, warnings
        case pinnedUntil = "pinned_until"
        case differsFromConfiguration = "differs_from_configuration"
    }
}

public struct StatusDocument: Codable, Sendable, Equatable {
    public var version: String
    public var ready: Bool
    /// Something was lowered that is not recorded yet: raises are refused.
    public var degraded: Bool
    /// `disk`, or `memory`: lost when the process ends.
    public var state: String
    public var models: [ModelDocument]

    public init(version: String, ready: Bool, degraded: Bool, state: String, models: [ModelDocument]) {
        self.version = version
        self.ready = ready
        self.degraded = degraded
        self.state = state
        self.models = models
    }
}

/// What a change did, or with `dry_run` would do.
public struct ChangeDocument: Codable, Sendable, Equatable {
    public var model: String
    public var generation: UInt64
    public var before: RouteConfiguration
    public var after: RouteConfiguration
    public var dryRun: Bool
    /// False: it is in force, and not recorded yet.
    public var recorded: Bool

    public init(
        model: String, generation: UInt64, before: RouteConfiguration, after: RouteConfiguration, dryRun: Bool,
        recorded: Bool = true
    ) {
        self.model = model
        self.generation = generation
        self.before = before
        self.after = after
        self.dryRun = dryRun
        self.recorded = recorded
    }

    enum CodingKeys: String, CodingKey {
        case model, generation, before, after, recorded
        case dryRun = "dry_run"
    }
}

public struct AuditDocument: Codable, Sendable, Equatable {
    public var sequence: Int64
    /// RFC 3339, in UTC.
    public var time: String
    public var actor: String
    public var origin: String
    public var action: String
    public var model: String
    public var before: String
    public var after: String
    public var reason: String
    public var outcome: String
    public var hash: String

    public init(
        sequence: Int64, time: String, actor: String, origin: String, action: String, model: String, before: String,
        after: String, reason: String, outcome: String, hash: String
    ) {
        self.sequence = sequence
        self.time = time
        self.actor = actor
        self.origin = origin
        self.action = action
        self.model = model
        self.before = before
        self.after = after
        self.reason = reason
        self.outcome = outcome
        self.hash = hash
    }
}

/// What a load or unload did.
public struct LoadDocument: Codable, Sendable, Equatable {
    public var model: String
    public var version: String
    public var state: String
    public var dryRun: Bool

    public init(model: String, version: String, state: String, dryRun: Bool) {
        self.model = model
        self.version = version
        self.state = state
        self.dryRun = dryRun
    }

    enum CodingKeys: String, CodingKey {
        case model, version, state
        case dryRun = "dry_run"
    }
}
