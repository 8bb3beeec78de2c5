// What an operator wants to happen: steps, guards, and when not.  config/rollout.yaml documents every field; the reader
// checks it, and a plan that is not refused can be run.

public struct RolloutPlan: Equatable, Sendable {
    /// Somebody to ask before or after a step, over HTTP.
    public struct Hook: Equatable, Sendable {
        public internal(set) var url: String
        /// Without an answer by then the rollout holds.
        public internal(set) var timeoutNanos: UInt64 = 10_000_000_000
    }

    /// One weight, for a while.
    public struct Step: Equatable, Sendable {
        /// Of the model's traffic, above 0, at most 100.
        public internal(set) var percent: Double
        /// At least so long, however good the candidate is.
        public internal(set) var minNanos: UInt64
        /// Then it is inconclusive.
        public internal(set) var maxNanos: UInt64
        /// Requests of the candidate; below it there is neither success nor failure.
        public internal(set) var samples: UInt64
        /// Passed, it waits for a person.
        public internal(set) var isGated = false
        public internal(set) var before: Hook?
        public internal(set) var after: Hook?
    }

    /// The model's name; nil: named where the plan is started.
    public internal(set) var model: String?
    public internal(set) var candidate: String?
    /// nil: the version that is stable when it starts.
    public internal(set) var stable: String?
    public internal(set) var steps: [Step] = []
    /// Everything of the guard but what is only known at the start (stickiness, stable's past).
    public internal(set) var guardSettings = GuardSettings()
    /// Added to stable's quantiles, as a share of the latency budget.
    public internal(set) var toleranceOfBudget = 0.1
    /// After 100% so long, with the old stable warm and the guard awake.
    public internal(set) var bakeNanos: UInt64 = 600_000_000_000
    /// Percentage points that one change may move.
    public internal(set) var changeMax = 50.0
    /// Who started it cannot promote it.
    public internal(set) var needsSecondPerson = false
    public internal(set) var freezes: [FreezeWindow] = []
    /// Requests a second of the model; nil: what is measured at the start.
    public internal(set) var rate: Double?
    /// The candidate may equal stable in content: a drill that shows this installation's own noise.
    public internal(set) var isDrill = false
    public internal(set) var simulation = SimulationPlan()

    init() {}

    public var alpha: Double { guardSettings.alpha }

    /// Another α, for rollback, pause and a day.
    public mutating func setAlpha(_ alpha: Double) {
        (guardSettings.alpha, guardSettings.pauseAlpha, guardSettings.alphaPerDay) = (alpha, alpha, alpha)
    }

    /// T.
    public var horizonTicks: UInt64 { guardSettings.horizonTicks }

    /// The sum of the steps' longest times and the bake time.
    var nanosMax: UInt64 { steps.reduce(bakeNanos) { $0 + $1.maxNanos } }
}

/// What `serin rollout simulate` puts the plan to.
public struct SimulationPlan: Equatable, Sendable {
    /// Shares of a version; nil: as the healthy candidate has it.
    public struct Fault: Equatable, Sendable {
        public internal(set) var name: String
        public internal(set) var late: Double?
        public internal(set) var errors: Double?
        /// Times stable's decisions.
        public internal(set) var decisions: Double?
        /// How far the scores move, in bins.
        public internal(set) var scoreShift: Double?
        /// Both arms suffer.
        public internal(set) var isShared = false
        /// From nothing to all of it over so long.
        public internal(set) var rampNanos: UInt64 = 0
    }

    /// Names of traffic models; the runs are spread over them evenly.
    public internal(set) var traffic: [String] = []
    /// What stable has.
    public internal(set) var late = 0.002
    public internal(set) var errors = 0.0002
    public internal(set) var decisions = 0.02
    /// The healthy candidate has so many times stable's late, failed and positive answers, and answers above each of
    /// stable's quantiles; 1.25 with late: 0.8% and errors: 0.08% is the very edge of what the guards allow.
    public internal(set) var ratio = 1.0
    /// Outcomes that are bad are known only after so long, good ones at once.
    public internal(set) var badDelayNanos: UInt64 = 0
    /// A simulated person promotes what is inconclusive, and resumes what pauses.
    public internal(set) var hasOperator = false
    public internal(set) var faults: [Fault] = []
}
