// A manifest from what the model says, for an import without one; its text is read back by +Parse.

internal import Inference
internal import ModelFormat

extension Manifest {
    /// Features by the model's names, every policy at its default.
    init(name: String, version: String, facts: ModelFacts, golden: Golden) {
        let features = facts.featureNames.enumerated().map { index, label in
            let names = index < facts.categories.count ? facts.categories[index] : []
            return FeatureSpec(
                name: label, kind: facts.categoricalFeatures[index] ? .category : .number, categories: names)
        }
        self.init(
            name: name, version: version, modelFile: facts.format.bundleFileName, features: features,
            objective: facts.objective)
        modelFormat = facts.format
        inputType = facts.format == .lightgbm ? .float64 : .float32
        self.golden = golden
    }

    /// The file's text.
    var text: String {
        var lines = [
            "# Written by `serin model import` from what the model says.  Units, ranges, policies for missing",
            "# and unknown values, budgets and lineage are the author's to add.",
            "schema: 1",
            "name: \(Self.yaml(name))",
            "version: \(Self.yaml(version))",
            "model: {file: \(Self.yaml(modelFile))\(modelFormat.map { ", format: \($0.rawValue)" } ?? "")}",
        ]
        if let inputType { lines.append("input: {name: \(Self.yaml(inputName)), datatype: \(inputType.datatype)}") }
        lines.append("features:")
        for feature in features {
            lines.append(
                "- {name: \(Self.yaml(feature.name)), type: \(feature.kind.rawValue)\(Self.categories(feature))}")
        }
        lines.append("output: {objective: \(Self.yaml(objective))}")
        if let golden { lines.append("golden: \(golden.rawValue)") }
        return (lines + lineageLines).joined(separator: "\n") + "\n"
    }

    private var lineageLines: [String] {
        if lineage == Lineage() { return [] }
        var lines = ["lineage:"]
        let texts = [
            ("data_sha256", lineage.dataSHA256), ("code_commit", lineage.codeCommit), ("trained_at", lineage.trainedAt),
            ("parent", lineage.parent),
        ]
        for (name, text) in texts { if let text { lines.append("  \(name): \(Self.yaml(text))") } }
        let tables = [
            ("parameters", lineage.parameters), ("metrics", lineage.metrics), ("environment", lineage.environment),
        ]
        for (name, pairs) in tables where !pairs.isEmpty {
            lines.append("  \(name):")
            // Numbers stand as they are: of metrics nothing else is taken.
            lines += pairs.map { "    \(Self.yaml($0.name)): \(name == "metrics" ? $0.text : Self.yaml($0.text))" }
        }
        return lines
    }

    private static func categories(_ feature: FeatureSpec) -> String {
        feature.categories.isEmpty ? "" : ", categories: [\(feature.categories.map(yaml).joined(separator: ", "))]"
    }

    /// A double-quoted scalar: no text can be mistaken for anything else.
    private static func yaml(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20 || (scalar.value >= 0x7f && scalar.value < 0xa0):
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            case "\u{2028}", "\u{2029}", "\u{feff}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension ModelFileFormat {
    /// What the source model is called in a bundle.
    var bundleFileName: String {
        switch self {
        case .xgboostJSON, .catboost: "model.json"
        case .xgboostUBJSON: "model.ubj"
        case .lightgbm: "model.txt"
        case .onnx: "model.onnx"
        }
    }
}
