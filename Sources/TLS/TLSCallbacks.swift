// What OpenSSL asks during a handshake: which certificate, which protocol, which ticket key, who may come in.
//
// All are free functions: the generation is found through the SSL_CTX's application data, the connection
// through the SSL's.

import COpenSSL
import Primitives

enum TLSCallbacks {
    /// In the order of preference, as the extension writes them.
    private static let protocols: StaticString = "\u{2}h2\u{8}http/1.1"

    static func install(in context: OpaquePointer) {
        copenssl_set_server_name_callback(context, serverName)
        SSL_CTX_set_alpn_select_cb(context, selectProtocol, nil)
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticketKey)
        SSL_CTX_set_session_ticket_cb(context, nil, judgeTicket, nil)
        SSL_CTX_set_info_callback(context, info)
    }

    /// The generation behind an SSL.
    @inline(__always)
    private static func with<Result>(_ ssl: OpaquePointer?, _ body: (TLSContext) -> Result) -> Result {
        // SAFETY: set when the generation was made, and the connection holds it.
        let context = Unmanaged<TLSContext>.fromOpaque(copenssl_app_data(ssl).unsafelyUnwrapped)
        return context._withUnsafeGuaranteedRef { body($0) }
    }

    private static let serverName:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32 = {
            ssl, _, _ in
            guard let text = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else { return SSL_TLSEXT_ERR_NOACK }
            let wanted = with(ssl) { $0.context(for: String(cString: text)) }
            if wanted != SSL_get_SSL_CTX(ssl) { SSL_set_SSL_CTX(ssl, wanted) }
            return SSL_TLSEXT_ERR_OK
        }

    /// A client that names protocols and none of ours is refused (RFC 7301, 3.2).
    private static let selectProtocol:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
            UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, into, length, offered, count, _ in
            var selected: UnsafeMutablePointer<UInt8>?
            let found = SSL_select_next_proto(
                &selected, length, protocols.utf8Start, UInt32(protocols.utf8CodeUnitCount), offered, count)
            guard found == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            into?.pointee = UnsafePointer(selected)
            return SSL_TLSEXT_ERR_OK
        }

    /// Gives the key that seals a ticket (`seals` 1) or opens one; 0: none, so no resumption.
    private static let ticketKey:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, OpaquePointer?, OpaquePointer?,
            Int32
        ) -> Int32 = { ssl, name, vector, cipher, mac, seals in
            with(ssl) { context in
                guard let name, let vector else { return 0 }
                if seals == 1 { return seal(context, name, vector, cipher, mac) }
                let wanted = UnsafeRawBufferPointer(start: name, count: TicketKey.nameBytes)
                guard let (key, isOld) = context.tickets.opening(wanted, at: context.clock()) else { return 0 }
                let isSet = key.withPointers { copenssl_set_ticket_keys(cipher, mac, $1, $2, vector, 0) }
                return isSet == 1 ? (isOld ? 2 : 1) : 0
            }
        }

    private static func seal(
        _ context: TLSContext, _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer?, _ mac: OpaquePointer?
    ) -> Int32 {
        guard let key = context.tickets.sealing(at: context.clock()), RAND_bytes(vector, 16) == 1 else { return 0 }
        return key.withPointers { own, secret, macSecret in
            UnsafeMutableRawPointer(name).copyMemory(from: own, byteCount: TicketKey.nameBytes)
            return copenssl_set_ticket_keys(cipher, mac, secret, macSecret, vector, 1)
        }
    }

    /// A ticket that could be opened: may its owner still come in? What was verified when it was sealed may
    /// have expired, and the list of names may be another one; the full handshake then says why.
    private static let judgeTicket:
        @convention(c) (
            OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, Int, Int32, UnsafeMutableRawPointer?
        ) -> Int32 = { ssl, session, _, _, status, _ in
            guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW else {
                return SSL_TICKET_RETURN_IGNORE_RENEW
            }
            if let certificate = SSL_SESSION_get0_peer(session), !with(ssl, { isWelcome(certificate, $0) }) {
                return SSL_TICKET_RETURN_IGNORE_RENEW
            }
            return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE
        }

    private static func isWelcome(_ certificate: OpaquePointer, _ context: TLSContext) -> Bool {
        X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0 && isListed(certificate, context)
    }

    private static func isListed(_ certificate: OpaquePointer, _ context: TLSContext) -> Bool {
        if context.clients.bytes.isEmpty { return true }
        var peer = PeerIdentity()
        PeerCertificate.read(certificate, into: &peer)
        return peer.isListed(in: context.clients.bytes)
    }

    /// Called for every certificate of a client's chain; the client's own comes last, at depth 0.
    static let verify: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isFine, store in
        guard isFine == 1, X509_STORE_CTX_get_error_depth(store) == 0,
            let certificate = X509_STORE_CTX_get_current_cert(store)
        else { return isFine }
        if with(copenssl_verified_ssl(store), { isListed(certificate, $0) }) { return 1 }
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
        return 0
    }

    /// Counts what a peer makes the established connection do besides carrying data.
    private static let info: @convention(c) (OpaquePointer?, Int32, Int32) -> Void = { ssl, place, value in
        guard let connection = copenssl_connection(ssl)?.assumingMemoryBound(to: TLSConnection.self),
            connection.pointee.state == .open
        else { return }
        if place == SSL_CB_ACCEPT_LOOP { connection.pointee.messages += 1 }
        let isRenegotiation = value & 0xff == SSL_AD_NO_RENEGOTIATION
        if place == SSL_CB_WRITE_ALERT, isRenegotiation { connection.pointee.hasRenegotiated = true }
    }
}

/// A client certificate's names.
enum PeerCertificate {
    static func read(_ certificate: OpaquePointer, into peer: inout PeerIdentity) {
        guard let names = copenssl_names(certificate) else { return }
        defer { copenssl_free_names(names) }
        for (kind, type) in [(PeerNameKind.uri, GEN_URI), (.dns, GEN_DNS), (.email, GEN_EMAIL)] {
            for index in 0..<copenssl_name_count(names) {
                var count: Int32 = 0
                guard let bytes = copenssl_name(names, index, Int32(type), &count) else { continue }
                peer.append(kind, UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            }
        }
    }
}
