import Configuration
import Testing

@testable import LoadTest

@Suite struct ResultMergeTests {
    /// A result of one class whose latencies are every `step`th of a spread, from `first` on.
    static func result(from first: Int, by step: Int) -> LoadTestResult {
        var series = Series(seconds: 10)
        var counts = Counts()
        (counts.requests, counts.answers) = (1, 1)
        for index in stride(from: first, to: 10_000, by: step) {
            series.record(due: Double(index % 100) / 10, counts, latency: UInt64(100_000 + index * index))
        }
        var result = LoadTestResult(scenario: "s", startedAt: 100 + Double(first), seconds: 10)
        result.phases = [.init(name: "steady", at: 0, seconds: 10)]
        result.groups = [.init(Selection(trafficClass: "pay"), series)]
        result.timelines = [
            .init(
                trafficClass: "pay", version: nil,
                slices: [.init(at: 0, seconds: 10, answers: series.counts.answers, errors: 0, p50: 1, p99: 1, max: 1)])
        ]
        result.reasons = [.init(trafficClass: "pay", text: "status 500", count: step)]
        return result
    }

    @Test func twoHalvesAreTheWhole() throws {
        let whole = Self.result(from: 0, by: 1)
        let halves = [Self.result(from: 0, by: 2), Self.result(from: 1, by: 2)]
        let merged = try ResultMerge.merge(halves, sources: ["a", "b"])
        let (sum, truth) = (try #require(merged.groups.first), try #require(whole.groups.first))
        #expect(merged.groups.count == 1 && sum.counts == truth.counts)
        #expect(sum.histogram == truth.histogram)
        #expect(abs(sum.throughput - truth.throughput) < 1e-6)
        var (latency, expected) = (try #require(sum.latency), try #require(truth.latency))
        #expect(abs(latency.mean / expected.mean - 1) < 1e-9)
        (latency.mean, expected.mean) = (0, 0)
        #expect(latency == expected)
        #expect(merged.timelines.first?.slices.first?.answers == 10_000)
        #expect(merged.timelines.first?.slices.first?.p99 == nil)
        #expect(merged.reasons.map(\.count) == [4] && merged.startedAt == 100)
    }

    @Test func oneSideMayLackAVersion() throws {
        let first = Self.result(from: 0, by: 2)
        var second = Self.result(from: 1, by: 2)
        var version = second.groups[0]
        version.version = "2"
        second.groups.append(version)
        let merged = try ResultMerge.merge([first, second], sources: ["a", "b"])
        #expect(merged.groups.map(\.version) == [nil, "2"])
        #expect(merged.groups[1].counts.requests == 5000)
    }

    @Test func budgetsAreToldAndNotMerged() throws {
        var first = Self.result(from: 0, by: 2)
        first.budgets = ReportTests.result.budgets
        let merged = try ResultMerge.merge([first, Self.result(from: 1, by: 2)], sources: ["a", "b"])
        #expect(merged.budgets.isEmpty)
        #expect(merged.notes.contains { $0.hasSuffix("1 of 1 were broken") })
    }

    @Test func otherTestsAreNotAdded() {
        var other = Self.result(from: 1, by: 2)
        other.phases[0].seconds = 20
        #expect(throws: ConfigurationError.self) {
            try ResultMerge.merge([Self.result(from: 0, by: 2), other], sources: ["a", "b"])
        }
    }
}
