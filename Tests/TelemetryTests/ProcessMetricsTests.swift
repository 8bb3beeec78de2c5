import Glibc
import Testing

@testable import Telemetry

@Suite struct ProcessMetricsTests {
    @Test func figuresAreThisProcess() throws {
        let registry = MetricsRegistry(shards: 1)
        try ProcessMetrics.declare(in: registry)
        let scrape = try Exposition(registry.render())
        #expect(scrape.types["process_cpu_seconds_total"] == "counter")
        #expect(try #require(scrape.value("process_cpu_seconds_total")) > 0)
        let resident = try #require(scrape.value("process_resident_memory_bytes"))
        #expect(resident > 1_048_576)
        #expect(try #require(scrape.value("process_virtual_memory_bytes")) >= resident)
        #expect(try #require(scrape.value("process_max_fds")) >= 64)
        #expect(try #require(scrape.value("process_threads")) >= 1)
        let start = try #require(scrape.value("process_start_time_seconds"))
        let now = Double(time(nil))
        #expect(start <= now + 2 && start > now - 86_400)
    }

    @Test func anOpenDescriptorIsCounted() throws {
        // Other tests of this process open and close descriptors too, hence many at once.
        let before = ProcessMetrics.openDescriptors()
        let opened = (0..<50).map { _ in open("/dev/null", O_RDONLY) }
        #expect(ProcessMetrics.openDescriptors() >= before + 40)
        for descriptor in opened { close(descriptor) }
    }
}
