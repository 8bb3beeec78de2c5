// How sure a percentile, a ratio of two, or a share is: the run's blocks are drawn again, with replacement, two thousand
// times, and the middle of what comes out is the interval.
//
//     blocks of the run     0 1 2 3 4 5 6 7 8 9 …
//     one redraw            [6 7 8] [1 2 3] [9 0 1] …        runs of n^(1/3) neighbours, the end joined to the start
//     weights               how often each block was drawn
//     its percentile        the bins of all blocks by weight, walked down from the top
//
// Neighbours are drawn together because a stall spans blocks: single blocks would give intervals that are too narrow.
// For a ratio both sides get the same draw where they ran at the same time: what disturbs the machine disturbs both, and
// cancels.  Bins are interpolated, so an interval is finer than a bin.
//
// Sources: Politis and Romano, "A circular block-resampling procedure for stationary data" (1992); run length: Hall,
// Horowitz and Jing, "On blocking rules for the bootstrap with dependent data" (1995).

internal import Glibc
internal import Primitives

public struct Interval: Sendable, Equatable, Codable {
    public var low: Double
    public var high: Double
}

struct BlockBootstrap {
    static let redraws = 2000

    let confidence: Double
    let redraws: Int
    let seed: UInt64

    init(confidence: Double, redraws: Int = Self.redraws, seed: UInt64 = 1) {
        (self.confidence, self.redraws, self.seed) = (confidence, redraws, seed)
    }

    /// The interval of a percentile, in nanoseconds; nil: nothing was recorded.
    func percentile(_ percent: Double, of table: BlockTable) -> Interval? {
        let column = BinColumns(table)
        var draw = BlockDraw(count: table.blockCount, seed: seed)
        return interval { _ in column.percentile(percent, weights: draw.next()) }
    }

    /// The interval of `table`'s percentile over `baseline`'s.
    func ratio(_ percent: Double, of table: BlockTable, to baseline: BlockTable) -> Interval? {
        let (mine, theirs) = (BinColumns(table), BinColumns(baseline))
        return ratio(table, baseline) {
            mine.percentile(percent, weights: $0)
        } _: {
            theirs.percentile(percent, weights: $0)
        }
    }

    /// So many requests beyond a percentile, and the bootstrap knows them as well as anybody.
    private static let tailEnough = 50.0

    /// Where few requests are beyond the percentile, the wider one of its own and the order statistics', which know what few
    /// cannot tell. Where many are, its own, which knows that both sides share the machine, and is narrower for it.
    func widestRatio(_ percent: Double, of table: BlockTable, to baseline: BlockTable) -> Interval {
        let drawn = ratio(percent, of: table, to: baseline)
        let count = Double(min(table.recorded, baseline.recorded))
        if let drawn, count * min(percent, 100 - percent) / 100 >= Self.tailEnough { return drawn }
        let ranks = OrderStatistics(confidence: confidence).ratio(percent, of: table, to: baseline)
        var interval = ranks ?? Interval(low: 0, high: .infinity)
        if let drawn {
            interval.low = min(interval.low, drawn.low)
            interval.high = max(interval.high, drawn.high)
        }
        return interval
    }

    /// The interval of `table`'s answers over `baseline`'s.
    func throughputRatio(of table: BlockTable, to baseline: BlockTable) -> Interval? {
        func sum(_ table: BlockTable, _ weights: [UInt32]) -> Double? {
            let total = zip(table.completed, weights).reduce(0) { $0 + $1.0 * Double($1.1) }
            return total > 0 ? total : nil
        }
        return ratio(table, baseline) {
            sum(table, $0)
        } _: {
            sum(baseline, $0)
        }
    }

    private func ratio(
        _ table: BlockTable, _ baseline: BlockTable, _ mine: ([UInt32]) -> Double?, _ theirs: ([UInt32]) -> Double?
    ) -> Interval? {
        let isPaired = table.blockCount == baseline.blockCount
        var draw = BlockDraw(count: table.blockCount, seed: seed)
        var other = BlockDraw(count: baseline.blockCount, seed: seed ^ 0x9e37)
        return interval { _ in
            let weights = draw.next()
            guard let above = mine(weights), let below = theirs(isPaired ? weights : other.next()), below > 0 else {
                return nil
            }
            return above / below
        }
    }

    /// The interval of Σ part / Σ whole over blocks.
    func share(_ parts: [Double], of wholes: [Double]) -> Interval? {
        var draw = BlockDraw(count: parts.count, seed: seed)
        return interval { _ in
            var (part, whole) = (0.0, 0.0)
            for (block, weight) in draw.next().enumerated() where weight > 0 {
                part += parts[block] * Double(weight)
                whole += wholes[block] * Double(weight)
            }
            return whole > 0 ? part / whole : nil
        }
    }

    private func interval(_ value: (Int) -> Double?) -> Interval? {
        var values: [Double] = []
        values.reserveCapacity(redraws)
        for index in 0..<redraws { if let value = value(index) { values.append(value) } }
        guard values.count * 2 > redraws else { return nil }
        values.sort()
        let tail = (1 - confidence) / 2 * Double(values.count)
        let low = Int(tail.rounded(.down))
        return Interval(low: values[low], high: values[values.count - 1 - low])
    }

    /// Wilson's interval of a share, which needs no events to say something.
    static func wilson(_ hits: Double, of count: Double, confidence: Double) -> Interval {
        guard count > 0 else { return Interval(low: 0, high: 1) }
        let z = normalQuantile(1 - (1 - confidence) / 2)
        let (share, square) = (hits / count, z * z / count)
        let middle = (share + square / 2) / (1 + square)
        let half = z / (1 + square) * (share * (1 - share) / count + square / (4 * count)).squareRoot()
        return Interval(low: hits == 0 ? 0 : max(0, middle - half), high: min(1, middle + half))
    }

    /// The standard normal's quantile, by bisection on erfc: exact enough for anything, and read at a glance.
    static func normalQuantile(_ probability: Double) -> Double {
        var (low, high) = (-9.0, 9.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if erfc(-middle / 2.0.squareRoot()) / 2 < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

/// How often each block is in a redraw.
struct BlockDraw {
    private let count: Int
    private let length: Int
    private var random: SplitMix64
    private var weights: [UInt32]

    init(count: Int, seed: UInt64) {
        self.count = count
        length = max(1, Int(cbrt(Double(count)).rounded(.up)))
        random = SplitMix64(seed: seed)
        weights = Array(repeating: 0, count: count)
    }

    mutating func next() -> [UInt32] {
        for block in 0..<count { weights[block] = 0 }
        var drawn = 0
        while drawn < count {
            let start = Int(random.next() % UInt64(count))
            for step in 0..<min(length, count - drawn) { weights[(start + step) % count] += 1 }
            drawn += length
        }
        return weights
    }
}

/// A table turned: for each bin that holds anything, the blocks and their counts, the slowest bin first.
struct BinColumns {
    private var bins: [Int] = []
    private var starts: [Int] = []
    private var blocks: [Int32] = []
    private var counts: [UInt32] = []
    private var totals: [UInt64]

    init(_ table: BlockTable) {
        totals = table.rows.map { row in row.reduce(0) { $0 + UInt64($1) } }
        for bin in stride(from: LatencyBins.count - 1, through: 0, by: -1) {
            let before = blocks.count
            for (block, row) in table.rows.enumerated() where !row.isEmpty && row[bin] > 0 {
                blocks.append(Int32(block))
                counts.append(row[bin])
            }
            if blocks.count > before {
                bins.append(bin)
                starts.append(before)
            }
        }
        starts.append(blocks.count)
    }

    func percentile(_ percent: Double, weights: [UInt32]) -> Double? {
        var total: UInt64 = 0
        for (block, weight) in weights.enumerated() { total += totals[block] * UInt64(weight) }
        guard total > 0 else { return nil }
        var rest = (1 - percent / 100) * Double(total)
        for (index, bin) in bins.enumerated() {
            var count: UInt64 = 0
            for entry in starts[index]..<starts[index + 1] {
                count += UInt64(counts[entry]) * UInt64(weights[Int(blocks[entry])])
            }
            if count == 0 { continue }
            if rest <= Double(count) { return LatencyBins.edge(Double(bin + 1) - rest / Double(count)) }
            rest -= Double(count)
        }
        return bins.last.map { LatencyBins.edge(Double($0)) }
    }
}
