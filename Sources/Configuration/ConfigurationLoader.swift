// Three layers of text become one validated configuration; the first thing wrong ends it.
//
//     1. the file         every key known, every scalar's text and line kept
//     2. the environment  SERIN_LIMITS_BODY_BYTES and the like, over the file
//     3. flags            --port and the like, over both
//     4. conversion       unit, range, allowed words: ConfigurationField
//     5. models, TLS      ConfigurationLoader+Models, +TLS
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

    /// What the file holds, before it is converted: scalars by key path, and what is no scalar.
    struct RawDocument {
        var scalars: [String: RawScalar] = [:]
        var others: [String: YAMLValue] = [:]
    }

    /// The keys whose values are lists or mappings of the user's making.
    private static let others = [
        "models", "listen.tls.certificates", "listen.tls.revocations", "listen.tls.clients", "listen.proxies",
        "listen.tls.proxies", "listen.tokens", "admin.tokens", "signing.keys",
    ]

    private static func load(
        root: YAMLValue?, environment: [String: String], overrides: [ConfigurationOverride]
    ) throws(ConfigurationError) -> GatewayConfiguration {
        var raw = RawDocument()
        if let root {
            let keyPaths = ConfigurationField.all.map(\.keyPath) + others
            try collect(root, at: [], keyPaths.map { $0.split(separator: ".").map(String.init) }, into: &raw)
        }
        try collect(environment, into: &raw.scalars)
        for override in overrides {
            raw.scalars[override.keyPath] = RawScalar(text: override.text, origin: .named(override.flag))
        }
        var configuration = GatewayConfiguration()
        for field in ConfigurationField.all {
            if let scalar = raw.scalars[field.keyPath] { try field.apply(scalar, to: &configuration) }
        }
        if let models = raw.others["models"] { configuration.models = try readModels(models) }
        try readTLS(raw.others, into: &configuration.tls)
        configuration.listen.proxies = try readProxies(raw.others["listen.proxies"])
        configuration.tls.proxies = try readProxies(raw.others["listen.tls.proxies"])
        configuration.signingKeys = try readSigningKeys(raw.others["signing.keys"])
        configuration.admin.tokens = try readAdminTokens(raw.others["admin.tokens"])
        configuration.tokens = try readTokens(raw.others["listen.tokens"])
        try refuseContradictions(configuration, raw: raw.scalars)
        try refuseTLSContradictions(configuration, raw: raw)
        try refuseUnknownClients(configuration, raw: raw)
        return configuration
    }

    /// Everything below `prefix`: another key is an error that lists those there are.
    private static func collect(
        _ section: YAMLValue, at prefix: [String], _ paths: [[String]], into raw: inout RawDocument
    ) throws(ConfigurationError) {
        let depth = prefix.count
        let here = paths.filter { $0.count > depth && Array($0[..<depth]) == prefix }
        var known: [String] = []
        for path in here where !known.contains(path[depth]) { known.append(path[depth]) }
        let fields = try section.fields(known)
        for key in known {
            guard let value = fields[key] else { continue }
            let path = prefix + [key]
            let name = path.joined(separator: ".")
            if others.contains(name) {
                if !value.isNull { raw.others[name] = value }
            } else if here.contains(path) {
                raw.scalars[name] = try RawScalar(text: value.text("a value"), origin: .file(value))
            } else if !value.isNull {
                try collect(value, at: path, paths, into: &raw)
            }
        }
    }
}
