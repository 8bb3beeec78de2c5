// How scores of both classes are distributed, as finely as memory allows: every score for itself while there are no more
// than `binsMax` different ones, then bins of neighbours, each merge halving the digits that tell scores apart.
//
//     key = the score's bits, so turned that larger scores have larger keys, less the lowest `shift` of them
//
// What ranks say (ROC-AUC, average precision, KS) is exact while a bin is a score. After that it is off by what the order
// within bins can make of it, which the bins know: `RankFigures` says how much.

struct ScoreHistogram: Sendable, Equatable {
    struct Bin: Sendable, Equatable {
        var negatives: UInt32 = 0
        var positives: UInt32 = 0
    }

    private let binsMax: Int
    /// 0: a bin is one score.
    private(set) var shift = 0
    private var bins: [UInt64: Bin] = [:]
    /// The digits that a float has not: the first to go.
    private static let floatShift = 29

    init(binsMax: Int) { self.binsMax = binsMax }

    var binCount: Int { bins.count }

    mutating func add(_ score: Double, isPositive: Bool) {
        let key = Self.key(score) >> shift
        if isPositive { bins[key, default: Bin()].positives &+= 1 } else { bins[key, default: Bin()].negatives &+= 1 }
        if bins.count > binsMax { coarsen() }
    }

    /// Takes back what was added.
    mutating func take(_ score: Double, isPositive: Bool) {
        let key = Self.key(score) >> shift
        guard var bin = bins[key] else { return }
        if isPositive { bin.positives &-= 1 } else { bin.negatives &-= 1 }
        bins[key] = bin.positives == 0 && bin.negatives == 0 ? nil : bin
    }

    /// Without a bound on the bins: of so many days, each has its own.
    mutating func add(_ other: ScoreHistogram) {
        if other.shift > shift { merge(to: other.shift) }
        for (key, bin) in other.bins {
            let key = key >> (shift - other.shift)
            bins[key, default: Bin()].negatives &+= bin.negatives
            bins[key, default: Bin()].positives &+= bin.positives
        }
    }

    private mutating func coarsen() {
        while bins.count > binsMax / 2 { merge(to: shift == 0 ? Self.floatShift : shift + 1) }
    }

    private mutating func merge(to wanted: Int) {
        var merged: [UInt64: Bin] = [:]
        for (key, bin) in bins {
            merged[key >> (wanted - shift), default: Bin()].negatives &+= bin.negatives
            merged[key >> (wanted - shift), default: Bin()].positives &+= bin.positives
        }
        (bins, shift) = (merged, wanted)
    }

    private static func key(_ score: Double) -> UInt64 {
        let bits = (score == 0 ? 0 : score).bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
    }

    /// The highest score first.
    var descending: [Bin] { bins.sorted { $0.key > $1.key }.map(\.value) }
}

/// What the order of scores says, and how far it may be off because scores share bins; nil: one class is missing.
struct RankFigures {
    var rocAUC: Double
    var rocAUCError = 0.0
    var averagePrecision = 0.0
    var averagePrecisionError = 0.0
    var kolmogorovSmirnov = 0.0
    var kolmogorovSmirnovError = 0.0

    init?(_ histogram: ScoreHistogram) {
        let bins = histogram.descending
        let positives = bins.reduce(0.0) { $0 + Double($1.positives) }
        let negatives = bins.reduce(0.0) { $0 + Double($1.negatives) }
        guard positives > 0, negatives > 0 else { return nil }
        let isExact = histogram.shift == 0
        var (above, below) = (0.0, 0.0)
        var (area, areaError, precision, low, high) = (0.0, 0.0, 0.0, 0.0, 0.0)
        var (gap, gapMost) = (0.0, 0.0)
        for bin in bins {
            let (p, n) = (Double(bin.positives), Double(bin.negatives))
            // Positives above this bin win against its negatives; those within it win half of the time.
            area += n * (above + p / 2)
            areaError += n * p / 2
            // The precision at the bin's end, as if its scores were one; and between whatever orders there are.
            precision += p * (above + p) / (above + p + below + n)
            low += p == 0 ? 0 : p * (above + 1) / (above + 1 + below + n)
            high += p == 0 ? 0 : p * (above + p) / (above + p + below)
            gapMost = max(
                gapMost, abs((above + p) / positives - below / negatives),
                abs(above / positives - (below + n) / negatives))
            (above, below) = (above + p, below + n)
            gap = max(gap, abs(above / positives - below / negatives))
        }
        rocAUC = area / (positives * negatives)
        averagePrecision = precision / positives
        kolmogorovSmirnov = gap
        if isExact { return }
        rocAUCError = areaError / (positives * negatives)
        averagePrecisionError = max(precision - low, high - precision) / positives
        kolmogorovSmirnovError = max(gapMost - gap, 0)
    }
}
