// Labels of one kind added up: by outcome, by score, by money. What was added can be taken back to the bit.

internal import Glibc

struct AccuracyCell: Sendable, Equatable {
    /// Decision and truth, of two classes; of more: right is `truePositives`, wrong `falsePositives`.
    struct Outcomes: Sendable, Equatable {
        var counts: InlineArray<4, Int> = .init(repeating: 0)
        var amounts: InlineArray<4, FixedSum> = .init(repeating: FixedSum())

        static func == (left: Outcomes, right: Outcomes) -> Bool {
            (0..<4).allSatisfy { left.counts[$0] == right.counts[$0] && left.amounts[$0] == right.amounts[$0] }
        }
    }

    enum Outcome: Int { case truePositive, falsePositive, falseNegative, trueNegative }

    /// Labels whose score lies in a tenth (or so) of 0 to 1.
    struct Bin: Sendable, Equatable {
        var labels = 0
        var positives = 0
        var scores = FixedSum()
    }

    static let calibrationBins = 15
    /// What a probability is kept away from 0 and 1 by, for its logarithm.
    static let epsilon = 0x1p-52

    var histogram: ScoreHistogram
    var outcomes = Outcomes()
    var squares = FixedSum()
    var logarithms = FixedSum()
    var calibration = [Bin](repeating: Bin(), count: calibrationBins)
    /// Labels whose score is no probability.
    var outside = 0
    /// Labels with an amount.
    var withAmount = 0

    init(binsMax: Int) { histogram = ScoreHistogram(binsMax: binsMax) }

    var labels: Int { outcomes.counts[0] + outcomes.counts[1] + outcomes.counts[2] + outcomes.counts[3] }

    /// Adds a label, or takes it back.
    mutating func count(_ row: LabelRow, _ label: Int, _ subject: LabelSubject, isBack: Bool) {
        let isPositive = subject.positive.map { label == $0 } ?? (label == row.decision)
        let isDecided = subject.positive.map { row.decision == $0 } ?? true
        let outcome: Outcome =
            isDecided
            ? (isPositive ? .truePositive : .falsePositive) : (isPositive ? .falseNegative : .trueNegative)
        outcomes.counts[outcome.rawValue] += isBack ? -1 : 1
        if let amount = row.amount {
            withAmount += isBack ? -1 : 1
            if isBack {
                outcomes.amounts[outcome.rawValue].take(amount)
            } else {
                outcomes.amounts[outcome.rawValue].add(amount)
            }
        }
        if isBack {
            histogram.take(row.score, isPositive: isPositive)
        } else {
            histogram.add(row.score, isPositive: isPositive)
        }
        countProbability(row.score, isPositive, isBack)
    }

    private mutating func countProbability(_ score: Double, _ isPositive: Bool, _ isBack: Bool) {
        guard score >= 0, score <= 1 else {
            outside += isBack ? -1 : 1
            return
        }
        let error = score - (isPositive ? 1 : 0)
        let safe = max(Self.epsilon, min(1 - Self.epsilon, score))
        let loss = -log(isPositive ? safe : 1 - safe)
        let place = min(Int(score * Double(Self.calibrationBins)), Self.calibrationBins - 1)
        calibration[place].labels += isBack ? -1 : 1
        if isPositive { calibration[place].positives += isBack ? -1 : 1 }
        if isBack {
            squares.take(error * error)
            logarithms.take(loss)
            calibration[place].scores.take(score)
        } else {
            squares.add(error * error)
            logarithms.add(loss)
            calibration[place].scores.add(score)
        }
    }

    mutating func add(_ other: AccuracyCell) {
        histogram.add(other.histogram)
        for index in 0..<4 {
            outcomes.counts[index] += other.outcomes.counts[index]
            outcomes.amounts[index].add(other.outcomes.amounts[index])
        }
        squares.add(other.squares)
        logarithms.add(other.logarithms)
        for index in 0..<Self.calibrationBins {
            calibration[index].labels += other.calibration[index].labels
            calibration[index].positives += other.calibration[index].positives
            calibration[index].scores.add(other.calibration[index].scores)
        }
        outside += other.outside
        withAmount += other.withAmount
    }
}
