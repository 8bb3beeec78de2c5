// A version's accuracy on /metrics: what its labels have said when the desk last looked, read by a scrape.
//
// Series of a version that has labels: 11 figures × 4 windows. A figure that its labels do not define is NaN, so that no rule
// takes it for a bad one.

import Monitoring
import Synchronization
import Telemetry

final class AccuracyGauges: Sendable {
    private static let figures: [(name: String, help: String, read: @Sendable (AccuracyFigures) -> Double?)] = [
        ("labels", "Predictions with a label.", { Double($0.labels) }),
        ("positives", "Labels that are the positive class.", { Double($0.positives) }),
        ("roc_auc", "Area under the ROC curve.", { $0.rocAUC }),
        ("average_precision", "Average precision.", { $0.averagePrecision }),
        ("ks", "Kolmogorov-Smirnov distance of the classes' scores.", { $0.kolmogorovSmirnov }),
        ("brier", "Brier score.", { $0.brier }),
        ("log_loss", "Logarithmic loss, in nats.", { $0.logLoss }),
        ("calibration_error", "Expected calibration error, over 15 bins.", { $0.calibrationError }),
        ("precision", "Precision at the threshold.", { $0.precision }),
        ("recall", "Recall at the threshold.", { $0.recall }),
        ("approval_ratio", "Labelled predictions that were not decided positive.", { $0.approvalRate }),
    ]

    private let registry: MetricsRegistry
    /// By model, version and window.
    private let shown = Mutex<[[String]: AccuracyFigures]>([:])

    init(_ registry: MetricsRegistry) { self.registry = registry }

    func show(_ report: AccuracyReport) {
        let key = [report.subject.model, report.subject.version, report.window.rawValue]
        let isNew = shown.withLock { $0.updateValue(report.total, forKey: key) == nil }
        if isNew { declare(key) }
    }

    private func declare(_ key: [String]) {
        for figure in Self.figures {
            // A reading takes no cell, so there is always room for one.
            try? registry.gauge(
                "serin_accuracy_\(figure.name)",
                "\(figure.help) Of labelled predictions of the last days, by the day of the prediction.",
                labels: [("model", key[0]), ("version", key[1]), ("window", key[2])]
            ) { [self] in shown.withLock { $0[key].flatMap(figure.read) } ?? .nan }
        }
    }
}
