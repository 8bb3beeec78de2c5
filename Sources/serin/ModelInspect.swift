// `serin model inspect`: schema, size and worst-case cost of a bundle.

internal import ArgumentParser
internal import Configuration
internal import Execution
internal import Inference
internal import ModelFormat
internal import Registry

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Shows schema, size and worst-case cost of a bundle.")

    @Argument(help: "NAME (its highest version), NAME/VERSION or a bundle's folder.")
    var bundle: String

    @OptionGroup var options: BundleArguments

    func run() throws {
        guard let place = try BundlePlace.find(bundle, repository: options.repository).last else { return }
        let loaded = try CommandFailure.checking { () throws(ConfigurationError) in
            try place.load(repository: options.repository)
        }
        if options.json {
            print(json(loaded).encoded)
        } else {
            printText(loaded)
            loaded.warnings.forEach(Terminal.printWarning)
        }
    }

    private func printText(_ bundle: LoadedBundle) {
        for (label, text) in properties(bundle) { print(label.padded(to: 14) + text) }
        print("")
        let rows = bundle.input.features.enumerated().map { index, feature in
            [
                String(index), feature.name, feature.kind.rawValue, feature.unit ?? "", range(feature),
                missing(feature), unknown(feature),
            ]
        }
        Terminal.printTable(["#", "FEATURE", "TYPE", "UNIT", "RANGE", "MISSING", "CATEGORIES"], rows)
        printStages(bundle.model.stages)
    }

    private func printStages(_ stages: [StageSummary]) {
        if stages.isEmpty { return }
        print("")
        let rows = stages.enumerated().map { index, stage in
            [
                String(index), stage.kind, "\(stage.inputColumns) to \(stage.outputColumns)",
                stage.isFloat64 ? "FP64" : "FP32", stage.name,
            ]
        }
        Terminal.printTable(["#", "STAGE", "COLUMNS", "TYPE", "FROM"], rows)
    }

    private func properties(_ bundle: LoadedBundle) -> [(String, String)] {
        let input = bundle.input
        let output = bundle.output
        var properties = [
            ("model", "\(bundle.name) version \(bundle.version)"),
            ("kind", "\(BundleText.kind(bundle.facts)) (\(bundle.facts.format.rawValue)), \(bundle.facts.objective)"),
            ("input", "\(input.name) \(input.declaredType.datatype) [-1, \(input.features.count)]"),
            ("output", "score \(output.scoreType.datatype) [-1, \(output.columns)]"),
            (
                "trees",
                bundle.model.treeCount == 0 ? "none" : "\(bundle.model.treeCount), depth \(bundle.model.maxDepth)"
            ),
            ("worst case", BundleText.worstCase(bundle.model)),
            ("measured", BundleText.cost(bundle.model)),
            ("compiled", "\(BundleText.size(bundle.model.imageBytes)), kernels \(bundle.model.kernels)"),
            ("margins", bundle.model.isExact ? "bit for bit" : "within 1e-6 (dense layers)"),
            ("golden", bundle.goldenCount == 0 ? "none" : "\(bundle.goldenCount) rows agree"),
            ("sha256", bundle.sourceDigest.description),
        ]
        if output.columns == 1 {
            properties.append(("decision", "score ≥ \(output.threshold) is label \(output.positive)"))
        }
        if !output.classes.isEmpty { properties.append(("classes", output.classes.joined(separator: ", "))) }
        if let budget = bundle.manifest.latencyBudgetNanos {
            properties.append(("budget", Quantity.duration(nanos: budget)))
        }
        for (label, text) in lineage(bundle.manifest.lineage) { properties.append((label, text)) }
        return properties
    }

    private func lineage(_ lineage: Manifest.Lineage) -> [(String, String)] {
        let single = [
            ("data", lineage.dataSHA256), ("commit", lineage.codeCommit), ("trained", lineage.trainedAt),
            ("parent", lineage.parent),
        ]
        let pairs = [
            ("parameters", lineage.parameters), ("metrics", lineage.metrics), ("environment", lineage.environment),
        ]
        return single.compactMap { label, text in text.map { (label, $0) } }
            + pairs.filter { !$0.1.isEmpty }.map { label, pairs in
                (label, pairs.map { "\($0.name)=\($0.text)" }.joined(separator: " "))
            }
    }

    private func range(_ feature: FeatureSpec) -> String {
        feature.range.map { "\(digits($0.lowerBound))…\(digits($0.upperBound)) (\(feature.onRange.rawValue))" } ?? ""
    }

    /// Whole numbers without a point.
    private func digits(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }

    private func missing(_ feature: FeatureSpec) -> String {
        switch feature.missing {
        case .model: "model"
        case .reject: "reject"
        case .value(let value): digits(value)
        }
    }

    private func unknown(_ feature: FeatureSpec) -> String {
        guard feature.kind == .category else { return "" }
        return "\(feature.categories.count) (unknown: \(feature.unknown.rawValue))"
    }
}

extension InspectCommand {
    private func json(_ bundle: LoadedBundle) -> JSONText {
        .object([
            ("name", .text(bundle.name)), ("version", .text(bundle.version)),
            ("format", .text(bundle.facts.format.rawValue)), ("objective", .text(bundle.facts.objective)),
            ("trainer_version", .optional(bundle.facts.trainerVersion)),
            (
                "input",
                .object([
                    ("name", .text(bundle.input.name)), ("datatype", .text(bundle.input.declaredType.datatype)),
                    ("features", .array(bundle.input.features.map(json))),
                ])
            ),
            (
                "output",
                .object([
                    ("datatype", .text(bundle.output.scoreType.datatype)), ("columns", .number(bundle.output.columns)),
                    ("classes", .array(bundle.output.classes.map { .text($0) })),
                    ("threshold", .double(bundle.output.threshold)), ("positive", .number(bundle.output.positive)),
                ])
            ),
            ("trees", .number(bundle.model.treeCount)), ("depth", .number(bundle.model.maxDepth)),
            ("worst_case_nodes_per_row", .number(bundle.model.worstCaseNodesPerRow)),
            ("worst_case_operations_per_row", .number(bundle.model.worstCaseOperationsPerRow)),
            ("nanos_per_row", .double(bundle.model.cost.nanosAlone)),
            ("nanos_per_row_in_batch", .double(bundle.model.cost.nanosInBatch)),
            ("kernels", .text(bundle.model.kernels)), ("exact", .boolean(bundle.model.isExact)),
            ("stages", .array(bundle.model.stages.map(json))),
            ("image_bytes", .number(bundle.model.imageBytes)), ("golden", .number(bundle.goldenCount)),
            ("model_sha256", .text(bundle.sourceDigest.description)),
            ("warnings", .array(bundle.warnings.map { .text($0) })),
        ])
    }

    private func json(_ stage: StageSummary) -> JSONText {
        .object([
            ("kind", .text(stage.kind)), ("input_columns", .number(stage.inputColumns)),
            ("output_columns", .number(stage.outputColumns)), ("datatype", .text(stage.isFloat64 ? "FP64" : "FP32")),
            ("from", .text(stage.name)),
        ])
    }

    private func json(_ feature: FeatureSpec) -> JSONText {
        .object([
            ("name", .text(feature.name)), ("type", .text(feature.kind.rawValue)), ("unit", .optional(feature.unit)),
            ("range", feature.range.map { .array([.double($0.lowerBound), .double($0.upperBound)]) } ?? .null),
            ("on_range", .text(feature.onRange.rawValue)), ("missing", .text(missing(feature))),
            ("categories", .array(feature.categories.map { .text($0) })),
            ("unknown", .text(feature.unknown.rawValue)), ("pii", .boolean(feature.pii)),
        ])
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
