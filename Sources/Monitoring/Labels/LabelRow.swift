// A label with what the prediction's id said: all that is stored, and all that figures are made of.

public struct LabelRow: Sendable, Equatable {
    public var number: RequestNumber
    public var row: Int
    public var identity: UInt64
    public var arm: String
    public var isFallback: Bool
    public var score: Double
    public var decision: Int
    public var amount: Double?
    public var groups: [UInt8]
    /// A class; nil: it was taken back.
    public var label: Int?
    public var revision: Int64
    /// When the truth was known, and when it came here; milliseconds since 1970.
    public var labelledAt: Int64
    public var receivedAt: Int64

    public init(
        number: RequestNumber, row: Int, identity: UInt64, arm: String, isFallback: Bool, score: Double,
        decision: Int, amount: Double?, groups: [UInt8], label: Int?, revision: Int64, labelledAt: Int64,
        receivedAt: Int64
    ) {
        (self.number, self.row, self.identity) = (number, row, identity)
        (self.arm, self.isFallback, self.score, self.decision) = (arm, isFallback, score, decision)
        (self.amount, self.groups, self.label, self.revision) = (amount, groups, label, revision)
        (self.labelledAt, self.receivedAt) = (labelledAt, receivedAt)
    }

    public init(
        _ facts: PredictionFacts, arm: String, label: Int?, revision: Int64, labelledAt: Int64, receivedAt: Int64
    ) {
        self.init(
            number: facts.number, row: facts.row, identity: facts.identity,
            arm: arm, isFallback: facts.isFallback, score: facts.score, decision: facts.decision,
            amount: facts.amount, groups: facts.groups, label: label, revision: revision, labelledAt: labelledAt,
            receivedAt: receivedAt)
    }

    /// Of the prediction, in milliseconds since 1970.
    public var predictedAt: Int64 { number.millis }

    /// The prediction's day since 1970 (UTC): its cohort.
    public var day: Int { Int(predictedAt / LabelRow.dayMillis) }

    public static let dayMillis: Int64 = 86_400_000
}

/// What a label does to the one that is stored.
public enum LabelVerdict: Sendable, Equatable {
    case accepted, revised
    /// It is there already, or a later revision of it is: nothing changes.
    case repeated, superseded
    /// It says something else about the same prediction.
    case contradiction

    /// `stored`: nil: none. A later revision takes the place of an earlier one, whatever the order they come in.
    public static func judge(_ stored: LabelRow?, label: Int?, revision: Int64?) -> LabelVerdict {
        guard let stored else { return .accepted }
        let revision = revision ?? 0
        if revision > stored.revision { return .revised }
        if revision < stored.revision { return .superseded }
        return stored.label == label ? .repeated : .contradiction
    }
}
