// What is watched of a version: each feature, and each column of its score, with the bins of its training.
//
//     cells of a number      | below | e0…e1 | … | e9…e10 | above | … | missing |      counted, up to 16
//     bins of its profile    | under | b0 | b1 | … | b9 | over | missing |             compared
//
// Cells may be finer than bins: a range of the manifest that lies between two edges cuts an interval in two, and both
// halves are the same bin. `DriftCounters` counts cells, everything else is about bins.

internal import Inference
internal import Registry

public struct DriftVariable: Sendable, Equatable {
    public let name: String
    public let isScore: Bool
    /// Its cells among all of the version's.
    let cells: Range<Int>
    /// For each cell its bin.
    let bins: [Int]
    /// For each cell whether its values are out of the manifest's range.
    let isOutOfRange: [Bool]
    /// How often the training had each bin; the last one is missing values, of features.
    public let reference: [UInt64]
    /// The bin of categories that the manifest does not list; nil: it is a number.
    public let unseenBin: Int?
    /// Ascending; what divides the cells: a value is in the cell of how many boundaries are at or below it.
    let boundaries: [Boundary]
    /// For each code its cell; empty: it is a number.
    let codes: [UInt16]

    /// At or below: the value itself belongs above it (`isClosed`: below it).
    struct Boundary: Equatable {
        var value: Double
        var isClosed: Bool

        /// What a float or a double is compared with by ≥.
        var narrow: Float { isClosed ? Float(value).nextUp : Float(value) }
        var wide: Double { isClosed ? value.nextUp : value }
    }

    /// The bin of missing values; nil: scores are never missing.
    public var missingBin: Int? { isScore ? nil : reference.count - 1 }

    /// Cells as counted to bins.
    func bins(of counts: [UInt64]) -> [UInt64] {
        var sums = [UInt64](repeating: 0, count: reference.count)
        for (cell, bin) in zip(cells, bins) { sums[bin] += counts[cell] }
        return sums
    }

    func outOfRange(of counts: [UInt64]) -> UInt64 {
        zip(cells, isOutOfRange).reduce(0) { $1.1 ? $0 + counts[$1.0] : $0 }
    }
}

extension DriftVariable {
    /// Cells of every number: 15 intervals and missing.
    static let numberCells = 16
    static let scoreCells = 21

    /// A feature's, with its cells from `first` on.
    init(_ feature: Profile.Feature, _ spec: FeatureSpec, first: Int) {
        switch feature.distribution {
        case .number(let histogram, let underflow, let overflow):
            self.init(
                number: feature.name, histogram, outside: (underflow, overflow), missing: feature.missing,
                range: spec.range, first: first)
        case .category(let counts, let other):
            self.init(category: feature.name, counts, other: other, missing: feature.missing, spec, first: first)
        }
    }

    private init(
        number name: String, _ histogram: Profile.Histogram, outside: (Int, Int), missing: Int,
        range: ClosedRange<Double>?, first: Int
    ) {
        let edges = histogram.edges
        var boundaries = edges.dropLast().map { Boundary(value: $0, isClosed: false) }
        boundaries.append(Boundary(value: edges[edges.count - 1], isClosed: true))
        if let range {
            boundaries.append(Boundary(value: range.lowerBound, isClosed: false))
            boundaries.append(Boundary(value: range.upperBound, isClosed: true))
        }
        boundaries.sort { ($0.value, $0.isClosed ? 1 : 0) < ($1.value, $1.isClosed ? 1 : 0) }
        boundaries = boundaries.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        var bins: [Int] = []
        var isOutOfRange: [Bool] = []
        let missingBin = edges.count + 1
        for cell in 0..<Self.numberCells - 1 {
            // Everything in a cell lies above its lower boundary, which says where the cell is.
            let lower = cell == 0 ? nil : boundaries[min(cell, boundaries.count) - 1]
            bins.append(Self.bin(above: lower, edges))
            isOutOfRange.append(Self.isOut(lower, range))
        }
        self.init(
            name: name, isScore: false, cells: first..<first + Self.numberCells, bins: bins + [missingBin],
            isOutOfRange: isOutOfRange + [false],
            reference: ([outside.0] + histogram.counts + [outside.1, missing]).map { UInt64($0) }, unseenBin: nil,
            boundaries: boundaries, codes: [])
    }

    /// 0: below the first edge; one more than there are bins: above the last.
    private static func bin(above lower: Boundary?, _ edges: [Double]) -> Int {
        guard let lower else { return 0 }
        let last = edges[edges.count - 1]
        if lower.value > last || (lower.value == last && lower.isClosed) { return edges.count }
        let below = edges.count { $0 <= lower.value }
        return min(below, edges.count - 1)
    }

    private static func isOut(_ lower: Boundary?, _ range: ClosedRange<Double>?) -> Bool {
        guard let range else { return false }
        guard let lower else { return true }
        return lower.value < range.lowerBound
            || lower.value > range.upperBound || (lower.value == range.upperBound && lower.isClosed)
    }

    private init(
        category name: String, _ counts: [Profile.CategoryCount], other: Int, missing: Int, _ spec: FeatureSpec,
        first: Int
    ) {
        let count = counts.count
        let places = Dictionary(uniqueKeysWithValues: counts.enumerated().map { ($1.name, UInt16($0)) })
        // kept ones | other | unseen | missing: each cell is a bin
        self.init(
            name: name, isScore: false, cells: first..<first + count + 3, bins: Array(0..<count + 3),
            isOutOfRange: Array(repeating: false, count: count + 3),
            reference: (counts.map(\.count) + [other, 0, missing]).map { UInt64($0) }, unseenBin: count + 1,
            boundaries: [], codes: spec.categories.map { places[$0] ?? UInt16(count) })
    }

    /// A column of the score.
    init(score name: String, _ histogram: Profile.Histogram, first: Int) {
        let edges = histogram.edges
        var boundaries = edges.dropLast().map { Boundary(value: $0, isClosed: false) }
        boundaries.append(Boundary(value: edges[edges.count - 1], isClosed: true))
        let last = edges.count
        self.init(
            name: name, isScore: true, cells: first..<first + Self.scoreCells,
            bins: (0..<Self.scoreCells).map { min($0, last) },
            isOutOfRange: Array(repeating: false, count: Self.scoreCells),
            reference: ([0] + histogram.counts + [0]).map { UInt64($0) }, unseenBin: nil, boundaries: boundaries,
            codes: [])
    }
}
