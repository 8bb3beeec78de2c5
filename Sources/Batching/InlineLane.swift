// The lane without a hand-over: what one epoll round brought for a version is one batch, and the
// reactor runs it itself.
//
//     append ─► jobs     [ j0 j1 j2 … ]      one a request, rows where they were parsed
//               tickets  [ t0 t1 t2 … ]      the gateway's, handed back with the results
//
// Nobody waits for a batch to fill: it is run when the round ends, or when it has `rowLimit` rows,
// so that a burst cannot hold the reactor. Everything is allocated when the lane is made.

public import Inference
import Primitives

public struct InlineLane: ~Copyable {
    public typealias Ticket = UnsafeMutableRawPointer

    /// Requests in one batch.
    public static let requestLimit = 64
    /// Rows after which a batch is run at once; a larger request is a batch of its own.
    public static let rowLimit = 64

    let jobStorage: UnsafeMutablePointer<ScoringJob>
    let requests: UnsafeMutablePointer<UnsafeMutablePointer<InferenceRequest>>
    let ticketStorage: UnsafeMutablePointer<Ticket>
    let droppedStorage: UnsafeMutablePointer<Ticket>
    /// Requests that wait.
    public internal(set) var count = 0
    /// Rows that wait.
    public internal(set) var rows = 0
    /// Every request that waits can be answered in time if it starts by then.
    var earliestStart = UInt64.max
    /// A request that waits was abandoned.
    var hasAbandoned = false
    /// What scoring a row takes.
    let rowNanos: UInt64
    private let columns: Int
    private let scoreType: ValueType

    /// A lane for a model that gives `columns` scores of `scoreType` a row, in `rowNanos` nanoseconds.
    public init(columns: Int, scoreType: ValueType, rowNanos: UInt64 = 0) {
        self.rowNanos = rowNanos
        self.columns = columns
        self.scoreType = scoreType
        jobStorage = .allocate(capacity: Self.requestLimit)
        requests = .allocate(capacity: Self.requestLimit)
        ticketStorage = .allocate(capacity: Self.requestLimit)
        droppedStorage = .allocate(capacity: Self.requestLimit)
    }

    deinit {
        jobStorage.deallocate()
        requests.deallocate()
        ticketStorage.deallocate()
        droppedStorage.deallocate()
    }

    public var jobs: UnsafeMutableBufferPointer<ScoringJob> { .init(start: jobStorage, count: count) }

    /// Adds a parsed request, with room for its scores; true: the batch is full, run it now.
    public mutating func append(_ request: UnsafeMutablePointer<InferenceRequest>, _ ticket: Ticket) -> Bool {
        let bytes = request.pointee.rowCount * columns * scoreType.byteCount
        request.pointee.scores.reserve(bytes)
        request.pointee.scores.count = bytes
        var margins: UnsafeMutableRawPointer?
        if request.pointee.wantsMargins {
            request.pointee.margins.reserve(bytes)
            request.pointee.margins.count = bytes
            margins = request.pointee.margins.pointer
        }
        (jobStorage + count).initialize(
            to: ScoringJob(
                values: request.pointee.values.pointer, rowCount: request.pointee.rowCount,
                valueType: request.pointee.valueType, margins: margins, scores: request.pointee.scores.pointer))
        if request.pointee.deadline != .max { earliestStart = min(earliestStart, latestStart(request)) }
        requests[count] = request
        ticketStorage[count] = ticket
        count += 1
        rows += request.pointee.rowCount
        return count == Self.requestLimit || rows >= Self.rowLimit
    }

    /// After the jobs were scored: the tickets in the order they came, each request with its status.
    /// The lane is empty again.
    public mutating func finish() -> UnsafeMutableBufferPointer<Ticket> {
        for index in 0..<count { requests[index].pointee.status = jobStorage[index].status }
        defer {
            count = 0
            rows = 0
            earliestStart = .max
        }
        return .init(start: ticketStorage, count: count)
    }
}
