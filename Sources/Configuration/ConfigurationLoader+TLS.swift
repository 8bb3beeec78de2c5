// The lists of `listen.tls`, and what of it cannot be meant together.

extension ConfigurationLoader {
    static let certificatesMax = 64
    static let clientsMax = 1024

    static func readTLS(_ values: [String: YAMLValue], into tls: inout TLSConfiguration) throws(ConfigurationError) {
        if let list = values["listen.tls.certificates"] {
            for item in try list.items("a list of {certificate: FILE, key: FILE}", countMax: certificatesMax) {
                let fields = try item.fields(["certificate", "key"])
                tls.certificates.append(
                    TLSConfiguration.KeyFiles(
                        certificate: try readFile(fields.required("certificate")),
                        key: try readFile(fields.required("key"))))
            }
        }
        if let list = values["listen.tls.revocations"] {
            for item in try list.items("a list of files", countMax: certificatesMax) {
                tls.revocations.append(try readFile(item))
            }
        }
        if let list = values["listen.tls.clients"] { tls.clients = try readClients(list, ofTokens: false) }
    }

    private static func readFile(_ value: YAMLValue) throws(ConfigurationError) -> String {
        let path = try value.text("a file")
        guard !path.isEmpty, !path.utf8.contains(0) else { throw value.expected("a file") }
        return path
    }

    /// Names of client certificates: a URI, a DNS name or an e-mail address each; or `token:` and a token's name.
    static func readClients(_ value: YAMLValue, ofTokens: Bool = true) throws(ConfigurationError) -> [String] {
        var names: [String] = []
        for item in try value.items("a list of names", countMax: clientsMax) {
            let name = try item.text("a name")
            guard 1...1024 ~= name.utf8.count, name.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
                throw item.expected("a URI, a DNS name or an e-mail address in ASCII, at most 1024 bytes")
            }
            guard ofTokens || !name.hasPrefix(ClientToken.prefix) else {
                throw item.error("is a token's name; only a model's clients may be tokens")
            }
            guard !names.contains(name) else { throw item.error("stands twice") }
            names.append(name)
        }
        return names
    }

    static func refuseTLSContradictions(
        _ configuration: GatewayConfiguration, raw: RawDocument
    ) throws(ConfigurationError) {
        func refuse(_ keyPath: String, _ message: String) -> ConfigurationError {
            raw.scalars[keyPath]?.error(message, keyPath: keyPath) ?? raw.others[keyPath]?.error(message)
                ?? ConfigurationError(source: "defaults", keyPath: keyPath, message: message)
        }
        let tls = configuration.tls
        if tls.clientAuthentication == .off {
            let without = "needs client_authentication: optional or required"
            if tls.authorities != nil { throw refuse("listen.tls.authorities", without) }
            if !tls.revocations.isEmpty { throw refuse("listen.tls.revocations", without) }
            if !tls.clients.isEmpty { throw refuse("listen.tls.clients", without) }
        } else {
            let word = "\(tls.clientAuthentication)"
            guard tls.isOn else { throw refuse("listen.tls.client_authentication", "\(word) needs certificates") }
            guard tls.authorities != nil else {
                throw refuse("listen.tls.client_authentication", "\(word) needs authorities to verify with")
            }
        }
        try refuseSharedPort(configuration, refuse)
    }

    private static func refuseSharedPort(
        _ configuration: GatewayConfiguration, _ refuse: (String, String) -> ConfigurationError
    ) throws(ConfigurationError) {
        let tls = configuration.tls
        guard tls.isOn, tls.port != 0 else { return }
        for (name, other) in [("listen", configuration.listen), ("metrics", configuration.metrics)] {
            let overlap =
                tls.address == other.address || IPAddress.isEvery(tls.address) || IPAddress.isEvery(other.address)
            guard tls.port == other.port, overlap else { continue }
            throw refuse("listen.tls.port", "listen.tls and \(name) share port \(tls.port); give one of them another")
        }
    }
}
