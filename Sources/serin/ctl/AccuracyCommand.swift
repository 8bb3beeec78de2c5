// `serin ctl accuracy`: what labels say of a model's versions, arms and groups.

internal import Admin
internal import ArgumentParser

struct AccuracyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accuracy", abstract: "What labels say of a model's versions.")

    @Argument(help: "The model.")
    var model: String

    @Option(help: "Predictions of how many days: 1d, 7d, 30d or all.")
    var window = "all"

    @OptionGroup var options: AdminArguments

    func validate() throws {
        guard ["1d", "7d", "30d", "all"].contains(window) else {
            throw ValidationError("--window: expected 1d, 7d, 30d or all")
        }
    }

    func run() throws {
        let document = try options.client().read(
            AccuracyDocument.self, "/models/\(AdminClient.escaped(model))/accuracy")
        if options.json { return print(AdminJSON.encode(document)) }
        if document.versions.isEmpty { return print("\(model) has no labels") }
        var rows: [[String]] = []
        for version in document.versions {
            guard let shown = version.windows.first(where: { $0.window == window }) else { continue }
            rows.append(row(version.version, "all", shown.figures))
            for arm in shown.arms {
                rows.append(row(version.version, arm.tier == "full" ? arm.arm : "\(arm.arm), fallback", arm.figures))
            }
            for group in shown.groups {
                for value in group.values {
                    rows.append(row(version.version, "\(group.feature)=\(value.value)", value.figures))
                }
            }
        }
        Terminal.printTable(
            [
                "VERSION", "OF", "LABELS", "POSITIVE", "ROC AUC", "AVG PREC", "KS", "BRIER", "LOG LOSS", "ECE",
                "PRECISION", "RECALL", "APPROVED",
            ], rows)
        showRatios(document)
    }

    private func row(_ version: String, _ part: String, _ figures: FiguresDocument) -> [String] {
        [version, part, "\(figures.labels)", "\(figures.positives)"]
            + [
                figures.rocAUC, figures.averagePrecision, figures.ks, figures.brier, figures.logLoss,
                figures.calibrationError, figures.precision, figures.recall, figures.approvalRate,
            ].map(Self.digits)
    }

    private func showRatios(_ document: AccuracyDocument) {
        for version in document.versions {
            for group in version.windows.first(where: { $0.window == window })?.groups ?? [] {
                print(
                    "version \(version.version), \(group.feature): lowest by highest selection rate "
                        + "\(Self.digits(group.selectionRateRatio)), true positive rate "
                        + "\(Self.digits(group.truePositiveRateRatio))")
            }
        }
    }

    private static func digits(_ value: Double?) -> String {
        guard let value else { return "-" }
        return "\((value * 10000).rounded() / 10000)"
    }
}
