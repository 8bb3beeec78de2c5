// A request on its way through an executor: what the queue keeps beside the request itself.
//
//     reactor:   fill ─► ring ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ completions ─► slot free
//     token:                └► heap ─► rows [0, k) ─► rows [k, n) ┄┄┄┄┄┄┄▲
//     executors:                       score, left -= k   score, left -= n - k: at 0, whoever did it
//
// Rows may be scored in several batches and by several executors; each writes the scores of its own rows in the
// request's buffer, so they are in order whatever came first.
//
// Who owns it. The reactor from the slab until it is pushed, and again from the completion on. In between its rows,
// scores and this record belong to the queue, even when the reactor has answered already (a deadline, a client that is
// gone): the reactor then forgets the stream and `fate` tells the executors not to begin. A job comes back exactly once,
// scored or not, and only then is its slot used again. So a result that comes late finds its own slot, and nobody there.

public import Inference
internal import Primitives
internal import Synchronization

// SAFETY: who owns it when is said above. The ring's push and the completion ring's push release what was written before.
// Between them the plain fields are written by the holder of the queue's token (`taken`, `startedAt`), by
// whoever takes `left` to zero (`endedAt`), or not at all.
public struct QueuedJob: ~Copyable, @unchecked Sendable {
    /// How it left the queue.
    public enum Outcome: UInt8, Sendable {
        /// Scored; `request.status` says how.
        case scored
        /// Not scored, or not all of it: nobody waits any more, or it could not be in time.
        case dropped
    }

    public let request: UnsafeMutablePointer<InferenceRequest>
    /// The gateway's.
    public let ticket: UnsafeMutableRawPointer

    // Set by the reactor.
    /// Where it goes when it is done.
    var home: UnsafeMutablePointer<CompletionLane>?
    public internal(set) var priority = Priority.normal
    public internal(set) var enqueuedAt: UInt64 = 0
    /// After it nobody has any use for the scores; `.max`: never.
    var due = UInt64.max
    /// What admission thought the wait would be.
    var estimatedWait: UInt64 = 0
    /// It was let in to see what it takes: it is run unless its time is over.
    var isProbe = false

    // Under the token.
    /// Rows that batches have taken.
    var taken = 0
    /// When its first batch began; 0: none has.
    public internal(set) var startedAt: UInt64 = 0
    var isDropped = false
    /// Tells equal deadlines apart: first come, first served.
    var number: UInt64 = 0

    // Shared by the executors.
    /// Rows that are neither scored nor dropped.
    let left = Atomic<Int>(0)
    /// `ScoringStatus` of the worst of its rows.
    let status = Atomic<UInt8>(0)
    public internal(set) var endedAt: UInt64 = 0
    public internal(set) var outcome = Outcome.scored

    public init(request: UnsafeMutablePointer<InferenceRequest>, ticket: UnsafeMutableRawPointer) {
        self.request = request
        self.ticket = ticket
    }

    var rowCount: Int { request.pointee.rowCount }

    /// Room for the scores, and for margins and contributions where they are wished.
    func reserve(features: Int, columns: Int, type: ValueType) {
        let bytes = rowCount * columns * type.byteCount
        request.pointee.scores.reserve(bytes)
        request.pointee.scores.count = bytes
        if request.pointee.explanation.isWanted {
            request.pointee.contributions.reserve(bytes * (features + 1))
            request.pointee.contributions.count = bytes * (features + 1)
        }
        guard request.pointee.wantsMargins else { return }
        request.pointee.margins.reserve(bytes)
        request.pointee.margins.count = bytes
    }

    /// Ready to be pushed.
    mutating func begin(
        home: UnsafeMutablePointer<CompletionLane>, priority: Priority, due: UInt64, now: UInt64, estimatedWait: UInt64
    ) {
        self.home = home
        self.due = due
        self.priority = priority
        self.estimatedWait = estimatedWait
        enqueuedAt = now
        taken = 0
        startedAt = 0
        isDropped = false
        outcome = .scored
        left.store(request.pointee.rowCount, ordering: .relaxed)
        status.store(ScoringStatus.ok.rawValue, ordering: .relaxed)
    }
}
