// A load test from its scenario to its result.
//
//     rows, bodies ─► connections, one request on each ─► phases, steps beside them ─► verdicts

internal import CLinux
internal import Glibc

public struct LoadTestRun {
    private let scenario: Scenario
    private let engine: LoadEngine
    private let notes: [String]
    /// Ends it before its time.
    public var interrupt: RunInterrupt { engine.interrupt }

    /// Prepares everything: reads bundles, writes requests, opens connections and asks on each once.
    /// - Parameter spins: a processor is to spare for the generator, which then stays awake before each moment.
    public init(_ scenario: Scenario, spins: Bool) throws(LoadTestError) {
        self.scenario = scenario
        var sources: [String: RowSource] = [:]
        var plans: [ClassPlan] = []
        for index in scenario.classes.indices { plans.append(try ClassPlan(scenario, index, sources: &sources)) }
        notes = ClassPlan.notes(scenario, plans)
        raiseDescriptorLimit(scenario.classes.reduce(64) { $0 + $1.connections })
        engine = try LoadEngine(scenario, plans, spins: spins)
        try engine.prepare()
    }

    /// Runs the phases.
    /// - Parameters:
    ///   - act: does a step of the scenario.
    ///   - progress: told once a second.
    public func run(act: @escaping StepAction, progress: ((Progress) -> Void)? = nil) -> LoadTestResult {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        engine.begin()
        let interrupt = engine.interrupt
        let steps = StepRunner(
            scenario.steps, start: engine.start, isStopped: { interrupt.isStopped }, act: act)
        steps.begin()
        engine.run(progress: progress)
        var result = LoadTestResult(
            scenario: scenario.name, startedAt: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9,
            seconds: scenario.seconds)
        (result.interruptedAt, result.notes) = (engine.interruptedAt, notes)
        result.marks = steps.end()
        result.fill(scenario, engine, redraws: BlockBootstrap.redraws)
        return result
    }
}

/// As many descriptors as the scenario's connections need, where the hard limit allows them.
private func raiseDescriptorLimit(_ wanted: Int) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else { return }
    limit.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
