// How a handshake ended, in the words of the metrics' labels.

import COpenSSL

enum HandshakeOutcome: Int, CaseIterable {
    case full, resumed
    case timeout, closed, crowded, plaintext, garbage, version, cipher, application, alert
    case certificateMissing, certificateExpired, certificateRevoked, certificateUntrusted, certificateUnlisted
    case certificate, other

    var isFine: Bool { self == .full || self == .resumed }

    /// The label `reason`.
    var reason: String {
        switch self {
        case .full: "full"
        case .resumed: "resumed"
        case .timeout: "timeout"
        case .closed: "closed"
        case .crowded: "crowded"
        case .plaintext: "plaintext"
        case .garbage: "garbage"
        case .version: "version"
        case .cipher: "cipher"
        case .application: "alpn"
        case .alert: "alert"
        case .certificateMissing: "certificate_missing"
        case .certificateExpired: "certificate_expired"
        case .certificateRevoked: "certificate_revoked"
        case .certificateUntrusted: "certificate_untrusted"
        case .certificateUnlisted: "certificate_unlisted"
        case .certificate: "certificate"
        case .other: "other"
        }
    }

    /// From OpenSSL's first error; `verification` is what verifying the client's certificate gave.
    init(error code: UInt, verification: Int) {
        guard copenssl_error_is_tls(code) == 1 else {
            self = .other
            return
        }
        let reason = copenssl_error_reason(code)
        switch reason {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: self = .plaintext
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNEXPECTED_MESSAGE, SSL_R_LENGTH_MISMATCH, SSL_R_BAD_PACKET,
            SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_ENCRYPTED_LENGTH_TOO_LONG,
            SSL_R_RECORD_TOO_SMALL, SSL_R_EXCESSIVE_MESSAGE_SIZE, SSL_R_BAD_RECORD_TYPE, SSL_R_BAD_EXTENSION:
            self = .garbage
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_UNKNOWN_PROTOCOL, SSL_R_INAPPROPRIATE_FALLBACK:
            self = .version
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
            SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            self = .cipher
        case SSL_R_NO_APPLICATION_PROTOCOL: self = .application
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: self = .certificateMissing
        case SSL_R_CERTIFICATE_VERIFY_FAILED: self = Self(verification: Int32(truncatingIfNeeded: verification))
        default: self = reason >= SSL_AD_REASON_OFFSET ? .alert : .other
        }
    }

    private init(verification: Int32) {
        switch verification {
        case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: self = .certificateExpired
        case X509_V_ERR_CERT_REVOKED: self = .certificateRevoked
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_CHAIN_TOO_LONG,
            X509_V_ERR_CERT_SIGNATURE_FAILURE:
            self = .certificateUntrusted
        case X509_V_ERR_APPLICATION_VERIFICATION: self = .certificateUnlisted
        default: self = .certificate
        }
    }
}
