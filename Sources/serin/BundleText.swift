// What a person wants to know of a model, in a line.

internal import Execution
internal import ModelFormat
internal import Registry

enum BundleText {
    /// Kind, trees, depth, features, objective, worst case.
    static func summary(facts: ModelFacts, model: CompiledModel) -> String {
        let trees = model.treeCount == 0 ? "no trees" : "\(model.treeCount) trees, depth \(model.maxDepth)"
        let outputs = model.outputCount == 1 ? "" : ", \(model.outputCount) outputs"
        return "\(kind(facts)), \(trees), \(model.featureCount) features\(outputs), \(facts.objective), "
            + "at most \(worstCase(model))"
    }

    /// Splits of forests; with other stages, all operations too.
    static func worstCase(_ model: CompiledModel) -> String {
        if model.stages.isEmpty { return "\(model.worstCaseNodesPerRow) nodes a row" }
        return "\(model.worstCaseOperationsPerRow) operations a row, \(model.worstCaseNodesPerRow) of them nodes"
    }

    /// `0.4 us a row, 0.1 us in a batch of 64`.
    static func cost(_ model: CompiledModel) -> String {
        "\(time(model.cost.nanosAlone)) a row, \(time(model.cost.nanosInBatch)) in a batch of 64"
    }

    private static func time(_ nanos: Double) -> String {
        if nanos < 1_000 { return "\(Int(nanos.rounded())) ns" }
        let tenths = Int((nanos / 100).rounded())
        return "\(tenths / 10).\(tenths % 10) us"
    }

    static func summary(of bundle: LoadedBundle) -> String { summary(facts: bundle.facts, model: bundle.model) }

    /// The trainer and its version, where the file says it.
    static func kind(_ facts: ModelFacts) -> String {
        let trainer = facts.format == .lightgbm ? "LightGBM" : "XGBoost"
        return facts.trainerVersion.map { "\(trainer) \($0)" } ?? trainer
    }

    /// 1234567 is `1.2 MB`.
    static func size(_ bytes: Int) -> String {
        if bytes < 1000 { return "\(bytes) B" }
        let (unit, name) = bytes < 1_000_000 ? (1000, "kB") : (1_000_000, "MB")
        let tenths = (bytes * 10 + unit / 2) / unit
        return "\(tenths / 10).\(tenths % 10) \(name)"
    }
}
