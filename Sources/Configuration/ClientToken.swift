// `listen.tokens`: clients that say who they are with a bearer token. The file holds a token's SHA-256 only, so whoever
// reads it cannot use it.

public struct ClientToken: Sendable, Equatable {
    /// What `models.*.clients` calls it, behind `token:`.
    public let name: String
    /// 32 bytes.
    public let digest: [UInt8]

    /// Names of tokens among `clients` begin so; no name of a certificate is ever taken for one.
    public static let prefix = "token:"
}

extension ConfigurationLoader {
    static let tokensMax = 1024

    /// `[{name: checkout, sha256: …}]`; a name may stand more than once, while a token is being replaced.
    static func readTokens(_ value: YAMLValue?) throws(ConfigurationError) -> [ClientToken] {
        guard let value else { return [] }
        var tokens: [ClientToken] = []
        for item in try value.items("a list of {name: NAME, sha256: DIGITS}", countMax: tokensMax) {
            let fields = try item.fields(["name", "sha256"])
            let name = try fields.required("name")
            let text = try name.text("a name")
            guard ModelIdentifier.isName(text) else { throw name.expected(ModelIdentifier.nameExpectation) }
            let sha256 = try fields.required("sha256")
            guard let digest = digest(hexadecimal: try sha256.text("a digest")) else {
                throw sha256.expected("64 hexadecimal digits, as sha256sum prints them")
            }
            guard !tokens.contains(where: { $0.digest == digest }) else { throw sha256.error("stands twice") }
            tokens.append(ClientToken(name: text, digest: digest))
        }
        return tokens
    }

    private static func digest(hexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: 64, by: 2) {
            guard let high = digits[place], let low = digits[place + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }

    /// A model's `clients` speak of tokens that there are, and of certificates only where they are asked for.
    static func refuseUnknownClients(
        _ configuration: GatewayConfiguration, raw: RawDocument
    ) throws(ConfigurationError) {
        for model in configuration.models {
            for client in model.clients {
                let message: String
                if client.hasPrefix(ClientToken.prefix) {
                    let name = client.dropFirst(ClientToken.prefix.count)
                    if configuration.tokens.contains(where: { $0.name == name }) { continue }
                    message = "\(model.name).clients: \(client) is not among listen.tokens"
                } else {
                    if configuration.tls.clientAuthentication != .off { continue }
                    message = "\(model.name).clients needs listen.tls.client_authentication"
                }
                throw raw.others["models"]?.error(message)
                    ?? ConfigurationError(source: "defaults", keyPath: "models", message: message)
            }
        }
    }
}
