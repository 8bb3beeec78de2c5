// Accuracy as the control plane sees it: what an operator asks, and the key that ids are made with.

import Admin
import Configuration
import Monitoring
import Synchronization

/// What labels say of one version.
struct VersionAccuracy: Sendable {
    var subject: LabelSubject
    /// By window.
    var reports: [AccuracyReport]
    /// The newest first.
    var cohorts: [LabelCohort]
}

extension Controller {
    /// Now and then; a new key reaches the reactors with a snapshot.
    func tickFeedback(at now: UInt64) {
        feedback.tick(now)
        guard let key = feedback.newestKey else { return }
        let published = state.withLock { state -> UInt64? in
            guard state.predictionKey != key else { return nil }
            state.predictionKey = key
            return publish(&state)
        }
        if let published { settle(published) }
    }

    /// The figures of every version of a model that has labels, by window.
    func accuracyOf(_ name: String) throws(AdminProblem) -> [VersionAccuracy] {
        guard state.withLock({ $0.index(of: name) }) != nil else {
            throw AdminProblem(.notFound, "there is no model \(quoted(name))")
        }
        // A copy: figures take a while, and the desk goes on meanwhile.
        let books = feedback.books.withLock { $0 }
        guard books.isComplete else {
            throw AdminProblem(.unavailable, "the labels are not read yet, or cannot be: see the log")
        }
        let today = FeedbackDesk.today
        return books.ledger.subjects(of: name).map { subject in
            let identity = subject.identity
            return VersionAccuracy(
                subject: subject,
                reports: AccuracyWindow.allCases.compactMap { books.ledger.report(identity, $0, today: today) },
                cohorts: books.ledger.cohorts(identity))
        }
    }

    func accuracy(_ name: String) throws(AdminProblem) -> AccuracyDocument {
        AccuracyDocument(
            model: name,
            versions: try accuracyOf(name).map { version in
                let subject = version.subject
                return AccuracyDocument.Version(
                    version: subject.version, digest: subject.digest, classes: subject.classes,
                    positive: subject.positive, threshold: subject.positive == nil ? nil : subject.threshold,
                    amount: subject.amount, windows: version.reports.map(Self.window),
                    cohorts: version.cohorts.map(Self.cohort))
            })
    }

    private static func window(_ report: AccuracyReport) -> AccuracyDocument.Window {
        AccuracyDocument.Window(
            window: report.window.rawValue, figures: figures(report.total),
            arms: report.arms.map {
                .init(arm: $0.arm, tier: $0.isFallback ? "fallback" : "full", figures: figures($0.figures))
            },
            groups: report.groups.map { group in
                .init(
                    feature: group.feature, selectionRateRatio: group.selectionRateRatio,
                    truePositiveRateRatio: group.truePositiveRateRatio,
                    values: group.values.map { .init(value: $0.value, figures: figures($0.figures)) })
            })
    }

    private static func cohort(_ cohort: LabelCohort) -> AccuracyDocument.Cohort {
        AccuracyDocument.Cohort(
            day: String(Timestamp.text(Int64(cohort.day) * LabelRow.dayMillis).prefix(10)), labels: cohort.labels,
            positives: cohort.positives, takenBack: cohort.takenBack,
            delays: zip(LabelCohort.edges.map { "\($0)d" } + ["later"], cohort.delays).map {
                .init(within: $0, labels: $1)
            })
    }

    private static func figures(_ figures: AccuracyFigures) -> FiguresDocument {
        var document = FiguresDocument(
            labels: figures.labels, positives: figures.positives, truePositives: figures.truePositives,
            falsePositives: figures.falsePositives, falseNegatives: figures.falseNegatives,
            trueNegatives: figures.trueNegatives)
        (document.rocAUC, document.rocAUCError) = (figures.rocAUC, figures.rocAUCError)
        document.averagePrecision = figures.averagePrecision
        document.averagePrecisionError = figures.averagePrecisionError
        (document.ks, document.ksError) = (figures.kolmogorovSmirnov, figures.kolmogorovSmirnovError)
        (document.brier, document.logLoss) = (figures.brier, figures.logLoss)
        (document.calibrationError, document.accuracy) = (figures.calibrationError, figures.accuracy)
        (document.precision, document.recall) = (figures.precision, figures.recall)
        (document.selectionRate, document.approvalRate) = (figures.selectionRate, figures.approvalRate)
        document.money = figures.money.map { money in
            .init(
                truePositives: money.truePositives, falsePositives: money.falsePositives,
                falseNegatives: money.falseNegatives, trueNegatives: money.trueNegatives, precision: money.precision,
                recall: money.recall, approvalRate: money.approvalRate)
        }
        return document
    }
}
