// `serin loadtest`: a scenario against a target, with budgets that fail a build; and two results side by side.

internal import ArgumentParser
internal import Configuration
internal import Glibc
internal import LoadTest

struct LoadTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loadtest", abstract: "Loads a target as a scenario says, and holds latency budgets against it.",
        discussion: "serin loadtest SCENARIO.yaml runs; see loadtest/README.md.",
        subcommands: [LoadTestRunCommand.self, LoadTestCompareCommand.self], defaultSubcommand: LoadTestRunCommand.self)
}

struct LoadTestRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a scenario.",
        discussion: """
            Exit code 0 where every budget holds, 1 where one is broken or a step failed, 3 where the target cannot be \
            reached or the rate was not. A budget breaks only when its confidence interval excludes it; an inconclusive one \
            says how much longer the run should be, and fails with --strict only.
            """)

    @Argument(help: "The scenario; see loadtest/.")
    var scenario: String

    @Option(help: ArgumentHelp("Overrides the target, or the one of that name.", valueName: "[name=]url"))
    var target: [String] = []

    @Option(help: ArgumentHelp("The repository of bundles; overrides models.", valueName: "folder"))
    var models: String?

    @Option(help: ArgumentHelp("Writes the result as JSON; - is standard output.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Writes the verdicts as JUnit XML.", valueName: "file"))
    var junit: String?

    @Option(help: ArgumentHelp("Writes one page with charts.", valueName: "file"))
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
        let steps = ScenarioSteps(client: try adminClient())
        if !scenario.steps.isEmpty { try steps.reach() }
        let run: LoadTestRun
        do throws(LoadTestError) { run = try LoadTestRun(scenario, spins: hasProcessorToSpare()) } catch {
            if case .configuration(let error) = error {
                throw CommandFailure(code: .checkFailed, message: error.description)
            }
            throw CommandFailure(code: .notStarted, message: "\(error)")
        }
        let result = run.run(act: { steps.act($0) }, progress: progress)
        if Terminal.isErrorTerminal { Terminal.writeError("\r\u{1b}[K") }
        try show(result)
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
        var scenario = try CommandFailure.checking { () throws(ConfigurationError) in
            try ScenarioReader.read(self.scenario, targets: targets)
        }
        if let models { scenario.models = models }
        return time == 1 && rate == 1 ? scenario : scenario.scaled(time: time, rate: rate)
    }

    private func adminClient() throws(CommandFailure) -> AdminClient {
        var options = AdminArguments()
        (options.admin, options.tokenFile, options.json) = (admin, tokenFile, false)
        return try options.client()
    }

    private func progress(_ progress: Progress) {
        let line = ResultTable.progress(progress)
        Terminal.writeError(Terminal.isErrorTerminal ? "\r\u{1b}[K\(line)" : "\(line)\n")
    }

    private func show(_ result: LoadTestResult) throws(CommandFailure) {
        for (path, text) in [
            (json, { ResultJSON.encode(result) }), (junit, { JUnitReport.encode(result, isStrict: strict) }),
            (html, { HTMLPage.encode(result) }),
        ] {
            if let path { try write(text(), to: path) }
        }
        if json != "-" { printTables(result) }
        switch result.ending {
        case .fine: break
        case .inconclusive:
            guard strict else { return Terminal.printWarning(ResultTable.ending(result)) }
            throw CommandFailure(code: .checkFailed, message: ResultTable.ending(result))
        case .broken: throw CommandFailure(code: .checkFailed, message: ResultTable.ending(result))
        case .unreached: throw CommandFailure(code: .notStarted, message: ResultTable.ending(result))
        }
    }

    private func printTables(_ result: LoadTestResult) {
        let groups = ResultTable.groups(result)
        Terminal.printTable(groups.header, groups.rows)
        let notes = ResultTable.notes(result)
        if !notes.isEmpty { print("") }
        for note in notes { print(note) }
        if !result.budgets.isEmpty {
            print("")
            let budgets = ResultTable.budgets(result)
            Terminal.printTable(budgets.header, budgets.rows)
        }
        if result.ending == .fine { print("\n\(ResultTable.ending(result))") }
    }

    private func write(_ text: String, to path: String) throws(CommandFailure) {
        if path == "-" { return print(text, terminator: "") }
        let file = fopen(path, "w")
        let count = text.utf8.count
        guard let file, fwrite(text, 1, count, file) == count, fclose(file) == 0 else {
            throw CommandFailure(code: .checkFailed, message: "\(path): cannot be written: \(FileBytes.reason(errno))")
        }
    }
}

struct LoadTestCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Shows two results of --json side by side.")

    @Argument(help: "The result before.") var before: String
    @Argument(help: "The result after.") var after: String

    func run() throws {
        let (first, second) = try CommandFailure.checking {
            () throws(ConfigurationError) -> (LoadTestResult, LoadTestResult) in
            (try ResultJSON.read(before), try ResultJSON.read(after))
        }
        let table = ResultComparison.table(first, second)
        guard !table.rows.isEmpty else {
            throw CommandFailure(
                code: .checkFailed, message: "\(before) and \(after) have no class and phase in common")
        }
        Terminal.printTable(table.header, table.rows)
    }
}
