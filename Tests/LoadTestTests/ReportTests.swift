import Configuration
import Foundation
import Inference
import Registry
import Testing

@testable import LoadTest

@Suite struct ReportTests {
    static var result: LoadTestResult {
        var result = LoadTestResult(scenario: "a <b> & \"c\"", startedAt: 1_795_291_200, seconds: 2)
        let verdict = Verdict(
            budget: Budget(Selection(trafficClass: "pay"), .percentile(99), .absolute(1e7)), outcome: .broken,
            value: 2e7, interval: Interval(low: 1.5e7, high: 2.5e7), reason: "5 % took longer than 10 ms")
        result.budgets = [.init(verdict)]
        result.marks = [.init(at: 1, ended: 1.5, text: "switch fraud to 2", problem: nil)]
        return result
    }

    @Test func aResultIsReadAsItWasWritten() throws {
        let text = ResultJSON.encode(Self.result)
        #expect(try ResultJSON.decode(Array(text.utf8), source: "r") == Self.result)
        #expect(text.contains("\"traffic_class\":\"pay\"") && text.contains("\"bound\":0.01"))
    }

    @Test func otherFilesAreNoResults() {
        #expect { try ResultJSON.decode(Array("[]".utf8), source: "r.json") } throws: {
            "\($0)" == "r.json: is no result of serin loadtest --json"
        }
    }

    @Test func junitNamesWhatBroke() throws {
        let text = JUnitReport.encode(Self.result)
        #expect(text.contains("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\""))
        #expect(text.contains("<failure message=\"5 % took longer than 10 ms\">"))
        #expect(text.contains("a &lt;b&gt; &amp; &quot;c&quot;"))
        #expect(JUnitReport.escaped("\u{1}\u{ffff}") == "\u{fffd}\u{fffd}")
    }

    /// Regression: a run that was interrupted is no success of the build.
    @Test func junitNamesTheInterruption() {
        var result = Self.result
        result.interruptedAt = 0.5
        let text = JUnitReport.encode(result)
        #expect(text.contains("errors=\"1\"") && text.contains("<error message=\"interrupted after 0.5 of 2 s\">"))
    }

    static func group(_ name: String, version: String? = nil, p99: Double?) -> LoadTestResult.Group {
        var counts = Counts()
        (counts.requests, counts.answers) = (100, p99 == nil ? 0 : 100)
        var latency: LoadTestResult.Latency?
        if let p99 { latency = .init(mean: p99, p50: p99, p90: p99, p95: p99, p99: p99, p999: p99, max: p99) }
        return .init(
            trafficClass: name, phase: nil, version: version, seconds: 1, counts: counts,
            throughput: Double(counts.answers), latency: latency, histogram: [])
    }

    /// Regression: groups without an answer, or of one side alone, were left out: the worst of all.
    @Test func everyGroupIsCompared() {
        var (before, after) = (Self.result, Self.result)
        before.groups = [Self.group("pay", p99: 0.001), Self.group("shop", p99: 0.001)]
        after.groups = [
            Self.group("pay", p99: nil), Self.group("pay", version: "2", p99: 0.002), Self.group("shop", p99: 0.002),
        ]
        let rows = ResultComparison.table(before, after).rows
        #expect(rows.map { $0[0] + ($0[2] == "all" ? "" : $0[2]) } == ["pay", "pay2", "shop"])
        #expect(rows[0][4] == "1.00 ms > -" && rows[0][7] == "100/s > 0/s" && rows[0][8] == "0 > 100")
        #expect(rows[1][4] == "- > 2.00 ms" && rows[1][8] == "- > 0")
        #expect(rows[2][4] == "1.00 ms > 2.00 ms (2.000 x)")
        #expect(ResultComparison.isComparable(before, after))
        #expect(ResultComparison.differences(before, after).isEmpty)
        after.groups = [Self.group("other", p99: nil)]
        #expect(!ResultComparison.isComparable(before, after))
    }

    @Test func differentTestsAreToldApart() {
        var (before, after) = (Self.result, Self.result)
        before.phases = [.init(name: "steady", at: 0, seconds: 2)]
        after.phases = [.init(name: "steady", at: 0, seconds: 3)]
        (before.scenario, after.scenario) = ("a", "b")
        #expect(
            ResultComparison.differences(before, after) == [
                "different scenarios: a > b", "different lengths of phase steady: 2 s > 3 s",
            ])
    }

    @Test func impossibleNumbersAreNoResult() {
        var result = Self.result
        result.groups = [Self.group("pay", p99: 0.001)]
        result.groups[0].counts.requests = -1
        let text = ResultJSON.encode(result)
        #expect(throws: ConfigurationError.self) { try ResultJSON.decode(Array(text.utf8), source: "r") }
    }

    @Test func theWorstEndingCounts() {
        var result = Self.result
        #expect(result.ending == .broken)
        var line = LoadTestResult.Sending(
            trafficClass: "pay", phase: "p", scheduled: 1000, sent: 500, scheduledRate: 500, reachedRate: 250,
            latenessP50: 0.2, latenessP99: 0.4, latenessMax: 0.5, waitingP99: 0, busy: 0.99, problem: nil,
            isOwnFault: false)
        line.explain(ScenarioReaderTests.entry)
        #expect(line.isOwnFault && line.problem?.contains("reached 250/s of 500/s") == true)
        result.sending = [line]
        // What a generator measured that was itself too slow is no finding.
        #expect(result.ending == .unreached)
        line.latenessP50 = 0
        line.busy = 0.1
        line.waitingP99 = 0.3
        line.explain(ScenarioReaderTests.entry)
        result.sending = [line]
        #expect(!line.isOwnFault && result.ending == .broken)
        // Whatever reached a target before it was gone went at once: nothing of that is the generator's doing.
        (line.latenessP50, line.latenessP99, line.waitingP99) = (30e-6, 90e-6, 0)
        line.explain(ScenarioReaderTests.entry)
        result.sending = [line]
        #expect(!line.isOwnFault && line.problem?.contains("the target stopped answering") == true)
        #expect(result.ending == .broken)
        result.budgets[0].outcome = .inconclusive
        #expect(result.ending == .unreached)
        result.sending = []
        #expect(result.ending == .inconclusive)
    }

    /// A label of the time axis says exactly where it is, however long the run was.
    @Test(arguments: [0.4, 2, 9.6, 16, 60, 75, 3600])
    func timeLabelsSayWhereTheyAre(seconds: Double) throws {
        var result = Self.result
        result.seconds = seconds
        result.timelines = [.init(trafficClass: "pay", version: nil, slices: [])]
        let page = VersionChart(result).svg
        let labels = page.matches(of: /<text x="([0-9.]+)" y="289.0" text-anchor="middle">([0-9.]+) s</)
        #expect((4...11).contains(labels.count))
        for label in labels {
            let (x, moment) = (try #require(Double(label.1)), try #require(Double(label.2)))
            #expect(abs(x - Chart.x(moment / seconds)) < 0.06, "\(label.0)")
        }
    }

    /// A step at the very beginning covers no label, and steps close to each other do not cover each other.
    @Test func marksKeepTheirDistance() throws {
        var result = Self.result
        result.marks = [0, 0, 0.01, 1].map { .init(at: $0, ended: $0, text: "switch", problem: nil) }
        let circles = VersionChart(result).svg.matches(of: /<circle cx="([0-9.]+)" cy="([0-9.]+)"/).map {
            (x: Double($0.1) ?? .nan, y: Double($0.2) ?? .nan)
        }
        #expect(circles.count == 4)
        for (index, circle) in circles.enumerated() {
            #expect(circle.x - Chart.markRadius > Chart.left - Chart.labelGap)
            for other in circles[(index + 1)...] {
                #expect(hypot(circle.x - other.x, circle.y - other.y) > 2 * Chart.markRadius)
            }
        }
    }

    @Test func datesAreThoseOfTheCalendar() {
        #expect(UTCTime.text(0) == "1970-01-01 00:00:00 UTC")
        #expect(UTCTime.text(951_782_399) == "2000-02-28 23:59:59 UTC")
        #expect(UTCTime.text(951_782_400) == "2000-02-29 00:00:00 UTC")
        #expect(UTCTime.text(1_795_291_200.7) == "2026-11-21 20:00:00 UTC")
    }

    @Test(arguments: [
        (431_000.0, "431 us"), (1_270_000, "1.27 ms"), (2.5e9, "2.50 s"), (9_999_999, "10.0 ms"), (12, "12.0 ns"),
        (999_960, "1.00 ms"),
    ])
    func timesHaveThreeDigits(nanos: Double, text: String) {
        #expect(Text.time(nanos) == text)
    }

    // MARK: Rows

    static let features = [
        FeatureSpec(name: "amount", kind: .number),
        FeatureSpec(name: "country", kind: .category, categories: ["DE", "a,b"]),
    ]

    @Test func csvIsReadByItsHeader() throws {
        let rows = try CSVRows.parse(
            Array("country,amount\r\nDE,12.5\n\"a,b\",\n\n".utf8), source: "c", features: Self.features)
        #expect(rows.map(\.cells) == [[.number(12.5), .category("DE")], [.missing, .category("a,b")]])
    }

    @Test(arguments: [
        ("amont\n1", "c:1: the model has no feature \"amont\"; did you mean amount?"),
        ("amount,amount\n1,1", "c:1: \"amount\" stands twice"),
        ("amount\n1,2", "c:2: has 2 fields, the first line has 1"),
        ("amount\nmuch", "c:2: amount: expected a number, one of its categories or nothing, found \"much\""),
        ("amount", "c: holds no row"), ("", "c: is empty"),
    ])
    func wrongCSVIsRefused(text: String, message: String) {
        #expect { try CSVRows.parse(Array(text.utf8), source: "c", features: Self.features) } throws: {
            "\($0)" == message
        }
    }
}

extension ScenarioReaderTests {
    static var entry: TrafficClass {
        TrafficClass(
            name: "pay", target: "default", api: .v1, model: "fraud", version: nil, path: "/", method: "POST", http: 2,
            connections: 4, streams: 50, timeoutNanos: 1_000_000_000, deadlineNanos: nil, rows: .golden, batch: 1,
            keys: nil, headers: [], check: .scores)
    }
}
