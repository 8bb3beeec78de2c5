// Plans, cohorts and a driver for the state machine's tests.

import Testing

@testable import Rollout

enum Make {
    static let yaml = """
        alpha: 0.001
        horizon: 1h
        rate: 1000/s
        steps:
        - {percent: 5, min: 10s, max: 5m, samples: 200}
        - {percent: 50, min: 10s, max: 5m, samples: 200}
        bake: 1m

        """

    static func plan(_ more: String = "", _ base: String = yaml) throws -> RolloutPlan {
        try PlanReader.parse(Array((base + more).utf8), source: "plan.yaml")
    }

    static func start(_ change: (inout RolloutMachine.Start) -> Void = { _ in }) -> RolloutMachine.Start {
        var start = RolloutMachine.Start(id: "r1", stable: "1", candidate: "2", startedBy: "ada", rate: 1000)
        change(&start)
        return start
    }
}

/// Runs a machine tick by tick, does what it asks, and keeps what it said.
struct Driver {
    var machine: RolloutMachine
    var wall: Int64 = 0
    /// What the candidate does to its 100 requests a tick at most.
    var badErrors: UInt32 = 0
    var badLate: UInt32 = 0
    var stableLate: UInt32 = 0
    var stableErrors: UInt32 = 0
    var records: [RolloutRecord] = []
    var hooks: [(HookKind, UInt64)] = []
    /// Hooks are answered at once.
    var answersHooks = true
    var acknowledges = true
    /// Weights in the order in which they were published.
    var published: [Double] = []

    init(_ plan: RolloutPlan, _ start: RolloutMachine.Start = Make.start()) throws {
        machine = try RolloutMachine(plan, start)
    }

    var state: RolloutState { machine.state }

    /// 1,000 requests a second, split as the machine says.
    func cohort() -> Cohort {
        var part = CohortPart(epoch: machine.epoch, share: machine.percent / 100)
        let canary = UInt32(machine.percent)
        part.canary.requests = canary
        part.stable.requests = 100 - canary
        part.canary.errors = min(badErrors, canary)
        part.canary.errorEvents = part.canary.errors
        part.canary.late = min(badLate, canary)
        part.stable.errors = min(stableErrors, part.stable.requests)
        part.stable.errorEvents = part.stable.errors
        part.stable.late = min(stableLate, part.stable.requests)
        return Cohort(tick: machine.tick, first: part)
    }

    mutating func tick(_ count: Int = 1, until state: RolloutState? = nil) {
        for _ in 0..<count where machine.state != state && !machine.state.isFinal {
            let cohort = cohort()
            wall = Int64(machine.tick / 10)
            follow(
                machine.tick(
                    machine.tick + 1, wall: wall, cohorts: CollectionOfOne(cohort), finalBelow: cohort.tick + 1,
                    open: EmptyCollection()))
        }
    }

    mutating func follow(_ actions: [RolloutAction]) {
        for action in actions {
            switch action {
            case .raise(let percent, let epoch):
                guard acknowledges else { continue }
                published.append(percent)
                follow(machine.acknowledge(epoch: epoch))
            case .makeStable(let epoch):
                guard acknowledges else { continue }
                published.append(100)
                follow(machine.acknowledge(epoch: epoch))
            case .lower(let percent, _): published.append(percent)
            case .callHook(let kind, _, let sequence):
                hooks.append((kind, sequence))
                if answersHooks { follow(machine.answerHook(sequence: sequence, mayGoOn: true, wall: wall)) }
            case .record(let record): records.append(record)
            case .releaseStable: break
            }
        }
    }

    mutating func command(_ command: RolloutCommand, by actor: String = "grace") throws {
        follow(try machine.command(command, by: actor, wall: wall))
    }

    /// Forgets everything but what was stored, and goes on.
    mutating func restart() throws {
        let plan = machine.plan
        machine = try RolloutMachine(plan, restoring: machine.snapshot())
        follow(machine.resumeAfterRestart())
    }
}
