// Between which of its own requests a percentile's true value lies, and what that leaves of a ratio of two.
//
//     slowest  y1 y2 y3 … yj …        how many are slower than the true p99 is binomial: n requests, 1 % each
//     true p99 above yj               no more than j - 1 of them are: so improbable, and yj is its upper bound
//
// Twenty requests say nothing about how slow p99 may be (in four of five runs none of them is slower), and then there is no
// upper bound; a bootstrap, which can draw no value that was not seen, would not know.  Ratios by MOVER in logarithms.
//
// Sources: David and Nagaraja, "Order Statistics" (2003), 7.1; Zou and Donner, "Construction of confidence limits about
// effect measures" (2008).

internal import Glibc

struct OrderStatistics {
    let confidence: Double

    /// The interval of `table`'s percentile over `baseline`'s, whose requests are independent; nil: one side has none.
    func ratio(_ percent: Double, of table: BlockTable, to baseline: BlockTable) -> Interval? {
        guard let mine = bounds(percent, Ranks(table)), let theirs = bounds(percent, Ranks(baseline)) else {
            return nil
        }
        let ratio = log(mine.value) - log(theirs.value)
        let below = hypot(log(mine.value) - log(mine.low), log(theirs.high) - log(theirs.value))
        let above = hypot(log(mine.high) - log(mine.value), log(theirs.value) - log(theirs.low))
        return Interval(low: exp(ratio - below), high: exp(ratio + above))
    }

    /// Latencies that the true percentile lies between; no bound is 0 or infinite.
    private func bounds(_ percent: Double, _ ranks: Ranks) -> (low: Double, value: Double, high: Double)? {
        guard ranks.count > 0 else { return nil }
        let share = 1 - percent / 100
        let (high, low) = places(Double(ranks.count), share)
        return (
            low > Double(ranks.count) ? 0 : ranks.fromTop(low), ranks.fromTop(share * Double(ranks.count)),
            high < 1 ? .infinity : ranks.fromTop(high)
        )
    }

    /// Counted from the slowest: the last that is an upper bound (0: none is), and the first that is a lower one.
    private func places(_ count: Double, _ share: Double) -> (high: Double, low: Double) {
        let tail = (1 - confidence) / 2
        let (mean, deviation) = (count * share, (count * share * (1 - share)).squareRoot())
        if deviation > 20 {
            let half = BlockBootstrap.normalQuantile(1 - tail) * deviation
            return ((mean - half).rounded(.down), (mean + half + 1).rounded(.up))
        }
        // Binomial, summed from none upwards.
        var (sum, slower, high) = (0.0, 0.0, 0.0)
        while slower <= count {
            let ways = lgamma(count + 1) - lgamma(slower + 1) - lgamma(count - slower + 1)
            sum += exp(ways + slower * log(share) + (count - slower) * log1p(-share))
            if sum <= tail { high = slower + 1 }
            slower += 1
            if sum >= 1 - tail { break }
        }
        return (high, slower)
    }

    /// So many requests would give a percentile an upper bound.
    func countNeeded(_ percent: Double) -> Double { log((1 - confidence) / 2) / log(percent / 100) }
}

/// All latencies of a table in their order.
private struct Ranks {
    private var bins = [UInt64](repeating: 0, count: LatencyBins.count)
    private(set) var count: UInt64 = 0

    init(_ table: BlockTable) {
        for row in table.rows where !row.isEmpty {
            for bin in 0..<LatencyBins.count { bins[bin] += UInt64(row[bin]) }
        }
        for bin in bins { count += bin }
    }

    /// The latency at a place counted from the slowest, in nanoseconds.
    func fromTop(_ place: Double) -> Double {
        var rest = max(place, 0)
        for bin in stride(from: LatencyBins.count - 1, through: 0, by: -1) where bins[bin] > 0 {
            if rest <= Double(bins[bin]) { return LatencyBins.edge(Double(bin + 1) - rest / Double(bins[bin])) }
            rest -= Double(bins[bin])
        }
        return LatencyBins.edge(0)
    }
}

/// Whether one side is slower than the other has ever been, as often as chance would not have it.
///
/// Were both alike, each of the slowest blocks of time would be the one side's with a chance of its share of the blocks. A
/// precedence test: Balakrishnan and Ng, "Precedence-Type Tests and Applications" (2006), 2.1. Blocks, because requests that
/// are slow together are one event.
struct Precedence {
    /// Blocks in which the one side is slower than the other ever was; only one of the two is above 0.
    let mine: Int
    let theirs: Int
    /// How many it takes.
    let needed: (mine: Int, theirs: Int)

    /// - Parameter factor: the baseline counts as so many times as slow.
    init(_ table: BlockTable, _ baseline: BlockTable, factor: Double, confidence: Double) {
        let (own, other) = (Self.slowest(table), Self.slowest(baseline).map { $0 * factor })
        let (ownMost, otherMost) = (own.max() ?? 0, other.max() ?? 0)
        mine = own.count { $0 > otherMost }
        theirs = other.count { $0 > ownMost }
        let total = Double(own.count + other.count)
        func count(_ blocks: Int) -> Int {
            Int((log((1 - confidence) / 2) / log(max(Double(blocks), 1) / max(total, 2))).rounded(.up))
        }
        needed = (count(own.count), count(other.count))
    }

    /// Of each block that has any, its slowest latency.
    private static func slowest(_ table: BlockTable) -> [Double] {
        table.rows.compactMap { row in row.lastIndex { $0 > 0 }.map { LatencyBins.edge(Double($0) + 0.5) } }
    }
}
