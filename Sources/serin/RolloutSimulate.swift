// `serin rollout simulate`: how a plan behaves before it is run, as a table and a chart, or as JSON.

internal import ArgumentParser
internal import Configuration
internal import Rollout
internal import Simulation

struct RolloutGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Rollout plans.", subcommands: [SimulateCommand.self])
}

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs a plan many times under virtual time, healthy and with each of its faults.",
        discussion: """
            The guard and the state machine are the gateway's own; traffic and faults are those of the plan's simulation \
            section. The same seed gives the same result.
            """)

    @Argument(help: "The plan; see config/rollout.yaml.")
    var plan: String

    @Option(help: "Runs of each scenario, 1 to 10000000.")
    var runs = 1000

    @Option(help: "Where the random numbers begin.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Requests a second of the model; overrides the plan's rate.", valueName: "requests/s"))
    var rate: Double?

    @Option(help: ArgumentHelp("Overrides the plan's alpha.", valueName: "probability"))
    var alpha: Double?

    @Flag(help: "Only the healthy candidate.")
    var healthyOnly = false

    @Flag(help: "JSON for programs.")
    var json = false

    func validate() throws {
        guard 1...10_000_000 ~= runs else { throw ValidationError("--runs: expected 1 to 10000000") }
        if let rate, !(rate > 0 && rate <= 1e8) { throw ValidationError("--rate: expected requests/s above 0") }
        if let alpha, !(alpha >= 1e-9 && alpha < 1) { throw ValidationError("--alpha: expected 1e-9 to below 1") }
    }

    func run() throws {
        var plan = try CommandFailure.checking { () throws(ConfigurationError) in try PlanReader.read(self.plan) }
        if let alpha { plan.setAlpha(alpha) }
        guard let rate = rate ?? plan.rate else {
            throw CommandFailure(code: .usage, message: "\(self.plan) names no rate; give --rate")
        }
        let traffic = try traffic(plan)
        var results: [SimulationResult] = []
        for fault in [nil] + (healthyOnly ? [] : plan.simulation.faults) {
            let name = fault?.name ?? "healthy"
            var progress = ProgressLine(name)
            defer { progress.end() }
            let scenario = Scenario(plan: plan, fault: fault, traffic: traffic, rate: rate)
            do throws(RolloutRefusal) {
                results.append(
                    try Simulation.run(scenario, name: name, runs: runs, seed: seed) {
                        progress.show(Double($0) / Double(runs))
                    })
            } catch { throw CommandFailure(code: .checkFailed, message: "\(self.plan): \(error)") }
        }
        if json {
            print(SimulationText(results: results, plan: plan, rate: rate, seed: seed).json.encoded)
        } else {
            SimulationText(results: results, plan: plan, rate: rate, seed: seed).show()
        }
    }

    private func traffic(_ plan: RolloutPlan) throws(CommandFailure) -> [TrafficModel] {
        var models: [TrafficModel] = []
        for name in plan.simulation.traffic {
            guard let model = TrafficModel(rawValue: name) else {
                throw CommandFailure(
                    code: .checkFailed,
                    message:
                        "\(self.plan): simulation.traffic: expected any of \(TrafficModel.names), found \(quoted(name))"
                )
            }
            models.append(model)
        }
        return models.isEmpty ? [.constant, .diurnal, .bursts] : models
    }
}
