// How one model's requests are queued and batched when executors score them, and what answers where it cannot.

/// `models.NAME.queue`
public struct QueueConfiguration: Sendable, Equatable {
    /// Who scores: the reactor that read the request, or an executor.
    public enum Lane: String, Sendable, CaseIterable {
        /// Whichever suits what batches take.
        case measured
        case inline, pooled
    }

    public internal(set) var lane = Lane.measured
    /// Requests that may wait, in each priority class.
    public internal(set) var requests = 1024
    /// Rows of one batch.
    public internal(set) var batchRows = 256
    /// What one batch may take.
    public internal(set) var batchNanos: UInt64 = 500_000
    /// How long a batch may wait for company.
    public internal(set) var lingerNanos: UInt64 = 0
    /// Executors that may run a version at once; 0: all.
    public internal(set) var concurrency = 0
    /// Batches that may pass by a class that waits.
    public internal(set) var starvation = 8
    /// A wait that is too long for everybody, and for how long it may be.
    public internal(set) var targetNanos: UInt64 = 2_000_000
    public internal(set) var intervalNanos: UInt64 = 20_000_000
    /// The model's part of the executors' time against others'.
    public internal(set) var share = 1

    init() {}
}

/// One rung of `models.NAME.fallback`.
public struct FallbackTier: Sendable, Equatable {
    public enum Answer: Sendable, Equatable {
        /// Another version of the model.
        case version(String)
        /// The stable version of another model.
        case model(String)
        /// The same for everybody: a score for each column, and a label where it is not what the scores say.
        case constant(scores: [Double], label: Int?)
    }

    public let answer: Answer
    /// How long before the deadline it takes over.
    public let reserveNanos: UInt64
}

/// `executors`
public struct ExecutorConfiguration: Sendable, Equatable {
    /// 0: as many as reactors.
    public internal(set) var threads = 0
    /// A model whose batches take longer than this is scored by executors.
    public internal(set) var inlineLimitNanos: UInt64 = 50_000
    /// How long an executor looks for work, and a reactor for its only request's scores, before it sleeps.
    public internal(set) var spinNanos: UInt64 = 50_000
    /// A batch that takes longer than this is stuck.
    public internal(set) var stuckNanos: UInt64 = 100_000_000
    /// Added to the threads' nice value.
    public internal(set) var niceness = 0
    /// Where reactors and executors run, as numbers of processors; empty: anywhere.
    public internal(set) var reactorProcessors: [Int] = []
    public internal(set) var processors: [Int] = []

    init() {}
}
