// A forest's threshold questions as bytes: slot and rank of each, and the tables that rank a row.
//
// CKernels' serin_bytes.h tells what a column and a slot are and what the tables look like.  Columns
// of more than 16 thresholds come first, as they need two steps.  A forest whose questions need more
// than 256 slots has none: its tables would outgrow the caches, and 16-bit words do better.

internal import CKernels
internal import ModelFormat

struct ByteSlots {
    /// Thresholds of a column: ranks 0 to 255, of which a node's is at most 254.
    static let thresholdsPerColumn = 255
    /// Thresholds that one step finds.
    private static let step = 16

    private let ranks: RankColumns

    /// Slots of a row, used or not: 64, 128 or 256.
    var slotCount: Int { ranks.slots.count <= 64 ? 64 : ranks.slots.count <= 128 ? 128 : 256 }

    /// Nil: the forest's questions need more than 256 slots, or it asks none.
    init?(_ ranked: RankedForest) {
        let limit = Int(SERIN_BYTE_SLOTS_MAX)
        let ranks = RankColumns(ranked, thresholdsPerColumn: Self.thresholdsPerColumn, limit: limit) {
            $0.count > Self.step
        }
        guard let ranks else { return nil }
        self.ranks = ranks
    }

    /// Where a threshold split finds its answer: right where the slot's byte is above the rank.
    func question(_ node: Forest.Node) -> (slot: UInt8, rank: UInt8) {
        let (slot, rank) = ranks.question(node)
        return (UInt8(slot), UInt8(rank))
    }

    /// Adds the sections that the kernels read, and says in the header how to.
    func write(to writer: inout ImageWriter, _ header: inout serin_image_header) throws(ImageError) {
        let columns = ranks.columns
        let forest = ranks.ranked.forest
        let padded = (columns.count + 7) & ~7
        header.byte_inclusive = forest.comparison == .less ? 1 : 0
        header.byte_slot_count = UInt32(slotCount)
        header.byte_two_level = UInt32(min(padded, (columns.count { $0.count > Self.step } + 7) & ~7))
        header.byte_has_band = ranks.slots.contains { $0.hasBand } ? 1 : 0
        var features = columns.map { UInt32($0.feature) }
        features += [UInt32](repeating: 0, count: padded - columns.count)
        header.byte_columns = try writer.add(features)
        header.byte_slots = try writer.add(slotBytes())
        let twoLevel = Int(header.byte_two_level)
        header.byte_floats = try writer.add(tables(padded, twoLevel) { forest.comparison.rounded($0) })
        guard forest.valueWidth == .float64 else { return }
        header.byte_doubles = try writer.add(tables(padded, twoLevel) { $0 })
    }

    private func slotBytes() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4 * slotCount)
        let isNarrow = ranks.ranked.keys.count <= 64
        for (index, slot) in ranks.slots.enumerated() {
            bytes[index] = UInt8(slot.column)
            bytes[slotCount + index] = isNarrow ? UInt8(ranks.columns[slot.column].feature) : 0
            bytes[2 * slotCount + index] = UInt8(ranks.missingRank(slot, largest: 255))
            bytes[3 * slotCount + index] = slot.hasBand ? 255 : 0
        }
        return bytes
    }

    /// One table a column; those before `twoLevel` have pivots, the others their thresholds instead.
    private func tables<Number: BinaryFloatingPoint & BitwiseCopyable>(
        _ count: Int, _ twoLevel: Int, _ bound: (Double) -> Number
    ) -> [Number] {
        let size = Int(SERIN_BYTE_TABLE)
        var numbers = [Number](repeating: .nan, count: count * size)
        for (index, column) in ranks.columns.enumerated() {
            let (start, thresholds) = (index * size, index * size + Self.step)
            for (place, key) in ranks.keys(column).enumerated() {
                let number = bound(ranks.ranked.coder.number(key))
                numbers[thresholds + place] = number
                if index >= twoLevel {
                    numbers[start + place] = number
                } else if place % Self.step == Self.step - 1 {
                    numbers[start + place / Self.step] = number
                }
            }
        }
        return numbers
    }
}
