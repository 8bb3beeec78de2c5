// A forest's threshold questions as bytes: slot and rank of each, and the tables that rank a row.
//
//     feature ─ sorted distinct thresholds ─ cut into columns of ≤ 255 ─ × way of missing values ─► slots
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
    private static let missingKinds = 5

    /// A feature's thresholds from `start` on.
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
    /// By feature: the column of each 255 keys.
    private var columnOf: [[Int]]
    private var slots: [Slot] = []
    /// By column × missing kind; -1: nobody asks.
    private var slotOf: [Int]

    /// Slots of a row, used or not: 64, 128 or 256.
    var slotCount: Int { slots.count <= 64 ? 64 : slots.count <= 128 ? 128 : 256 }
    /// Nil: the forest's questions need more than 256 slots, or it asks none.
    init?(_ ranked: RankedForest) {
        self.ranked = ranked
        columnOf = [[Int]](repeating: [], count: ranked.keys.count)
        slotOf = []
        let columnCount = ranked.keys.reduce(0) { $0 + ($1.count + 254) / Self.thresholdsPerColumn }
        guard columnCount <= Int(SERIN_BYTE_SLOTS_MAX) else { return nil }
        addColumns()
        slotOf = [Int](repeating: -1, count: columns.count * Self.missingKinds)
        for tree in ranked.forest.trees {
            for node in tree.nodes where node.asksThreshold {
                let index = column(node).column * Self.missingKinds + Int(node.missing.rawValue)
                if slotOf[index] >= 0 { continue }
                guard slots.count < Int(SERIN_BYTE_SLOTS_MAX) else { return nil }
                slotOf[index] = slots.count
                slots.append(Slot(column: index / Self.missingKinds, missing: node.missing))
            }
        }
        if slots.isEmpty { return nil }
    }

    private mutating func addColumns() {
        for (feature, own) in ranked.keys.enumerated() {
            for start in stride(from: 0, to: own.count, by: Self.thresholdsPerColumn) {
                let count = min(Self.thresholdsPerColumn, own.count - start)
                columns.append(Column(feature: feature, start: start, count: count))
            }
        }
        let (long, short) = (columns.filter { $0.count > Self.step }, columns.filter { $0.count <= Self.step })
        columns = long + short
        for (index, column) in columns.enumerated() {
            let chunk = column.start / Self.thresholdsPerColumn
            while columnOf[column.feature].count <= chunk { columnOf[column.feature].append(-1) }
            columnOf[column.feature][chunk] = index
        }
    }

    private func column(_ node: Forest.Node) -> (column: Int, rank: Int) {
        let column = columnOf[Int(node.feature)][node.rank / Self.thresholdsPerColumn]
        return (column, node.rank % Self.thresholdsPerColumn)
    }

    /// Where a threshold split finds its answer: right where the slot's byte is above the rank.
    func question(_ node: Forest.Node) -> (slot: UInt8, rank: UInt8) {
        let (column, rank) = column(node)
        return (UInt8(slotOf[column * Self.missingKinds + Int(node.missing.rawValue)]), UInt8(rank))
    }

    /// Adds the sections that the kernels read, and says in the header how to.
    func write(to writer: inout ImageWriter, _ header: inout serin_image_header) throws(ImageError) {
        let padded = (columns.count + 7) & ~7
        let forest = ranked.forest
        header.byte_inclusive = forest.comparison == .less ? 1 : 0
        header.byte_slot_count = UInt32(slotCount)
        header.byte_two_level = UInt32(min(padded, (columns.count { $0.count > Self.step } + 7) & ~7))
        header.byte_has_band = slots.contains { $0.missing == .zeroLeft || $0.missing == .zeroRight } ? 1 : 0
        var features = columns.map { UInt32($0.feature) }
        features += [UInt32](repeating: 0, count: padded - columns.count)
        header.byte_columns = try writer.add(features)
        header.byte_slots = try writer.add(slotBytes())
        let twoLevel = Int(header.byte_two_level)
        header.byte_floats = try writer.add(tables(padded, twoLevel) { WordSlots.rounded($0, forest.comparison) })
        guard forest.valueWidth == .float64 else { return }
        header.byte_doubles = try writer.add(tables(padded, twoLevel) { $0 })
    }

    private func slotBytes() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4 * slotCount)
        let isNarrow = ranked.keys.count <= 64
        for (index, slot) in slots.enumerated() {
            bytes[index] = UInt8(slot.column)
            bytes[slotCount + index] = isNarrow ? UInt8(columns[slot.column].feature) : 0
            bytes[2 * slotCount + index] = missingByte(slot)
            bytes[3 * slotCount + index] = slot.missing == .zeroLeft || slot.missing == .zeroRight ? 255 : 0
        }
        return bytes
    }

    private func missingByte(_ slot: Slot) -> UInt8 {
        switch slot.missing {
        case .left, .zeroLeft: return 0
        case .right, .zeroRight: return 255
        case .zero:
            let column = columns[slot.column]
            let passed = ranked.passedByZero(column.feature) - column.start
            return UInt8(max(0, min(column.count, passed)))
        }
    }

    /// One table a column; those before `twoLevel` have pivots, the others their thresholds instead.
    private func tables<Number: BinaryFloatingPoint & BitwiseCopyable>(
        _ count: Int, _ twoLevel: Int, _ bound: (Double) -> Number
    ) -> [Number] {
        let size = Int(SERIN_BYTE_TABLE)
        var numbers = [Number](repeating: .nan, count: count * size)
        for (index, column) in columns.enumerated() {
            let (start, thresholds) = (index * size, index * size + Self.step)
            for place in 0..<column.count {
                let number = bound(ranked.coder.number(ranked.keys[column.feature][column.start + place]))
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
