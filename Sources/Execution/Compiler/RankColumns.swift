// A forest's threshold questions as the SIMD kernels ask them: columns to rank a value in, slots to compare.
//
//     feature ─ its thresholds ─ cut into columns ─ × way of missing values ─► slots
//
// How long a column may be and how many slots there are is the business of those who rank by bytes
// (ByteSlots) or by words (WordSlots).

internal import ModelFormat

struct RankColumns {
    /// A feature's thresholds from `start` on.
    struct Column {
        let feature: Int
        let start: Int
        let count: Int
    }

    struct Slot {
        let column: Int
        let missing: Forest.Missing

        /// Whether what counts as zero is missing too.
        var hasBand: Bool { missing == .zeroLeft || missing == .zeroRight }
    }

    private static let missingKinds = 5

    let ranked: RankedForest
    private let thresholdsPerColumn: Int
    let columns: [Column]
    private(set) var slots: [Slot] = []
    /// By feature: the column of each `thresholdsPerColumn` keys.
    private var columnOf: [[Int]]
    /// By column × missing kind; -1: nobody asks.
    private var slotOf: [Int]

    /// Nil: there are more columns or slots than `limit`, or none.
    ///
    /// Columns that are `early` come first, else they stand in the order of the features.
    init?(_ ranked: RankedForest, thresholdsPerColumn: Int, limit: Int, early: (Column) -> Bool) {
        self.ranked = ranked
        self.thresholdsPerColumn = thresholdsPerColumn
        let count = ranked.keys.reduce(0) { $0 + ($1.count + thresholdsPerColumn - 1) / thresholdsPerColumn }
        guard (1...limit).contains(count) else { return nil }
        var cut: [Column] = []
        for (feature, own) in ranked.keys.enumerated() {
            for start in stride(from: 0, to: own.count, by: thresholdsPerColumn) {
                let end = min(start + thresholdsPerColumn, own.count)
                cut.append(Column(feature: feature, start: start, count: end - start))
            }
        }
        columns = cut.filter(early) + cut.filter { !early($0) }
        columnOf = ranked.keys.map {
            Array(repeating: -1, count: ($0.count + thresholdsPerColumn - 1) / thresholdsPerColumn)
        }
        for (index, column) in columns.enumerated() {
            columnOf[column.feature][column.start / thresholdsPerColumn] = index
        }
        slotOf = [Int](repeating: -1, count: columns.count * Self.missingKinds)
        guard addSlots(limit) else { return nil }
    }

    private mutating func addSlots(_ limit: Int) -> Bool {
        for tree in ranked.forest.trees {
            for node in tree.nodes where node.asksThreshold {
                let column = column(node)
                let index = column * Self.missingKinds + Int(node.missing.rawValue)
                if slotOf[index] >= 0 { continue }
                guard slots.count < limit else { return false }
                slotOf[index] = slots.count
                slots.append(Slot(column: column, missing: node.missing))
            }
        }
        return true
    }

    private func column(_ node: Forest.Node) -> Int {
        columnOf[Int(node.feature)][node.rank / thresholdsPerColumn]
    }

    /// Where a threshold split finds its answer: right where the slot's rank is above this one.
    func question(_ node: Forest.Node) -> (slot: Int, rank: Int) {
        (slotOf[column(node) * Self.missingKinds + Int(node.missing.rawValue)], node.rank % thresholdsPerColumn)
    }

    /// A column's thresholds, ascending.
    func keys(_ column: Column) -> ArraySlice<UInt64> {
        ranked.keys[column.feature][column.start..<column.start + column.count]
    }

    /// The rank that a missing value has in a slot; `largest` goes right of every threshold.
    func missingRank(_ slot: Slot, largest: Int) -> Int {
        switch slot.missing {
        case .left, .zeroLeft: return 0
        case .right, .zeroRight: return largest
        case .zero:
            let column = columns[slot.column]
            return max(0, min(column.count, ranked.passedByZero(column.feature) - column.start))
        }
    }
}

extension Forest.Comparison {
    /// The float that no float value tells from the bound: rounded down where values above it pass,
    /// up where those at it do.
    func rounded(_ bound: Double) -> Float {
        let near = Float(bound)
        if self == .less { return Double(near) < bound ? near.nextUp : near }
        return Double(near) > bound ? near.nextDown : near
    }
}
