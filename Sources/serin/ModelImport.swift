// `serin model import`: a trained model becomes a bundle of the repository.

internal import ArgumentParser
internal import Configuration
internal import Registry

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Reads a trained model and writes a bundle.",
        discussion: """
            Reads XGBoost (JSON, UBJSON), LightGBM (text), CatBoost (JSON) and ONNX (scikit-learn by skl2onnx or \
            models/train/export_sklearn.py). A version that is there is never overwritten.
            """)

    @Argument(help: "The model's file, as its trainer wrote it, or a folder that MLflow has saved.")
    var source: String

    @Option(help: "The model's name.")
    var name: String

    @Option(help: "The version, a number.")
    var version: String

    @Option(
        help: ArgumentHelp("A manifest.yaml; without it, one is written from what the model says.", valueName: "file"))
    var manifest: String?

    @Option(help: ArgumentHelp("Golden rows; the model must give their answers.", valueName: "file"))
    var golden: String?

    @Option(help: ArgumentHelp("The profile of the training data.", valueName: "file"))
    var profile: String?

    @Option(help: ArgumentHelp("Where the bundle goes.", valueName: "folder"))
    var repository = "models"

    func validate() throws {
        guard ModelIdentifier.isName(name) else {
            throw ValidationError("--name: expected \(ModelIdentifier.nameExpectation)")
        }
        guard ModelIdentifier.versionNumber(version) != nil else {
            throw ValidationError("--version: expected \(ModelIdentifier.versionExpectation)")
        }
    }

    func run() throws {
        var (file, lineage) = (source, Manifest.Lineage?.none)
        if MLflowModel.isOne(source) {
            let model = try CommandFailure.checking { () throws(ConfigurationError) in try MLflowModel(folder: source) }
            (file, lineage) = (model.source, model.lineage)
        }
        var request = BundleImport(
            source: file, identity: BundleIdentity(name: name, version: version), manifest: manifest,
            golden: golden, profile: profile, repository: repository)
        request.lineage = lineage
        var progress = ProgressLine("reading \(source)")
        defer { progress.end() }
        let bundle = try CommandFailure.checking { () throws(ConfigurationError) in
            try BundleWriter.write(request) { progress.show($0) }
        }
        progress.end()
        bundle.warnings.forEach(Terminal.printWarning)
        let golden = bundle.goldenCount == 0 ? "no golden rows" : "\(bundle.goldenCount) golden rows agree"
        print("\(bundle.directory): \(BundleText.summary(facts: bundle.facts, model: bundle.model)), \(golden)")
    }
}
