// One rollout under virtual time: the real state machine and evaluator, and the traffic of one model.
//
//     tick:  requests of the tick ─► cohort ─► (bad outcomes known later: open meanwhile) ─► RolloutMachine.tick
//                     ▲                                                                            │
//                     └────────────── share, epoch ◄── acknowledge ◄── raise, lower ◄──────────────┘

public import Rollout

/// What came of a run.
public struct RunResult: Equatable, Sendable {
    public enum End: String, Sendable {
        case rolledBack, promoted, held
    }

    public var end: End
    public var verdict: Verdict
    /// Requests of the candidate, and ticks, from the fault (or the candidate's first request) to the end.
    public var candidateRequests: UInt64
    public var ticks: UInt64
    /// Held without a verdict when a step's time was over, and paused by the guard, so many times.
    public var inconclusive = 0
    public var pauses = 0
}

/// What all runs of one scenario share.
public struct Scenario: Sendable {
    public var plan: RolloutPlan
    /// nil: a healthy candidate.
    public var fault: SimulationPlan.Fault?
    public var traffic: [TrafficModel]
    /// Requests a second.
    public var rate: Double

    public init(plan: RolloutPlan, fault: SimulationPlan.Fault?, traffic: [TrafficModel], rate: Double) {
        self.plan = plan
        self.fault = fault
        self.traffic = traffic
        self.rate = rate
    }
}

struct SimulatedRun {
    private let scenario: Scenario
    private let model: TrafficModel
    private let horizon: UInt64
    private let stable: ArmRates
    private let healthy: ArmRates
    private var source: TrafficSource
    private var machine: RolloutMachine
    private var chance: RandomSource
    /// Ticks until a bad outcome is known; cohorts wait for it.
    private let delay: UInt64
    private var waiting: [Cohort] = []
    /// The share of the route before, while a tick has requests of both.
    private var shareBefore: (epoch: UInt32, share: Double)?
    private var epoch: UInt32 = 0
    private var result = RunResult(end: .held, verdict: .none, candidateRequests: 0, ticks: 0)

    /// - Parameter index: of the run; it chooses the traffic model and the random numbers.
    init(_ scenario: Scenario, index: UInt64, seed: UInt64, firstKeys: KeyBitmap) throws(RolloutRefusal) {
        self.scenario = scenario
        model = scenario.traffic[Int(index % UInt64(scenario.traffic.count))]
        let plan = scenario.plan
        horizon = plan.horizonTicks
        stable = ArmRates.stable(plan.simulation)
        var candidate = stable.times(plan.simulation.ratio)
        // Decisions may go both ways.
        if index / UInt64(scenario.traffic.count) % 2 == 1 {
            candidate.decisions = stable.decisions / plan.simulation.ratio
        }
        healthy = candidate
        chance = RandomSource(seed: seed, stream: index &* 2 &+ 1)
        if model.isSticky { firstKeys.clear() }
        source = TrafficSource(
            model: model, rate: scenario.rate / 10, ticks: Double(horizon), salt: chance.next(), firstKeys: firstKeys,
            random: RandomSource(seed: seed, stream: index &* 2))
        delay = max(model.badDelayTicks, plan.simulation.badDelayNanos / GuardCounterShape.tickNanos)
        machine = try RolloutMachine(
            plan,
            RolloutMachine.Start(
                id: "simulated", stable: "1", candidate: "2", startedBy: "operator", rate: scenario.rate,
                isSticky: model.isSticky, lateBefore: stable.late, errorsBefore: stable.errors))
    }

    mutating func run() -> RunResult {
        var tick: UInt64 = 0
        while !machine.state.isFinal, tick < horizon {
            let cohort = route(tick)
            tick += 1
            step(now: tick, cohort)
            if scenario.plan.simulation.hasOperator { operate() }
            if model == .steps, tick % 600 == 300, machine.step > 0 { command(.stepBack) }
        }
        switch machine.state {
        case .rolledBack: result.end = .rolledBack
        case .promoted, .baking: result.end = .promoted
        default: result.end = .held
        }
        return result
    }

    // MARK: Traffic

    private mutating func route(_ tick: UInt64) -> Cohort {
        let now = CohortPart(epoch: machine.epoch, share: machine.percent / 100)
        var cohort = Cohort(tick: tick, first: now)
        if let before = shareBefore, before.epoch != now.epoch {
            cohort = Cohort(tick: tick, first: CohortPart(epoch: before.epoch, share: before.share), second: now)
        }
        shareBefore = (now.epoch, now.share)
        source.fill(
            &cohort, tick: tick, stable: rates(stable, isCanary: false), canary: rates(healthy, isCanary: true),
            laggingShare: 0.3)
        let canary = cohort.first.canary.requests + (cohort.second?.canary.requests ?? 0)
        result.candidateRequests += UInt64(canary)
        if machine.percent > 0 { result.ticks += 1 }
        return cohort
    }

    private func rates(_ rates: ArmRates, isCanary: Bool) -> ArmRates {
        guard let fault = scenario.fault, isCanary || fault.isShared, machine.percent > 0 else { return rates }
        let ramp = Double(fault.rampNanos) / Double(GuardCounterShape.tickNanos)
        return rates.with(fault, part: ramp == 0 ? 1 : min(Double(result.ticks) / ramp, 1))
    }

    // MARK: The guard

    private mutating func step(now: UInt64, _ cohort: Cohort) {
        if delay == 0 {
            return follow(
                machine.tick(
                    now, wall: 0, cohorts: CollectionOfOne(cohort), finalBelow: now, open: EmptyCollection()))
        }
        waiting.append(cohort)
        let ready = waiting.prefix { $0.tick + delay < now }
        waiting.removeFirst(ready.count)
        // What is open shows no bad outcome yet: the worst that may be known early.
        let open = waiting.map { cohort in
            var cohort = cohort
            Self.forgetBad(&cohort.first)
            if cohort.second != nil { Self.forgetBad(&cohort.second!) }
            return cohort
        }
        follow(machine.tick(now, wall: 0, cohorts: ready, finalBelow: now > delay ? now - delay : 0, open: open))
    }

    private static func forgetBad(_ part: inout CohortPart) {
        for path in [\CohortPart.stable, \CohortPart.canary] {
            part[keyPath: path].late = 0
            part[keyPath: path].errors = 0
        }
    }

    private mutating func follow(_ actions: [RolloutAction]) {
        for action in actions {
            switch action {
            case .raise(_, let epoch), .makeStable(let epoch): follow(machine.acknowledge(epoch: epoch))
            case .record(let record):
                if record.to == .inconclusive { result.inconclusive += 1 }
                if record.to == .paused, case .verdict = record.reason { result.pauses += 1 }
                if record.to == .rolledBack, case .verdict(let verdict) = record.reason { result.verdict = verdict }
            case .callHook(_, _, let sequence):
                follow(machine.answerHook(sequence: sequence, mayGoOn: true, wall: 0))
            case .lower, .releaseStable: break
            }
        }
    }

    // MARK: The operator

    private mutating func command(_ command: RolloutCommand) {
        // What cannot be done now is not done: the operator tries again later.
        if let actions = try? machine.command(command, by: "somebody else", wall: 0) { follow(actions) }
    }

    /// Within ten seconds somebody sees to it.
    private mutating func operate() {
        guard [.inconclusive, .paused, .gate].contains(machine.state), chance.unit() < 0.02 else { return }
        command(machine.state == .paused ? .resume : .promote)
    }
}
