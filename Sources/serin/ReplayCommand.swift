// `serin replay`: what would a version have done with the decisions of a log?

internal import ArgumentParser
internal import Configuration
internal import Monitoring
internal import Registry

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Scores a decision log again with a version, and compares the decisions.",
        discussion: """
            Exit code 1 where the version that answered gives another score than the log says: then the log, the bundle \
            or this program is not what it says.
            """)

    @Argument(help: "The log: a folder of segments, or one file of lines.")
    var log: String

    @Option(help: "The model's name.")
    var model: String

    @Option(help: "The version that scores.")
    var version: String

    @Option(help: ArgumentHelp("The repository of bundles.", valueName: "folder"))
    var repository = "models"

    @Option(help: ArgumentHelp("The feature that says how much money a row is about.", valueName: "feature"))
    var amount: String?

    @Flag(help: "The report as JSON.")
    var json = false

    func run() throws {
        guard let place = try BundlePlace.find("\(model)/\(version)", repository: repository).last else { return }
        let bundle = try CommandFailure.checking { () throws(ConfigurationError) in
            try place.load(repository: repository)
        }
        bundle.warnings.forEach(Terminal.printWarning)
        let started = ContinuousClock.now
        let report: ReplayReport
        do {
            report = try Replay(bundle, amount: amount).run(log) { rows in
                if rows > 0, Terminal.isErrorTerminal { Terminal.writeError("\r\(rows) rows\u{1b}[K") }
            }
        } catch {
            throw CommandFailure(code: .checkFailed, message: "\(error)")
        }
        if Terminal.isErrorTerminal { Terminal.writeError("\r\u{1b}[K") }
        for file in report.cutOff { Terminal.printWarning("\(file): its end is cut off; what is before it was read") }
        let elapsed = (ContinuousClock.now - started).components
        show(report, seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18)
        guard report.ownEqual == report.ownRows else {
            throw CommandFailure(
                code: .checkFailed,
                message: "\(report.ownRows - report.ownEqual) of \(report.ownRows) rows that \(model)/\(version) "
                    + "answered have another score now")
        }
    }

    private func show(_ report: ReplayReport, seconds: Double) {
        if json { return print(document(report, seconds: seconds).encoded) }
        print("\(log) by \(model)/\(version): \(report.rows) rows in \(ScoreProgress.seconds(seconds))")
        print("scores equal     \(report.equal), of its own rows \(report.ownEqual) of \(report.ownRows)")
        let mean = report.rows == 0 ? 0 : report.differenceSum / Double(report.rows)
        print("score difference \(mean) on average, \(report.differenceMax) at most")
        print(
            "decisions        \(report.flips) change: \(report.flipsToPositive) to positive, "
                + "\(report.flipsToNegative) to negative")
        if let amount {
            print(
                "\(amount)  \(report.amountToPositive) to positive, \(report.amountToNegative) to negative, "
                    + "of \(report.amount)")
        }
        let left = report.otherModels + report.fallbacks + report.unreadable
        if left > 0 {
            print(
                "left out         \(report.otherModels) of other models, \(report.fallbacks) of fallbacks, "
                    + "\(report.unreadable) that cannot be scored\(report.reason.map { " (\($0))" } ?? "")")
        }
    }

    private func document(_ report: ReplayReport, seconds: Double) -> JSONText {
        .object([
            ("model", .text(model)), ("version", .text(version)), ("rows", .number(report.rows)),
            ("equal", .number(report.equal)), ("own_rows", .number(report.ownRows)),
            ("own_equal", .number(report.ownEqual)), ("flips_to_positive", .number(report.flipsToPositive)),
            ("flips_to_negative", .number(report.flipsToNegative)), ("amount", .double(report.amount)),
            ("amount_to_positive", .double(report.amountToPositive)),
            ("amount_to_negative", .double(report.amountToNegative)),
            ("difference_max", .double(report.differenceMax)),
            ("difference_mean", .double(report.rows == 0 ? 0 : report.differenceSum / Double(report.rows))),
            ("other_models", .number(report.otherModels)), ("fallbacks", .number(report.fallbacks)),
            ("unreadable", .number(report.unreadable)), ("reason", .optional(report.reason)),
            ("cut_off", .array(report.cutOff.map { .text($0) })), ("seconds", .double(seconds)),
        ])
    }
}
