// Which bundles a configuration loads from a repository, before any is opened.

public import Configuration

public struct ServingPlan: Sendable, Equatable {
    public struct Model: Sendable, Equatable {
        public let configuration: ModelConfiguration
        /// Those of the repository, the lowest number first.
        public let available: [String]
        /// To be loaded, the lowest number first.
        public let versions: [String]
        /// The version that unversioned requests get; nil: the highest that loads.
        public let stableVersion: String?

        public var name: String { configuration.name }
        public var requiresGolden: Bool { configuration.requirements.contains(.golden) }
    }

    public var models: [Model] = []
    /// What an operator should know, a sentence each.
    public var warnings: [String] = []

    /// Compares the configuration with what the repository holds. `routed`: models whose route is not the
    /// configuration's, so that nothing is asked of it.
    public init(_ configuration: GatewayConfiguration, routed: [String] = []) throws(ConfigurationError) {
        let contents = try ModelRepository(path: configuration.repository).contents()
        warnings = contents.warnings
        for entry in contents.models {
            let settings = configuration.model(named: entry.name)
            models.append(
                try Self.plan(
                    entry, settings, repository: configuration.repository, isRouted: routed.contains(entry.name),
                    warnings: &warnings))
        }
        for model in configuration.models where !contents.models.contains(where: { $0.name == model.name }) {
            warnings.append(
                "model \(model.name) is configured, but \(configuration.repository) does not hold it: skipped")
        }
        if models.isEmpty { warnings.append("\(configuration.repository) holds no model") }
    }

    private static func plan(
        _ entry: ModelRepository.Entry, _ settings: ModelConfiguration, repository: String, isRouted: Bool,
        warnings: inout [String]
    ) throws(ConfigurationError) -> Model {
        let versions = settings.selected(from: entry.versions)
        if case .versions(let wanted) = settings.load {
            for version in wanted where !versions.contains(version) {
                warnings.append("version \(version) of \(entry.name) is configured, but \(repository) does not hold it")
            }
        }
        if !isRouted, let stable = settings.stableVersion, !versions.contains(stable) {
            throw ConfigurationError(
                source: repository, keyPath: "\(entry.name)/\(stable)",
                message: "is the stable version by models.\(entry.name).route, but is not among those to load "
                    + "(\(versions.isEmpty ? "none" : versions.joined(separator: ", ")))")
        }
        return Model(
            configuration: settings, available: entry.versions, versions: versions,
            stableVersion: settings.stableVersion)
    }
}
