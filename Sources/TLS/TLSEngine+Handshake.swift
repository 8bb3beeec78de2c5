// The handshake, step by step as its messages come, and what follows from its end.

import COpenSSL
import Glibc
import Primitives

extension TLSEngine {
    /// Goes on with the handshake as far as the bytes allow.
    func shakeHands(_ connection: Connection) {
        let startedAt = Self.clock()
        ERR_clear_error()
        let result = SSL_do_handshake(connection.pointee.ssl)
        let error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(connection.pointee.ssl, result)
        if result == 1 {
            complete(connection)
        } else if error != SSL_ERROR_WANT_READ {
            fail(connection)
        }
        handshakeNanos += Self.clock() - startedAt
    }

    private static func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private func complete(_ connection: Connection) {
        let ssl = connection.pointee.ssl
        metrics.count(SSL_session_reused(ssl) == 1 ? .resumed : .full, in: shard)
        if let certificate = SSL_get0_peer_certificate(ssl) {
            connection.pointee.peer.hasCertificate = true
            PeerCertificate.read(certificate, into: &connection.pointee.peer)
        }
        connection.pointee.state = .open
        connection.pointee.messagesSince = now
        // SAFETY: a connection's place in the slab does not move, and `close` ends the one above first.
        let peer = withUnsafePointer(to: &connection.pointee.peer) { UnsafeRawPointer($0) }
        var opening = TLSHandler.Opening(
            owner: connection.pointee.owner.unsafelyUnwrapped, applicationProtocol: Self.applicationProtocol(ssl),
            peer: peer, isRefusing: connection.pointee.isRefusing, isDraining: connection.pointee.isDraining)
        connection.pointee.upper = withUnsafePointer(to: &opening) { handler.opened(handler.context, $0) }
    }

    /// What was agreed on; without an agreement HTTP/1.1, as HTTP/2 needs one (RFC 9113, 3.2).
    private static func applicationProtocol(_ ssl: OpaquePointer?) -> TLSHandler.ApplicationProtocol {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        return count == 2 ? .http2 : .http1
    }

    /// The alert is in the output already; a client that speaks plain HTTP is told so in its own language.
    private func fail(_ connection: Connection) {
        let outcome = HandshakeOutcome(
            error: ERR_peek_error(), verification: SSL_get_verify_result(connection.pointee.ssl))
        metrics.count(outcome, in: shard)
        connection.pointee.state = .ended
        if outcome == .plaintext {
            connection.pointee.spill.reset()
            connection.pointee.spillStart = 0
            connection.pointee.spill.append(Self.plaintextAnswer)
        }
    }

    private static let plaintextAnswer: StaticString = """
        HTTP/1.1 400 Bad Request\r
        content-type: application/json\r
        content-length: 46\r
        connection: close\r
        \r
        {"error":"this port speaks TLS; use https://"}
        """
}
