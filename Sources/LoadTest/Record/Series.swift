// What was recorded of one class in one phase, by one version: HdrHistogram for what is printed, blocks for intervals.
//
// Latencies are those of answers and of requests that were given up, in nanoseconds from the moment the request was due.
// A request that was refused or whose connection broke has no answer whose latency would mean anything: it counts as an
// error.

internal import Histogram

struct Series {
    /// Three digits from 1 us to an hour.
    var latency = Histogram<UInt64>(
        lowestDiscernibleValue: 1000, highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)
    var counts = Counts()
    var blocks: BlockTable
    private(set) var sum = 0.0
    var seconds: Double

    init(seconds: Double, blocksMax: Int = 400) {
        self.seconds = seconds
        blocks = BlockTable(seconds: seconds, blocksMax: blocksMax)
    }

    private init(_ first: Series, followedBy next: Series) {
        self = first
        seconds = first.seconds + next.seconds
        latency.add(next.latency)
        counts.add(next.counts)
        sum += next.sum
        blocks = first.blocks.followed(by: next.blocks)
    }

    /// - Parameter due: seconds since the phase began.
    /// - Parameter ended: the same of its end; nil: as due.
    mutating func record(due: Double, _ outcome: Counts, latency nanos: UInt64?, ended: Double? = nil) {
        counts.add(outcome)
        if let nanos {
            latency.record(min(nanos, 3_600_000_000_000))
            sum += Double(nanos)
        }
        blocks.record(
            block: blocks.block(at: due), outcome, latency: nanos, ended: blocks.block(at: ended ?? due))
    }

    /// What another version recorded in the same phase.
    mutating func add(_ other: Series) {
        latency.add(other.latency)
        counts.add(other.counts)
        sum += other.sum
        blocks.add(other.blocks)
    }

    func with(_ other: Series) -> Series {
        var all = self
        all.add(other)
        return all
    }

    func followed(by next: Series) -> Series { Series(self, followedBy: next) }

    /// How many latencies there are.
    var recorded: Int { Int(latency.totalCount) }

    var mean: Double { latency.totalCount == 0 ? 0 : sum / Double(latency.totalCount) }

    /// Nanoseconds; nil: no answer was recorded.
    func percentile(_ percent: Double) -> Double? {
        latency.totalCount == 0 ? nil : Double(latency.valueAtPercentile(percent))
    }

    /// Recorded latencies above a bound.
    func slower(than nanos: Double) -> Int {
        guard latency.totalCount > 0, nanos < Double(latency.maxRecorded) else { return 0 }
        let within = latency.percentileAtOrBelowValue(UInt64(nanos)) / 100 * Double(latency.totalCount)
        return Int(latency.totalCount) - Int(within.rounded())
    }

    /// The value of a measure; nil: nothing to measure.
    func value(_ measure: Measure) -> Double? {
        switch measure {
        case .percentile(let percent): return percentile(percent)
        case .max: return latency.totalCount == 0 ? nil : Double(latency.maxRecorded)
        case .throughput: return seconds > 0 ? Double(counts.answersInTime) / seconds : nil
        case .mismatches: return Double(counts.mismatches)
        case .errors, .timeouts, .shed, .faults:
            return counts.requests == 0 ? nil : Double(counts.count(measure)) / Double(counts.requests)
        case .fallback: return counts.answers == 0 ? nil : Double(counts.fallback) / Double(counts.answers)
        }
    }
}
