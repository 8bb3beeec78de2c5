import COpenSSL
import Primitives
import Testing

@testable import TLS

@Suite struct HandshakeTests {
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION], [1 << 16, 1])
    func dataGoesBothWays(version: Int32, piece: Int) throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient(version: version)
        let connection = harness.connect(client, piece: piece)
        #expect(client.isOpen && harness.count("ok", "full") == 1)
        let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        client.send(Array(sent[..<100_000]))
        client.send(Array(sent[100_000...]))
        harness.pump(client, connection, piece: piece == 1 ? 999 : piece)
        #expect(harness.seen[0].input == sent && client.received == sent)
        harness.engine.close(connection)
        #expect(harness.seen[0].isClosed)
    }

    @Test(arguments: [
        (["h2", "http/1.1"], TLSHandler.ApplicationProtocol.http2), (["http/1.1", "h2"], .http2),
        (["http/1.1"], .http1), (["spdy/3", "http/1.1"], .http1), ([], .http1),
    ])
    func theProtocolIsAgreedOn(offered: [String], agreed: TLSHandler.ApplicationProtocol) throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let connection = harness.connect(TestClient(protocols: offered))
        #expect(harness.seen.map(\.protocolName) == [agreed])
        harness.engine.close(connection)
    }

    @Test func noCommonProtocolIsFatal() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let client = TestClient(protocols: ["spdy/3", "grpc-exp"])
        let connection = harness.connect(client)
        #expect(client.failed && harness.seen.isEmpty && harness.count("failed", "alpn") == 1)
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func theMinimumVersionHolds() throws {
        let harness = try TLSHarness(Certificates.settings("server") { $0.minimumVersion = .tls13 })
        for (version, isFine) in [(TLS1_2_VERSION, false), (TLS1_3_VERSION, true)] {
            let client = TestClient(version: version)
            harness.engine.close(harness.connect(client))
            #expect(client.isOpen == isFine)
        }
        #expect(harness.count("failed", "version") == 1)
        let old = try TLSHarness(Certificates.settings("server"))
        let client = TestClient(version: TLS1_1_VERSION)
        old.engine.close(old.connect(client))
        #expect(!client.isOpen && old.seen.isEmpty)
    }

    @Test(arguments: [
        (nil, "server"), ("localhost", "server"), ("a.wild.test", "wildcard"), ("A.WILD.TEST", "wildcard"),
        ("a.b.wild.test", "server"), ("wild.test", "server"), ("rsa.test", "rsa"), ("nobody.test", "server"),
    ])
    func theServerNameChoosesTheCertificate(name: String?, shown: String) throws {
        let harness = try TLSHarness(Certificates.settings("server", "wildcard", "rsa"))
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let client = TestClient(version: version, serverName: name)
            harness.engine.close(harness.connect(client))
            #expect(client.serverCommonName == shown)
        }
    }

    @Test func aConnectionKeepsItsGeneration() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let old = TestClient()
        let connection = harness.connect(old)
        let begun = harness.open()
        let slow = TestClient(version: TLS1_2_VERSION)
        slow.advance()
        harness.feed(begun, slow.takeOutput())
        let previous = harness.published.load().value
        harness.published.replace(try TLSContext(Certificates.settings("rsa"), previous: previous))
        let new = TestClient()
        harness.engine.close(harness.connect(new))
        #expect(old.serverCommonName == "server" && new.serverCommonName == "rsa")
        slow.give(harness.output(begun))
        harness.pump(slow, begun)
        #expect(slow.isOpen && slow.serverCommonName == "server")
        old.send([1, 2, 3])
        harness.pump(old, connection)
        #expect(old.received == [1, 2, 3])
        harness.engine.close(connection)
        harness.engine.close(begun)
    }

    @Test func aSlowHandshakeRunsOutOfTime() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let connection = harness.open()
        let client = TestClient()
        client.advance()
        #expect(harness.engine.deadline(connection) == harness.engine.now + 5_000_000_000)
        for byte in client.takeOutput().prefix(100) {
            harness.engine.now += 40_000_000
            harness.feed(connection, [byte])
        }
        #expect(harness.engine.deadline(connection) == 6_000_000_000)
        harness.engine.now = 6_000_000_000
        harness.engine.expire(connection)
        #expect(harness.engine.isFinished(connection) && harness.count("failed", "timeout") == 1)
        harness.engine.close(connection)
        #expect(harness.count("failed", "closed") == 0)
    }

    @Test func afterTheHandshakeTimeIsTheProtocolsAbove() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let connection = harness.connect(TestClient())
        #expect(harness.engine.deadline(connection) == 77)
        harness.engine.expire(connection)
        #expect(harness.seen[0].isFinished)
        harness.engine.close(connection)
    }

    @Test func handshakesWaitWhenTheRoundHasSpentItsBudget() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let established = harness.connect(TestClient())
        let waiting = harness.open()
        harness.engine.handshakeNanos = TLSLimits().handshakeNanos
        #expect(!harness.engine.wantsInput(waiting) && harness.engine.wantsInput(established))
        harness.engine.roundEnded()
        #expect(harness.engine.wantsInput(waiting))
        harness.engine.close(established)
        harness.engine.close(waiting)
    }

    @Test func aDrainDuringTheHandshakeIsHandedOn() throws {
        let harness = try TLSHarness(Certificates.settings("server"))
        let (connection, client) = (harness.open(), TestClient())
        harness.engine.drain(connection)
        harness.pump(client, connection)
        #expect(client.isOpen && harness.seen[0].isDraining)
        let (later, other) = (harness.open(), TestClient())
        harness.pump(other, later)
        #expect(!harness.seen[1].isDraining)
        harness.engine.drain(later)
        #expect(harness.seen[1].isDraining)
        harness.engine.close(connection)
        harness.engine.close(later)
    }
}
