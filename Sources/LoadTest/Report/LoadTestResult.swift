// What a run found, as a document: the JSON file, the table, JUnit and the page are all written from it, and two of them
// can be compared.
//
// Seconds everywhere.  A group's histogram is HdrHistogram's recorded values (microseconds and counts), so results of
// several generators can be added up.

public struct LoadTestResult: Codable, Sendable, Equatable {
    public static let schemaVersion = 2

    public struct Latency: Codable, Sendable, Equatable {
        public var mean = 0.0
        public var p50 = 0.0
        public var p90 = 0.0
        public var p95 = 0.0
        public var p99 = 0.0
        public var p999 = 0.0
        public var max = 0.0
    }

    /// Requests of one class, in one phase or all, by one version or all.
    public struct Group: Codable, Sendable, Equatable {
        public var trafficClass: String
        public var phase: String?
        public var version: String?
        public var seconds: Double
        public var counts: Counts
        public var throughput: Double
        /// Nil: nothing was answered.
        public var latency: Latency?
        /// `[microseconds, count]`, ascending.
        public var histogram: [[Double]]
    }

    /// A class's time, in slices.
    public struct Timeline: Codable, Sendable, Equatable {
        public struct Slice: Codable, Sendable, Equatable {
            /// Since the first phase began.
            public var at: Double
            public var seconds: Double
            public var answers: Int
            public var errors: Int
            public var p50: Double?
            public var p99: Double?
            public var max: Double?
        }

        public var trafficClass: String
        /// Nil: all versions.
        public var version: String?
        public var slices: [Slice]
    }

    public struct BudgetLine: Codable, Sendable, Equatable {
        public var text: String
        public var measure: String
        public var trafficClass: String
        public var phase: String?
        public var outcome: Verdict.Outcome
        public var value: Double?
        public var bound: Double
        public var interval: Interval?
        public var isRelative: Bool
        public var reason: String
        public var moreSeconds: Double?
    }

    /// A step on the admin plane.
    public struct Mark: Codable, Sendable, Equatable {
        public var at: Double
        public var ended: Double
        public var text: String
        /// Nil: it was done.
        public var problem: String?
    }

    /// What the generator says of itself, for a class in a phase.
    public struct Sending: Codable, Sendable, Equatable {
        public var trafficClass: String
        public var phase: String
        public var scheduled: Int
        public var sent: Int
        public var scheduledRate: Double
        public var reachedRate: Double
        /// Between due and released.
        public var latenessP50: Double
        public var latenessP99: Double
        public var latenessMax: Double
        /// Between released and written: every stream was in use.
        public var waitingP99: Double
        /// Of one core.
        public var busy: Double
        /// Nil: the rate was reached.
        public var problem: String?
        /// The problem is the generator's own.
        public var isOwnFault: Bool
    }

    public struct Reason: Codable, Sendable, Equatable {
        public var trafficClass: String
        public var text: String
        public var count: Int
    }

    public struct PhaseLine: Codable, Sendable, Equatable {
        public var name: String
        public var at: Double
        public var seconds: Double
    }

    public var schema = LoadTestResult.schemaVersion
    public var scenario: String
    public var about: String?
    /// Unix time.
    public var startedAt: Double
    public var seconds: Double
    /// Seconds since the first phase began; nil: it went on to its end.
    public var interruptedAt: Double?
    public var targets: [String: String]
    public var confidence: Double
    public var phases: [PhaseLine]
    public var groups: [Group]
    public var budgets: [BudgetLine]
    public var marks: [Mark]
    public var sending: [Sending]
    public var reasons: [Reason]
    public var timelines: [Timeline]
    /// What the scenario does not send, and why.
    public var notes: [String] = []

    public init(scenario: String, startedAt: Double, seconds: Double) {
        (self.scenario, self.startedAt, self.seconds) = (scenario, startedAt, seconds)
        (targets, confidence, phases, groups, budgets) = ([:], 0, [], [], [])
        (marks, sending, reasons, timelines) = ([], [], [], [])
    }
}

extension LoadTestResult {
    /// How the run ended; exit codes as the contract has them.
    public enum Ending: String, Sendable {
        case fine, inconclusive, broken, unreached, interrupted
    }

    public var ending: Ending {
        if interruptedAt != nil { return .interrupted }
        if sending.contains(where: { $0.problem != nil && $0.isOwnFault }) { return .unreached }
        if budgets.contains(where: { $0.outcome == .broken }) || marks.contains(where: { $0.problem != nil }) {
            return .broken
        }
        if sending.contains(where: { $0.problem != nil }) || budgets.contains(where: { $0.outcome == .unjudged }) {
            return .unreached
        }
        return budgets.contains { $0.outcome == .inconclusive } ? .inconclusive : .fine
    }

    /// What went wrong, a sentence each.
    public var problems: [String] {
        var problems = sending.compactMap { line in
            line.problem.map { "\(line.trafficClass) in \(line.phase): \($0)" }
        }
        problems += budgets.filter { $0.outcome == .broken || $0.outcome == .unjudged }
            .map { "\($0.text): \($0.reason)" }
        problems += marks.compactMap { mark in mark.problem.map { "\(mark.text): \($0)" } }
        return problems
    }
}
