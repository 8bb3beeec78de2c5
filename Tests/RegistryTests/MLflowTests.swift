import Configuration
import Foundation
import Registry
import Testing

@Suite struct MLflowTests {
    /// A run of a file store with one model in it; returns the model's folder.
    private static func write(_ text: String, to folder: TemporaryFolder) throws -> String {
        let model = folder["run/artifacts/model"]
        let files = FileManager.default
        for path in ["run/artifacts/model", "run/params", "run/metrics"] {
            try files.createDirectory(at: folder[path], withIntermediateDirectories: true)
        }
        try Data(text.utf8).write(to: model.appending(path: "MLmodel"))
        try Data(TinyBundle.model).write(to: model.appending(path: "model.json"))
        try Data("6".utf8).write(to: folder["run/params/max_depth"])
        try Data("1700000000000 0.81 0\n1700000001000 0.93 1\n".utf8).write(to: folder["run/metrics/auc"])
        return model.path(percentEncoded: false)
    }

    private static let saved = """
        artifact_path: model
        flavors:
          python_function: {loader_module: mlflow.xgboost, data: model.json, python_version: 3.11.7}
          xgboost: {data: model.json, model_class: xgboost.sklearn.XGBClassifier, model_format: json, xgb_version: 2.1.0}
        mlflow_version: 2.16.0
        model_uuid: 0a1b
        run_id: 4f2e
        utc_time_created: '2026-01-31 09:00:00.123456'
        """

    @Test func aFolderIsImportedWithItsLineage() throws {
        let folder = try TemporaryFolder()
        let path = try Self.write(Self.saved, to: folder)
        #expect(MLflowModel.isOne(path) && !MLflowModel.isOne(folder.path))
        let model = try MLflowModel(folder: path)
        #expect(model.source.hasSuffix("/model.json"))
        var request = BundleImport(
            source: model.source, identity: BundleIdentity(name: "risk", version: "1"),
            repository: folder["models"].path(percentEncoded: false))
        request.lineage = model.lineage
        try FileManager.default.createDirectory(at: folder["models"], withIntermediateDirectories: true)
        let manifest = try BundleWriter.write(request).manifest
        #expect(manifest.lineage.trainedAt == "2026-01-31 09:00:00.123456")
        #expect(manifest.lineage.parameters == [.init("max_depth", "6")])
        #expect(manifest.lineage.metrics == [.init("auc", "0.93")])
        #expect(
            manifest.lineage.environment == [
                .init("mlflow", "2.16.0"), .init("mlflow_run", "4f2e"), .init("mlflow_model", "0a1b"),
            ])
    }

    @Test(arguments: [
        ("flavors: {sklearn: {pickled_model: model.pkl}}", "a pickle is not opened"),
        ("run_id: 1", "needs the key flavors"),
        ("flavors: {xgboost: {data: ../../../etc/passwd}}", "is not the name of a file"),
        ("flavors: {xgboost: {}}", "needs the key data"), ("[1, 2]", "expected a mapping"),
    ])
    func whatCannotBeReadIsSaid(text: String, message: String) throws {
        let folder = try TemporaryFolder()
        let path = try Self.write(text, to: folder)
        let error = #expect(throws: ConfigurationError.self) { try MLflowModel(folder: path) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
