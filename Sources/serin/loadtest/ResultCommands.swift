// What is done with results that are there: two side by side, and several added up.

internal import ArgumentParser
internal import Configuration
internal import LoadTest

extension CommandFailure {
    /// Runs a check of what the caller named: a scenario or a result that is wrong is wrong usage, no broken budget.
    static func checkingUsage<Result>(
        _ body: () throws(ConfigurationError) -> Result
    ) throws(CommandFailure) -> Result {
        do { return try body() } catch { throw CommandFailure(code: .usage, message: error.description) }
    }
}

struct LoadTestCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Shows two results of --json side by side.")

    @Argument(help: "The result before.") var before: String
    @Argument(help: "The result after.") var after: String

    func run() throws {
        let (first, second) = try CommandFailure.checkingUsage {
            () throws(ConfigurationError) -> (LoadTestResult, LoadTestResult) in
            (try ResultJSON.read(before), try ResultJSON.read(after))
        }
        guard ResultComparison.isComparable(first, second) else {
            throw CommandFailure(code: .usage, message: "\(before) and \(after) have no class and phase in common")
        }
        for line in ResultComparison.differences(first, second) { print(line) }
        let table = ResultComparison.table(first, second)
        Terminal.printTable(table.header, table.rows)
    }
}

struct LoadTestMergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Adds up the results of several generators of one scenario.",
        discussion: "Percentiles are read from the summed histograms. Budgets are not judged again.")

    @Argument(help: "Results of --json.") var results: [String]

    @Option(help: ArgumentHelp("Writes the sum as JSON; - is standard output.", valueName: "file"))
    var json: String?

    func run() throws {
        let merged = try CommandFailure.checkingUsage { () throws(ConfigurationError) -> LoadTestResult in
            var read: [LoadTestResult] = []
            for path in results { read.append(try ResultJSON.read(path)) }
            return try ResultMerge.merge(read, sources: results)
        }
        let files = try ResultFiles([("--json", json)])
        defer { files.removeEmpty() }
        let failures = files.write(["--json": { ResultJSON.encode(merged) }])
        if !files.takesStandardOutput { Terminal.printResult(merged) }
        guard failures.isEmpty else {
            throw CommandFailure(code: .checkFailed, message: failures.joined(separator: "; "))
        }
    }
}

extension Terminal {
    static func printResult(_ result: LoadTestResult) {
        let groups = ResultTable.groups(result)
        printTable(groups.header, groups.rows)
        let notes = ResultTable.notes(result)
        if !notes.isEmpty { print("") }
        for note in notes { print(note) }
        guard !result.budgets.isEmpty else { return }
        print("")
        let budgets = ResultTable.budgets(result)
        printTable(budgets.header, budgets.rows)
    }
}
