// What one executor scores at once: parts of jobs, and the reactors that are to be told.
//
//     parts  [ job a, 3 rows ][ job b, 1 row ][ job c, rows 0–59 of 100 ]
//     jobs   [ ScoringJob    ][ ScoringJob   ][ ScoringJob             ]     values, scores: at the part's first row
//
// An executor has one and uses it again and again.

internal import Inference
internal import Primitives
internal import Synchronization

struct Batch: ~Copyable {
    struct Part {
        var job: UnsafeMutablePointer<QueuedJob>
        var rows: Int
    }

    /// Reactors that jobs of one batch may come from.
    static let homesMax = 256

    let capacity: Int
    let parts: UnsafeMutablePointer<Part>
    let jobs: UnsafeMutablePointer<ScoringJob>
    private(set) var count = 0
    private(set) var rows = 0
    /// The earliest due of its jobs.
    private(set) var due = UInt64.max
    private let homes: UnsafeMutablePointer<UnsafeMutablePointer<CompletionLane>>
    private var homeCount = 0

    /// Of at most so many rows.
    init(capacity: Int) {
        self.capacity = capacity
        parts = .allocate(capacity: capacity)
        jobs = .allocate(capacity: capacity)
        homes = .allocate(capacity: Self.homesMax)
    }

    deinit {
        parts.deallocate()
        jobs.deallocate()
        homes.deallocate()
    }

    mutating func clear() {
        (count, rows, due) = (0, 0, .max)
    }

    /// Adds the next `rows` rows of a job.
    mutating func append(_ job: UnsafeMutablePointer<QueuedJob>, rows partRows: Int, _ scoring: ScoringFunction) {
        let request = job.pointee.request
        let first = job.pointee.taken
        let width = scoring.featureCount * request.pointee.valueType.byteCount
        let outputs = scoring.columns * scoring.scoreType.byteCount
        let margins = request.pointee.wantsMargins ? request.pointee.margins.pointer + first * outputs : nil
        let contributions =
            request.pointee.explanation.isWanted
            ? request.pointee.contributions.pointer + first * outputs * (scoring.featureCount + 1) : nil
        (jobs + count).initialize(
            to: ScoringJob(
                values: request.pointee.values.pointer + first * width, rowCount: partRows,
                valueType: request.pointee.valueType, margins: margins,
                scores: request.pointee.scores.pointer + first * outputs, contributions: contributions))
        (parts + count).initialize(to: Part(job: job, rows: partRows))
        count += 1
        rows += partRows
        due = min(due, job.pointee.due)
        job.pointee.taken += partRows
    }

    // MARK: Giving back

    /// `rows` of the job are scored, or never will be: the last of them sends it home.
    mutating func settle(_ job: UnsafeMutablePointer<QueuedJob>, rows: Int, now: UInt64) {
        step()
        guard job.pointee.left.wrappingSubtract(rows, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        job.pointee.outcome = job.pointee.isDropped ? .dropped : .scored
        job.pointee.endedAt = now
        let status = job.pointee.status.load(ordering: .relaxed)
        job.pointee.request.pointee.status = ScoringStatus(rawValue: status) ?? .nonFinite
        guard let home = job.pointee.home else { return }
        home.pointee.deliver(job)
        for index in 0..<homeCount where homes[index] == home { return }
        if homeCount == Self.homesMax { wakeHomes() }
        homes[homeCount] = home
        homeCount += 1
    }

    /// Tells the reactors, once each.
    mutating func wakeHomes() {
        for index in 0..<homeCount { homes[index].pointee.wakeReactor() }
        homeCount = 0
    }
}
