// The handshake, step by step as its messages come, and what follows from its end.

import COpenSSL
import Glibc
import Primitives

extension TLSEngine {
    /// Goes on with the handshake as far as the bytes allow.
    func shakeHands(_ connection: Connection) {
        let startedAt = Self.clock()
        if connection.pointee.ssl == nil, !begin(connection) { return }
        OpenSSLError.clear()
        let result = SSL_do_handshake(connection.pointee.ssl)
        let error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(connection.pointee.ssl, result)
        if result == 1 {
            complete(connection)
        } else if error != SSL_ERROR_WANT_READ {
            fail(connection)
        }
        handshakeNanos += Self.clock() - startedAt
    }

    /// The first bytes have come: OpenSSL's state is made. False: there is no memory for it.
    private func begin(_ connection: Connection) -> Bool {
        OpenSSLError.clear()
        let first = connection.pointee.context.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.first }
        guard let ssl = SSL_new(first), let bio = TLSBIO.make(connection) else {
            endHandshake(connection, .other)
            return false
        }
        SSL_set_bio(ssl, bio, bio)
        SSL_set_accept_state(ssl)
        copenssl_set_connection(ssl, connection)
        connection.pointee.ssl = ssl
        connection.pointee.previous = lastHandshake
        if let last = lastHandshake { last.pointee.next = connection } else { firstHandshake = connection }
        lastHandshake = connection
        handshakeCount += 1
        if handshakeCount > limits.handshakes { giveUpOldest() }
        return true
    }

    private func giveUpOldest() {
        guard let oldest = firstHandshake else { return }
        let isStale = now - oldest.pointee.openedAt > Self.handshakePatienceNanos
        guard isStale || handshakeCount > limits.handshakesHard else { return }
        endHandshake(oldest, .crowded)
        if let owner = oldest.pointee.owner { handler.ended(handler.context, owner) }
    }

    /// The handshake is over, well or not.
    func endHandshake(_ connection: Connection, _ outcome: HandshakeOutcome) {
        metrics.count(outcome, in: shard)
        connection.pointee.state = outcome.isFine ? .open : .ended
        if connection.pointee.ssl == nil { return }
        let (next, previous) = (connection.pointee.next, connection.pointee.previous)
        if let previous { previous.pointee.next = next } else { firstHandshake = next }
        if let next { next.pointee.previous = previous } else { lastHandshake = previous }
        connection.pointee.next = nil
        connection.pointee.previous = nil
        handshakeCount -= 1
    }

    private static func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private func complete(_ connection: Connection) {
        let ssl = connection.pointee.ssl
        endHandshake(connection, SSL_session_reused(ssl) == 1 ? .resumed : .full)
        if let certificate = SSL_get0_peer_certificate(ssl) {
            connection.pointee.peer.hasCertificate = true
            PeerCertificate.read(certificate, into: &connection.pointee.peer)
        }
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
        endHandshake(connection, outcome)
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
