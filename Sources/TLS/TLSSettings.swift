// What a TLS listener is to be: versions, ciphers, certificates, who may come in.
//
// Files are bytes by now: whoever reads them knows paths and permissions, this module knows what is in
// them. `name` is what an error calls the file.

/// A file's bytes, and its name for errors.
public struct NamedBytes: Sendable, Equatable {
    public var name: String
    public var bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

public struct TLSSettings: Sendable, Equatable {
    public enum Version: Sendable { case tls12, tls13 }
    public enum ClientAuthentication: UInt8, Sendable { case off, optional, required }

    /// A certificate with the intermediates behind it, and its key; PEM.
    public struct KeyPair: Sendable, Equatable {
        public var certificate: NamedBytes
        public var key: NamedBytes

        public init(certificate: NamedBytes, key: NamedBytes) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// The first is shown to clients that ask for no name, or for one that no certificate has.
    public var certificates: [KeyPair]
    public var minimumVersion = Version.tls12
    /// OpenSSL's list for TLS 1.2; forward secret and authenticated only, so that HTTP/2 allows all of them
    /// (RFC 9113, appendix A).
    public var ciphers = TLSSettings.standardCiphers
    /// OpenSSL's list for TLS 1.3.
    public var suites = TLSSettings.standardSuites
    public var clientAuthentication = ClientAuthentication.off
    /// The authorities that client certificates must come from; PEM.
    public var authorities: NamedBytes?
    /// Their revocation lists; PEM. With one of them, every authority of a chain needs one.
    public var revocations: [NamedBytes] = []
    /// The names a client certificate must have one of; empty: any that the authorities have signed.
    public var clients: [String] = []
    /// How long one key seals session tickets, and how long a ticket lives.
    public var ticketNanos: UInt64 = 3_600_000_000_000
    /// From the accepted socket to the end of the handshake.
    public var handshakeNanos: UInt64 = 5_000_000_000

    public static let standardCiphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    public static let standardSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    static let groups = "X25519:P-256:P-384"
    /// Authorities between a client's certificate and a trusted one.
    static let intermediatesMax: Int32 = 4

    public init(certificates: [KeyPair]) { self.certificates = certificates }
}

/// What is wrong with a file or a setting: `name` is the file's or the setting's.
public struct TLSSettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    public var name: String
    public var message: String
    public var description: String { "\(name): \(message)" }

    init(_ name: String, _ message: String) {
        self.name = name
        self.message = message
    }
}
