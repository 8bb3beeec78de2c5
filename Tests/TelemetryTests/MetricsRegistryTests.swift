import Testing

@testable import Telemetry

@Suite struct MetricsRegistryTests {
    @Test func countersAreMergedOverShards() throws {
        let registry = MetricsRegistry(shards: 3)
        let ok = try registry.counter("serin_requests_total", "Requests.", labels: [("outcome", "ok")])
        let bad = try registry.counter("serin_requests_total", "Requests.", labels: [("outcome", "client_error")])
        registry.shard(0).add(ok)
        registry.shard(2).add(ok, 41)
        registry.shard(1).add(bad, 7)
        let scrape = try Exposition(registry.render())
        #expect(scrape.value("serin_requests_total", ["outcome": "ok"]) == 42)
        #expect(scrape.value("serin_requests_total", ["outcome": "client_error"]) == 7)
        #expect(registry.total(ok) == 42)
        #expect(scrape.types["serin_requests_total"] == "counter")
        #expect(scrape.help["serin_requests_total"] == "Requests.")
    }

    @Test func countersOfSecondsAddNanoseconds() throws {
        let registry = MetricsRegistry(shards: 2)
        let id = try registry.counter("cpu_seconds_total", "CPU.", unit: .seconds)
        registry.shard(0).add(id, 1_500_000_000)
        registry.shard(1).add(id, 250)
        #expect(try Exposition(registry.render()).value("cpu_seconds_total") == 1.50000025)
        #expect(throws: MetricsError.self) { try registry.counter("cpu_seconds_total", "CPU.") }
        #expect(try registry.counter("cpu_seconds_total", "CPU.", unit: .seconds) == id)
    }

    @Test func gaugesGoUpOnOneShardAndDownOnAnother() throws {
        let registry = MetricsRegistry(shards: 2)
        let inflight = try registry.gauge("serin_inflight", "Requests being worked on.")
        registry.shard(0).add(inflight, 5)
        registry.shard(1).add(inflight, -7)
        #expect(registry.total(inflight) == -2)
        #expect(try Exposition(registry.render()).value("serin_inflight") == -2)
    }

    @Test func readingsAreReadAtEachScrapeAndReplacedWhenDeclaredAgain() throws {
        let registry = MetricsRegistry(shards: 1)
        try registry.gauge("ratio", "r", read: { 0.25 })
        #expect(try Exposition(registry.render()).value("ratio") == 0.25)
        try registry.gauge("ratio", "r", read: { -.infinity })
        let scrape = try Exposition(registry.render())
        #expect(scrape.value("ratio") == -.infinity)
        #expect(scrape.samples.count == 1)
    }

    @Test func familiesStayTogetherHoweverTheyAreDeclared() throws {
        let registry = MetricsRegistry(shards: 1)
        for version in ["1", "2", "3"] {
            _ = try registry.counter("a_total", "A.", labels: [("version", version)])
            _ = try registry.histogram("b_seconds", "B.", labels: [("version", version)], edges: [1], unit: .seconds)
        }
        let scrape = try Exposition(registry.render())
        #expect(scrape.families == ["a_total", "b_seconds"])
        #expect(scrape.samples.count == 3 + 3 * 4)
    }

    @Test func labelValuesAndHelpAreEscaped() throws {
        let registry = MetricsRegistry(shards: 1)
        let name = "a \"quoted\" \\ name\nwith a line feed, } and ="
        let id = try registry.counter("a_total", "Back\\slash and\nline feed.", labels: [("model", name), ("b", "")])
        registry.shard(0).add(id)
        let scrape = try Exposition(registry.render())
        #expect(scrape.value("a_total", ["model": name, "b": ""]) == 1)
        #expect(scrape.help["a_total"] == "Back\\\\slash and\\nline feed.")
    }

    @Test func seriesDeclaredAgainKeepTheirCells() throws {
        let registry = MetricsRegistry(shards: 1)
        let first = try registry.counter("a_total", "A.", labels: [("m", "x")])
        registry.shard(0).add(first)
        let again = try registry.counter("a_total", "A.", labels: [("m", "x")])
        #expect(first == again)
        let one = try registry.histogram("b", "B.", edges: [1, 2], unit: .plain)
        #expect(try registry.histogram("b", "B.", edges: [1, 2], unit: .plain) == one)
        #expect(registry.total(again) == 1)
    }

    @Test func contradictionsAreRefused() throws {
        let registry = MetricsRegistry(shards: 1)
        _ = try registry.counter("a_total", "A.")
        _ = try registry.histogram("b", "B.", edges: [1, 2], unit: .plain)
        #expect(throws: MetricsError.self) { try registry.gauge("a_total", "A.") }
        #expect(throws: MetricsError.self) { try registry.counter("a_total", "Another help.") }
        #expect(throws: MetricsError.self) { try registry.counter("a_total", "A.", read: { 1 }) }
        #expect(throws: MetricsError.self) { try registry.histogram("b", "B.", edges: [1, 3], unit: .plain) }
        #expect(throws: MetricsError.self) { try registry.histogram("b", "B.", edges: [1, 2], unit: .seconds) }
    }

    @Test(arguments: [[], [2, 1], [1, 1], [-1], [Double.nan], [.infinity], [0.5], [1e300]])
    func edgesThatCannotBeAreRefused(edges: [Double]) {
        let registry = MetricsRegistry(shards: 1)
        #expect(throws: MetricsError.self) { try registry.histogram("b", "B.", edges: edges, unit: .plain) }
    }

    @Test(arguments: ["", "1a", "a-b", "a b", "ä", "a{"])
    func namesThatCannotBeAreRefused(name: String) {
        let registry = MetricsRegistry(shards: 1)
        #expect(throws: MetricsError.self) { try registry.counter(name, "A.") }
        #expect(throws: MetricsError.self) { try registry.counter("a_total", "A.", labels: [(name, "x")]) }
    }

    @Test func reservedAndRepeatedLabelsAreRefused() {
        let registry = MetricsRegistry(shards: 1)
        #expect(throws: MetricsError.self) {
            try registry.histogram("a", "A.", labels: [("le", "1")], edges: [1], unit: .plain)
        }
        #expect(throws: MetricsError.self) { try registry.counter("a_total", "A.", labels: [("__name__", "x")]) }
        #expect(throws: MetricsError.self) { try registry.counter("a_total", "A.", labels: [("m", "x"), ("m", "y")]) }
    }

    @Test func usedUpCellsAreAClearError() throws {
        let registry = MetricsRegistry(shards: 1, capacity: 5)
        let counter = try registry.counter("a_total", "A.")
        #expect(throws: MetricsError("b", "needs 5 cells, but 1 of 5 are used: load fewer model versions")) {
            try registry.histogram("b", "B.", edges: [1, 2, 3], unit: .plain)
        }
        let fits = try registry.histogram("b", "B.", edges: [1, 2], unit: .plain)
        registry.shard(0).observe(fits, value: 9)
        registry.shard(0).add(counter)
        let scrape = try Exposition(registry.render())
        #expect(scrape.value("a_total") == 1)
        #expect(scrape.value("b_bucket", ["le": "+Inf"]) == 1)
    }
}
