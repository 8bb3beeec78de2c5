import Primitives
import Testing

@testable import HTTP

/// Connections that come with a protocol agreed on and a peer that is known.
@Suite struct AgreementTests {
    private let harness = EngineHarness()
    private let peer = UnsafeMutablePointer<PeerIdentity>.allocate(capacity: 1)

    init() { peer.initialize(to: PeerIdentity()) }

    private func open(_ agreement: HTTPEngine.Agreement, isDraining: Bool = false) -> UnsafeMutableRawPointer {
        harness.engine.open(
            owner: Unmanaged.passUnretained(harness).toOpaque(), agreement: agreement, peer: peer, isRefusing: false,
            isDraining: isDraining)
    }

    private func close(_ connection: UnsafeMutableRawPointer) {
        harness.engine.close(connection)
        peer.deinitialize(count: 1)
        peer.deallocate()
    }

    @Test func http2SpeaksFirst() {
        let connection = open(.http2)
        let output = harness.output(connection)
        #expect(output.count > 9 && output[3] == 4, "a SETTINGS frame, before anything has come")
        harness.feed(connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(harness.engine.isFinished(connection) && harness.seen.isEmpty)
        close(connection)
    }

    @Test func http1IsNotAskedAgain() {
        let connection = open(.http1)
        harness.feed(connection, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let answer = String(decoding: harness.output(connection), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 ") && !answer.hasPrefix("HTTP/1.1 2") && harness.seen.isEmpty)
        close(connection)
    }

    @Test func theFirstBytesMustComeInTime() {
        let connection = open(.http1)
        let engine: HTTPEngine = harness.engine
        #expect(engine.deadline(connection) == engine.now + engine.limits.headerNanos)
        harness.feed(connection, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        _ = harness.output(connection)
        #expect(engine.deadline(connection) == engine.now + engine.limits.idleNanos)
        close(connection)
        let silent = EngineHarness()
        var nobody = PeerIdentity()
        nobody.hasCertificate = false
        withUnsafePointer(to: &nobody) { nobody in
            let connection = silent.engine.open(
                owner: Unmanaged.passUnretained(silent).toOpaque(), agreement: .http1, peer: nobody, isRefusing: false,
                isDraining: false)
            silent.engine.now += silent.engine.limits.headerNanos
            silent.engine.expire(connection)
            #expect(silent.engine.isFinished(connection))
            silent.engine.close(connection)
        }
    }

    @Test func aDrainingConnectionAnswersOneRequest() {
        let connection = open(.http1, isDraining: true)
        #expect(!harness.engine.isFinished(connection))
        harness.feed(connection, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(String(decoding: harness.output(connection), as: UTF8.self).contains("\r\nconnection: close\r\n"))
        #expect(harness.engine.isFinished(connection))
        close(connection)
    }

    @Test func aRequestKnowsItsPeer() {
        harness.answersAtOnce = false
        let connection = open(.http1)
        harness.feed(connection, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(harness.waiting[0].pointee.peer == UnsafePointer(peer))
        harness.answerWaiting(at: 0)
        close(connection)
        let plain = EngineHarness()
        plain.answersAtOnce = false
        let other = plain.open()
        plain.feed(other, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(plain.waiting[0].pointee.peer == nil)
        plain.engine.close(other)
    }
}
