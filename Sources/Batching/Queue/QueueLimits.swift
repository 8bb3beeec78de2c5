// What bounds one version's queue and the batches that are made of it.

public import Inference

public struct QueueLimits: Sendable, Equatable {
    /// Requests that may wait, in each class.
    public var requests = 1024
    /// Rows of one batch.
    public var batchRows = 256
    /// What one batch may take: a more urgent request, or another model's, waits for it to end.
    public var batchNanos: UInt64 = 500_000
    /// How long a request may wait for others to share its batch; 0: what is there is a batch.
    public var lingerNanos: UInt64 = 0
    /// Executors that may run the version at once; 0: all.
    public var concurrency = 0
    /// Batches that may pass by a class that waits.
    public var starvationBatches = 8
    /// A queue in which everybody has waited longer than this for `intervalNanos` lets nobody in who would.
    public var targetNanos: UInt64 = 2_000_000
    public var intervalNanos: UInt64 = 20_000_000
    /// The version's part of the executors' time when others want it too, against theirs.
    public var share = 1

    public init() {}
}

/// How a version's rows are scored: a C function, so that a call counts no reference.
public struct ScoringFunction: @unchecked Sendable {
    // SAFETY: whoever makes the queue keeps `context` alive as long as the queue is.
    public typealias Call =
        @convention(c) (
            _ context: UnsafeMutableRawPointer, _ jobs: UnsafeMutableRawPointer, _ count: Int,
            _ scratch: UnsafeMutableRawPointer, _ scratchBytes: Int
        ) -> Void

    public var context: UnsafeMutableRawPointer
    /// Scores `count` values of `ScoringJob` at `jobs`.
    public var call: Call
    /// Scratch for the largest batch.
    public var scratchBytes: Int
    public var featureCount: Int
    public var columns: Int
    public var scoreType: ValueType

    public init(
        context: UnsafeMutableRawPointer, call: Call, scratchBytes: Int, featureCount: Int, columns: Int,
        scoreType: ValueType
    ) {
        self.context = context
        self.call = call
        self.scratchBytes = scratchBytes
        self.featureCount = featureCount
        self.columns = columns
        self.scoreType = scoreType
    }
}
