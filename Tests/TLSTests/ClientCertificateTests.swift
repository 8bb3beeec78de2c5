import COpenSSL
import Primitives
import Testing

@testable import TLS

@Suite struct ClientCertificateTests {
    private static let payments = "spiffe://serin.test/payments"

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aGoodCertificateNamesItsOwner(version: Int32) throws {
        let harness = try TLSHarness(Certificates.mutual { $0.revocations = [Certificates.file("crl.pem")] })
        for (name, identity) in [("client", Self.payments), ("reports", "spiffe://serin.test/reports"), ("plain", "")] {
            let client = TestClient(name, version: version)
            harness.engine.close(harness.connect(client))
            #expect(client.isOpen && harness.seen.last?.identity == identity)
            #expect(harness.seen.last?.hasCertificate == true)
        }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func badCertificatesAreRefused(version: Int32) throws {
        let cases: [(String?, String)] = [
            (nil, "certificate_missing"), ("client-expired", "certificate_expired"),
            ("client-revoked", "certificate_revoked"), ("client-foreign", "certificate_untrusted"),
            ("server", "certificate"), ("reports", "certificate_unlisted"), ("plain", "certificate_unlisted"),
        ]
        let harness = try TLSHarness(
            Certificates.mutual {
                $0.revocations = [Certificates.file("crl.pem")]
                $0.clients = [Self.payments]
            })
        for (name, reason) in cases {
            let before = harness.count("failed", reason)
            let client = TestClient(name, version: version)
            harness.engine.close(harness.connect(client))
            #expect(client.failed && harness.seen.isEmpty, "\(reason)")
            #expect(harness.count("failed", reason) == before + 1, "\(reason)")
        }
    }

    @Test func aChainThatIsTooDeepIsRefused() throws {
        let harness = try TLSHarness(Certificates.mutual())
        let client = TestClient("client-deep")
        harness.engine.close(harness.connect(client))
        #expect(client.failed && harness.seen.isEmpty && harness.count("failed", "certificate_untrusted") == 1)
    }

    @Test func anOptionalCertificateMayBeMissingButNotBad() throws {
        let harness = try TLSHarness(Certificates.mutual { $0.clientAuthentication = .optional })
        let without = TestClient()
        harness.engine.close(harness.connect(without))
        #expect(without.isOpen && harness.seen.last?.hasCertificate == false)
        let foreign = TestClient("client-foreign")
        harness.engine.close(harness.connect(foreign))
        #expect(foreign.failed && harness.seen.count == 1)
    }

    @Test(arguments: [
        "spiffe://serin.test/payments", "payments.serin.test", "PAYMENTS.serin.test", "payments@serin.test",
    ])
    func anyNameMayBeListed(name: String) throws {
        let harness = try TLSHarness(Certificates.mutual { $0.clients = ["other.test", name] })
        let client = TestClient("client")
        harness.engine.close(harness.connect(client))
        #expect(client.isOpen && harness.seen.last?.identity == Self.payments)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aResumedSessionKeepsTheNameAndLosesItWithTheList(version: Int32) throws {
        let harness = try TLSHarness(Certificates.mutual { $0.clients = [Self.payments] })
        let session = try resumable(harness, version)
        let again = TestClient("client", version: version, session: session)
        harness.engine.close(harness.connect(again))
        #expect(again.isOpen && again.wasResumed && harness.seen.last?.identity == Self.payments)
        // Another list: the ticket is not taken, and the full handshake refuses.
        let previous = harness.published.load().value
        let listed = try TLSContext(Certificates.mutual { $0.clients = ["other.test"] }, previous: previous)
        #expect(listed.tickets === previous.tickets)
        harness.published.replace(listed)
        let unlisted = TestClient("client", version: version, session: session)
        harness.engine.close(harness.connect(unlisted))
        #expect(unlisted.failed && harness.count("failed", "certificate_unlisted") == 1)
        SSL_SESSION_free(session)
    }

    /// Revocation takes sessions with it: the keys that sealed their tickets are gone.
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aRevokedCertificateDoesNotResume(version: Int32) throws {
        let harness = try TLSHarness(Certificates.mutual())
        let session = try resumable(harness, version, as: "client-revoked")
        let previous = harness.published.load().value
        let revoking = try TLSContext(
            Certificates.mutual { $0.revocations = [Certificates.file("crl.pem")] }, previous: previous)
        #expect(revoking.tickets !== previous.tickets)
        harness.published.replace(revoking)
        let again = TestClient("client-revoked", version: version, session: session)
        harness.engine.close(harness.connect(again))
        #expect(again.failed && harness.count("failed", "certificate_revoked") == 1)
        SSL_SESSION_free(session)
    }

    private func resumable(_ harness: TLSHarness, _ version: Int32, as name: String = "client") throws -> OpaquePointer
    {
        let client = TestClient(name, version: version)
        harness.engine.close(harness.connect(client))
        #expect(client.isOpen)
        return try #require(client.session)
    }
}
