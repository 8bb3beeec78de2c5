// YAML to a manifest: every key known, every value in its type, and no contradiction in itself.

public import Configuration
internal import Inference
internal import ModelFormat

extension Manifest {
    static let budgetRange: ClosedRange<UInt64> = 1...3_600_000_000_000
    private static let topKeys = [
        "schema", "name", "version", "model", "input", "features", "pipeline", "output", "budgets", "golden", "lineage",
        "feedback", "fault",
    ]

    /// - Parameter source: the file's name in errors.
    public static func parse(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> Manifest {
        let top = try YAMLDocument.parse(bytes, source: source).fields(topKeys)
        _ = try top.required("schema").integer(in: 1...1)
        let name = try top.required("name")
        guard try ModelIdentifier.isName(name.text()) else { throw name.expected(ModelIdentifier.nameExpectation) }
        let version = try top.required("version")
        guard try ModelIdentifier.versionNumber(version.text()) != nil else {
            throw version.expected(ModelIdentifier.versionExpectation)
        }
        let model = try top.required("model").fields(["file", "format", "accept"])
        let output = try top.required("output").fields(["objective", "classes", "threshold", "positive"])
        var manifest = try Manifest(
            name: name.text(), version: version.text(), modelFile: parseFileName(model.required("file")),
            features: parseFeatures(top.required("features")), objective: output.required("objective").text())
        manifest.modelFormat = try model["format"].map { value throws(ConfigurationError) in try value.choice() }
        if let pipeline = top["pipeline"], !pipeline.isNull {
            manifest.pipeline = try ManifestPipeline(parsing: pipeline, features: manifest.features)
        }
        if let accept = model["accept"] { manifest.accept = try parseAccept(accept) }
        try manifest.parseInput(top["input"])
        try manifest.parseOutput(output)
        try manifest.parseBudgets(top["budgets"])
        manifest.golden = try top["golden"].map { value throws(ConfigurationError) in try value.choice() }
        if let lineage = top["lineage"], !lineage.isNull { manifest.lineage = try Lineage(parsing: lineage) }
        if let feedback = top["feedback"], !feedback.isNull {
            manifest.feedback = try Feedback(parsing: feedback, features: manifest.features)
        }
        if let fault = top["fault"], !fault.isNull { manifest.fault = try ModelFault(parsing: fault) }
        return manifest
    }

    private static func parseFileName(_ value: YAMLValue) throws(ConfigurationError) -> String {
        let name = try value.text("a file's name")
        guard ChecksumList.isFileName(name) else { throw value.expected("the name of a file in the bundle's folder") }
        guard ![fileName, GoldenRow.fileName, Profile.fileName].contains(name) else {
            throw value.error("\(name) has another purpose in a bundle")
        }
        return name
    }

    private static func parseAccept(_ value: YAMLValue) throws(ConfigurationError) -> [String] {
        let known = ModelImporter.approximations
        var names: [String] = []
        for item in try value.items("a list of approximations", countMax: known.count) {
            let name = try item.text()
            guard known.contains(name) else { throw item.expected("one of \(known.joined(separator: ", "))") }
            guard !names.contains(name) else { throw item.error("\(name) stands twice") }
            names.append(name)
        }
        return names
    }

    private mutating func parseInput(_ value: YAMLValue?) throws(ConfigurationError) {
        guard let fields = try value?.fields(["name", "datatype"]) else { return }
        if let name = fields["name"] {
            inputName = try name.text()
            guard Self.isLabel(inputName) else { throw name.expected("1 to 256 characters without control characters") }
        }
        guard let datatype = fields["datatype"] else { return }
        switch try datatype.text() {
        case "FP32": inputType = .float32
        case "FP64": inputType = .float64
        default: throw datatype.expected("one of FP32, FP64")
        }
    }

    private mutating func parseOutput(_ fields: YAMLFields) throws(ConfigurationError) {
        if let classes = fields["classes"] {
            for item in try classes.items("a list of class names", countMax: ModelBounds.outputs) {
                let name = try item.text("a class's name")
                guard !self.classes.contains(name) else { throw item.error("class \(quoted(name)) stands twice") }
                self.classes.append(name)
            }
            guard self.classes.count != 1 else { throw classes.error("one class cannot be told from another") }
        }
        threshold = try fields["threshold"].map { value throws(ConfigurationError) in try value.number() }
        positive = try fields["positive"].map { value throws(ConfigurationError) in try value.integer(in: 0...1) }
        if classes.count > 2 {
            if let extra = fields["threshold"] ?? fields["positive"] {
                throw extra.error("a decision needs a score of one column, but there are \(classes.count) classes")
            }
        }
    }

    private mutating func parseBudgets(_ value: YAMLValue?) throws(ConfigurationError) {
        guard let value, !value.isNull else { return }
        let fields = try value.fields(["latency", "cost"])
        latencyBudgetNanos = try fields["latency"].map { value throws(ConfigurationError) in
            try value.nanos(in: Self.budgetRange)
        }
        costBudgetNanos = try fields["cost"].map { value throws(ConfigurationError) in
            try value.nanos(in: Self.budgetRange)
        }
    }

    /// Fit to stand in JSON and in messages.
    static func isLabel(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
}

extension Manifest.Lineage {
    private static let keys = [
        "data_sha256", "code_commit", "trained_at", "parent", "parameters", "metrics", "environment",
    ]

    init(parsing value: YAMLValue) throws(ConfigurationError) {
        let fields = try value.fields(Self.keys)
        func text(_ key: String) throws(ConfigurationError) -> String? {
            guard let value = fields[key], !value.isNull else { return nil }
            return try value.text()
        }
        dataSHA256 = try text("data_sha256")
        if let hex = dataSHA256, SHA256Digest(hex: hex) == nil {
            throw fields["data_sha256"]!.expected("64 hexadecimal digits")
        }
        codeCommit = try text("code_commit")
        trainedAt = try text("trained_at")
        parent = try text("parent")
        parameters = try Self.pairs(fields["parameters"])
        metrics = try Self.pairs(fields["metrics"])
        environment = try Self.pairs(fields["environment"])
        if let metrics = fields["metrics"], !metrics.isNull {
            for (_, value) in try metrics.entries() { _ = try value.number() }
        }
    }

    private static func pairs(_ value: YAMLValue?) throws(ConfigurationError) -> [Manifest.Pair] {
        guard let value, !value.isNull else { return [] }
        var pairs: [Manifest.Pair] = []
        for (name, item) in try value.entries("a mapping of names and values") {
            pairs.append(Manifest.Pair(name, item.isNull ? "" : try item.text("a single value")))
        }
        return pairs
    }
}
