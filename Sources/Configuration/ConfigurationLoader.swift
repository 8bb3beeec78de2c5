// Three layers of text become one validated configuration; the first thing wrong ends it.
//
//     1. the file         every key known, every scalar's text and line kept
//     2. the environment  SERIN_LIMITS_BODY_BYTES and the like, over the file
//     3. flags            --port and the like, over both
//     4. conversion       unit, range, allowed words: ConfigurationField
//     5. models           ConfigurationLoader+Models
//     6. contradictions   ConfigurationLoader+Contradictions

/// A value that a command-line flag sets.
public struct ConfigurationOverride: Sendable {
    /// The field's key path: `listen.port`.
    public var keyPath: String
    /// As the user typed it: `--port`.
    public var flag: String
    public var text: String

    public init(keyPath: String, flag: String, text: String) {
        self.keyPath = keyPath
        self.flag = flag
        self.text = text
    }
}

public enum ConfigurationLoader {
    /// Reads and checks a file with its overrides. Without a file: defaults and overrides.
    public static func load(
        file: String?, environment: [String: String] = [:], overrides: [ConfigurationOverride] = []
    ) throws(ConfigurationError) -> GatewayConfiguration {
        let root = try file.map { path throws(ConfigurationError) in try YAMLDocument.read(path) }
        return try load(root: root, environment: environment, overrides: overrides)
    }

    /// Checks a document that is at hand.
    public static func parse(
        _ yaml: String, source: String = "serin.yaml", environment: [String: String] = [:],
        overrides: [ConfigurationOverride] = []
    ) throws(ConfigurationError) -> GatewayConfiguration {
        try load(
            root: YAMLDocument.parse(Array(yaml.utf8), source: source), environment: environment, overrides: overrides)
    }

    private static func load(
        root: YAMLValue?, environment: [String: String], overrides: [ConfigurationOverride]
    ) throws(ConfigurationError) -> GatewayConfiguration {
        var raw: [String: RawScalar] = [:]
        var models: YAMLValue?
        if let root { models = try collect(root, into: &raw) }
        try collect(environment, into: &raw)
        for override in overrides {
            raw[override.keyPath] = RawScalar(text: override.text, origin: .named(override.flag))
        }
        var configuration = GatewayConfiguration()
        for field in ConfigurationField.all {
            if let scalar = raw[field.keyPath] { try field.apply(scalar, to: &configuration) }
        }
        if let models { configuration.models = try readModels(models) }
        try refuseContradictions(configuration, raw: raw)
        return configuration
    }

    /// The file's scalars by key path; returns its `models:`.
    private static func collect(
        _ root: YAMLValue, into raw: inout [String: RawScalar]
    ) throws(ConfigurationError) -> YAMLValue? {
        let paths = ConfigurationField.all.map { $0.keyPath.split(separator: ".").map(String.init) }
        var sections: [String] = []
        for path in paths where !sections.contains(path[0]) { sections.append(path[0]) }
        let top = try root.fields(sections + ["models"])
        for path in paths {
            guard let value = top[path[0]], !value.isNull || path.count == 1 else { continue }
            let known = paths.filter { $0.count == 2 && $0[0] == path[0] }.map { $0[1] }
            let scalar = try path.count == 1 ? value : value.fields(known)[path[1]]
            guard let scalar else { continue }
            let field = path.joined(separator: ".")
            raw[field] = try RawScalar(text: scalar.text("a value"), origin: .file(scalar))
        }
        return top["models"].flatMap { $0.isNull ? nil : $0 }
    }
}
