// `serin score`: a file of rows, scored as the gateway would answer them.

internal import ArgumentParser
internal import Configuration
internal import FileScoring
internal import Inference
internal import Registry

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Scores a file of rows (CSV, NDJSON), in constant memory.",
        discussion: """
            The output has a row for each row of the input, in its order, with the scores that the gateway would answer. \
            CSV begins with a line of column names; those of the model's features must be there, others are passed over. \
            An empty field, NaN, NA or null is a missing value. Interrupted, the same command goes on where it was. \
            A row that cannot be scored ends the run with its line number, or goes to the --rejects file and has an \
            empty score.
            """)

    @Option(help: ArgumentHelp("The model: NAME (its highest version), NAME/VERSION or a bundle's folder."))
    var model: String

    @Option(help: ArgumentHelp("The repository of bundles.", valueName: "folder"))
    var repository = "models"

    @Option(help: ArgumentHelp("The rows.", valueName: "file"))
    var input: String

    @Option(help: ArgumentHelp("Where the scores go, in the input's format.", valueName: "file"))
    var output: String

    @Option(help: "csv or ndjson; default: by the input's ending.")
    var format: String?

    @Option(help: "What separates CSV's fields: one character, or 'tab'.")
    var delimiter = ","

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Columns of the input to be copied into the output.", valueName: "name"))
    var keep: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("NDJSON's members that are no features, to be passed over.", valueName: "name"))
    var ignore: [String] = []

    @Option(parsing: .upToNextOption, help: "What is written of a row: score, margin, label.")
    var outputs: [String] = ["score"]

    @Option(
        help: ArgumentHelp("Refused rows go there, with line and reason, and do not end the run.", valueName: "file"))
    var rejects: String?

    @Option(help: "Threads; default: one for each processor.")
    var threads: Int?

    @Flag(help: "Forgets an interrupted run.")
    var restart = false

    @Flag(help: "Replaces an output that is there.")
    var overwrite = false

    @Flag(help: "The result as JSON.")
    var json = false

    func run() throws {
        let options = try options()
        guard let place = try BundlePlace.find(model, repository: repository).last else { return }
        let bundle = try CommandFailure.checking { () throws(ConfigurationError) in
            try place.load(repository: repository)
        }
        bundle.warnings.forEach(Terminal.printWarning)
        let bar = ScoreProgress("\(bundle.name)/\(bundle.version)")
        defer { bar.end() }
        let done = try CommandFailure.checking { () throws(ConfigurationError) in
            try FileScoring.run(bundle, options) { bar.show($0) }
        }
        bar.end()
        report(bar.summary(done), done, bundle)
    }

    private func report(_ summary: ScoreSummary, _ done: FileScoringProgress, _ bundle: LoadedBundle) {
        if json {
            print(
                JSONText.object([
                    ("model", .text(bundle.name)), ("version", .text(bundle.version)), ("output", .text(output)),
                    ("rows", .number(done.rows)), ("rejected", .number(done.rejected)),
                    ("rows_before", .number(done.rowsBefore)), ("out_of_range", .number(done.outOfRange)),
                    ("seconds", .double(summary.seconds)), ("rows_per_second", .double(summary.rate)),
                ]).encoded)
            return
        }
        var text = "\(output): \(done.rows) rows by \(bundle.name)/\(bundle.version)"
        if done.rowsBefore > 0 { text += ", \(done.rowsBefore) of them by the interrupted run" }
        text += ", \(done.rejected) rejected"
        if let rejects, done.rejected > 0 { text += " (\(rejects))" }
        print("\(text); \(summary.text)")
    }

    private func options() throws(CommandFailure) -> FileScoringOptions {
        let named = format.map { RecordFormat(rawValue: $0) } ?? RecordFormat(path: input)
        guard let format = named else {
            throw CommandFailure(code: .usage, message: "\(input): expected --format csv or --format ndjson")
        }
        var options = FileScoringOptions(input: input, output: output, format: format)
        options.delimiter = try delimiterByte()
        options.outputs = try outputKinds()
        if let threads {
            guard (1...1024).contains(threads) else {
                throw CommandFailure(code: .usage, message: "--threads: expected 1 to 1024")
            }
        }
        if format == .csv, !ignore.isEmpty {
            throw CommandFailure(code: .usage, message: "--ignore: CSV's other columns are passed over without it")
        }
        options.threads = threads ?? processorCount()
        (options.keep, options.ignore, options.rejects) = (keep, ignore, rejects)
        (options.restarts, options.overwrites) = (restart, overwrite)
        return options
    }

    private func delimiterByte() throws(CommandFailure) -> UInt8 {
        if delimiter == "tab" || delimiter == "\t" { return 9 }
        guard [",", ";", "|", ":"].contains(delimiter), let byte = delimiter.utf8.first else {
            throw CommandFailure(code: .usage, message: "--delimiter: expected , ; | : or tab")
        }
        return byte
    }

    private func outputKinds() throws(CommandFailure) -> [OutputKind] {
        let kinds: [String: OutputKind] = ["score": .score, "margin": .margin, "label": .label]
        let chosen = outputs.compactMap { kinds[$0] }
        guard chosen.count == outputs.count, !chosen.isEmpty, Set(outputs).count == outputs.count else {
            throw CommandFailure(code: .usage, message: "--outputs: expected some of score, margin and label")
        }
        return chosen
    }
}
