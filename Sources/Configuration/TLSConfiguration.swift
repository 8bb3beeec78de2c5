// The `listen.tls` section: a second port of the data plane, with certificates. Off while there are none.

public struct TLSConfiguration: Sendable, Equatable {
    public enum ClientAuthentication: String, Sendable, CaseIterable {
        case off, optional, required
    }

    /// A certificate with its intermediates, and its key, as PEM files.
    public struct KeyFiles: Sendable, Equatable {
        public internal(set) var certificate: String
        public internal(set) var key: String
    }

    public internal(set) var address = "0.0.0.0"
    public internal(set) var port = 8443
    /// Whose connections begin with a PROXY header (version 2), before TLS.
    public internal(set) var proxies: [AddressNetwork] = []
    /// The first is shown to clients whose server name none of them has.
    public internal(set) var certificates: [KeyFiles] = []
    /// The oldest version that is spoken is 1.3, not 1.2.
    public internal(set) var isTLS13Only = false
    /// TLS 1.2's, in OpenSSL's spelling; nil: the standard ones.
    public internal(set) var ciphers: String?
    /// TLS 1.3's; nil: the standard ones.
    public internal(set) var suites: String?
    public internal(set) var clientAuthentication = ClientAuthentication.off
    /// The authorities of client certificates.
    public internal(set) var authorities: String?
    /// Their revocation lists.
    public internal(set) var revocations: [String] = []
    /// The names a client certificate must have one of; empty: any.
    public internal(set) var clients: [String] = []
    /// How long one key seals session tickets.
    public internal(set) var ticketRotationNanos: UInt64 = 3_600_000_000_000
    /// From the accepted connection to the end of the handshake.
    public internal(set) var handshakeNanos: UInt64 = 5_000_000_000
    /// How often the files are looked at; 0: only on SIGHUP.
    public internal(set) var watchNanos: UInt64 = 10_000_000_000

    /// There is something to listen with.
    public var isOn: Bool { !certificates.isEmpty }

    var minimumVersionText: String {
        get { isTLS13Only ? "1.3" : "1.2" }
        set { isTLS13Only = newValue == "1.3" }
    }

    var clientAuthenticationText: String {
        get { clientAuthentication.rawValue }
        set { clientAuthentication = ClientAuthentication(rawValue: newValue) ?? .off }
    }

    /// Every file it names.
    public var files: [String] {
        certificates.flatMap { [$0.certificate, $0.key] } + [authorities].compactMap { $0 } + revocations
    }
}
