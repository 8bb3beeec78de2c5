// A version's drift on /metrics: what the last tick has found, read by a scrape.
//
// Series of a version: (features + scores) × 3 windows of the index, 3 levels, and one histogram of 18 lines.

import Monitoring
import Synchronization
import Telemetry

final class DriftGauges: Sendable {
    private struct Values {
        /// By window, then by variable.
        var psi: [[Double]] = []
        var levels: [Double] = []
        /// Of the score: rows in each bin, and the sum.
        var scores: [UInt64] = []
        var sum = 0.0
    }

    private let values = Mutex(Values())

    /// Declares a version's series; one that is loaded again goes on with new ones.
    init(_ registry: MetricsRegistry, model: String, version: String, layout: DriftLayout) throws(MetricsError) {
        let labels = [("model", model), ("version", version)]
        for (index, window) in DriftWindow.allCases.enumerated() {
            for (place, variable) in layout.variables.enumerated() {
                let name = variable.isScore ? "serin_score_drift_psi" : "serin_feature_drift_psi"
                try registry.gauge(
                    name, "Population stability index against the training, corrected for small samples.",
                    labels: labels + [
                        (variable.isScore ? "output" : "feature", variable.name), ("window", window.rawValue),
                    ]
                ) { [self] in values.withLock { $0.psi.isEmpty ? 0 : $0.psi[index][place] } }
            }
            try registry.gauge(
                "serin_drift_level", "The highest level of a window: 0 none or unknown, 1 warning, 2 alert.",
                labels: labels + [("window", window.rawValue)]
            ) { [self] in values.withLock { $0.levels.isEmpty ? 0 : $0.levels[index] } }
        }
        guard layout.scoreEdges.count > 1 else { return }
        try registry.histogram(
            "serin_score", "Scores that were counted for drift, by the bins of the training.", labels: labels,
            edges: layout.scoreEdges
        ) { [self] in
            values.withLock {
                ($0.scores.isEmpty ? Array(repeating: 0, count: layout.scoreEdges.count + 1) : $0.scores, $0.sum)
            }
        }
    }

    func show(_ reports: [DriftReport], scores: [UInt64], sum: Double) {
        let psi = reports.map { report in report.findings.map(\.psi) }
        let levels = reports.map { $0.level == .alert ? 2.0 : $0.level == .warning ? 1.0 : 0.0 }
        values.withLock { $0 = Values(psi: psi, levels: levels, scores: scores, sum: sum) }
    }
}
