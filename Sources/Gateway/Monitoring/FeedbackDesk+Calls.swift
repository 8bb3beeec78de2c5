// Calls with labels, as many as wait, in one transaction: what cannot be read is refused by itself, what can is written or
// not, all of it.

import Admin
import Configuration
import Logging
import Monitoring
import Routing
import State
import Synchronization

extension FeedbackDesk {
    /// A label on its way through the transaction.
    private struct Step {
        /// nil: it was refused.
        var row: LabelRow?
        var version = ""
        var refusal: FeedbackRefusal?
        var verdict = LabelVerdict.accepted
        /// What it takes the place of.
        var before: LabelRow?
    }

    private struct Reading {
        var call: Call
        /// Of the whole body.
        var refusal: FeedbackRefusal?
        var isBatch = false
        var steps: [Step] = []
    }

    func handle(_ calls: [Call], _ reader: inout FeedbackReader) {
        var readings: [Reading] = []
        for call in calls { readings.append(read(call, &reader)) }
        if let failure = write(&readings) {
            for reading in readings { fail(reading, failure) }
            return
        }
        let isNews = books.withLock { books in
            var isNews = false
            for step in readings.flatMap(\.steps) where step.verdict == .accepted || step.verdict == .revised {
                guard let row = step.row else { continue }
                if let before = step.before { books.ledger.take(before) }
                books.ledger.add(row)
                isNews = true
            }
            return isNews
        }
        if isNews { schedule.withLock { $0.wantsGauges = true } }
        for reading in readings { answer(reading) }
    }

    // MARK: Read

    private func read(_ call: Call, _ reader: inout FeedbackReader) -> Reading {
        var reading = Reading(call: call)
        let context = FeedbackEntry.Context(
            model: call.model, keys: keys.withLock { $0 }, now: AuditEntry.now(),
            acceptMillis: Int64(settings.acceptNanos / 1_000_000),
            armNames: (0..<Arm.fixedCount).map { Arm(rawValue: UInt8($0)).text.description })
        do throws(FeedbackRefusal) {
            let body = try reader.read(call.body)
            reading.isBatch = body.isBatch
            for (index, entry) in body.entries.enumerated() {
                reading.steps.append(step(entry, body.isBatch ? "feedback[\(index)]." : "", context))
            }
        } catch {
            reading.refusal = error
        }
        return reading
    }

    private func step(
        _ entry: Result<FeedbackEntry, FeedbackRefusal>, _ place: String, _ context: FeedbackEntry.Context
    ) -> Step {
        do throws(FeedbackRefusal) {
            let (row, subject) = try entry.get().resolve(context, place) { identity in
                books.withLock { $0.ledger.subject(identity) }
            }
            return Step(row: row, version: subject.version)
        } catch {
            return Step(refusal: error)
        }
    }

    // MARK: Write

    /// Why nothing of it is on disk; nil: all of it is.
    private func write(_ readings: inout [Reading]) -> String? {
        guard readings.contains(where: { $0.steps.contains { $0.row != nil } }) else { return nil }
        guard let labels else { return "labels cannot be written: their file cannot be used" }
        guard books.withLock({ $0.isComplete }) else { return "the labels that are stored cannot be read" }
        var changed = readings
        do throws(StateError) {
            try labels.write { transaction in
                for index in changed.indices {
                    for place in changed[index].steps.indices {
                        let name = changed[index].isBatch ? "feedback[\(place)].label" : "label"
                        try Self.judge(&changed[index].steps[place], name, transaction)
                    }
                }
            }
        } catch {
            return "\(error)"
        }
        readings = changed
        return nil
    }

    private static func judge(_ step: inout Step, _ name: String, _ transaction: LabelStore.Transaction) throws {
        guard let row = step.row else { return }
        let stored = try transaction.label(row.number.high, row.number.low, row: row.row).map { LabelRow($0) }
        step.verdict = LabelVerdict.judge(stored, label: row.label, revision: row.revision)
        switch step.verdict {
        case .accepted, .revised:
            step.before = stored
            try transaction.put(row.record)
        case .contradiction:
            step.row = nil
            let last = stored?.revision ?? 0
            step.refusal = FeedbackRefusal(
                409, "\(name): contradicts the label that the prediction has; send a revision above \(last)")
        case .repeated, .superseded: break
        }
    }

    // MARK: Answer

    private func fail(_ reading: Reading, _ reason: String) {
        if let refusal = reading.refusal { return refuse(reading, refusal) }
        counters.count(reading.call.model, "", .failed, by: reading.steps.count)
        logger.error("\(reading.call.model): \(reading.steps.count) labels were not taken: \(reason)")
        reading.call.answer(FeedbackAnswer(status: 503, text: "\(reason); try again later"))
    }

    private func refuse(_ reading: Reading, _ refusal: FeedbackRefusal) {
        counters.count(reading.call.model, "", .refused, by: 1)
        reading.call.answer(FeedbackAnswer(status: refusal.status, text: refusal.message))
    }

    private func answer(_ reading: Reading) {
        if let refusal = reading.refusal { return refuse(reading, refusal) }
        for step in reading.steps {
            counters.count(
                reading.call.model, step.version, step.refusal == nil ? FeedbackOutcome(step.verdict) : .refused, by: 1)
        }
        if reading.isBatch {
            return reading.call.answer(FeedbackAnswer(status: 200, text: AdminJSON.encode(summary(reading.steps))))
        }
        let step = reading.steps[0]
        if let refusal = step.refusal {
            return reading.call.answer(FeedbackAnswer(status: refusal.status, text: refusal.message))
        }
        guard let row = step.row else { preconditionFailure("a label is refused or it has a row") }
        let document = FeedbackDocument(
            outcome: FeedbackOutcome(step.verdict).rawValue, id: row.number.text, row: row.row, version: step.version)
        reading.call.answer(FeedbackAnswer(status: 200, text: AdminJSON.encode(document)))
    }

    private func summary(_ steps: [Step]) -> FeedbackSummary {
        var summary = FeedbackSummary()
        for (index, step) in steps.enumerated() {
            if let refusal = step.refusal {
                summary.refused += 1
                summary.errors.append(.init(index: index, status: refusal.status, error: refusal.message))
                continue
            }
            switch step.verdict {
            case .accepted: summary.accepted += 1
            case .revised: summary.revised += 1
            case .repeated: summary.repeated += 1
            case .superseded, .contradiction: summary.superseded += 1
            }
        }
        return summary
    }
}

/// The answer to one label.
private struct FeedbackDocument: Encodable {
    var outcome: String
    /// As the decision log has it.
    var id: String
    var row: Int
    var version: String
}

/// The answer to many.
private struct FeedbackSummary: Encodable {
    struct Failure: Encodable {
        var index: Int
        var status: Int
        var error: String
    }

    var accepted = 0
    var repeated = 0
    var revised = 0
    var superseded = 0
    var refused = 0
    var errors: [Failure] = []
}

extension LabelRow {
    init(_ record: LabelStore.Record) {
        self.init(
            number: RequestNumber(high: record.numberHigh, low: record.numberLow), row: record.row,
            identity: record.subject, arm: record.arm, isFallback: record.isFallback, score: record.score,
            decision: record.decision,
            amount: record.amount, groups: record.groups, label: record.label, revision: record.revision,
            labelledAt: record.labelledAt, receivedAt: record.receivedAt)
    }

    var record: LabelStore.Record {
        LabelStore.Record(
            numberHigh: number.high, numberLow: number.low, row: row, subject: identity, arm: arm,
            isFallback: isFallback, score: score, decision: decision, amount: amount, groups: groups, label: label,
            revision: revision, labelledAt: labelledAt, receivedAt: receivedAt)
    }
}
