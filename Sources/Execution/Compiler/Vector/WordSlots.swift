// A forest's threshold questions as 16-bit words, for forests whose thresholds do not fit bytes.
//
// CKernels' words_avx512.c tells how a column's thresholds are searched.  At most 128 slots fit four
// registers; a forest that needs more stays with the scalar walk.

internal import CKernels
internal import ModelFormat

struct WordSlots {
    static let slotLimit = 128
    private static let thresholdsPerColumn = 65_535
    private static let fan = 16

    private let ranks: RankColumns

    /// Slots of a row, used or not: 32, 64 or 128.
    var slotCount: Int { ranks.slots.count <= 32 ? 32 : ranks.slots.count <= 64 ? 64 : 128 }

    /// Nil: the forest's questions need more slots than there are, or it asks none.
    init?(_ ranked: RankedForest) {
        let ranks = RankColumns(
            ranked, thresholdsPerColumn: Self.thresholdsPerColumn, limit: Self.slotLimit, early: { _ in true })
        guard let ranks else { return nil }
        self.ranks = ranks
    }

    /// Where a threshold split finds its answer: right where the slot's word is above the rank.
    func question(_ node: Forest.Node) -> (slot: UInt8, rank: UInt16) {
        let (slot, rank) = ranks.question(node)
        return (UInt8(slot), UInt16(rank))
    }

    /// Adds the sections that the kernels read, and says in the header how to.
    func write(to writer: inout ImageWriter, _ header: inout serin_image_header) throws(ImageError) {
        let forest = ranks.ranked.forest
        header.byte_inclusive = forest.comparison == .less ? 1 : 0
        header.word_slot_count = UInt32(slotCount)
        var layouts: [serin_word_column] = []
        var numbers: [Double] = []
        for column in ranks.columns { layouts.append(search(column, &numbers)) }
        header.word_columns = try writer.add(layouts)
        header.word_slots = try writer.add(slotWords())
        header.word_floats = try writer.add(numbers.map { forest.comparison.rounded($0) })
        if forest.valueWidth == .float64 { header.word_doubles = try writer.add(numbers) }
    }

    /// A column's levels, top to bottom; appended to `numbers`.
    private func search(_ column: RankColumns.Column, _ numbers: inout [Double]) -> serin_word_column {
        // The last level has a place behind the last threshold, so that rank `count` is one of them.
        var levels = [Self.node(ranks.keys(column).map { ranks.ranked.coder.number($0) }, count: column.count + 1)]
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
        for (index, slot) in ranks.slots.enumerated() {
            words[index] = UInt16(slot.column)
            words[slotCount + index] = UInt16(ranks.missingRank(slot, largest: Int(UInt16.max)))
            words[2 * slotCount + index] = slot.hasBand ? .max : 0
        }
        return words
    }
}
