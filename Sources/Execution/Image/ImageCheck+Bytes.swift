// The byte slots of an image: what a column and a slot may name, and tables that no value overruns.

internal import CKernels
internal import ModelFormat

extension ImageCheck {
    func checkBytes() throws(ImageError) {
        let columns = try section(head.byte_columns, UInt32.self)
        let slots = try section(head.byte_slots, UInt8.self)
        try require(head.zero_band >= 0 && head.zero_band.isFinite, "zero band")
        try require(head.byte_inclusive <= 1 && head.byte_has_band <= 1, "byte flags")
        let count = Int(head.byte_slot_count)
        try require([0, 64, 128, Int(SERIN_BYTE_SLOTS_MAX)].contains(count), "byte slot count")
        try require(slots.count == 4 * count && columns.count <= count, "byte slots")
        try require((count == 0) == columns.isEmpty && columns.count % 8 == 0, "byte columns")
        try require(head.byte_two_level % 8 == 0 && head.byte_two_level <= columns.count, "byte columns of two steps")
        try require(columns.allSatisfy { $0 < head.feature_count }, "feature of a byte column")
        try require(slots.prefix(count).allSatisfy { $0 < columns.count }, "column of a byte slot")
        try require(slots.dropFirst(count).prefix(count).allSatisfy { $0 < 64 }, "feature of a byte slot")
        try checkTables(try section(head.byte_floats, Float.self), columns.count)
        let isWide = head.value_width == UInt32(SERIN_FLOAT64)
        try checkTables(try section(head.byte_doubles, Double.self), isWide ? columns.count : 0)
    }

    /// A last pivot that no value passes keeps the second step inside its table.
    private func checkTables<Number: BinaryFloatingPoint>(
        _ numbers: UnsafeBufferPointer<Number>, _ columns: Int
    ) throws(ImageError) {
        try require(numbers.count == columns * Int(SERIN_BYTE_TABLE), "byte tables")
        for column in 0..<min(columns, Int(head.byte_two_level)) {
            try require(numbers[column * Int(SERIN_BYTE_TABLE) + 15].isNaN, "last pivot of a byte column")
        }
    }
}
