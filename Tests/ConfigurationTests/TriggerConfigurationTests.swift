// Triggers and new versions as they are read; what is refused stands in Tests/Fixtures/configuration/invalid.

import Testing

@testable import Configuration

@Suite struct TriggerConfigurationTests {
    @Test func everyFieldIsRead() throws {
        let model = try ConfigurationLoader.parse(
            """
            models:
              fraud:
                triggers:
                - name: drifted
                  when: {drift: warning, of: [amount, score], window: 24h}
                  webhook: {url: "https://ci.example/a?b=c", secret: s, authorities: ca.pem, timeout: 2s}
                  cooldown: 72h
                  retry: 10m
                - {name: imprecise, when: {metric: average_precision, below: 0.7}, webhook: {url: "http://[::1]:81", secret: s}}
                - {name: late, when: {label_delay: 30d, share: 5%, samples: 7}, webhook: {url: "http://a/", secret: s}}
                - {name: broken, when: {violations: 0.5%, window: 1h, samples: 10}, webhook: {url: "http://a/", secret: s}}
                on_new_version:
                  approval: required
                  rollout: |
                    steps: [{percent: 5, max: 10m}]
            """
        ).model(named: "fraud")
        let (drifted, imprecise) = (model.triggers[0], model.triggers[1])
        #expect(drifted.condition == .drift(.warning, variables: ["amount", "score"], .day))
        #expect(drifted.cooldownNanos == 72 * 3_600_000_000_000 && drifted.retryNanos == 600_000_000_000)
        #expect(drifted.webhook.authorities == "ca.pem" && drifted.webhook.timeoutNanos == 2_000_000_000)
        #expect(imprecise.condition == .metric(.averagePrecision, below: 0.7, above: nil, .week, samplesMin: 500))
        #expect(imprecise.cooldownNanos == 24 * 3_600_000_000_000 && imprecise.retryNanos == 3_600_000_000_000)
        #expect(model.triggers[2].condition == .labelDelay(.month, share: 0.05, .all, samplesMin: 7))
        #expect(model.triggers[3].condition == .violations(0.005, .hour, samplesMin: 10))
        #expect(
            model.onNewVersion
                == .rollout(plan: .text("steps: [{percent: 5, max: 10m}]"), needsApproval: true))
        let short = try ConfigurationLoader.parse(
            "models: {a: {on_new_version: {rollout: plan.yaml}}, b: {on_new_version: load}}")
        #expect(short.model(named: "a").onNewVersion == .rollout(plan: .file("plan.yaml"), needsApproval: false))
        #expect(short.model(named: "b").onNewVersion == .load && short.model(named: "c").onNewVersion == .ignore)
    }

    @Test(arguments: [
        ("http://host", "host", 80, "/", "host"), ("https://host", "host", 443, "/", "host"),
        ("http://host:8080/a/b?c=d", "host", 8080, "/a/b?c=d", "host:8080"),
        ("https://[::1]:9443?x", "::1", 9443, "/?x", "[::1]:9443"), ("http://[::1]/", "::1", 80, "/", "[::1]"),
    ])
    func targetsAreTakenApart(url: String, host: String, port: Int, path: String, authority: String) throws {
        let target = try #require(WebhookTarget(url))
        #expect(target.host == host && Int(target.port) == port && target.path == path)
        #expect(target.authority == authority && target.isSecure == url.hasPrefix("https"))
    }

    @Test(arguments: [
        "", "host", "ftp://host", "http://", "http:///path", "http://:80", "http://host:", "http://host:0",
        "http://host:65536", "http://host:x", "http://user@host/", "http://host/#a", "http://host/a b", "http://[::1",
        "http://[::1]x", "http://h\u{f6}st/", "http://host/\r\nx: y",
    ])
    func otherTextsAreNoTargets(url: String) { #expect(WebhookTarget(url) == nil) }
}
