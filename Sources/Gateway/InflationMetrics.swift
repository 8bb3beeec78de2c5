// What packed bodies came to.

import HTTP
import Telemetry

struct InflationMetrics: Sendable {
    let inflated: CounterID
    let tooLarge: CounterID
    let malformed: CounterID
    let bytesIn: CounterID
    let bytesOut: CounterID

    init(_ registry: MetricsRegistry) throws(MetricsError) {
        func bodies(_ outcome: String) throws(MetricsError) -> CounterID {
            try registry.counter(
                "serin_inflated_bodies_total", "Request bodies with a content-encoding, by what came of them.",
                labels: [("outcome", outcome)])
        }
        inflated = try bodies("ok")
        tooLarge = try bodies("too_large")
        malformed = try bodies("malformed")
        bytesIn = try registry.counter(
            "serin_inflated_bytes_total", "Bytes of bodies that were inflated, before and after.",
            labels: [("side", "packed")])
        bytesOut = try registry.counter(
            "serin_inflated_bytes_total", "Bytes of bodies that were inflated, before and after.",
            labels: [("side", "inflated")])
    }
}

extension DataPlane {
    func count(_ counts: InflationCounts) {
        shard.add(metrics.inflation.inflated, UInt64(counts.inflated))
        shard.add(metrics.inflation.tooLarge, UInt64(counts.tooLarge))
        shard.add(metrics.inflation.malformed, UInt64(counts.malformed))
        shard.add(metrics.inflation.bytesIn, UInt64(counts.bytesIn))
        shard.add(metrics.inflation.bytesOut, UInt64(counts.bytesOut))
    }
}
