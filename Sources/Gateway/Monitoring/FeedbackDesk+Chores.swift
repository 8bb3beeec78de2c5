// What the desk does now and then: it knows new versions, makes the ledger anew where others have written, changes keys,
// lets go of old labels, and shows figures.

import Admin
import Configuration
import Logging
import Monitoring
import State
import Synchronization

/// When chores are due; nanoseconds of the gateway's clock.
struct FeedbackSchedule {
    static let lookNanos: UInt64 = 1_000_000_000
    static let hourNanos: UInt64 = 3_600_000_000_000
    static let gaugeNanos: UInt64 = 60_000_000_000

    var lookedAt: UInt64 = 0
    var keptAt: UInt64 = 0
    var shownAt: UInt64 = 0
    var wantsGauges = false
    /// Of the store, when the ledger was made.
    var foreignVersion: Int64 = 0
}

extension FeedbackDesk {
    /// Labels that go in one transaction.
    private static let pruned = 100_000

    /// Versions that are served: what their ids mean is kept before the first label comes. Waits for nothing.
    func learn(_ served: ServedVersions) {
        for slot in served.indices {
            guard let subject = served[slot].stamped?.subject else { continue }
            guard told.withLock({ $0.insert(subject.identity).inserted }) else { continue }
            add { self.keep(subject) }
        }
    }

    private func keep(_ subject: LabelSubject) {
        if let other = books.withLock({ $0.ledger.learn(subject) }) {
            logger.error(
                """
                \(subject.model)/\(subject.version): its prediction ids cannot be told from those of \
                \(other.model)/\(other.version), labels of both are refused: publish it under another version
                """)
        }
        counters.declare(subject.model, subject.version)
        do throws(StateError) {
            try labels?.keep(subject: subject.identity, AdminJSON.encode(subject))
        } catch {
            logger.error("\(subject.model)/\(subject.version): what its labels mean is not kept: \(error)")
        }
    }

    /// Makes the ledger from the store.
    func rebuild() {
        guard let labels else { return }
        do throws(StateError) {
            let version = try labels.foreignVersion()
            var ledger = AccuracyLedger()
            for text in try labels.subjects() {
                guard let subject = try? AdminJSON.decode(LabelSubject.self, Array(text.utf8)) else {
                    logger.error("labels: what a version's labels mean cannot be read: they are left out")
                    continue
                }
                ledger.learn(subject)
            }
            try labels.visit { ledger.add(LabelRow($0)) }
            schedule.withLock { ($0.foreignVersion, $0.wantsGauges) = (version, true) }
            books.withLock { books in
                for subject in books.ledger.allSubjects { ledger.learn(subject) }
                books.ledger = ledger
                books.isComplete = true
            }
        } catch {
            logger.error("\(error): no labels are taken, and there are no figures of them")
        }
    }

    /// From the control thread, over and over; what is due is done by the desk's.
    func tick(_ now: UInt64) {
        let isDue = schedule.withLock { schedule in
            guard now - schedule.lookedAt >= FeedbackSchedule.lookNanos else { return false }
            schedule.lookedAt = now
            return true
        }
        if isDue { add { self.doChores(now) } }
    }

    private func doChores(_ now: UInt64) {
        let known = schedule.withLock { $0.foreignVersion }
        if let version = try? labels?.foreignVersion(), version != known { rebuild() }
        let (keeps, shows) = schedule.withLock { schedule in
            let keeps = schedule.keptAt == 0 || now - schedule.keptAt >= FeedbackSchedule.hourNanos
            let shows = schedule.wantsGauges || now - schedule.shownAt >= FeedbackSchedule.gaugeNanos
            if keeps { schedule.keptAt = now }
            if shows { (schedule.shownAt, schedule.wantsGauges) = (now, false) }
            return (keeps, shows)
        }
        if keeps { keepHouse() }
        if shows { show() }
    }

    private func keepHouse() {
        do throws(StateError) {
            let renewed = try Self.keys(settings, store)
            keys.withLock { $0 = renewed }
            // Whole days, so that the ledger forgets what the store does.
            let kept = Int64((settings.acceptNanos + settings.keepNanos) / 1_000_000)
            let day = (AuditEntry.now() - kept) / LabelRow.dayMillis
            guard let labels else { return }
            while try labels.prune(before: day * LabelRow.dayMillis, limit: Self.pruned) > 0 {}
            books.withLock { $0.ledger.forget(before: Int(day)) }
        } catch {
            logger.error("labels: \(error)")
        }
    }

    private func show() {
        let today = Self.today
        let ledger = books.withLock { $0.ledger }
        for subject in ledger.allSubjects where ledger.hasLabels(subject.identity) {
            for window in AccuracyWindow.allCases {
                if let report = ledger.report(subject.identity, window, today: today) { gauges.show(report) }
            }
        }
    }

    /// Since 1970 (UTC).
    static var today: Int { Int(AuditEntry.now() / LabelRow.dayMillis) }
}
