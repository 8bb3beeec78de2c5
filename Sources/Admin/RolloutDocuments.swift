// A rollout as the admin plane tells of it.

/// The body of a start.
public struct RolloutOrder: Codable, Sendable, Equatable {
    /// The candidate; nil: the plan names it.
    public var version: String?
    /// The plan's text, YAML.
    public var plan: String
    /// It waits for a person, who resumes it, before its first step; nil: it does not.
    public var hold: Bool?

    public init(version: String?, plan: String, hold: Bool? = nil) {
        (self.version, self.plan, self.hold) = (version, plan, hold)
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case version, plan, hold }
}

/// One test of the guard.
public struct TestDocument: Codable, Sendable, Equatable {
    public var name: String
    /// off, pause or rollback.
    public var leadsTo: String
    /// log10 of the evidence, and of what it would need alone; nil: none yet.
    public var evidence: Double?
    public var threshold: Double

    public init(name: String, leadsTo: String, evidence: Double?, threshold: Double) {
        self.name = name
        self.leadsTo = leadsTo
        self.evidence = evidence
        self.threshold = threshold
    }

    enum CodingKeys: String, CodingKey {
        case name, evidence, threshold
        case leadsTo = "leads_to"
    }
}

/// An arm's requests, and its latency in seconds.
public struct ArmDocument: Codable, Sendable, Equatable {
    public var requests: UInt64
    public var late: UInt64
    public var errors: UInt64
    public var positives: UInt64
    public var p50: Double?
    public var p99: Double?

    public init(requests: UInt64, late: UInt64, errors: UInt64, positives: UInt64) {
        (self.requests, self.late, self.errors, self.positives) = (requests, late, errors, positives)
    }
}

public struct ArmsDocument: Codable, Sendable, Equatable {
    public var stable: ArmDocument
    public var candidate: ArmDocument

    public init(stable: ArmDocument, candidate: ArmDocument) {
        (self.stable, self.candidate) = (stable, candidate)
    }
}

/// Why the scores are said to differ.
public struct ShiftDocument: Codable, Sendable, Equatable {
    public struct Bin: Codable, Sendable, Equatable {
        public var from: Double?
        public var to: Double?
        public var stable: Double
        public var candidate: Double

        public init(from: Double?, to: Double?, stable: Double, candidate: Double) {
            (self.from, self.to, self.stable, self.candidate) = (from, to, stable, candidate)
        }
    }

    /// The population stability index.
    public var psi: Double
    /// Those that moved most, first.
    public var bins: [Bin]

    public init(psi: Double, bins: [Bin]) { (self.psi, self.bins) = (psi, bins) }
}

public struct RolloutDocument: Codable, Sendable, Equatable {
    public var id: String
    public var model: String
    public var stable: String
    public var candidate: String
    public var state: String
    /// One word: promote, rollback, environment, pause, inconclusive, too-little-data or undecided.
    public var verdict: String
    public var reason: String
    /// From 1; one more than there are: the candidate becomes stable.
    public var step: Int
    /// Their percentages.
    public var steps: [Double]
    /// What serves.
    public var percent: Double
    public var startedBy: String
    public var startedAt: String
    /// Since its beginning, without the time in which no gateway ran.
    public var seconds: Double
    public var thisStep: ArmsDocument
    public var total: ArmsDocument
    public var tests: [TestDocument]
    /// log10 of the promotion test, and what it needs.
    public var promotion: Double?
    public var promotionThreshold: Double
    /// Until the step's promotion test passes, if no further request is bad; nil: not at this rate.
    public var secondsToPromote: Double?
    public var shift: ShiftDocument?

    public init(id: String, model: String, stable: String, candidate: String, state: String) {
        (self.id, self.model, self.stable, self.candidate, self.state) = (id, model, stable, candidate, state)
        (verdict, reason, startedBy, startedAt) = ("", "", "", "")
        (step, steps, percent, seconds, promotionThreshold) = (1, [], 0, 0, 0)
        let none = ArmDocument(requests: 0, late: 0, errors: 0, positives: 0)
        thisStep = ArmsDocument(stable: none, candidate: none)
        total = thisStep
        tests = []
    }

    enum CodingKeys: String, CodingKey {
        case id, model, stable, candidate, state, verdict, reason, step, steps, percent, seconds, total, tests,
            promotion
        case shift
        case startedBy = "started_by"
        case startedAt = "started_at"
        case thisStep = "this_step"
        case promotionThreshold = "promotion_threshold"
        case secondsToPromote = "seconds_to_promote"
    }
}

/// The verdict alone, for Argo's web metric and Flagger's hooks.
public struct VerdictDocument: Codable, Sendable, Equatable {
    public var verdict: String
    public var state: String
    public var percent: Double
    public var reason: String

    public init(_ rollout: RolloutDocument) {
        (verdict, state, percent, reason) = (rollout.verdict, rollout.state, rollout.percent, rollout.reason)
    }

    static let questions = ["promote", "rollback"]

    /// Environment is a rollback as well.
    func answers(_ question: String) -> Bool {
        verdict == question || question == "rollback" && verdict == "environment"
    }
}
