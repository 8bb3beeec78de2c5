// A wrong scorer is no scorer: answers are compared with the trainer's before the clock runs.

import Glibc

enum Answers {
    /// Rows that are compared.
    static let count = 4_096
    /// How far a peer may be off, in probability: half a thousandth of what a decision turns on.
    private static let peerTolerance = 1e-4

    /// Throws where Serin's answers are not the trainer's, on batches or on single rows.
    static func check(_ serin: SerinScorer, _ model: MeasuredModel, _ rows: MeasuredRows) throws {
        for (rowsPerCall, way) in [(64, "in batches of 64"), (1, "one by one"), (count, "all at once")] {
            let found = serin.answers(min(count, rows.count), rowsPerCall: rowsPerCall)
            for (row, answer) in found.enumerated() where !agrees(answer, rows.answers[row], model.agreement) {
                throw Failure(
                    "\(model.name): serin's answer to row \(row), scored \(way), is \(answer), "
                        + "the trainer's \(rows.answers[row])")
            }
        }
    }

    private static func agrees(_ found: Double, _ wanted: Double, _ agreement: Agreement) -> Bool {
        switch agreement {
        case .floatBits: Float(found).bitPattern == Float(wanted).bitPattern
        case .oneUnit: found == wanted || found.nextUp == wanted || found.nextDown == wanted
        case .within(let tolerance): (found - wanted).magnitude <= tolerance
        }
    }

    /// What is wrong with a peer's answers; nil: nothing.
    static func fault(_ peer: any Scorer, _ model: MeasuredModel, _ rows: MeasuredRows) throws -> String? {
        var wrong = 0
        var largest = 0.0
        let found = try peer.answers(min(count, rows.count))
        for (row, answer) in found.enumerated() {
            let own = peer.givesMargins ? sigmoid(answer) : answer
            let trainers = model.hasMargins ? sigmoid(rows.answers[row]) : rows.answers[row]
            let distance = (own - trainers).magnitude
            if !(distance <= peerTolerance) { wrong += 1 }
            largest = max(largest, distance)
        }
        return wrong == 0
            ? nil : "\(wrong) of \(found.count) answers are wrong, by up to \(Text.number(largest, decimals: 3))"
    }

    private static func sigmoid(_ margin: Double) -> Double { 1 / (1 + exp(-margin)) }
}
