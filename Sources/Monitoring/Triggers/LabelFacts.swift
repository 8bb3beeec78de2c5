// What labels say of a version, as conditions look at it.

public import Configuration

/// What labels say of a version's predictions of some days.
public struct LabelFacts: Sendable, Equatable {
    /// By the names of `AccuracyMetric`; what the labels do not define is left out.
    public var figures: [NamedFigure]
    public var labels: UInt64
    /// How many of them came later than this.
    public var late: [TriggerConfiguration.LabelDelay: UInt64]

    public init(
        figures: [NamedFigure] = [], labels: UInt64 = 0, late: [TriggerConfiguration.LabelDelay: UInt64] = [:]
    ) {
        (self.figures, self.labels, self.late) = (figures, labels, late)
    }
}

extension TriggerConfiguration.Condition {
    /// The labels that the condition is about; nil: none.
    public var labelWindow: TriggerConfiguration.LabelWindow? {
        switch self {
        case .metric(_, _, _, let window, _), .labelDelay(_, _, let window, _): window
        case .drift, .violations: nil
        }
    }
}
