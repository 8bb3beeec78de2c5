import COpenSSL

/// A TLS client in memory.
final class TestClient {
    let ssl: OpaquePointer
    private let context: OpaquePointer
    private let input = BIO_new(BIO_s_mem())
    private let outputBIO = BIO_new(BIO_s_mem())
    private(set) var received: [UInt8] = []
    /// The server has sent close_notify.
    private(set) var hasEnded = false
    /// The handshake or a record was refused.
    private(set) var failed = false

    /// `certificate`: the name of a pair of the test authority's; `protocols`: what ALPN offers.
    init(
        _ certificate: String? = nil, protocols: [String] = ["h2"], version: Int32 = TLS1_3_VERSION,
        serverName: String? = nil, session: OpaquePointer? = nil
    ) {
        context = SSL_CTX_new(TLS_client_method())!
        copenssl_set_minimum_version(context, version)
        _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        if let certificate {
            _ = SSL_CTX_use_certificate_chain_file(context, Certificates.path("\(certificate).pem"))
            _ = SSL_CTX_use_PrivateKey_file(context, Certificates.path("\(certificate).key"), SSL_FILETYPE_PEM)
        }
        ssl = SSL_new(context)!
        SSL_set_bio(ssl, input, outputBIO)
        SSL_set_connect_state(ssl)
        let wire = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        if !wire.isEmpty { SSL_set_alpn_protos(ssl, wire, UInt32(wire.count)) }
        if let serverName {
            _ = serverName.withCString {
                SSL_ctrl(
                    ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                    UnsafeMutableRawPointer(mutating: $0))
            }
        }
        if let session { SSL_set_session(ssl, session) }
    }

    deinit {
        // Else OpenSSL takes the session for broken, and does not offer it again.
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    var isOpen: Bool { SSL_get_state(ssl) == TLS_ST_OK && !failed }
    var wasResumed: Bool { SSL_session_reused(ssl) == 1 }
    var session: OpaquePointer? { SSL_get1_session(ssl) }

    /// The common name of the server's certificate.
    var serverCommonName: String {
        guard let certificate = SSL_get0_peer_certificate(ssl) else { return "" }
        var buffer = [CChar](repeating: 0, count: 256)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &buffer, 256)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Shakes hands, or reads what has come.
    func advance() {
        ERR_clear_error()
        if SSL_get_state(ssl) != TLS_ST_OK {
            let result = SSL_do_handshake(ssl)
            if result != 1, SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ { failed = true }
        }
        guard SSL_get_state(ssl) == TLS_ST_OK else { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            ERR_clear_error()
            let count = SSL_read(ssl, &buffer, Int32(buffer.count))
            if count > 0 {
                received.append(contentsOf: buffer[..<Int(count)])
                continue
            }
            let error = SSL_get_error(ssl, count)
            if error == SSL_ERROR_ZERO_RETURN { hasEnded = true }
            if error == SSL_ERROR_SSL { failed = true }
            return
        }
    }

    func send(_ bytes: [UInt8]) {
        ERR_clear_error()
        _ = SSL_write(ssl, bytes, Int32(bytes.count))
    }

    func takeOutput() -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = BIO_read(outputBIO, &buffer, Int32(buffer.count))
            if count <= 0 { return result }
            result.append(contentsOf: buffer[..<Int(count)])
        }
    }

    func give(_ bytes: [UInt8]) { if !bytes.isEmpty { _ = BIO_write(input, bytes, Int32(bytes.count)) } }
}
