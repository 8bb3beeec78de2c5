// Writers, declarations and scrapes at the same time; the thread sanitizer watches this suite in CI.

import Glibc
import Synchronization
import Testing

@testable import Telemetry

@Suite struct ConcurrencyTests {
    static let writerCount = 3
    static let perWriter: UInt64 = 100_000

    /// How many writers are still at it.
    final class Writers: Sendable {
        let running = Atomic(ConcurrencyTests.writerCount)
    }

    @Test func nothingIsLostAndScrapesOnlyGrow() async throws {
        let registry = MetricsRegistry(shards: Self.writerCount)
        let counter = try registry.counter("a_total", "A.")
        let histogram = try registry.histogram("h_seconds", "H.", edges: LatencyEdges.standard, unit: .seconds)
        let writers = Writers()

        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<Self.writerCount {
                group.addTask {
                    let shard = registry.shard(index)
                    for round in 0..<Self.perWriter {
                        shard.add(counter)
                        shard.observe(histogram, nanos: round &* 1000)
                    }
                    writers.running.subtract(1, ordering: .releasing)
                }
            }
            group.addTask { try Self.scrape(registry, while: writers) }
            group.addTask { try Self.declareAndCount(registry) }
            try await group.waitForAll()
        }

        let scrape = try Exposition(registry.render())
        let expected = Double(UInt64(Self.writerCount) * Self.perWriter)
        #expect(scrape.value("a_total") == expected)
        #expect(scrape.value("h_seconds_count") == expected)
    }

    /// Each scrape parses, agrees with itself and is not below the one before it.
    private static func scrape(_ registry: MetricsRegistry, while writers: Writers) throws {
        var last = 0.0
        repeat {
            let scrape = try Exposition(registry.render())
            let count = try #require(scrape.value("h_seconds_count"))
            #expect(count == scrape.value("h_seconds_bucket", ["le": "+Inf"]))
            #expect(count >= last)
            last = count
        } while writers.running.load(ordering: .acquiring) > 0
    }

    /// Models that are loaded while others serve.
    private static func declareAndCount(_ registry: MetricsRegistry) throws {
        for version in 1...50 {
            _ = try registry.counter("late_total", "L.", labels: [("version", "\(version)")])
        }
    }

    @Test func shardsLieOnCacheLinesOfTheirOwn() {
        let registry = MetricsRegistry(shards: 4, capacity: 17)
        let addresses = (0..<4).map { UInt(bitPattern: registry.shard($0).cells) }
        for address in addresses { #expect(address % 128 == 0) }
        #expect(Set(addresses).count == 4)
    }
}
