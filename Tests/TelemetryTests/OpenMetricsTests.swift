import Synchronization
import Testing

@testable import Telemetry

@Suite struct OpenMetricsTests {
    private func page(_ registry: MetricsRegistry, _ format: ExpositionFormat = .openMetrics) -> String {
        String(decoding: registry.render(format), as: UTF8.self)
    }

    @Test func whatDiffersFromTheTextFormat() throws {
        let registry = MetricsRegistry(shards: 1)
        let counter = try registry.counter("work_seconds_total", "Says \"how much\".", labels: [("kind", "a")])
        try registry.gauge("size_bytes", "Size.") { 1.5 }
        let histogram = try registry.histogram("rows", "Rows.", edges: [1, 2], unit: .plain)
        registry.shard(0).add(counter, 3)
        registry.shard(0).observe(histogram, value: 2)
        #expect(
            page(registry) == """
                # HELP work_seconds Says \\"how much\\".
                # TYPE work_seconds counter
                # UNIT work_seconds seconds
                work_seconds_total{kind="a"} 3
                # HELP size_bytes Size.
                # TYPE size_bytes gauge
                # UNIT size_bytes bytes
                size_bytes 1.5
                # HELP rows Rows.
                # TYPE rows histogram
                rows_bucket{le="1.0"} 0
                rows_bucket{le="2.0"} 1
                rows_bucket{le="+Inf"} 1
                rows_sum 2
                rows_count 1
                # EOF

                """)
        #expect(page(registry, .prometheus).contains("# HELP work_seconds_total Says \"how much\".\n"))
        #expect(page(registry, .prometheus).contains("rows_bucket{le=\"1\"} 0\n"))
    }

    @Test func aCounterWithoutTotalIsRefused() {
        let registry = MetricsRegistry(shards: 1)
        #expect(throws: MetricsError("work", "a counter's name ends in _total, as OpenMetrics wants it")) {
            try registry.counter("work", "Work.")
        }
    }

    @Test func aSumThatMayFallIsLeftOut() throws {
        let registry = MetricsRegistry(shards: 1)
        try registry.histogram("margin", "M.", edges: [-1, 1]) { ([1, 0, 0], -4) }
        #expect(!page(registry).contains("margin_sum") && page(registry).contains("margin_count 1\n"))
        #expect(page(registry, .prometheus).contains("margin_sum -4\n"))
    }

    @Test func whatIsBeyondAnEdgeIsCountedOutOfTheHistogram() throws {
        let registry = MetricsRegistry(shards: 2)
        let histogram = try registry.histogram("d_seconds", "D.", edges: [0.001, 0.01, 0.1], unit: .seconds)
        try registry.counter("late_total", "L.", above: 10_000_000, in: histogram)
        for (shard, millis) in [(0, 1), (0, 10), (1, 11), (1, 100), (0, 101)] {
            registry.shard(shard).observe(histogram, nanos: UInt64(millis) * 1_000_000)
        }
        #expect(try Exposition(registry.render()).value("late_total") == 3)
    }

    @Test func aBucketShowsTheNewestTraceOfAllShards() throws {
        let registry = MetricsRegistry(shards: 2)
        let id = try registry.histogram("d_seconds", "D.", edges: [0.001, 0.01], unit: .seconds, exemplars: true)
        let other = try registry.histogram("e_seconds", "E.", edges: [0.001], unit: .seconds)
        registry.shard(0).exemplify(id, value: 2_000_000, trace: (1, 0xab), at: 1_000_000_000)
        registry.shard(1).exemplify(id, value: 9_000_000, trace: (0x4bf9, 2), at: 2_000_000_000)
        registry.shard(0).exemplify(id, value: 20_000_000, trace: (7, 7), at: 5)
        registry.shard(0).exemplify(other, value: 1, trace: (8, 8), at: 5)
        let lines = page(registry).split(separator: "\n").filter { $0.contains("_bucket") }
        let shown = lines.map { $0.split(separator: " # ").dropFirst().first ?? "" }
        #expect(shown[0] == "" && shown[3...].allSatisfy { $0 == "" })
        #expect(shown[1].hasPrefix(#"{trace_id="0000000000004bf90000000000000002"} 0.009 "#))
        #expect(shown[2].hasPrefix(#"{trace_id="00000000000000070000000000000007"} 0.02 "#))
        let time = try #require(shown[1].split(separator: " ").last)
        #expect(time.split(separator: ".").map(\.utf8.count) == [10, 3])
        #expect(!page(registry, .prometheus).contains("trace_id"))
    }

    @Test func slotsThatAreUsedUpShowNothing() throws {
        let registry = MetricsRegistry(shards: 1)
        let edges = (1...200).map(Double.init)
        for name in 0..<40 {
            _ = try registry.histogram("h\(name)", "H.", edges: edges, unit: .plain, exemplars: true)
        }
        let last = try registry.histogram("last", "L.", edges: edges, unit: .plain, exemplars: true)
        #expect(last.exemplars == -1)
        registry.shard(0).exemplify(last, value: 1, trace: (1, 1), at: 1)
        #expect(!page(registry).contains("trace_id"))
    }

    /// What is read was written together, however often it is replaced meanwhile.
    @Test func anExemplarIsNeverTorn() async throws {
        let registry = MetricsRegistry(shards: 1)
        let id = try registry.histogram("d_seconds", "D.", edges: [1], unit: .seconds, exemplars: true)
        let done = Done()
        let seen = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                for round in 1...300_000 as ClosedRange<UInt64> {
                    registry.shard(0).exemplify(id, value: round, trace: (round, ~round), at: round &* 3)
                }
                done.flag.store(true, ordering: .releasing)
                return 0
            }
            group.addTask {
                let slot = registry.shard(0).exemplars
                var seen = 0
                while !done.flag.load(ordering: .acquiring) || seen == 0 {
                    guard let read = ExemplarSlot.read(slot) else { continue }
                    seen += 1
                    let isWhole = read.trace.high == ~read.trace.low && read.value == read.trace.high
                    #expect(isWhole && read.at == read.value &* 3)
                }
                return seen
            }
            return try await group.reduce(0, +)
        }
        #expect(seen > 0)
    }

    private final class Done: Sendable { let flag = Atomic(false) }

    @Test(arguments: [
        ("application/openmetrics-text", true), ("application/openmetrics-text; version=1.0.0; charset=utf-8", true),
        // Prometheus 2.42
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true
        ),
        ("text/plain;q=0.5, APPLICATION/OpenMetrics-Text ; q=0.5", true),
        ("", false), ("*/*", false), ("text/plain", false), ("application/openmetrics-text;q=0", false),
        ("application/openmetrics-text;q=0.1,text/plain", false), ("application/openmetrics-text;version=2.0.0", false),
        ("application/openmetrics-text;q=x", false), (";;,=;q", false),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", false),
    ])
    func whatIsAskedFor(accept: String, isOpenMetrics: Bool) {
        let format = Array(accept.utf8).withUnsafeBytes { ExpositionFormat(accept: $0) }
        #expect(format == (isOpenMetrics ? .openMetrics : .prometheus))
        #expect(ExpositionFormat(accept: nil) == .prometheus)
    }
}
