// What is counted for a version, arm by arm: made when a route first gives the version an arm, kept as long as it is loaded.

import Routing
import Synchronization
import Telemetry

/// One arm of a version, in plain words.
struct ArmSeries {
    /// For the `serin-arm` header.
    let name: UnsafeRawBufferPointer
    /// By `Outcome.rawValue`.
    let requests: InlineArray<6, CounterID>
    /// Answers that a fallback gave in its place.
    let fallbacks: CounterID
}

// SAFETY: a series is written before its address is handed out, and freed with the table, which lives as long as
// its version; the list is behind a mutex.
final class ArmTable: @unchecked Sendable {
    private let metrics: GatewayMetrics
    private let model: String
    private let version: String
    private let known: Mutex<[String: UnsafeMutablePointer<ArmSeries>]> = Mutex([:])
    /// Where there is no room for one more series.
    private let spare: UnsafeMutablePointer<ArmSeries>

    init(_ metrics: GatewayMetrics, model: String, version: String) throws(MetricsError) {
        (self.metrics, self.model, self.version) = (metrics, model, version)
        spare = try Self.make(Arm.pinned.text.description, metrics, model, version)
        known.withLock { $0[Arm.pinned.text.description] = spare }
    }

    deinit {
        for series in known.withLock({ $0 }).values where series != spare { Self.free(series) }
        Self.free(spare)
    }

    /// The series of an arm; pinned's where the registry has no room for more.
    func series(_ arm: String) -> UnsafePointer<ArmSeries> {
        known.withLock { known in
            if let series = known[arm] { return UnsafePointer(series) }
            guard let series = try? Self.make(arm, metrics, model, version) else { return UnsafePointer(spare) }
            known[arm] = series
            return UnsafePointer(series)
        }
    }

    var registry: MetricsRegistry { metrics.registry }

    /// Requests so far by outcome, all arms together; `fallback`: those that the ladder answered.
    func totals() -> [String: UInt64] {
        var totals: [String: UInt64] = [:]
        for series in known.withLock({ $0 }).values {
            for outcome in Outcome.allCases {
                let count = metrics.registry.total(series.pointee.requests[outcome.rawValue])
                if count > 0 { totals[outcome.label, default: 0] += count }
            }
            let fallbacks = metrics.registry.total(series.pointee.fallbacks)
            if fallbacks > 0 { totals["fallback", default: 0] += fallbacks }
        }
        return totals
    }

    private static func make(
        _ name: String, _ metrics: GatewayMetrics, _ model: String, _ version: String
    ) throws(MetricsError) -> UnsafeMutablePointer<ArmSeries> {
        let requests = try metrics.requests(model: model, version: version, arm: name)
        let fallbacks = try metrics.fallbacks(model: model, version: version, arm: name)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(name.utf8.count, 1), alignment: 1)
        bytes.copyBytes(from: name.utf8)
        let series = UnsafeMutablePointer<ArmSeries>.allocate(capacity: 1)
        series.initialize(
            to: ArmSeries(
                name: UnsafeRawBufferPointer(rebasing: bytes[..<name.utf8.count]), requests: requests,
                fallbacks: fallbacks))
        return series
    }

    private static func free(_ series: UnsafeMutablePointer<ArmSeries>) {
        series.pointee.name.deallocate()
        series.deallocate()
    }
}
