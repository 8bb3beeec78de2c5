// Counts by outcome that the control plane keeps, and a scrape reads.

import Synchronization
import Telemetry

final class OutcomeCounters: Sendable {
    private let counts = Mutex<[String: UInt64]>([:])

    /// - Parameter outcomes: all there are: each has a series from the start.
    init(
        _ registry: MetricsRegistry, _ name: String, _ help: String, labels: [(String, String)], outcomes: [String]
    ) throws(MetricsError) {
        for outcome in outcomes {
            try registry.counter(name, help, labels: labels + [("outcome", outcome)]) { [self] in
                Double(counts.withLock { $0[outcome] ?? 0 })
            }
        }
    }

    func add(_ outcome: String) { counts.withLock { $0[outcome, default: 0] += 1 } }
}
