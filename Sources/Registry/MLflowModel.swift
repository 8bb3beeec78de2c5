// A model folder as MLflow saves it: which file the trainer wrote, and where the model comes from.
//
//     MLmodel        flavors: {xgboost: {data: model.ubj}, …}, run_id, utc_time_created, mlflow_version, model_uuid
//     model.ubj      as XGBoost wrote it
//     ../../params/NAME, ../../metrics/NAME     of the run, where the folder lies in a file store
//
// Only the flavours that keep the trainer's own file can be read. A pickle (scikit-learn's) runs whatever is in it when
// it is opened, so it is not opened.

public import Configuration
internal import Glibc

public struct MLflowModel: Sendable {
    public static let fileName = "MLmodel"

    /// The trainer's file.
    public let source: String
    public let lineage: Manifest.Lineage

    /// Whether a folder is one.
    public static func isOne(_ folder: String) -> Bool { access("\(folder)/\(fileName)", R_OK) == 0 }

    private static let readable = ["xgboost", "lightgbm", "catboost", "onnx"]
    private static let bytesMax = 1 << 20
    private static let entriesMax = 256

    public init(folder: String) throws(ConfigurationError) {
        let path = "\(folder)/\(Self.fileName)"
        let root = try YAMLDocument.parse(try FileBytes.read(path, limit: Self.bytesMax), source: path)
        let fields = try Self.table(root)
        guard let flavors = fields["flavors"] else { throw root.error("needs the key flavors") }
        source = "\(folder)/\(try Self.dataFile(try Self.table(flavors), flavors))"
        var lineage = Manifest.Lineage()
        if let created = fields["utc_time_created"], !created.isNull { lineage.trainedAt = try created.text() }
        for (key, name) in [("mlflow_version", "mlflow"), ("run_id", "mlflow_run"), ("model_uuid", "mlflow_model")] {
            guard let value = fields[key], !value.isNull else { continue }
            lineage.environment.append(.init(name, try value.text()))
        }
        let run = "\(folder)/../.."
        lineage.parameters = Self.pairs("\(run)/params") { $0.first }
        // Every line of a metric is `time value step`; a value that is no finite number says nothing.
        lineage.metrics = Self.pairs("\(run)/metrics") { lines in
            let value = lines.last.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Double($0) }
            return value.flatMap { $0.isFinite ? "\($0)" : nil }
        }
        self.lineage = lineage
    }

    private static func table(_ value: YAMLValue) throws(ConfigurationError) -> [String: YAMLValue] {
        Dictionary(try value.entries().map { ($0.key, $0.value) }) { first, _ in first }
    }

    private static func dataFile(
        _ flavors: [String: YAMLValue], _ place: YAMLValue
    ) throws(ConfigurationError) -> String {
        for name in readable {
            guard let flavor = flavors[name] else { continue }
            guard let data = try table(flavor)["data"] else { throw flavor.error("needs the key data") }
            let file = try data.text()
            guard ChecksumList.isFileName(file) else { throw data.error("is not the name of a file in this folder") }
            return file
        }
        let hint = flavors["sklearn"] != nil ? "; a pickle is not opened: save the model with mlflow.onnx as well" : ""
        throw place.error("has none of \(readable.joined(separator: ", "))\(hint)")
    }

    /// A folder of small files: name and what `value` makes of the lines; empty where there is none.
    private static func pairs(_ path: String, _ value: ([String]) -> String?) -> [Manifest.Pair] {
        guard let folder = try? Directory(path: path), let entries = try? folder.entries() else { return [] }
        var pairs: [Manifest.Pair] = []
        for entry in entries.prefix(entriesMax) where entry.kind == .file {
            guard let bytes = try? folder.read(entry.name, limit: 65536),
                let text = String(validating: bytes, as: UTF8.self),
                let found = value(text.split(separator: "\n").map(String.init))
            else { continue }
            pairs.append(.init(entry.name, found))
        }
        return pairs
    }
}
