// What an executor gets: some rows, and where their scores go.
//
// A batch is an array of jobs, one for each request, so rows never have to be copied together:
//
//     job 0 ─► values [row][feature]   ─► margins, scores [row][output]
//     job 1 ─► values [row][feature]   ─► …
//
// Values stay as they arrived, FP32 or FP64; the kernel converts to what the model's trainer
// would compare, because the model version is chosen after parsing and versions may differ in width.

/// Why a job has no usable scores.
public enum ScoringStatus: UInt8, Sendable {
    case ok
    /// A score or margin is NaN or infinite: the model's fault, not an answer.
    case nonFinite
    /// The scorer failed: the executor's fault, not an answer.
    case fault
}

public struct ScoringJob {
    /// `rowCount` × features, row-major, contiguous; NaN is missing. Aligned to `valueType`.
    public var values: UnsafeRawPointer
    public var rowCount: Int
    public var valueType: ValueType
    /// `rowCount` × outputs in the model's score type, before the objective's transform; nil: not wanted.
    public var margins: UnsafeMutableRawPointer?
    /// `rowCount` × outputs in the model's score type, after the transform.
    public var scores: UnsafeMutableRawPointer
    /// `rowCount` × outputs × (features + 1) in the model's score type; nil: not wanted. Only an explainer fills it.
    public var contributions: UnsafeMutableRawPointer?
    /// Written by the executor.
    public var status: ScoringStatus

    @inlinable
    public init(
        values: UnsafeRawPointer, rowCount: Int, valueType: ValueType, margins: UnsafeMutableRawPointer?,
        scores: UnsafeMutableRawPointer, contributions: UnsafeMutableRawPointer? = nil
    ) {
        self.values = values
        self.rowCount = rowCount
        self.valueType = valueType
        self.margins = margins
        self.scores = scores
        self.contributions = contributions
        status = .ok
    }
}
