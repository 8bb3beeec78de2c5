import Testing

@testable import Telemetry

@Suite struct HistogramTests {
    @Test func bucketsAreCumulativeAndEdgesInclusive() throws {
        let registry = MetricsRegistry(shards: 2)
        let id = try registry.histogram("rows", "Rows.", edges: [1, 8, 64], unit: .plain)
        for value: UInt64 in [0, 1, 2, 8] { registry.shard(0).observe(id, value: value) }
        for value: UInt64 in [9, 64, 65, 1 << 40] { registry.shard(1).observe(id, value: value) }
        let scrape = try Exposition(registry.render())
        let buckets = ["1", "8", "64", "+Inf"].map { scrape.value("rows_bucket", ["le": $0]) }
        #expect(buckets == [2, 4, 6, 8])
        #expect(scrape.value("rows_count") == 8)
        #expect(scrape.value("rows_sum") == 1_099_511_627_925)
    }

    @Test func aBudgetOfTenMillisecondsIsAnExactEdge() throws {
        let registry = MetricsRegistry(shards: 1)
        let edges = LatencyEdges.including(budget: 0.0075)
        let id = try registry.histogram("d_seconds", "D.", labels: [("model", "m")], edges: edges, unit: .seconds)
        registry.shard(0).observe(id, nanos: 7_500_000)
        registry.shard(0).observe(id, nanos: 7_500_001)
        let scrape = try Exposition(registry.render())
        #expect(scrape.value("d_seconds_bucket", ["model": "m", "le": "0.0075"]) == 1)
        #expect(scrape.value("d_seconds_bucket", ["model": "m", "le": "0.01"]) == 2)
        #expect(scrape.value("d_seconds_sum", ["model": "m"]) == 0.015000001)
        #expect(LatencyEdges.including(budget: 0.01) == LatencyEdges.standard)
    }

    /// The table's search against a plain first match, at and around every edge and every octave.
    @Test func searchFindsTheFirstEdgeNotBelow() {
        var generator = SystemRandomNumberGenerator()
        for count in [1, 2, 3, 16, 63, 200] {
            var edges: Set<UInt64> = []
            while edges.count < count {
                edges.insert(UInt64.random(in: 0..<(.max), using: &generator) >> UInt64.random(in: 0...60))
            }
            edges.remove(.max)
            let sorted = edges.sorted()
            let id = HistogramID(cell: 0, search: BucketSearch.make(sorted), exemplars: -1)
            defer { id.search.deallocate() }
            let around = sorted.flatMap { [$0, $0 &+ 1, $0 == 0 ? 0 : $0 - 1] }
            let octaves = (0..<64).flatMap { [UInt64(1) << $0, (UInt64(1) << $0) - 1] }
            for value in around + octaves + [0, .max] {
                #expect(id.bucket(of: value) == (sorted.firstIndex { $0 >= value } ?? sorted.count))
            }
        }
    }
}
