// What happened in each block of time of a phase: counts, and a row of latency bins.
//
//     block 0    [ counts | bins ]      a block is a phase's time / 400, at least 100 ms
//     block 1    [ counts | - ]         no answer, no row
//     …
//
// Intervals come from drawing blocks instead of requests, because requests that are near in time share their fate (a
// stall makes all of them slow).  The number of blocks is fixed when the phase begins, so a soak of a day takes no more
// memory than a minute.

/// How requests of a block or of a whole selection ended.
public struct Counts: Sendable, Equatable, Codable {
    /// Ended requests, however they did.
    public var requests = 0
    /// Full answers: 2xx, or gRPC's OK.
    public var answers = 0
    /// Answers that came when their phase was over: they are none of its throughput.
    public var late = 0
    /// 429 and 503, gRPC's RESOURCE_EXHAUSTED and UNAVAILABLE.
    public var shed = 0
    /// The client's patience was at its end.
    public var timeouts = 0
    /// Everything else: other statuses, connections that broke or could not be made.
    public var faults = 0
    /// Answers of a smaller model or a constant.
    public var fallback = 0
    /// Answers whose score is not the golden one of the version that says it answered.
    public var mismatches = 0
    /// Answers whose score was compared.
    public var checked = 0

    public var errors: Int { requests - answers }
    public var answersInTime: Int { answers - late }

    mutating func add(_ other: Counts) {
        requests += other.requests
        answers += other.answers
        late += other.late
        shed += other.shed
        timeouts += other.timeouts
        faults += other.faults
        fallback += other.fallback
        mismatches += other.mismatches
        checked += other.checked
    }

    func count(_ measure: Measure) -> Int {
        switch measure {
        case .errors: errors
        case .timeouts: timeouts
        case .shed: shed
        case .faults: faults
        case .fallback: fallback
        case .mismatches: mismatches
        case .throughput: answersInTime
        case .percentile, .max: requests
        }
    }
}

struct BlockTable {
    let blockSeconds: Double
    private(set) var counts: [Counts]
    /// A row of bins for each block; empty: no latency in it.
    private(set) var rows: [[UInt32]]
    /// Answers in time, by when they came.
    private(set) var completed: [Double]

    var blockCount: Int { counts.count }

    /// Blocks of a phase of `seconds`, at most `blocksMax`.
    init(seconds: Double, blocksMax: Int = 400) {
        let count = min(max(Int((seconds / 0.1).rounded(.down)), 1), blocksMax)
        blockSeconds = seconds / Double(count)
        counts = Array(repeating: Counts(), count: count)
        rows = Array(repeating: [], count: count)
        completed = Array(repeating: 0, count: count)
    }

    private init(blockSeconds: Double, counts: [Counts], rows: [[UInt32]], completed: [Double]) {
        (self.blockSeconds, self.counts, self.rows, self.completed) = (blockSeconds, counts, rows, completed)
    }

    /// How many latencies there are.
    var recorded: UInt64 {
        rows.reduce(0) { all, row in row.reduce(all) { $0 + UInt64($1) } }
    }

    func block(at seconds: Double) -> Int { min(max(Int(seconds / blockSeconds), 0), blockCount - 1) }

    /// - Parameters:
    ///   - latency: nil: the request has none that counts.
    ///   - ended: the block in which it ended; nil: that in which it was due.
    mutating func record(block: Int, _ outcome: Counts, latency: UInt64?, ended: Int? = nil) {
        counts[block].add(outcome)
        completed[ended ?? block] += Double(outcome.answersInTime)
        guard let latency else { return }
        if rows[block].isEmpty { rows[block] = Array(repeating: 0, count: LatencyBins.count) }
        rows[block][LatencyBins.index(latency)] += 1
    }

    /// Adds what another selection recorded in the same blocks.
    mutating func add(_ other: BlockTable) {
        precondition(other.blockCount == blockCount, "tables of one phase")
        for block in 0..<blockCount {
            counts[block].add(other.counts[block])
            completed[block] += other.completed[block]
            if other.rows[block].isEmpty { continue }
            if rows[block].isEmpty {
                rows[block] = other.rows[block]
            } else {
                for bin in 0..<LatencyBins.count { rows[block][bin] += other.rows[block][bin] }
            }
        }
    }

    /// The blocks of this phase and then those of another.
    func followed(by next: BlockTable) -> BlockTable {
        BlockTable(
            blockSeconds: blockSeconds, counts: counts + next.counts, rows: rows + next.rows,
            completed: completed + next.completed)
    }

    /// A percentile of some blocks together, in nanoseconds; nil: nothing was recorded.
    func percentile(_ percent: Double, blocks: Range<Int>) -> Double? {
        var bins = [UInt64](repeating: 0, count: LatencyBins.count)
        var total: UInt64 = 0
        for block in blocks where !rows[block].isEmpty {
            for bin in 0..<LatencyBins.count { bins[bin] += UInt64(rows[block][bin]) }
        }
        for bin in bins { total += bin }
        guard total > 0 else { return nil }
        var rest = percent / 100 * Double(total)
        for (bin, count) in bins.enumerated() where count > 0 {
            if rest <= Double(count) { return LatencyBins.edge(Double(bin) + rest / Double(count)) }
            rest -= Double(count)
        }
        return LatencyBins.edge(Double(LatencyBins.count))
    }
}
