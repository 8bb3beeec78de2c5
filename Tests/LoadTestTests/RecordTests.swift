import Foundation
import Testing

@testable import LoadTest

@Suite struct RecordTests {
    @Test func binsAreNarrowAndOrdered() {
        var last = -1
        for value in Array(1024..<5000) + (0..<1000).map({ 5000 + $0 * 99_999_989 }) {
            let bin = LatencyBins.index(UInt64(value))
            #expect(bin >= last)
            last = bin
        }
        for nanos in [1024, 1500, 99_999, 1_000_000, 10_000_000, 2_345_678_901] as [UInt64] {
            let bin = LatencyBins.index(nanos)
            let (low, high) = (LatencyBins.edge(Double(bin)), LatencyBins.edge(Double(bin + 1)))
            #expect(low <= Double(nanos) && Double(nanos) < high)
            #expect((high - low) / low < 0.008)
            #expect(abs(LatencyBins.edge(LatencyBins.place(Double(nanos))) - Double(nanos)) < 1)
        }
        #expect(LatencyBins.index(0) == 0)
        #expect(LatencyBins.index(.max) == LatencyBins.count - 1)
    }

    /// Latencies of a known distribution: percentiles within 2 %.
    @Test func percentilesAreThoseOfTheDistribution() throws {
        var series = Series(seconds: 10)
        var counts = Counts()
        (counts.requests, counts.answers) = (1, 1)
        // Every hundred-thousandth of an exponential of 1 ms, so the truth is a formula.
        for index in 0..<100_000 {
            let latency = -log(1 - (Double(index) + 0.5) / 100_000) * 1e6
            series.record(due: Double(index % 100) / 10, counts, latency: UInt64(latency))
        }
        for percent in [50, 90, 99, 99.9] {
            let truth = -log(1 - percent / 100) * 1e6
            let value = try #require(series.percentile(percent))
            #expect(abs(value / truth - 1) < 0.002, "p\(percent)")
            let drawn = try #require(series.blocks.percentile(percent, blocks: 0..<series.blocks.blockCount))
            #expect(abs(drawn / truth - 1) < 0.01, "p\(percent)")
        }
        #expect(abs(series.mean / 1e6 - 1) < 0.001)
        #expect(series.value(.throughput) == 10000)
        #expect(abs(series.slower(than: 1e6) - 36788) < 40)
    }

    /// What a frozen server does to an open loop: every request that was due meanwhile waits for its end.
    @Test func aFreezeIsSeenAsTheScheduleSays() throws {
        var series = Series(seconds: 10)
        var counts = Counts()
        (counts.requests, counts.answers) = (1, 1)
        var arrivals = Arrivals(.constant(1000, seconds: 10), .even, seed: 1)
        while let next = arrivals.next() {
            let at = Double(next.nanos) / 1e9
            let wait = at >= 4 && at < 4.5 ? 4.5 - at : 0
            series.record(due: at, counts, latency: UInt64((wait + 0.0005) * 1e9))
        }
        // 5 % of the requests waited, from 0 to 500 ms, evenly: p99 is the slowest fifth's beginning.
        let p99 = try #require(series.percentile(99))
        #expect(abs(p99 / 0.4e9 - 1) < 0.01)
        let max = try #require(series.value(.max))
        #expect(abs(max / 0.5e9 - 1) < 0.01)
        let p50 = try #require(series.percentile(50))
        #expect(p50 < 0.6e6)
    }

    @Test func versionsArePartsOfTheirClass() throws {
        let scenario = try ScenarioReaderTests.read(ScenarioReaderTests.good)
        var record = RunRecord(scenario)
        var counts = Counts()
        (counts.requests, counts.answers) = (1, 1)
        let (one, two) = (record.version("1", ofClass: 0), record.version("2", ofClass: 0))
        #expect(record.version("1", ofClass: 0) == one && one != two)
        for index in 0..<90 {
            record.record(
                trafficClass: 0, phase: 0, version: index < 60 ? one : two, due: 1, counts, latency: 1_000_000)
        }
        record.record(trafficClass: 0, phase: 1, version: two, due: 1, counts, latency: 5_000_000)
        #expect(record.series(Selection(trafficClass: "pay", phase: "steady"))?.counts.requests == 90)
        #expect(record.series(Selection(trafficClass: "pay", phase: "steady", version: "2"))?.counts.requests == 30)
        let all = try #require(record.series(Selection(trafficClass: "pay")))
        #expect(all.counts.requests == 91 && all.seconds == 14)
        #expect(record.series(Selection(trafficClass: "rest", phase: "burst")) == nil)
    }

    @Test func manyVersionsShareTheLastPlace() throws {
        var record = RunRecord(try ScenarioReaderTests.read(ScenarioReaderTests.good))
        for version in 1...50 { _ = record.version("\(version)", ofClass: 0) }
        #expect(record.versions[0].count == RunRecord.versionsMax)
        #expect(record.versions[0].last == "other")
    }

    @Test func anInterruptedPhaseIsAsLongAsItWas() throws {
        var record = RunRecord(try ScenarioReaderTests.read(ScenarioReaderTests.good))
        var counts = Counts()
        (counts.requests, counts.answers) = (1, 1)
        for index in 0..<100 {
            record.record(
                trafficClass: 0, phase: 0, version: 0, due: Double(index) / 50, counts, latency: 1_000_000)
        }
        record.cut(at: 2)
        let series = try #require(record.series(Selection(trafficClass: "pay")))
        #expect(series.seconds == 2 && series.value(.throughput) == 50)
    }
}
