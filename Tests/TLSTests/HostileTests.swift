import COpenSSL
import Testing

@testable import TLS

@Suite struct HostileTests {
    @Test func plainHTTPIsToldWhereItIs() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let connection = harness.open()
        harness.feed(connection, Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let answer = String(decoding: harness.output(connection), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        let body = answer.split(separator: "\r\n\r\n", maxSplits: 1).last ?? ""
        #expect(answer.contains("content-length: \(body.utf8.count)\r\n"))
        #expect(harness.engine.isFinished(connection) && harness.count("failed", "plaintext") == 1)
        harness.engine.close(connection)
    }

    @Test(arguments: [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "SSH-2.0-OpenSSH_9.2\r\n",
        "\u{16}\u{3}\u{1}\u{0}\u{5}\u{1}\u{0}\u{0}\u{1}\u{0}", "\u{16}\u{3}\u{1}\u{7f}\u{7f}\u{1}",
        "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{0}", "\u{17}\u{3}\u{3}\u{0}\u{1}a",
    ])
    func garbageEndsTheConnection(text: String) throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let connection = harness.open()
        harness.feed(connection, Array(text.utf8) + [UInt8](repeating: 0x41, count: 64))
        _ = harness.output(connection)
        #expect(harness.engine.isFinished(connection) && harness.seen.isEmpty)
        // What comes after the end is dropped.
        harness.feed(connection, Array(text.utf8))
        #expect(harness.output(connection).isEmpty)
        harness.engine.close(connection)
    }

    @Test func emptyRecordsInARowEndTheConnection() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let connection = harness.open()
        let empty: [UInt8] = [0x16, 3, 1, 0, 0]
        harness.feed(connection, (0..<200).flatMap { _ in empty })
        #expect(harness.engine.isFinished(connection) && harness.seen.isEmpty)
        harness.engine.close(connection)
    }

    /// Half-open handshakes hold memory: the oldest are given up, and who ends his in time is not among them.
    @Test func aCrowdOfHandshakesIsThinnedOut() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient()
        client.advance()
        let hello = client.takeOutput()
        var crowd: [UnsafeMutableRawPointer] = []
        for _ in 0..<(TLSLimits().handshakes + 20) {
            let connection = harness.open()
            harness.feed(connection, hello)
            _ = harness.output(connection)
            crowd.append(connection)
        }
        #expect(harness.endedCount == 0 && harness.engine.handshakeCount == crowd.count)
        harness.engine.now += TLSEngine.handshakePatienceNanos + 1
        let honest = TestClient()
        let last = harness.connect(honest)
        #expect(honest.isOpen && harness.endedCount == 1 && harness.count("failed", "crowded") == 1)
        #expect(harness.engine.isFinished(crowd[0]) && !harness.engine.isFinished(crowd[1]))
        while crowd.count < 2 * TLSLimits().handshakesHard {
            let connection = harness.open()
            harness.feed(connection, hello)
            crowd.append(connection)
        }
        #expect(harness.engine.handshakeCount <= TLSLimits().handshakesHard)
        for connection in crowd { harness.engine.close(connection) }
        harness.engine.close(last)
        #expect(harness.engine.handshakeCount == 0 && harness.engine.firstHandshake == nil)
    }

    @Test func aRenegotiationEndsTheConnection() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient(version: TLS1_2_VERSION)
        let connection = harness.connect(client)
        #expect(SSL_renegotiate(client.ssl) == 1)
        SSL_do_handshake(client.ssl)
        harness.feed(connection, client.takeOutput())
        #expect(harness.breaches("renegotiation") == 1 && harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func keyUpdatesAreAnsweredButNotWithoutEnd() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient()
        let connection = harness.connect(client)
        for index in 0..<5 {
            SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED)
            client.send([UInt8(index)])
            harness.pump(client, connection)
        }
        #expect(client.received == [0, 1, 2, 3, 4])
        for _ in 0..<1000 {
            SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
            SSL_do_handshake(client.ssl)
        }
        harness.feed(connection, client.takeOutput())
        #expect(harness.breaches("handshake_messages") == 1 && harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func aBrokenRecordEndsTheConnection() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient()
        let connection = harness.connect(client)
        client.send([1, 2, 3])
        var bytes = client.takeOutput()
        bytes[bytes.count - 1] ^= 1
        harness.feed(connection, bytes)
        #expect(harness.seen[0].input.isEmpty && harness.breaches("bad_record") == 1)
        #expect(harness.engine.isFinished(connection))
        client.give(harness.output(connection))
        client.advance()
        #expect(client.failed)
        harness.engine.close(connection)
    }

    @Test func closeNotifyEndsInBothDirections() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient()
        let connection = harness.connect(client)
        client.send([1, 2])
        SSL_shutdown(client.ssl)
        harness.pump(client, connection)
        #expect(harness.seen[0].hasEnded && client.received == [1, 2] && client.hasEnded)
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    /// The socket's end without close_notify: HTTP knows by itself whether its message was whole.
    @Test func anEndWithoutCloseNotifyIsAnEnd() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient()
        let connection = harness.connect(client)
        client.send([9])
        harness.feed(connection, client.takeOutput())
        harness.feedEnd(connection)
        harness.feedEnd(connection)
        #expect(harness.seen[0].hasEnded && harness.seen[0].input == [9])
        client.give(harness.output(connection))
        client.advance()
        #expect(client.received == [9] && client.hasEnded && harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func anEndDuringTheHandshakeIsCounted() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let connection = harness.open()
        harness.feedEnd(connection)
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
        #expect(harness.count("failed", "closed") == 1)
    }
}
