// The layers: defaults, file, environment, flags.

import Configuration
import Foundation
import Testing

@Suite struct ConfigurationLoaderTests {
    @Test func emptyFileHasTheDefaults() throws {
        let configuration = try ConfigurationLoader.parse("")
        #expect(try configuration == ConfigurationLoader.parse("# only a comment\n"))
        #expect(try configuration == ConfigurationLoader.load(file: nil))
        #expect(configuration.listen.port == 8080)
        #expect(configuration.metrics.port == 8002)
        #expect(configuration.limits.bodyBytes == 1_048_576)
        #expect(configuration.timeouts.idleNanos == 3_600_000_000_000)
        #expect(configuration.drain.timeoutNanos == 20_000_000_000)
        #expect(configuration.model(named: "any") == configuration.model(named: "any"))
        #expect(configuration.model(named: "any").isRequired)
    }

    @Test func fileIsRead() throws {
        let configuration = try ConfigurationLoader.parse(
            """
            listen: {address: "::1", port: 0}
            limits:
              header_bytes: 64KiB
            cache: {path: ""}
            models:
              fraud:
                load: {latest: 2}
                required: false
                require: [golden]
                budget: 500us
                timeout: {default: 5ms, max: 2s}
                max_rows: 8
                route: {stable: 2}
              credit:
              NO: {load: [7, "8"]}
            """)
        #expect(configuration.listen.address == "::1")
        #expect(configuration.listen.port == 0)
        #expect(configuration.limits.headerBytes == 65536)
        #expect(configuration.cachePath == nil)
        #expect(configuration.models.map(\.name) == ["fraud", "credit", "NO"])
        let fraud = configuration.model(named: "fraud")
        #expect(fraud.load == .latest(2))
        #expect(!fraud.isRequired)
        #expect(fraud.requirements == [.golden])
        #expect(fraud.budgetNanos == 500_000)
        #expect(fraud.timeout.standardNanos == 5_000_000 && fraud.timeout.maxNanos == 2_000_000_000)
        #expect(configuration.model(named: "credit").timeout.standardNanos == nil)
        #expect(configuration.model(named: "credit").timeout.maxNanos == 60_000_000_000)
        #expect(fraud.rowsMax == 8)
        #expect(fraud.stableVersion == "2")
        #expect(fraud.selected(from: ["1", "2", "10"]) == ["2", "10"])
        #expect(configuration.model(named: "NO").selected(from: ["6", "7"]) == ["7"])
        #expect(configuration.model(named: "credit").selected(from: ["1"]) == ["1"])
    }

    @Test func theSecondPortIsRead() throws {
        let configuration = try ConfigurationLoader.parse(
            """
            listen:
              port: 1
              tls:
                port: 2
                certificates:
                - {certificate: a.pem, key: a.key}
                - {certificate: b.pem, key: b.key}
                minimum_version: 1.3
                suites: TLS_AES_128_GCM_SHA256
                client_authentication: optional
                authorities: ca.pem
                revocations: [crl.pem]
                clients: ["spiffe://a/b", a.test]
                ticket_rotation: 2h
                handshake_timeout: 1s
                watch: 0s
            models: {fraud: {clients: [x@a.test]}}
            """, environment: ["SERIN_LISTEN_TLS_PORT": "3"])
        let tls = configuration.tls
        #expect(configuration.listen.port == 1 && tls.port == 3 && tls.isOn)
        #expect(tls.files == ["a.pem", "a.key", "b.pem", "b.key", "ca.pem", "crl.pem"])
        #expect(tls.isTLS13Only && tls.ciphers == nil && tls.suites == "TLS_AES_128_GCM_SHA256")
        #expect(tls.clientAuthentication == .optional && tls.clients == ["spiffe://a/b", "a.test"])
        #expect(tls.ticketRotationNanos == 7_200_000_000_000 && tls.handshakeNanos == 1_000_000_000)
        #expect(tls.watchNanos == 0 && configuration.model(named: "fraud").clients == ["x@a.test"])
    }

    @Test func laterLayersWin() throws {
        let file = "listen: {port: 1}\nmetrics: {port: 2}\nlog: {level: debug}\n"
        let environment = ["SERIN_LISTEN_PORT": "3", "SERIN_METRICS_PORT": "4", "PATH": "/bin"]
        let flag = ConfigurationOverride(keyPath: "listen.port", flag: "--port", text: "5")
        let configuration = try ConfigurationLoader.parse(file, environment: environment, overrides: [flag])
        #expect(configuration.listen.port == 5)
        #expect(configuration.metrics.port == 4)
        #expect(configuration.logLevel == .debug)
    }

    @Test func everyFieldHasAVariable() throws {
        for field in ConfigurationField.all {
            let same = try ConfigurationLoader.load(file: nil)
            let text = field.text(in: same)
            let again = try ConfigurationLoader.load(file: nil, environment: [field.variable: text])
            #expect(again == same, "\(field.variable)=\(text)")
            #expect(throws: ConfigurationError.self, "\(field.variable)") {
                try ConfigurationLoader.load(file: nil, environment: [field.variable: "\u{0}?"])
            }
        }
    }

    @Test(arguments: [
        (["SERIN_LISTEN_PROT": "1"], "SERIN_LISTEN_PROT: unknown variable; did you mean SERIN_LISTEN_PORT?"),
        (
            ["SERIN_LISTEN_PORT": "x"],
            "SERIN_LISTEN_PORT: listen.port: expected a whole number, 0 to 65535, found \"x\""
        ),
        (["SERIN_MODELS_FRAUD_BUDGET": "1ms"], "SERIN_MODELS_FRAUD_BUDGET: models are configured in the file only"),
        (["SERIN_METRICS_PORT": "8080"], "SERIN_METRICS_PORT: metrics.port: listen and metrics share port 8080"),
    ])
    func wrongVariable(environment: [String: String], message: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(file: nil, environment: environment)
        }
        #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
    }

    /// What Kubernetes sets beside services named `serin` and `serin-canary`.
    @Test func serviceLinksAreLetPass() throws {
        let environment = [
            "SERIN_SERVICE_HOST": "10.0.0.1", "SERIN_SERVICE_PORT": "8080", "SERIN_SERVICE_PORT_METRICS": "8002",
            "SERIN_PORT": "tcp://10.0.0.1:8080", "SERIN_PORT_8080_TCP": "tcp://10.0.0.1:8080",
            "SERIN_PORT_8080_TCP_PROTO": "tcp", "SERIN_PORT_8080_TCP_PORT": "8080",
            "SERIN_PORT_8080_TCP_ADDR": "10.0.0.1", "SERIN_CANARY_SERVICE_HOST": "10.0.0.2",
            "SERIN_CANARY_PORT": "tcp://10.0.0.2:8080", "SERIN_FUZZ_SECONDS": "5",
        ]
        let configuration = try ConfigurationLoader.load(file: nil, environment: environment)
        #expect(try configuration == ConfigurationLoader.load(file: nil))
    }

    @Test func wrongFlag() {
        let flag = ConfigurationOverride(keyPath: "listen.port", flag: "--port", text: "eighty")
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(file: nil, overrides: [flag])
        }
        #expect(error?.description == "--port: listen.port: expected a whole number, 0 to 65535, found \"eighty\"")
    }

    @Test func missingFile() {
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationLoader.load(file: "no/such.yaml") }
        #expect(error?.description == "no/such.yaml: cannot be opened: No such file or directory")
    }

    @Test func folderInsteadOfFile() {
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationLoader.load(file: "/") }
        #expect(error?.message == "is not a regular file")
    }

    @Test func processEnvironmentHasThePath() {
        #expect(ConfigurationLoader.processEnvironment()["PATH"] == ProcessInfo.processInfo.environment["PATH"])
    }
}
