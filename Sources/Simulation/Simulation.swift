// Many runs of one scenario, and what they come to: the same for the same seed.

public import Rollout

/// The counts of a scenario's runs.
public struct SimulationResult: Equatable, Sendable {
    public var name: String
    public var runs = 0
    public var rolledBack = 0
    public var promoted = 0
    /// Runs that a step's time or the horizon ended without a decision at least once, and that were not rolled back.
    public var inconclusive = 0
    /// Runs that the guard paused at least once.
    public var paused = 0
    /// Of runs that ended in rollback: requests of the candidate, and seconds, in ascending order.
    public var requestsToRollback: [UInt64] = []
    public var secondsToRollback: [Double] = []
    /// Rollbacks that said that stable suffers as well.
    public var environments = 0
    /// By traffic model: runs, and rollbacks.
    public var byTraffic: [TrafficModel: (runs: Int, rolledBack: Int)] = [:]
    /// By the test that carried it: rollbacks.
    public var byTest: [GuardTest: Int] = [:]

    public init(name: String) { self.name = name }

    public static func == (one: SimulationResult, other: SimulationResult) -> Bool {
        one.name == other.name && one.runs == other.runs && one.rolledBack == other.rolledBack
            && one.promoted == other.promoted && one.inconclusive == other.inconclusive && one.paused == other.paused
            && one.requestsToRollback == other.requestsToRollback && one.environments == other.environments
    }

    public var medianRequestsToRollback: UInt64? {
        requestsToRollback.isEmpty ? nil : requestsToRollback[requestsToRollback.count / 2]
    }

    public var medianSecondsToRollback: Double? {
        secondsToRollback.isEmpty ? nil : secondsToRollback[secondsToRollback.count / 2]
    }

    mutating func add(_ run: RunResult, _ model: TrafficModel) {
        runs += 1
        byTraffic[model, default: (0, 0)].runs += 1
        if run.pauses > 0 { paused += 1 }
        switch run.end {
        case .promoted: promoted += 1
        case .held: inconclusive += 1
        case .rolledBack:
            rolledBack += 1
            byTraffic[model, default: (0, 0)].rolledBack += 1
            requestsToRollback.append(run.candidateRequests)
            secondsToRollback.append(Double(run.ticks) / 10)
            if case .environment = run.verdict { environments += 1 }
            if let test = run.verdict.reasons.first { byTest[test, default: 0] += 1 }
        }
    }
}

public enum Simulation {
    /// Runs a scenario.
    /// - Parameter progress: called now and then with the runs that are done.
    public static func run(
        _ scenario: Scenario, name: String, runs: Int, seed: UInt64, progress: (Int) -> Void = { _ in }
    ) throws(RolloutRefusal) -> SimulationResult {
        let firstKeys = KeyBitmap(isOn: true)
        defer { firstKeys.deallocate() }
        var result = SimulationResult(name: name)
        for index in 0..<runs {
            var run = try SimulatedRun(scenario, index: UInt64(index), seed: seed, firstKeys: firstKeys)
            result.add(run.run(), scenario.traffic[index % scenario.traffic.count])
            if index % 16 == 0 { progress(index) }
        }
        result.requestsToRollback.sort()
        result.secondsToRollback.sort()
        return result
    }
}
