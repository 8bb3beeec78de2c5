// The questions of a forest as masks: columns to search, slots that say what to ask of them.
//
//     feature × what counts as missing ─ cut into columns of ≤ 255 thresholds ─ × side of missing ─► slots
//
// serin_bitslice.h tells what a column, a slot and a mask are.  A feature's thresholds are searched
// once, however its missing values go, and only the questions that some node asks become masks: 32
// features of a trained model have 3,000 to 15,000.  Category questions follow behind, all of them.

internal import CKernels
internal import ModelFormat

struct BitSliceQuestions {
    private static let thresholdsPerColumn = 1 << Int(SERIN_SLICE_LEVELS_MAX) - 1

    /// What is missing: NaN, nothing (it counts as 0), or NaN and zeros.
    private enum Absence: Int, CaseIterable {
        case nan, none, zeros

        init(_ missing: Forest.Missing) {
            switch missing {
            case .left, .right: self = .nan
            case .zero: self = .none
            case .zeroLeft, .zeroRight: self = .zeros
            }
        }
    }

    private let coder: KeyCoder
    private let forest: (width: NumberWidth, comparison: Forest.Comparison, zeroBand: Double)
    /// By feature × absence, and the first of their columns.
    private let thresholds: ThresholdSubsets
    private var firstColumn: [Int]
    /// By column × side of missing values × rank: the mask, 0 where nobody asks.
    private var masks: [UInt16] = []

    private(set) var columns: [serin_slice_column] = []
    private(set) var slots: [serin_slice_slot] = []
    private(set) var categories: [serin_slice_categories] = []
    private(set) var ranks: [UInt8] = []
    private(set) var searchKeys: [Float] = []
    private(set) var limits: [Double] = []
    /// Masks given out, with the one that is zero.
    private(set) var maskCount = 1

    private static let ranksPerColumn = 256
    private static let sides = 3

    /// Nil: more masks than 16 bits can name.
    init?(_ ranked: RankedForest, _ categoryTable: CategoryTable) {
        let forest = ranked.forest
        coder = ranked.coder
        self.forest = (forest.valueWidth, forest.comparison, forest.zeroBand)
        thresholds = ThresholdSubsets(ranked, kinds: Absence.allCases.count) { Absence($0).rawValue }
        firstColumn = [Int](repeating: 0, count: thresholds.keys.count)
        for (index, keys) in thresholds.keys.enumerated() where !keys.isEmpty { addColumns(keys, index) }
        guard addSlots(forest), addCategories(categoryTable) else { return nil }
    }

    /// The mask that answers a threshold split, or one of a category split's column.
    func mask(_ node: Forest.Node, _ categoryTable: CategoryTable) -> UInt16 {
        guard node.categories < 0 else {
            let (column, bit) = categoryTable.question(node)
            return UInt16(Int(categories[column].first_mask) + bit)
        }
        return masks[place(node)]
    }

    /// Where a threshold split's mask stands in `masks`.
    private func place(_ node: Forest.Node) -> Int {
        let place = thresholds.place(node)
        let column = firstColumn[thresholds.index(node)] + place / Self.thresholdsPerColumn
        return (column * Self.sides + Self.side(node)) * Self.ranksPerColumn + place % Self.thresholdsPerColumn
    }

    private static func side(_ node: Forest.Node) -> Int {
        switch node.missing {
        case .zero: return Int(SERIN_SLICE_MISSING_NONE)
        case .left, .zeroLeft: return Int(SERIN_SLICE_MISSING_LEFT)
        case .right, .zeroRight: return Int(SERIN_SLICE_MISSING_RIGHT)
        }
    }

    private mutating func addColumns(_ own: [UInt64], _ index: Int) {
        let absence = Absence(rawValue: index % Absence.allCases.count)!
        firstColumn[index] = columns.count
        for start in stride(from: 0, to: own.count, by: Self.thresholdsPerColumn) {
            let bounds = own[start..<min(start + Self.thresholdsPerColumn, own.count)].map { strictBound($0) }
            let levels = Int.bitWidth - bounds.count.leadingZeroBitCount
            columns.append(
                serin_slice_column(
                    feature: UInt32(index / Absence.allCases.count), levels: UInt32(levels),
                    keys: UInt32(searchKeys.count), limits: UInt32(limits.count), limit_count: UInt32(bounds.count),
                    missing_is_zero: absence == .none ? 1 : 0, missing_band: absence == .zeros ? forest.zeroBand : -1))
            searchKeys += searchTree(bounds.map { roundedDown($0) }, levels: levels)
            if forest.width == .float64 { limits += bounds }
        }
    }

    /// The number that values must be above to pass; NaN: all pass.
    private func strictBound(_ key: UInt64) -> Double {
        var bound = coder.number(key)
        if forest.comparison == .less {
            if bound == -.infinity { return .nan }
            bound = forest.width == .float32 ? Double(Float(bound).nextDown) : bound.nextDown
        }
        return bound
    }

    private func roundedDown(_ bound: Double) -> Float {
        let near = Float(bound)
        return Double(near) > bound ? near.nextDown : near
    }

    /// Sorted keys as a complete search tree in breadth-first order; infinity where no key is.
    private func searchTree(_ sorted: [Float], levels: Int) -> [Float] {
        var tree = [Float](repeating: .infinity, count: max(32, 1 << levels))
        for depth in 0..<levels {
            let distance = 1 << (levels - 1 - depth)
            for place in 0..<(1 << depth) {
                let rank = (2 * place + 1) * distance - 1
                if rank < sorted.count { tree[1 << depth + place] = sorted[rank] }
            }
        }
        return tree
    }

    /// Masks of what the nodes ask, slot by slot.
    private mutating func addSlots(_ forest: Forest) -> Bool {
        masks = [UInt16](repeating: 0, count: columns.count * Self.sides * Self.ranksPerColumn)
        for tree in forest.trees {
            for node in tree.nodes where node.asksThreshold { masks[place(node)] = 1 }
        }
        for slot in 0..<columns.count * Self.sides {
            let asked = (0..<Self.ranksPerColumn).filter { masks[slot * Self.ranksPerColumn + $0] != 0 }
            if asked.isEmpty { continue }
            guard maskCount + asked.count <= Int(SERIN_SLICE_MASKS_MAX) else { return false }
            slots.append(
                serin_slice_slot(
                    column: UInt32(slot / Self.sides), missing: UInt32(slot % Self.sides),
                    first_mask: UInt32(maskCount), mask_count: UInt32(asked.count), first_rank: UInt32(ranks.count)))
            for (offset, rank) in asked.enumerated() {
                masks[slot * Self.ranksPerColumn + rank] = UInt16(maskCount + offset)
            }
            ranks += asked.map { UInt8($0) }
            maskCount += asked.count
        }
        return true
    }

    private mutating func addCategories(_ table: CategoryTable) -> Bool {
        for (index, column) in table.layouts.enumerated() {
            let count = 16 * Int(column.word_count)
            guard maskCount + count <= Int(SERIN_SLICE_MASKS_MAX) else { return false }
            categories.append(serin_slice_categories(column: UInt32(index), first_mask: UInt32(maskCount)))
            maskCount += count
        }
        return true
    }
}
