// What labels say, for triggers.

import Configuration
import Monitoring
import Synchronization

extension FeedbackDesk {
    /// What is known of a version now; nil: there are no labels.
    func labels(
        model: String, version: String, _ window: TriggerConfiguration.LabelWindow
    ) -> LabelFacts? {
        let today = Self.today
        let found = books.withLock { books -> (AccuracyReport, [LabelCohort])? in
            guard books.isComplete, let span = AccuracyWindow(rawValue: window.rawValue) else { return nil }
            // A version that was served with another threshold has a subject of its own: the one with most labels counts.
            let reports = books.ledger.subjects(of: model).filter { $0.version == version }.compactMap { subject in
                books.ledger.report(subject.identity, span, today: today)
            }
            guard let report = reports.max(by: { $0.total.labels < $1.total.labels }) else { return nil }
            let cohorts = books.ledger.cohorts(report.subject.identity).filter { cohort in
                span.days.map { cohort.day >= today - $0 } ?? true
            }
            return (report, cohorts)
        }
        return found.map { LabelFacts($0, $1) }
    }
}

extension LabelFacts {
    init(_ report: AccuracyReport, _ cohorts: [LabelCohort]) {
        let total = report.total
        let values: [(AccuracyMetric, Double?)] = [
            (.averagePrecision, total.averagePrecision), (.rocAUC, total.rocAUC), (.ks, total.kolmogorovSmirnov),
            (.accuracy, total.accuracy), (.precision, total.precision), (.recall, total.recall),
            (.selectionRate, total.selectionRate), (.approvalRate, total.approvalRate), (.brier, total.brier),
            (.logLoss, total.logLoss), (.calibrationError, total.calibrationError),
            // Of several groups the least even one.
            (.selectionRateRatio, report.groups.compactMap(\.selectionRateRatio).min()),
            (.truePositiveRateRatio, report.groups.compactMap(\.truePositiveRateRatio).min()),
        ]
        let samples = UInt64(max(total.labels, 0))
        self.init(
            figures: values.compactMap { metric, value in
                value.map { NamedFigure(metric.rawValue, $0, samples: samples) }
            })
        labels = UInt64(cohorts.reduce(0) { $0 + $1.labels })
        for delay in TriggerConfiguration.LabelDelay.allCases {
            guard let edge = LabelCohort.edges.firstIndex(of: delay.days) else { continue }
            late[delay] = UInt64(cohorts.reduce(0) { $0 + $1.delays[(edge + 1)...].reduce(0, +) })
        }
    }
}
