// Bytes of the socket into plaintext, and back.

import COpenSSL
import Glibc
import Primitives

extension TLSEngine {
    // MARK: In

    /// Bytes from the socket; 0 of them: the peer has closed its side.
    public func receive(_ handle: UnsafeMutableRawPointer, _ bytes: UnsafeRawPointer, _ count: Int) {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        if count == 0 { return end(connection) }
        wire.pointee.input = bytes
        wire.pointee.inputCount = count
        if connection.pointee.state == .handshaking { shakeHands(connection) }
        if connection.pointee.state == .open, !connection.pointee.hasEnded { read(connection) }
        wire.pointee.input = nil
        wire.pointee.inputCount = 0
    }

    /// The peer has finished sending.
    private func end(_ connection: Connection) {
        if connection.pointee.hasEnded { return }
        connection.pointee.hasEnded = true
        if connection.pointee.state == .open, let upper = connection.pointee.upper {
            handler.received(handler.context, upper, plainInput, 0)
        }
    }

    /// Opens all records that have come, and hands their plaintext up in as few pieces as it fits in.
    private func read(_ connection: Connection) {
        var filled = 0
        while true {
            OpenSSLError.clear()
            wire.pointee.isDry = false
            let count = SSL_read(connection.pointee.ssl, plainInput + filled, Int32(Self.plainBytes - filled))
            if count > 0 {
                filled += Int(count)
                if wire.pointee.inputCount == 0, SSL_has_pending(connection.pointee.ssl) == 0 {
                    return handUp(connection, &filled)
                }
                if filled == Self.plainBytes { handUp(connection, &filled) }
                continue
            }
            let isOver = isBreach(connection)
            switch SSL_get_error(connection.pointee.ssl, count) {
            case SSL_ERROR_WANT_READ where !isOver:
                // Without SSL_MODE_AUTO_RETRY it also returns after each record that holds no data.
                if !wire.pointee.isDry { continue }
                return handUp(connection, &filled)
            case SSL_ERROR_ZERO_RETURN:
                handUp(connection, &filled)
                return end(connection)
            default:
                handUp(connection, &filled)
                if !isOver { metrics.count(.record, in: shard) }
                connection.pointee.state = .ended
                return
            }
        }
    }

    private func handUp(_ connection: Connection, _ filled: inout Int) {
        guard filled > 0, let upper = connection.pointee.upper else { return }
        handler.received(handler.context, upper, plainInput, filled)
        filled = 0
    }

    /// The peer does what costs this side more than itself: key updates without end, or a renegotiation.
    private func isBreach(_ connection: Connection) -> Bool {
        if connection.pointee.hasRenegotiated {
            metrics.count(.renegotiation, in: shard)
            return true
        }
        guard connection.pointee.messages > 0 else { return false }
        if now - connection.pointee.messagesSince > Self.messageWindowNanos {
            connection.pointee.messagesSince = now
            connection.pointee.messages = min(connection.pointee.messages, 1)
        }
        guard connection.pointee.messages > limits.messages else { return false }
        metrics.count(.messages, in: shard)
        return true
    }

    // MARK: Out

    /// The next output, at most `room` bytes; 0: nothing to send now.
    public func produce(_ handle: UnsafeMutableRawPointer, into: UnsafeMutableRawPointer, room: Int) -> Int {
        let connection = handle.assumingMemoryBound(to: TLSConnection.self)
        let spilled = takeSpill(connection, into, room)
        guard connection.pointee.spillStart == 0, connection.pointee.state == .open, !connection.pointee.isShut else {
            return spilled
        }
        let plainRoom = min(Self.plainBytes, Self.plainRoom(room - spilled))
        guard plainRoom > 0, let upper = connection.pointee.upper else { return spilled }
        let count = handler.produce(handler.context, upper, plainOutput, plainRoom)
        wire.pointee.output = into + spilled
        wire.pointee.outputRoom = room - spilled
        wire.pointee.outputCount = 0
        if count > 0 {
            write(connection, count)
        } else if handler.isFinished(handler.context, upper) {
            connection.pointee.isShut = true
            OpenSSLError.clear()
            SSL_shutdown(connection.pointee.ssl)
        }
        wire.pointee.output = nil
        return spilled + wire.pointee.outputCount
    }

    /// Seals what was gathered. The BIO takes everything, so it is all or an error.
    private func write(_ connection: Connection, _ count: Int) {
        var written = 0
        while written < count {
            OpenSSLError.clear()
            let sealed = SSL_write(connection.pointee.ssl, plainOutput + written, Int32(count - written))
            guard sealed > 0 else {
                connection.pointee.state = .ended
                return
            }
            written += Int(sealed)
        }
    }

    /// The plaintext whose records fit into `room` bytes of ciphertext.
    static func plainRoom(_ room: Int) -> Int {
        // A record adds 22 bytes in TLS 1.3, 29 with AES-GCM in TLS 1.2, up to 85 with the oldest ciphers.
        let recordBytes = Int(SSL3_RT_MAX_PLAIN_LENGTH)
        return room - (room / recordBytes + 1) * 96
    }

    private func takeSpill(_ connection: Connection, _ into: UnsafeMutableRawPointer, _ room: Int) -> Int {
        let start = connection.pointee.spillStart
        let count = min(connection.pointee.spill.count - start, room)
        if count == 0 { return 0 }
        memcpy(into, connection.pointee.spill.pointer + start, count)
        connection.pointee.spillStart += count
        if connection.pointee.spillStart == connection.pointee.spill.count {
            connection.pointee.spill.reset(keeping: 0)
            connection.pointee.spillStart = 0
        }
        return count
    }
}
