// A version's accuracy over some days of predictions.

/// Predictions that figures are made of: those of so many whole days, and of today (UTC).
public enum AccuracyWindow: String, Sendable, CaseIterable {
    case day = "1d"
    case week = "7d"
    case month = "30d"
    case all

    /// nil: as long as labels are kept.
    public var days: Int? {
        switch self {
        case .day: 1
        case .week: 7
        case .month: 30
        case .all: nil
        }
    }
}

public struct AccuracyReport: Sendable, Equatable {
    /// Of what the version itself answered in one arm, or what a fallback answered in its place.
    public struct ArmReport: Sendable, Equatable {
        public var arm: String
        public var isFallback: Bool
        public var figures: AccuracyFigures
    }

    /// Of the values of a declared group.
    public struct GroupReport: Sendable, Equatable {
        public struct Value: Sendable, Equatable {
            public var value: String
            public var figures: AccuracyFigures
        }

        public var feature: String
        public var values: [Value]
        /// The lowest by the highest: 1 is even. nil: fewer than two values have one.
        public var selectionRateRatio: Double?
        public var truePositiveRateRatio: Double?
    }

    public var subject: LabelSubject
    public var window: AccuracyWindow
    /// All arms, without what fallbacks answered.
    public var total: AccuracyFigures
    public var arms: [ArmReport]
    public var groups: [GroupReport]
}

/// The labels of one day's predictions, by how late they came.
public struct LabelCohort: Sendable, Equatable {
    /// Upper edges in days; what is later stands behind the last.
    public static let edges = [1, 7, 30, 90]

    /// Since 1970 (UTC).
    public var day: Int
    public var labels = 0
    public var positives = 0
    public var takenBack = 0
    /// By delay: within each edge, and later.
    public var delays = [Int](repeating: 0, count: edges.count + 1)

    init(day: Int) { self.day = day }

    mutating func count(_ row: LabelRow, _ subject: LabelSubject, by one: Int) {
        guard let label = row.label else {
            takenBack += one
            return
        }
        labels += one
        if label == subject.positive { positives += one }
        let delay = row.labelledAt - row.predictedAt
        let place = Self.edges.firstIndex { delay <= Int64($0) * LabelRow.dayMillis } ?? Self.edges.count
        delays[place] += one
    }

    mutating func add(_ other: LabelCohort) {
        labels += other.labels
        positives += other.positives
        takenBack += other.takenBack
        for index in delays.indices { delays[index] += other.delays[index] }
    }
}
