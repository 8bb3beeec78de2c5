import Configuration
import Testing

@testable import LoadTest

@Suite struct ScenarioReaderTests {
    static let good = """
        name: payment
        target: http://127.0.0.1:8080
        classes:
        - {name: pay, model: fraud, api: v1, connections: 4, streams: 50, timeout: 500ms,
           keys: {distinct: 100, distribution: zipf, exponent: 1.1}}
        - {name: rest, model: fraud, http: 1, connections: 2}
        phases:
        - {name: steady, duration: 10s, load: {pay: {poisson: 1000/s}, rest: {closed: {users: 2, think: 5ms}}}}
        - {name: burst, duration: 4s, load: {pay: {spike: {base: 100/s, peak: 1000/s, at: 1s, for: 500ms}}}}
        steps:
        - {at: 2s, canary: {model: fraud, version: "2", percent: 10}}
        - {at: 1s, rollback: {model: fraud}}
        budgets:
        - {class: pay, phase: steady, p50: 2ms, p99: 10ms, errors: 0.1%, mismatches: 0, throughput: 900/s}
        - {class: pay, against: {class: rest}, phase: steady, p99: 1.1x}
        """

    static func read(_ text: String, targets: [String: Target] = [:]) throws -> Scenario {
        try ScenarioReader.read(YAMLDocument.parse(Array(text.utf8), source: "s.yaml"), targets: targets)
    }

    /// Of two even schedules the one is always asked so long after the other.
    @Test func evenSchedulesFavourOneSide() throws {
        func notes(_ mine: String, _ theirs: String) throws -> [String] {
            try Self.read(
                """
                name: two
                target: http://127.0.0.1:80
                classes:
                - {name: candidate, api: plain, path: /}
                - {name: baseline, api: plain, path: /}
                phases:
                - {name: steady, duration: 10s, load: {candidate: {\(mine): 5/s}, baseline: {\(theirs): 5/s}}}
                budgets:
                - {class: candidate, against: {class: baseline}, p50: 2x}
                """
            ).notes
        }
        let even = try notes("constant", "constant")
        #expect(even.count == 1 && even[0].hasPrefix("candidate and baseline are asked in a fixed order in steady"))
        #expect(try notes("poisson", "constant") == [])
        #expect(try notes("poisson", "poisson") == [])
    }

    @Test func aScenarioIsRead() throws {
        let scenario = try Self.read(Self.good)
        #expect(scenario.seconds == 14)
        #expect(scenario.classes[0].keys == .init(header: "serin-key", distinct: 100, exponent: 1.1))
        #expect(scenario.classes[1].streams == 1)
        #expect(scenario.phases[0].loads["pay"] == .open(.constant(1000, seconds: 10), .poisson))
        #expect(scenario.phases[0].loads["rest"] == .closed(users: 2, thinkNanos: 5_000_000))
        #expect(scenario.steps.map(\.seconds) == [1, 2])
        #expect(scenario.budgets.count == 6)
        #expect(
            scenario.budgets[5].bound
                == .relative(1.1, to: Selection(trafficClass: "rest", phase: "steady")))
        #expect(scenario.budgets[1].text == "p99 of pay in steady at most 10.0 ms")
    }

    @Test func theCommandLineNamesTargets() throws {
        let target = try #require(Target("https://localhost:8443"))
        #expect(try Self.read(Self.good, targets: ["default": target]).targets["default"] == target)
        // The default target, which the scenario names too, was listed twice.
        #expect { try Self.read(Self.good, targets: ["other": target]) } throws: {
            "\($0)".contains("has no target \"other\", which --target names (known here: default)")
        }
    }

    @Test(arguments: [
        ("127.0.0.1:80", nil), ("http://a:0", nil), ("http://a:80/x", nil), ("http://", nil), ("ftp://a", nil),
        ("http://a", "http://a:80"), ("https://a", "https://a:443"), ("http://[::1]:8080/", "http://[::1]:8080"),
    ])
    func targetsAreStrict(text: String, read: String?) {
        #expect(Target(text)?.description == read)
    }

    /// A change to the good scenario, and the error that it must give.
    static let refused: [(String, String, String)] = [
        ("duration: 10s, ", "", "s.yaml:8: phases[0]: needs the key duration"),
        ("duration: 10s", "duration: 10", "phases[0].duration: expected a duration such as 10ms"),
        ("duration: 10s", "duration: 25h", "phases[0].duration: expected 1ms to 24h"),
        (
            "name: payment", "name: payment\nspeed: 1",
            "s.yaml:2: speed: unknown key; did you mean seed? (known here: name, about"
        ),
        ("api: v1", "api: v3", "classes[0].api: expected one of v1, v2, grpc, plain, found \"v3\""),
        ("http: 1, connections: 2", "http: 1, streams: 4", "a connection of HTTP/1.1 has one request at a time"),
        ("api: v1,", "api: grpc, http: 1,", "gRPC is spoken over HTTP/2 only"),
        ("{poisson: 1000/s}", "{poisson: 1000}", "load.pay.poisson: expected a rate such as 1000/s or 30/m"),
        ("{poisson: 1000/s}", "{poisson: 1000/s, constant: 5/s}", "needs exactly one of constant, poisson"),
        ("pay: {poisson: 1000/s}", "pax: {poisson: 1000/s}", "load.pax: unknown key; did you mean pay?"),
        ("at: 1s, for", "at: 9s, for", "spike.at: is after the phase's end"),
        ("{at: 2s,", "{at: 20s,", "steps[0].at: is after the scenario's end"),
        ("percent: 10}", "percent: 110}", "steps[0].canary.percent: expected 0 to 100"),
        ("p50: 2ms", "p50: 20ms", "budgets[0].p99: contradicts: p50 may be 20.0 ms, which is above the 10.0 ms of p99"),
        ("p99: 10ms", "p99: 2s", "budgets[0].p99: can never break: pay gives up after 500 ms"),
        ("900/s", "2000/s", "budgets[0].throughput: can never hold: at most 1000/s are sent"),
        ("errors: 0.1%", "errors: 0.1%, timeouts: 1%", "budgets[0].timeouts: contradicts: timeouts may be 1 %"),
        ("errors: 0.1%", "errors: 0.1", "budgets[0].errors: expected a percentage such as 0% or 0.1%"),
        ("p99: 1.1x", "p99: 10ms", "budgets[1].p99: expected a factor such as 1.1x"),
        ("against: {class: rest}", "against: {class: pay}", "budgets[1].against: is the selection itself"),
        ("{class: pay, phase: steady, p50", "{class: buy, phase: steady, p50", "expected one of the classes pay, rest"),
        ("phase: steady, p50", "phase: calm, p50", "budgets[0].phase: expected one of the phases steady, burst"),
        ("connections: 4, streams: 50", "connections: 10000, streams: 50", "at most 200000 requests in flight"),
        ("target: http://127.0.0.1:8080\n", "", "no target: the scenario needs the key target, or --target"),
        (
            "keys: {distinct: 100, distribution: zipf,", "keys: {distinct: 100,",
            "exponent: belongs to distribution zipf"
        ),
        (
            ", rest: {closed: {users: 2, think: 5ms}}", "",
            "budgets[1].against.class: rest has no load in any phase"
        ),
        ("api: v1,", "api: v1, deadline: 1900us,", "deadline: expected whole milliseconds, as serin-timeout-ms"),
        ("api: v1,", "api: grpc, deadline: 1000500ns,", "deadline: expected whole microseconds"),
        (
            "api: v1,", "api: v1, headers: {content-type: text/xml},",
            "classes[0].headers.content-type: api v1 sets it; only api plain takes its own"
        ),
        (
            "api: v1,", "api: v1, deadline: 5ms, headers: {serin-timeout-ms: \"5\"},",
            "headers.serin-timeout-ms: the key deadline sets it"
        ),
        ("api: v1,", "api: v1, headers: {Serin-Key: fixed},", "headers.Serin-Key: the key keys sets it"),
        ("api: v1,", "api: v1, headers: {X-One: a, x-one: b},", "headers.x-one: x-one stands twice"),
        ("api: v1,", "api: v1, headers: {x-one: \" a\"},", "headers.x-one: expected visible ASCII"),
        ("api: v1,", "api: v1, headers: {x-one: \"a\\r\\nb: c\"},", "headers.x-one: expected visible ASCII"),
        ("{distinct: 100,", "{header: content-type, distinct: 100,", "keys.header: content-type carries no key"),
        (
            "name: payment", "name: payment\ntls: {authority: ca.pem}",
            "tls: is used by no target: none of them is https"
        ),
        (
            "target: http://127.0.0.1:8080", "target: https://127.0.0.1:8080\ntls: {authority: /nowhere/ca.pem}",
            "tls.authority: /nowhere/ca.pem: cannot be opened"
        ),
    ]

    @Test(arguments: refused.indices)
    func badScenariosAreRefused(index: Int) {
        let (part, change, message) = Self.refused[index]
        let text = Self.good.replacing(part, with: change, maxReplacements: 1)
        #expect(text != Self.good)
        do {
            _ = try Self.read(text)
            Issue.record("read: \(change)")
        } catch { #expect("\(error)".contains(message), "\(error)") }
    }

    @Test func aSecondBoundOfTheSameMeasureIsRefused() {
        let text = Self.good + "\n- {class: pay, phase: steady, p99: 9ms}"
        #expect { try Self.read(text) } throws: {
            "\($0)".contains("budgets[2].p99: contradicts an earlier budget: p99 of pay in steady at most 10.0 ms")
        }
    }

    // MARK: Baselines and loads

    /// Budgets of one measure against different baselines were refused as contradictions.
    @Test func baselinesTellBudgetsApart() throws {
        let text = Self.good + "\n- {class: pay, phase: steady, against: {phase: burst}, p99: 2x}"
        #expect(try Self.read(text).budgets.count == 7)
        let twice = Self.good + "\n- {class: pay, phase: steady, against: {class: rest}, p99: 2x}"
        #expect { try Self.read(twice) } throws: {
            "\($0)".contains("budgets[2].p99: contradicts an earlier budget")
        }
    }

    @Test func budgetsNeedALoad() {
        let idle = Self.good.replacing(
            "- {name: rest, ", with: "- {name: idle, model: fraud}\n- {name: rest, ", maxReplacements: 1)
        #expect { try Self.read(idle + "\n- {class: idle, p99: 9ms}") } throws: {
            "\($0)".contains("budgets[2].class: idle has no load in any phase")
        }
        let text = Self.good + "\n- {class: pay, phase: burst, against: {class: rest}, p50: 2x}"
        #expect { try Self.read(text) } throws: {
            "\($0)".contains("budgets[2].against: rest has no load in burst")
        }
    }

    // MARK: Scaling

    @Test func scalingChangesTimesAndRates() throws {
        let scenario = try Self.read(Self.good).scaled(time: 0.5, rate: 2)
        #expect(scenario.seconds == 7)
        #expect(scenario.phases[0].loads["pay"] == .open(.constant(2000, seconds: 5), .poisson))
        #expect(scenario.steps.map(\.seconds) == [0.5, 1])
        #expect(scenario.budgets.first { $0.measure == .throughput }?.bound == .absolute(1800))
    }

    @Test func aClosedLoopsThroughputIsNotScaled() throws {
        let text = Self.good + "\n- {class: rest, phase: steady, throughput: 100/s}"
        let scenario = try Self.read(text)
        let scaled = try scenario.scaled(time: 1, rate: 2)
        #expect(scaled.budgets.last?.bound == .absolute(100))
        #expect(scaled.budgets.filter(\.isRelative) == scenario.budgets.filter(\.isRelative))
    }

    @Test func scalingKeepsTheLimitOfADay() throws {
        let scenario = try Self.read(Self.good.replacing("duration: 10s", with: "duration: 10h", maxReplacements: 1))
        #expect { try scenario.scaled(time: 1000, rate: 1) } throws: {
            "\($0)" == "--time: makes it 36004000 s in all, at most a day is allowed"
        }
    }
}
