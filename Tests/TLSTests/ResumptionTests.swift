import COpenSSL
import Primitives
import Synchronization
import Testing

@testable import TLS

@Suite struct ResumptionTests {
    /// Two reactors, one ring of keys.
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aTicketOfOneEngineOpensAtAnother(version: Int32) throws {
        let published = try Published(TLSContext(Certificates.settings("server", "rsa")))
        let (one, other) = (try TLSHarness(published), try TLSHarness(published))
        let first = TestClient(version: version, serverName: "rsa.test")
        one.engine.close(one.connect(first))
        let session = try #require(first.session)
        let second = TestClient(version: version, serverName: "rsa.test", session: session)
        other.engine.close(other.connect(second))
        #expect(!first.wasResumed && second.wasResumed)
        #expect(one.count("ok", "full") == 1 && other.count("ok", "resumed") == 1)
        SSL_SESSION_free(session)
    }

    @Test func aNewCertificateKeepsTheKeysAndANewPeriodDoesNot() throws {
        let first = try TLSContext(Certificates.settings("server"))
        let second = try TLSContext(Certificates.settings("rsa"), previous: first)
        #expect(second.tickets === first.tickets)
        let third = try TLSContext(Certificates.settings("rsa") { $0.ticketNanos = 1_000_000_000 }, previous: second)
        #expect(third.tickets !== second.tickets)
    }

    @Test func oldKeysOpenForAPeriodAndAreThenForgotten() throws {
        let clock = Clock()
        let settings = Certificates.settings("server") { $0.ticketNanos = 3_600_000_000_000 }
        let harness = try TLSHarness(Published(TLSContext(settings, clock: { clock.now })))
        let first = TestClient()
        harness.engine.close(harness.connect(first))
        let session = try #require(first.session)
        for (hours, isResumed) in [(UInt64(1), true), (2, false)] {
            clock.set(hours * 3_600_000_000_000 + 1)
            let again = TestClient(session: session)
            harness.engine.close(harness.connect(again))
            #expect(again.isOpen && again.wasResumed == isResumed, "after \(hours) h")
        }
        SSL_SESSION_free(session)
    }

    @Test func theRingRotates() throws {
        let ring = TicketKeyRing(periodNanos: 100)
        let first = try #require(ring.sealing(at: 0))
        #expect(name(try #require(ring.sealing(at: 99))) == name(first))
        let second = try #require(ring.sealing(at: 100))
        #expect(name(second) != name(first) && ring.count == 2)
        #expect(try #require(opened(ring, first, 150)).isOld)
        #expect(try !#require(opened(ring, second, 150)).isOld)
        #expect(opened(ring, first, 200) == nil)
        for time in stride(from: UInt64(200), to: 5000, by: 100) { _ = ring.sealing(at: time) }
        #expect(ring.count <= 2)
        var foreign = name(second)
        foreign[0] ^= 1
        #expect(foreign.withUnsafeBytes { ring.opening($0, at: 150) } == nil)
    }

    private func name(_ key: TicketKey) -> [UInt8] {
        key.withPointers { name, _, _ in Array(UnsafeRawBufferPointer(start: name, count: TicketKey.nameBytes)) }
    }

    private func opened(_ ring: TicketKeyRing, _ key: TicketKey, _ time: UInt64) -> (key: TicketKey, isOld: Bool)? {
        name(key).withUnsafeBytes { ring.opening($0, at: time) }
    }
}

private final class Clock: Sendable {
    private let time = Atomic<UInt64>(0)
    var now: UInt64 { time.load(ordering: .relaxed) }
    func set(_ nanos: UInt64) { time.store(nanos, ordering: .relaxed) }
}
