// One generation of a listener's certificates and rules: made whole, never changed, replaced as a whole.
//
//     files ─► TLSContext 1 ◄── old connections keep it to their end
//     files' ─► TLSContext 2 ◄── new connections (TLSEngine looks at `Published<TLSContext>` when one opens)
//
// It holds an SSL_CTX for each certificate. A connection begins with the first and changes to the one its
// server name asks for. Session tickets are sealed with keys that all contexts and reactors share, and that
// a new generation inherits unless the authorities, the revocation lists or the authentication have changed:
// a resumed session is not verified again, so a certificate that was revoked must not resume.

import COpenSSL
import Glibc
import Primitives

/// An SSL_CTX, released with it; connections hold references of their own.
private final class OwnedContext {
    let pointer: OpaquePointer

    init() throws(TLSSettingsError) {
        ERR_clear_error()
        guard let pointer = SSL_CTX_new(TLS_server_method()) else {
            throw TLSSettingsError("OpenSSL", "gives no context: \(OpenSSLError.text())")
        }
        self.pointer = pointer
    }

    deinit { SSL_CTX_free(pointer) }
}

// SAFETY: written in init only; OpenSSL counts references to its objects atomically.
public final class TLSContext: @unchecked Sendable {
    private let contexts: [OwnedContext]
    /// What a connection begins with.
    let first: OpaquePointer
    let names: ServerNames
    public let certificates: [ServerCertificate]
    /// The names a client certificate must have one of; empty: any.
    let clients: PeerAllowList
    let tickets: TicketKeyRing
    let handshakeNanos: UInt64
    /// Nanoseconds that also pass while the machine sleeps.
    let clock: @Sendable () -> UInt64
    /// Files of the client side, and the second since 1970 at which they run out.
    private let clientSide: [(file: String, notAfter: Int64)]
    /// Digest of everything a client certificate is verified with.
    private let verification: [UInt8]

    /// Builds the generation, or says which file is wrong. `previous` hands its ticket keys on.
    public convenience init(_ settings: TLSSettings, previous: TLSContext? = nil) throws(TLSSettingsError) {
        try self.init(settings, previous: previous) {
            var time = timespec()
            clock_gettime(CLOCK_BOOTTIME, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
    }

    init(
        _ settings: TLSSettings, previous: TLSContext? = nil, clock: @escaping @Sendable () -> UInt64
    ) throws(TLSSettingsError) {
        guard !settings.certificates.isEmpty else { throw TLSSettingsError("certificates", "expected at least one") }
        let verification = Self.digest(settings)
        let authorities = try ClientAuthorities(settings)
        var contexts: [OwnedContext] = []
        var certificates: [ServerCertificate] = []
        for pair in settings.certificates {
            let context = try OwnedContext()
            try Self.configure(context.pointer, settings, sessionContext: verification)
            certificates.append(try Self.use(pair, in: context.pointer))
            authorities.install(in: context.pointer, settings.clientAuthentication)
            contexts.append(context)
        }
        self.contexts = contexts
        self.certificates = certificates
        self.verification = verification
        clientSide = authorities.dates
        self.clock = clock
        first = contexts[0].pointer
        names = ServerNames(certificates)
        clients = PeerAllowList(settings.clients)
        handshakeNanos = settings.handshakeNanos
        if let previous, previous.verification == verification, previous.tickets.periodNanos == settings.ticketNanos {
            tickets = previous.tickets
        } else {
            tickets = TicketKeyRing(periodNanos: settings.ticketNanos)
        }
        // SAFETY: who uses an SSL_CTX of this generation holds the generation.
        for context in contexts { copenssl_set_app_data(context.pointer, Unmanaged.passUnretained(self).toOpaque()) }
    }

    /// The SSL_CTX for a server name.
    func context(for serverName: String) -> OpaquePointer { contexts[names.index(of: serverName)].pointer }

    /// What has run out at `now` (seconds since 1970) or is not valid yet; it serves all the same.
    public func expiries(at now: Int64) -> [String] {
        certificates.compactMap { $0.problem(at: now) }
            + clientSide.filter { $0.notAfter < now }.map { "\($0.file): has run out: clients of it are refused" }
    }

    /// Names of a certificate that are never used.
    public var shadowed: [String] {
        names.shadowed.map { "\($0): an earlier certificate has this name too, and is the one that is shown" }
    }

    // MARK: Building

    private static func configure(
        _ context: OpaquePointer, _ settings: TLSSettings, sessionContext: [UInt8]
    ) throws(TLSSettingsError) {
        copenssl_set_modes(context)
        copenssl_set_server_options(context)
        copenssl_disable_session_cache(context)
        copenssl_set_read_ahead(context)
        SSL_CTX_set_max_early_data(context, 0)
        SSL_CTX_set_timeout(context, Int(min(settings.ticketNanos / 1_000_000_000, 7 * 86_400)))
        SSL_CTX_set_session_id_context(context, sessionContext, UInt32(sessionContext.count))
        ERR_clear_error()
        let minimum = settings.minimumVersion == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION
        guard copenssl_set_minimum_version(context, minimum) == 1, copenssl_set_groups(context, TLSSettings.groups) == 1
        else { throw TLSSettingsError("OpenSSL", "refuses versions or groups: \(OpenSSLError.text())") }
        guard SSL_CTX_set_cipher_list(context, settings.ciphers) == 1 else {
            throw TLSSettingsError("ciphers", "OpenSSL knows none of them: \(OpenSSLError.text())")
        }
        guard SSL_CTX_set_ciphersuites(context, settings.suites) == 1 else {
            throw TLSSettingsError("suites", "OpenSSL does not know all of them: \(OpenSSLError.text())")
        }
        TLSCallbacks.install(in: context)
    }

    /// Puts a certificate, its intermediates and its key in.
    private static func use(
        _ pair: TLSSettings.KeyPair, in context: OpaquePointer
    ) throws(TLSSettingsError) -> ServerCertificate {
        let key = try PEM.key(pair.key)
        var leaf: ServerCertificate?
        _ = try PEM.certificates(pair.certificate) { certificate, index throws(TLSSettingsError) in
            ERR_clear_error()
            if index == 0 {
                guard X509_check_private_key(certificate, key.pointer) == 1 else {
                    throw TLSSettingsError(
                        pair.certificate.name, "the key in \(pair.key.name) does not belong to this certificate")
                }
                guard SSL_CTX_use_certificate(context, certificate) == 1 else {
                    throw TLSSettingsError(pair.certificate.name, "OpenSSL refuses it: \(OpenSSLError.text())")
                }
                leaf = ServerCertificate(file: pair.certificate.name, certificate: certificate)
            } else if copenssl_add_chain_certificate(context, certificate) != 1 {
                throw TLSSettingsError(
                    pair.certificate.name, "OpenSSL refuses certificate \(index + 1): \(OpenSSLError.text())")
            }
        }
        guard let leaf, SSL_CTX_use_PrivateKey(context, key.pointer) == 1 else {
            throw TLSSettingsError(pair.key.name, "OpenSSL refuses it: \(OpenSSLError.text())")
        }
        return leaf
    }

    private static func digest(_ settings: TLSSettings) -> [UInt8] {
        var input = [settings.clientAuthentication.rawValue]
        for file in [settings.authorities].compactMap({ $0 }) + settings.revocations {
            withUnsafeBytes(of: UInt64(file.bytes.count)) { input.append(contentsOf: $0) }
            input += file.bytes
        }
        return [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { buffer, count in
            SHA256(input, input.count, buffer.baseAddress)
            count = Int(SHA256_DIGEST_LENGTH)
        }
    }
}

/// Who signs client certificates, and what they have revoked.
private final class ClientAuthorities {
    /// More names than this are not told to clients: the list goes out in every handshake.
    private static let toldMax = 32

    private let store: OpaquePointer
    private(set) var dates: [(file: String, notAfter: Int64)] = []
    private var certificates: [OpaquePointer] = []

    init(_ settings: TLSSettings) throws(TLSSettingsError) {
        guard let store = X509_STORE_new() else { throw TLSSettingsError("OpenSSL", "gives no store") }
        self.store = store
        guard settings.clientAuthentication != .off, let file = settings.authorities else { return }
        _ = try PEM.certificates(file) { certificate, index throws(TLSSettingsError) in
            guard X509_check_ca(certificate) > 0 else {
                throw TLSSettingsError(file.name, "certificate \(index + 1) is not an authority's")
            }
            X509_STORE_add_cert(store, certificate)
            dates.append((file.name, Int64(copenssl_unix_time(X509_get0_notAfter(certificate)))))
            X509_up_ref(certificate)
            certificates.append(certificate)
        }
        for list in settings.revocations {
            _ = try PEM.revocations(list) { revocation, _ throws(TLSSettingsError) in
                X509_STORE_add_crl(store, revocation)
                guard let next = X509_CRL_get0_nextUpdate(revocation) else { return }
                dates.append((list.name, Int64(copenssl_unix_time(next))))
            }
        }
        if !settings.revocations.isEmpty {
            X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
        }
    }

    deinit {
        for certificate in certificates { X509_free(certificate) }
        X509_STORE_free(store)
    }

    func install(in context: OpaquePointer, _ authentication: TLSSettings.ClientAuthentication) {
        guard authentication != .off else { return }
        SSL_CTX_set1_cert_store(context, store)
        SSL_CTX_set_verify_depth(context, TLSSettings.intermediatesMax)
        let must = authentication == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, TLSCallbacks.verify)
        guard certificates.count <= Self.toldMax else { return }
        for certificate in certificates { SSL_CTX_add_client_CA(context, certificate) }
    }
}
