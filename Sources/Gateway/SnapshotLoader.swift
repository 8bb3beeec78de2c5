// From a bundle of the repository to a version that can serve, and at the start from configuration to a snapshot.
//
// A bundle that does not load stays out, with its reason in the log; the others are served. A model
// whose stable version is out has no stable version, and a required one of these keeps `ready` false.

import Configuration
import Execution
import Logging
import ModelFormat
import Primitives
import Registry
import Telemetry

struct SnapshotLoader {
    let configuration: GatewayConfiguration
    let metrics: GatewayMetrics
    let logger: Logger
    private let cache: ImageCache?

    init(_ configuration: GatewayConfiguration, metrics: GatewayMetrics, logger: Logger) {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        if !configuration.usesOpenBLAS { DenseLibrarySwitch.turnOff() }
        cache = Self.openCache(configuration, logger)
    }

    /// A snapshot of what the configuration names, by itself: for a plane without a control plane.
    func load() throws -> Snapshot {
        let plan = try ServingPlan(configuration)
        for warning in plan.warnings { logger.warning("\(warning)") }
        var slots = VersionSlots()
        var versions = ServedVersions()
        var models: [Snapshot.ListedModel] = []
        for model in plan.models {
            var loaded: [Int] = []
            for version in model.versions {
                guard let slot = slots.take("\(model.name)/\(version)") else { break }
                let outcome = load(model.configuration, version, slot: slot, serving: nil)
                guard case .success(let served) = outcome else { continue }
                versions.insert(served)
                loaded.append(slot)
            }
            let stable =
                model.stableVersion.map { wanted in loaded.first { versions[$0].version == wanted } } ?? loaded.last
            models.append(
                Snapshot.ListedModel(
                    name: model.name, versions: loaded, stable: stable, isRequired: model.configuration.isRequired,
                    route: model.configuration.route))
        }
        return Snapshot(versions: versions, models: models, fieldNames: FieldNames())
    }

    /// The cache of compiled images; a folder that cannot be used costs time at the start, not the start.
    private static func openCache(_ configuration: GatewayConfiguration, _ logger: Logger) -> ImageCache? {
        guard let path = configuration.cachePath else { return nil }
        do throws(ConfigurationError) {
            return try ImageCache(path: path)
        } catch {
            logger.warning("no image cache, every model is compiled anew: \(error)")
            return nil
        }
    }

    /// Takes one version through the gate. `serving`: what its model's clients send now.
    func load(
        _ model: ModelConfiguration, _ version: String, slot: Int, serving: ServedVersion?
    ) -> Result<ServedVersion, ConfigurationError> {
        do throws(ConfigurationError) {
            let bundle = try ModelRepository(path: configuration.repository).load(
                BundleIdentity(name: model.name, version: version), cache: cache,
                requireGolden: model.requirements.contains(.golden),
                signature: SignaturePolicy(
                    keys: try SignaturePolicy.readKeys(configuration.signingKeys),
                    isRequired: model.requirements.contains(.signature)),
                keepsSource: model.explanation.isOn)
            if bundle.manifest.fault != nil, !configuration.allowsFaults {
                throw ConfigurationError(
                    source: "\(model.name)/\(version)", message: "its manifest has a fault, which needs --allow-faults")
            }
            try ActivationGate(model, serving: serving?.bundle).check(bundle)
            for warning in bundle.warnings { logger.warning("\(model.name)/\(version): \(warning)") }
            let served = try serve(bundle, model, slot: slot)
            metrics.loads.add(bundle.isCached ? .cached : .compiled)
            return .success(served)
        } catch {
            metrics.loads.add(.refused)
            let (place, reason) = ("\(model.name)/\(version)", error.description)
            let isRepeated = reason.hasPrefix("\(place): ")
            logger.error("\(place) stays out: \(isRepeated ? String(reason.dropFirst(place.count + 2)) : reason)")
            return .failure(error)
        }
    }

    private func serve(
        _ bundle: LoadedBundle, _ model: ModelConfiguration, slot: Int
    ) throws(ConfigurationError) -> ServedVersion {
        let budget = model.budgetNanos ?? bundle.manifest.latencyBudgetNanos
        do {
            let counted = try metrics.version(
                model: model.name, version: bundle.version, digest: bundle.sourceDigest.description,
                format: bundle.facts.format.rawValue, budgetNanos: budget)
            let arms = try ArmTable(metrics, model: model.name, version: bundle.version)
            let queue = try QueuedVersion(
                bundle: bundle, model, configuration.executors, slot: slot, metrics.registry)
            let watched = try WatchedVersion(
                bundle, model.drift, reactors: metrics.registry.shardCount, metrics.registry)
            let explanations = try VersionExplanations(bundle, model.explanation, metrics.registry)
            try metrics.memory(bundle, explanations)
            return ServedVersion(
                bundle: bundle, configuration: model, metrics: counted, arms: arms, queue: queue, watched: watched,
                explanations: explanations, slot: slot)
        } catch {
            throw ConfigurationError(source: "\(model.name)/\(bundle.version)", message: "\(error)")
        }
    }
}
