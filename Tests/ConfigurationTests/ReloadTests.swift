// What a running gateway takes on of a new configuration.

import Configuration
import Testing

@Suite struct ReloadTests {
    private static let certificates = "certificates: [{certificate: a.pem, key: a.key}]"

    private func adopt(_ old: String, _ new: String) throws -> (GatewayConfiguration, [String]) {
        try ConfigurationLoader.parse(old).adopting(ConfigurationLoader.parse(new))
    }

    @Test func nothingNewChangesNothing() throws {
        let text = "listen: {tls: {\(Self.certificates)}}\nmodels: {a: {max_rows: 7}}\n"
        let (adopted, needRestart) = try adopt(text, text)
        #expect(try adopted == ConfigurationLoader.parse(text) && needRestart.isEmpty)
    }

    @Test func tlsAndTheLogLevelChange() throws {
        let (adopted, needRestart) = try adopt(
            "listen: {tls: {\(Self.certificates)}}",
            """
            log: {level: debug}
            listen:
              tls:
                certificates: [{certificate: b.pem, key: b.key}]
                minimum_version: 1.3
                client_authentication: required
                authorities: ca.pem
                clients: [a.test]
                ticket_rotation: 2h
            """)
        #expect(needRestart.isEmpty && adopted.logLevel == .debug && adopted.tls.isTLS13Only)
        #expect(adopted.tls.files == ["b.pem", "b.key", "ca.pem"] && adopted.tls.clients == ["a.test"])
    }

    @Test func tokensAndReflectionChange() throws {
        let digest = String(repeating: "0a", count: 32)
        let (adopted, needRestart) = try adopt(
            "", "{listen: {tokens: [{name: a, sha256: \(digest)}]}, grpc: {reflection: false}}")
        #expect(needRestart.isEmpty && !adopted.offersReflection)
        #expect(adopted.tokens.map(\.name) == ["a"] && adopted.tokens[0].digest == [UInt8](repeating: 10, count: 32))
    }

    @Test func whatNeedsARestartIsNamedAndStays() throws {
        let (adopted, needRestart) = try adopt(
            "listen: {tls: {\(Self.certificates)}}\nmodels: {a: {max_rows: 7}}",
            """
            listen: {port: 1, tls: {port: 2, certificates: [{certificate: b.pem, key: b.key}]}}
            reactors: 3
            limits: {streams: 5}
            models: {b: {required: false}}
            """)
        let scalars = ["listen.port", "listen.tls.port", "reactors", "limits.streams"]
        #expect(needRestart == scalars + ["models.a", "models.b"])
        #expect(adopted.listen.port == 8080 && adopted.tls.port == 8443 && adopted.reactors == 0)
        #expect(adopted.model(named: "a").rowsMax == 7 && adopted.model(named: "b").isRequired)
        #expect(adopted.tls.files == ["b.pem", "b.key"])
    }

    @Test func tlsIsNotSwitchedOnOrOff() throws {
        let on = "listen: {tls: {\(Self.certificates)}}"
        for (old, new) in [("", on), (on, "")] {
            let (adopted, needRestart) = try adopt(old, new)
            #expect(try needRestart == ["listen.tls.certificates"] && adopted == ConfigurationLoader.parse(old))
        }
    }

    @Test func clientsOfAModelChange() throws {
        let tls = "listen: {tls: {\(Self.certificates), client_authentication: optional, authorities: ca.pem}}\n"
        let (adopted, needRestart) = try adopt(
            tls + "models: {a: {clients: [x.test], max_rows: 7}, c: {clients: [z.test]}}",
            tls + "models: {a: {clients: [y.test], max_rows: 7}, b: {clients: [y.test]}}")
        #expect(needRestart.isEmpty && adopted.model(named: "a").rowsMax == 7)
        #expect(adopted.model(named: "a").clients == ["y.test"] && adopted.model(named: "b").clients == ["y.test"])
        #expect(adopted.model(named: "c").clients.isEmpty)
    }
}
