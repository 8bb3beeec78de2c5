// A forest's threshold questions as 16-bit words, for forests whose thresholds do not fit bytes.
//
//     feature ─ sorted distinct thresholds ─ cut into columns of ≤ 65,535 ─ × way of missing values ─► slots
//
// CKernels' words_avx512.c tells how a column's thresholds are searched.  At most 128 slots fit four
// registers; a forest that needs more stays with the scalar walk.

internal import CKernels
internal import ModelFormat

struct WordSlots {
    static let slotLimit = 128
    private static let thresholdsPerColumn = 65_535
    private static let fan = 16
    private static let missingKinds = 5

    private struct Column {
        let feature: Int
        let start: Int
        let count: Int
    }

    private struct Slot {
        let column: Int
        let missing: Forest.Missing
    }

    private let ranked: RankedForest
    private var columns: [Column] = []
    /// By feature: its first column.
    private var firstColumn: [Int]
    private var slots: [Slot] = []
    /// By column × missing kind; -1: nobody asks.
    private var slotOf: [Int] = []

    /// Slots of a row, used or not: 32, 64 or 128.
    var slotCount: Int { slots.count <= 32 ? 32 : slots.count <= 64 ? 64 : 128 }

    /// Nil: the forest's questions need more slots than there are, or it asks none.
    init?(_ ranked: RankedForest) {
        self.ranked = ranked
        firstColumn = [Int](repeating: 0, count: ranked.keys.count)
        for (feature, own) in ranked.keys.enumerated() {
            firstColumn[feature] = columns.count
            for start in stride(from: 0, to: own.count, by: Self.thresholdsPerColumn) {
                let count = min(Self.thresholdsPerColumn, own.count - start)
                columns.append(Column(feature: feature, start: start, count: count))
            }
            guard columns.count <= Self.slotLimit else { return nil }
        }
        slotOf = [Int](repeating: -1, count: columns.count * Self.missingKinds)
        for tree in ranked.forest.trees {
            for node in tree.nodes where node.asksThreshold {
                let index = column(node).column * Self.missingKinds + Int(node.missing.rawValue)
                if slotOf[index] >= 0 { continue }
                guard slots.count < Self.slotLimit else { return nil }
                slotOf[index] = slots.count
                slots.append(Slot(column: index / Self.missingKinds, missing: node.missing))
            }
        }
        if slots.isEmpty { return nil }
    }

    private func column(_ node: Forest.Node) -> (column: Int, rank: Int) {
        let column = firstColumn[Int(node.feature)] + node.rank / Self.thresholdsPerColumn
        return (column, node.rank % Self.thresholdsPerColumn)
    }

    /// Where a threshold split finds its answer: right where the slot's word is above the rank.
    func question(_ node: Forest.Node) -> (slot: UInt8, rank: UInt16) {
        let (column, rank) = column(node)
        return (UInt8(slotOf[column * Self.missingKinds + Int(node.missing.rawValue)]), UInt16(rank))
    }

    /// Adds the sections that the kernels read, and says in the header how to.
    func write(to writer: inout ImageWriter, _ header: inout serin_image_header) throws(ImageError) {
        let forest = ranked.forest
        header.byte_inclusive = forest.comparison == .less ? 1 : 0
        header.word_slot_count = UInt32(slotCount)
        var layouts: [serin_word_column] = []
        var numbers: [Double] = []
        for column in columns { layouts.append(search(column, &numbers)) }
        header.word_columns = try writer.add(layouts)
        header.word_slots = try writer.add(slotWords())
        header.word_floats = try writer.add(numbers.map { Self.rounded($0, forest.comparison) })
        if forest.valueWidth == .float64 { header.word_doubles = try writer.add(numbers) }
    }

    /// A column's levels, top to bottom; appended to `numbers`.
    private func search(_ column: Column, _ numbers: inout [Double]) -> serin_word_column {
        let keys = ranked.keys[column.feature][column.start..<column.start + column.count]
        // The last level has a place behind the last threshold, so that rank `count` is one of them.
        var levels = [Self.node(keys.map { ranked.coder.number($0) }, count: column.count + 1)]
        while levels[0].count > Self.fan {
            let below = levels[0]
            let children = below.count / Self.fan
            let pivots = (0..<children - 1).map { below[$0 * Self.fan + Self.fan - 1] }
            levels.insert(Self.node(pivots, count: children), at: 0)
        }
        var layout = serin_word_column()
        layout.feature = UInt32(column.feature)
        layout.levels = UInt32(levels.count)
        withUnsafeMutableBytes(of: &layout.level_at) { places in
            let places = places.assumingMemoryBound(to: UInt32.self)
            for (level, own) in levels.enumerated() {
                places[level] = UInt32(numbers.count)
                numbers += own
            }
        }
        return layout
    }

    /// Numbers filled up to whole nodes that hold at least `count`.
    private static func node(_ numbers: [Double], count: Int) -> [Double] {
        let size = (count + fan - 1) / fan * fan
        return numbers + [Double](repeating: .nan, count: size - numbers.count)
    }

    private func slotWords() -> [UInt16] {
        var words = [UInt16](repeating: 0, count: 3 * slotCount)
        for (index, slot) in slots.enumerated() {
            words[index] = UInt16(slot.column)
            words[slotCount + index] = missingWord(slot)
            words[2 * slotCount + index] = slot.missing == .zeroLeft || slot.missing == .zeroRight ? .max : 0
        }
        return words
    }

    private func missingWord(_ slot: Slot) -> UInt16 {
        switch slot.missing {
        case .left, .zeroLeft: return 0
        case .right, .zeroRight: return .max
        case .zero:
            let column = columns[slot.column]
            let passed = ranked.passedByZero(column.feature) - column.start
            return UInt16(max(0, min(column.count, passed)))
        }
    }

    /// The float that no float value tells from the bound: rounded down where values above it pass,
    /// up where those at it do.
    static func rounded(_ bound: Double, _ comparison: Forest.Comparison) -> Float {
        let near = Float(bound)
        if comparison == .less { return Double(near) < bound ? near.nextUp : near }
        return Double(near) > bound ? near.nextDown : near
    }
}
