// `serin loadtest`: a scenario against a target, with budgets that fail a build.

internal import ArgumentParser
internal import Configuration
internal import Glibc
internal import LoadTest

struct LoadTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loadtest", abstract: "Loads a target as a scenario says, and holds latency budgets against it.",
        discussion: "serin loadtest SCENARIO.yaml runs; see loadtest/README.md.",
        subcommands: [LoadTestRunCommand.self, LoadTestCompareCommand.self, LoadTestMergeCommand.self],
        defaultSubcommand: LoadTestRunCommand.self)
}

struct LoadTestRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a scenario.",
        discussion: """
            Exit code 0 where every budget holds, 1 where one is broken or a step failed, 2 where the scenario is wrong, 3 \
            where the target cannot be reached, the rate was not, or the run was interrupted. A budget breaks only when its \
            confidence interval excludes it; an inconclusive one says how much longer the run should be, and fails with \
            --strict only. SIGINT and SIGTERM end a run early, with its results; a second one ends it at once.
            """)

    @Argument(help: "The scenario; see loadtest/.")
    var scenario: String

    @Option(help: ArgumentHelp("Overrides the target, or the one of that name.", valueName: "[name=]url"))
    var target: [String] = []

    @Option(help: ArgumentHelp("The repository of bundles; overrides models.", valueName: "folder"))
    var models: String?

    @Option(help: ArgumentHelp("Writes the result as JSON; - is standard output.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Writes the verdicts as JUnit XML; - is standard output.", valueName: "file"))
    var junit: String?

    @Option(help: ArgumentHelp("Writes one page with charts; - is standard output.", valueName: "file"))
    var html: String?

    @Option(
        help: ArgumentHelp(
            "The admin plane, for steps; default: SERIN_ADMIN, else http://127.0.0.1:9901.", valueName: "url"))
    var admin: String?

    @Option(
        help: ArgumentHelp("A file that holds the admin plane's token; default: SERIN_TOKEN_FILE.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("Every phase and step takes so many times as long.", valueName: "factor"))
    var time = 1.0

    @Option(help: ArgumentHelp("Every open loop is so many times as fast.", valueName: "factor"))
    var rate = 1.0

    @Flag(help: "An inconclusive budget fails too.")
    var strict = false

    @Flag(help: "Checks the scenario, and ends.")
    var check = false

    func validate() throws {
        for (name, factor) in [("--time", time), ("--rate", rate)] where !(0.001...1000).contains(factor) {
            throw ValidationError("\(name): expected a factor from 0.001 to 1000")
        }
    }

    func run() throws {
        let scenario = try readScenario()
        if check {
            return print(
                "\(self.scenario): \(scenario.classes.count) classes, \(scenario.phases.count) phases, "
                    + "\(scenario.budgets.count) budgets, \(scenario.seconds) s")
        }
        let files = try ResultFiles([("--json", json), ("--junit", junit), ("--html", html)])
        defer { files.removeEmpty() }
        let signals = RunSignals(atEnd: { files.removeEmpty() })
        let steps = ScenarioSteps(client: try adminClient())
        if !scenario.steps.isEmpty { try steps.reach() }
        let run = try prepare(scenario)
        signals.arm(run.interrupt)
        let result = run.run(act: { steps.act($0) }, progress: progress)
        if Terminal.isErrorTerminal { Terminal.writeError("\r\u{1b}[K") }
        try show(result, files)
    }

    private func prepare(_ scenario: Scenario) throws(CommandFailure) -> LoadTestRun {
        do throws(LoadTestError) { return try LoadTestRun(scenario, spins: hasProcessorToSpare()) } catch {
            if case .configuration(let error) = error {
                throw CommandFailure(code: .usage, message: error.description)
            }
            throw CommandFailure(code: .notStarted, message: "\(error)")
        }
    }

    private func readScenario() throws(CommandFailure) -> Scenario {
        var targets: [String: Target] = [:]
        for text in target {
            let parts = text.split(separator: "=", maxSplits: 1)
            let isNamed = parts.count == 2 && !parts[0].contains("/")
            guard let target = Target(isNamed ? String(parts[1]) : text) else {
                throw CommandFailure(code: .usage, message: "--target: expected \(Target.expectation)")
            }
            targets[isNamed ? String(parts[0]) : "default"] = target
        }
        var scenario = try CommandFailure.checkingUsage { () throws(ConfigurationError) in
            try ScenarioReader.read(self.scenario, targets: targets)
        }
        if let models { scenario.models = models }
        if time == 1 && rate == 1 { return scenario }
        let unscaled = scenario
        return try CommandFailure.checkingUsage { () throws(ConfigurationError) in
            try unscaled.scaled(time: time, rate: rate)
        }
    }

    private func adminClient() throws(CommandFailure) -> AdminClient {
        var options = AdminArguments()
        (options.admin, options.tokenFile, options.json) = (admin, tokenFile, false)
        do throws(CommandFailure) { return try options.client() } catch {
            // A token that cannot be read is no broken budget.
            throw CommandFailure(code: .usage, message: error.message)
        }
    }

    private func progress(_ progress: Progress) {
        let line = ResultTable.progress(progress)
        Terminal.writeError(Terminal.isErrorTerminal ? "\r\u{1b}[K\(line)" : "\(line)\n")
    }

    private func show(_ result: LoadTestResult, _ files: ResultFiles) throws(CommandFailure) {
        var failures = files.write([
            "--json": { ResultJSON.encode(result) }, "--junit": { JUnitReport.encode(result, isStrict: strict) },
            "--html": { HTMLPage.encode(result) },
        ])
        if !files.takesStandardOutput {
            Terminal.printResult(result)
            if result.ending == .fine { print("\n\(ResultTable.ending(result))") }
            if fflush(nil) != 0 { failures.append("standard output cannot be written: \(FileBytes.reason(errno))") }
        }
        guard failures.isEmpty else {
            if result.ending != .fine { failures.append(ResultTable.ending(result)) }
            throw CommandFailure(code: .checkFailed, message: failures.joined(separator: "; "))
        }
        switch result.ending {
        case .fine: break
        case .inconclusive:
            guard strict else { return Terminal.printWarning(ResultTable.ending(result)) }
            throw CommandFailure(code: .checkFailed, message: ResultTable.ending(result))
        case .broken: throw CommandFailure(code: .checkFailed, message: ResultTable.ending(result))
        case .unreached, .interrupted: throw CommandFailure(code: .notStarted, message: ResultTable.ending(result))
        }
    }
}
