// What labels say of a version: the figures of the field, under the names and by the definitions of scikit-learn and fairlearn.
//
// A figure that its labels do not define (precision without a positive decision, anything of ranks with one class) is nil,
// never 0.

public struct AccuracyFigures: Sendable, Equatable {
    /// Money by outcome, where the model names an amount.
    public struct Money: Sendable, Equatable {
        public var truePositives: Double
        public var falsePositives: Double
        public var falseNegatives: Double
        public var trueNegatives: Double
        /// Of the money that was decided positive, what was; of the money that was positive, what was decided so.
        public var precision: Double?
        public var recall: Double?
        /// Of all money, what was not decided positive.
        public var approvalRate: Double?
    }

    public var labels: Int
    public var positives: Int
    public var truePositives: Int
    public var falsePositives: Int
    public var falseNegatives: Int
    public var trueNegatives: Int
    public var rocAUC: Double?
    public var averagePrecision: Double?
    public var kolmogorovSmirnov: Double?
    /// How far these three may be off, because scores share bins; 0: not at all.
    public var rocAUCError: Double?
    public var averagePrecisionError: Double?
    public var kolmogorovSmirnovError: Double?
    /// Of scores that are probabilities, as the next two.
    public var brier: Double?
    public var logLoss: Double?
    /// Expected: over 15 bins of equal width, the mean distance of score and truth.
    public var calibrationError: Double?
    public var accuracy: Double?
    /// At the threshold.
    public var precision: Double?
    public var recall: Double?
    /// Decided positive.
    public var selectionRate: Double?
    public var approvalRate: Double?
    public var money: Money?

    init(_ cell: AccuracyCell, _ subject: LabelSubject) {
        labels = cell.labels
        let counts = cell.outcomes.counts
        (truePositives, falsePositives) = (counts[0], counts[1])
        (falseNegatives, trueNegatives) = (counts[2], counts[3])
        positives = counts[0] + counts[2]
        let probabilities = labels - cell.outside
        // With more than two classes, the score is the decided class's: right or wrong is all that it can be held against.
        let isBinary = subject.positive != nil
        if probabilities == labels, labels > 0 {
            brier = cell.squares.value / Double(labels)
            logLoss = isBinary ? cell.logarithms.value / Double(labels) : nil
            calibrationError = cell.calibration.reduce(0) {
                $0 + abs($1.scores.value - Double($1.positives)) / Double(labels)
            }
        }
        accuracy = Self.ratio(isBinary ? counts[0] + counts[3] : counts[0], labels)
        guard isBinary else { return }
        if let ranks = RankFigures(cell.histogram) {
            (rocAUC, rocAUCError) = (ranks.rocAUC, ranks.rocAUCError)
            (averagePrecision, averagePrecisionError) = (ranks.averagePrecision, ranks.averagePrecisionError)
            (kolmogorovSmirnov, kolmogorovSmirnovError) = (ranks.kolmogorovSmirnov, ranks.kolmogorovSmirnovError)
        }
        precision = Self.ratio(counts[0], counts[0] + counts[1])
        recall = Self.ratio(counts[0], counts[0] + counts[2])
        selectionRate = Self.ratio(counts[0] + counts[1], labels)
        approvalRate = Self.ratio(counts[2] + counts[3], labels)
        if subject.amount != nil { money = Money(cell.outcomes) }
    }

    private static func ratio(_ part: Int, _ whole: Int) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
}

extension AccuracyFigures.Money {
    init(_ outcomes: AccuracyCell.Outcomes) {
        func ratio(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? part / whole : nil }
        let amounts = outcomes.amounts
        (truePositives, falsePositives) = (amounts[0].value, amounts[1].value)
        (falseNegatives, trueNegatives) = (amounts[2].value, amounts[3].value)
        precision = ratio(truePositives, truePositives + falsePositives)
        recall = ratio(truePositives, truePositives + falseNegatives)
        let approved = falseNegatives + trueNegatives
        approvalRate = ratio(approved, approved + truePositives + falsePositives)
    }
}
