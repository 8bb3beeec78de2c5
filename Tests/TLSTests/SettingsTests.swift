import Testing

@testable import TLS

@Suite struct SettingsTests {
    private func error(_ settings: TLSSettings) -> String? {
        do throws(TLSSettingsError) {
            _ = try TLSContext(settings)
            return nil
        } catch {
            return error.description
        }
    }

    private func with(_ change: (inout TLSSettings) -> Void) -> String? {
        error(Certificates.settings("server", change: change))
    }

    @Test func wrongFilesAreNamed() {
        #expect(error(Certificates.settings("server")) == nil)
        #expect(
            with { $0.certificates[0].key = Certificates.file("rsa.key") }
                == "server.pem: the key in rsa.key does not belong to this certificate")
        #expect(
            with { $0.certificates[0].key = Certificates.file("server.pem") }
                == "server.pem: expected a private key in PEM")
        #expect(
            with { $0.certificates[0].certificate = Certificates.file("server.key") }
                == "server.key: expected a certificate in PEM")
        #expect(
            with { $0.certificates[0].certificate.bytes = [] } == "server.pem: expected a certificate in PEM")
        #expect(
            with { $0.certificates[0].certificate.bytes += Array("-----BEGIN CERTIFICATE-----\nMIIB".utf8) }
                == "server.pem: PEM object 2 is broken")
        #expect(
            with { $0.certificates[0].key.bytes = Array(Self.encryptedKey.utf8) }
                == "server.key: the key is encrypted; expected one without a password")
        #expect(with { $0.certificates = [] } == "certificates: expected at least one")
    }

    @Test func wrongWordsAreNamed() {
        #expect(with { $0.ciphers = "NOTHING-LIKE-IT" }?.hasPrefix("ciphers: ") == true)
        #expect(with { $0.suites = "NOTHING-LIKE-IT" }?.hasPrefix("suites: ") == true)
    }

    @Test func wrongAuthoritiesAreNamed() {
        func mutual(_ change: (inout TLSSettings) -> Void) -> String? { error(Certificates.mutual(change)) }
        #expect(mutual { _ in } == nil)
        #expect(
            mutual { $0.authorities = Certificates.file("client.pem") }
                == "client.pem: certificate 1 is not an authority's")
        #expect(mutual { $0.authorities = Certificates.file("crl.pem") } == "crl.pem: expected a certificate in PEM")
        #expect(
            mutual { $0.revocations = [Certificates.file("ca.pem")] } == "ca.pem: expected a revocation list in PEM")
    }

    @Test func expiryIsKnownAndServed() throws {
        let context = try TLSContext(Certificates.settings("expired", "server", "server"))
        #expect(context.certificates[0].notAfter == 1_609_459_200 && context.certificates[0].names == ["expired.test"])
        #expect(context.expiries(at: 1_700_000_000) == ["expired.pem: the certificate has expired"])
        #expect(context.expiries(at: 0).contains("server.pem: the certificate is not valid yet"))
        #expect(context.shadowed.count == 2 && context.shadowed[0].contains("an earlier certificate has this name too"))
        let mutual = try TLSContext(Certificates.mutual { $0.revocations = [Certificates.file("crl.pem")] })
        #expect(mutual.expiries(at: 1_800_000_000).isEmpty)
        let out = mutual.expiries(at: 9_000_000_000)
        #expect(out.contains("crl.pem: has run out: clients of it are refused") && out.count == 3)
        let harness = try TLSHarness(Certificates.settings("expired"))
        let client = TestClient()
        harness.engine.close(harness.connect(client))
        #expect(client.isOpen)
    }

    private static let encryptedKey = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhB4Vl2GsQ5JgICCAAw
        -----END ENCRYPTED PRIVATE KEY-----

        """
}
