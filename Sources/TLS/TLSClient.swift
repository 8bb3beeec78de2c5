// TLS as a client: whom it believes, what it shows, and OpenSSL's failures in words.
//
//     TLSClient      a context, made once: authorities, a certificate of its own, ALPN
//     TLSClientSession   one connection over a socket that does not block; whoever has it waits for the socket

import COpenSSL

public final class TLSClient {
    private let context: OpaquePointer

    /// - Parameters:
    ///   - authorities: a file in PEM; nil: the system's.
    ///   - identity: files of a certificate and its key.
    ///   - protocols: what ALPN offers, such as `http/1.1`.
    public init(
        authorities: String?, identity: (certificate: String, key: String)? = nil, protocols: [String]
    ) throws(TLSClientError) {
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw TLSClientError(place: "TLS", reason: OpenSSLError.text())
        }
        self.context = context
        copenssl_set_modes(context)
        _ = copenssl_set_minimum_version(context, Int32(TLS1_2_VERSION))
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        try believe(authorities)
        if let identity { try show(identity.certificate, identity.key) }
        let offer = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        SSL_CTX_set_alpn_protos(context, offer, UInt32(offer.count))
    }

    deinit { SSL_CTX_free(context) }

    private func believe(_ authorities: String?) throws(TLSClientError) {
        guard let authorities else {
            SSL_CTX_set_default_verify_paths(context)
            return
        }
        guard SSL_CTX_load_verify_locations(context, authorities, nil) == 1 else {
            throw TLSClientError(
                place: authorities, reason: "holds no certificate of an authority: \(OpenSSLError.text())")
        }
    }

    private func show(_ certificate: String, _ key: String) throws(TLSClientError) {
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw TLSClientError(place: certificate, reason: "holds no certificate: \(OpenSSLError.text())")
        }
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSClientError(place: key, reason: "holds no key of \(certificate): \(OpenSSLError.text())")
        }
    }

    /// A connection's TLS over its socket; the caller frees it. nil: no memory.
    /// - Parameter name: whom the certificate must name: a DNS name or an address.
    public func connect(_ descriptor: Int32, name: String) -> OpaquePointer? {
        guard let ssl = SSL_new(context) else { return nil }
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
    public static func failure(_ ssl: OpaquePointer) -> String {
        let verdict = SSL_get_verify_result(ssl)
        if verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) {
            return "the server's certificate is refused: \(String(cString: text))"
        }
        return "the TLS handshake failed: \(OpenSSLError.text())"
    }
}

/// A file, or OpenSSL itself, and what is wrong with it.
public struct TLSClientError: Error {
    public let place: String
    public let reason: String
}

/// One connection.
public final class TLSClientSession {
    /// What a step has led to.
    public enum Step: Equatable {
        /// So many bytes; 0 of a read: the peer has closed.
        case done(Int)
        /// When the socket can be read, or written, again.
        case wantsRead, wantsWrite
        case failed(String)
    }

    private let ssl: OpaquePointer

    /// nil: no memory.
    public init?(_ client: TLSClient, _ descriptor: Int32, name: String) {
        guard let ssl = client.connect(descriptor, name: name) else { return nil }
        self.ssl = ssl
    }

    deinit { SSL_free(ssl) }

    public func handshake() -> Step {
        ERR_clear_error()
        return step(SSL_do_handshake(ssl))
    }

    public func write(_ bytes: UnsafeRawBufferPointer) -> Step {
        ERR_clear_error()
        // SAFETY: OpenSSL reads no more than it is told, and keeps no pointer.
        return step(SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count)))
    }

    public func read(_ bytes: UnsafeMutableRawBufferPointer) -> Step {
        ERR_clear_error()
        // SAFETY: OpenSSL writes no more than it is told, and keeps no pointer.
        return step(SSL_read(ssl, bytes.baseAddress, Int32(clamping: bytes.count)))
    }

    private func step(_ result: Int32) -> Step {
        if result > 0 { return .done(Int(result)) }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .done(0)
        default: return .failed(TLSClient.failure(ssl))
        }
    }
}
