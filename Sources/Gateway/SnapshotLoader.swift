// From configuration and repository to the snapshot that is served.
//
// A bundle that does not load stays out, with its reason in the log; the others are served. A model
// whose stable version is out has no stable version, and a required one of these keeps `ready` false.

import Configuration
import Execution
import Logging
import ModelFormat
import Registry

struct SnapshotLoader {
    let configuration: GatewayConfiguration
    let metrics: GatewayMetrics
    let logger: Logger

    init(_ configuration: GatewayConfiguration, metrics: GatewayMetrics, logger: Logger) {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
    }

    func load() throws -> Snapshot {
        if !configuration.usesOpenBLAS { DenseLibrarySwitch.turnOff() }
        let plan = try ServingPlan(configuration)
        for warning in plan.warnings { logger.warning("\(warning)") }
        let cache = openCache()
        var versions: [ServedVersion] = []
        var models: [Snapshot.ListedModel] = []
        for model in plan.models {
            let first = versions.count
            for version in model.versions {
                if let served = try load(model, version, cache, index: versions.count) { versions.append(served) }
            }
            models.append(listed(model, versions, from: first))
            try declareWeights(model, versions, from: first, stable: models.last?.stable)
        }
        return Snapshot(versions: versions, models: models)
    }

    /// The cache of compiled images; a folder that cannot be used costs time at the start, not the start.
    private func openCache() -> ImageCache? {
        guard let path = configuration.cachePath else { return nil }
        do throws(ConfigurationError) {
            return try ImageCache(path: path)
        } catch {
            logger.warning("no image cache, every model is compiled anew: \(error)")
            return nil
        }
    }

    /// One version; nil: it does not load.
    private func load(
        _ model: ServingPlan.Model, _ version: String, _ cache: ImageCache?, index: Int
    ) throws -> ServedVersion? {
        let identity = BundleIdentity(name: model.name, version: version)
        let bundle: LoadedBundle
        do throws(ConfigurationError) {
            bundle = try ModelRepository(path: configuration.repository)
                .load(identity, cache: cache, requireGolden: model.requiresGolden)
        } catch {
            logger.error("\(model.name)/\(version) stays out: \(error)")
            return nil
        }
        if bundle.manifest.fault != nil, !configuration.allowsFaults {
            logger.error("\(model.name)/\(version) stays out: its manifest has a fault, which needs --allow-faults")
            return nil
        }
        for warning in bundle.warnings { logger.warning("\(model.name)/\(version): \(warning)") }
        let budget = model.configuration.budgetNanos ?? bundle.manifest.latencyBudgetNanos
        let counted = try metrics.version(
            model: model.name, version: version, digest: bundle.sourceDigest.description,
            format: bundle.facts.format.rawValue, budgetNanos: budget)
        return ServedVersion(
            bundle: bundle, configuration: model.configuration, metrics: counted,
            queue: try QueuedVersion(bundle: bundle, model.configuration, configuration.executors, index, metrics))
    }

    private func listed(_ model: ServingPlan.Model, _ versions: [ServedVersion], from first: Int)
        -> Snapshot.ListedModel
    {
        let indices = Array(first..<versions.count)
        let stable =
            model.stableVersion.map { wanted in indices.first { versions[$0].version == wanted } } ?? indices.last
        return Snapshot.ListedModel(
            name: model.name, versions: indices, stable: stable, isRequired: model.configuration.isRequired)
    }

    private func declareWeights(
        _ model: ServingPlan.Model, _ versions: [ServedVersion], from first: Int, stable: Int?
    ) throws {
        for index in first..<versions.count {
            try metrics.weight(model: model.name, version: versions[index].version, ratio: index == stable ? 1 : 0)
        }
    }
}
