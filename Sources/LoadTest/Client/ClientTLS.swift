// TLS of the client: whom it believes, what it shows, and OpenSSL's failures in words.

internal import COpenSSL
internal import Configuration

final class ClientTLS {
    private let context: OpaquePointer
    private let serverName: String?

    /// - Parameter http: 1 or 2, which ALPN offers.
    init(_ files: TLSFiles, http: Int) throws(LoadTestError) {
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw .unreachable("TLS: \(Self.reason())")
        }
        self.context = context
        serverName = files.serverName
        copenssl_set_modes(context)
        _ = copenssl_set_minimum_version(context, Int32(TLS1_2_VERSION))
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        func fail(_ file: String, _ what: String) -> LoadTestError {
            .configuration(ConfigurationError(source: file, message: "\(what): \(Self.reason())"))
        }
        if let authority = files.authority {
            guard SSL_CTX_load_verify_locations(context, authority, nil) == 1 else {
                throw fail(authority, "holds no certificate of an authority")
            }
        } else {
            SSL_CTX_set_default_verify_paths(context)
        }
        if let certificate = files.certificate, let key = files.key {
            guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
                throw fail(certificate, "holds no certificate")
            }
            guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
                throw fail(key, "holds no key of \(certificate)")
            }
        }
        let offer: [UInt8] = http == 2 ? [2] + Array("h2".utf8) : [8] + Array("http/1.1".utf8)
        SSL_CTX_set_alpn_protos(context, offer, UInt32(offer.count))
    }

    deinit { SSL_CTX_free(context) }

    /// A connection's TLS over its socket, as a client.
    func connect(_ descriptor: Int32, host: String) -> OpaquePointer? {
        guard let ssl = SSL_new(context) else { return nil }
        let name = serverName ?? host
        SSL_set_fd(ssl, descriptor)
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) != 1 {
            ERR_clear_error()
            SSL_set1_host(ssl, name)
            _ = copenssl_ask_for(ssl, name)
        }
        SSL_set_connect_state(ssl)
        return ssl
    }

    /// Why a handshake failed.
    static func failure(_ ssl: OpaquePointer) -> String {
        let verdict = SSL_get_verify_result(ssl)
        if verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) {
            return "the server's certificate is refused: \(String(cString: text))"
        }
        return "the TLS handshake failed: \(reason())"
    }

    private static func reason() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "no reason given"
    }
}
