// The word slots of an image: what a column may name, and searches that stay inside their tables.

internal import CKernels
internal import ModelFormat

extension ImageCheck {
    func checkWords() throws(ImageError) {
        let columns = try section(head.word_columns, serin_word_column.self)
        let slots = try section(head.word_slots, UInt16.self)
        let count = Int(head.word_slot_count)
        try require([0, 32, 64, 128].contains(count), "word slot count")
        try require(count == 0 || head.byte_slot_count == 0, "slots of both widths")
        try require(slots.count == 3 * count && columns.count <= count, "word slots")
        try require((count == 0) == columns.isEmpty, "word columns")
        let floats = try section(head.word_floats, Float.self)
        let doubles = try section(head.word_doubles, Double.self)
        try require(head.value_width == UInt32(SERIN_FLOAT32) || doubles.count == floats.count, "word tables")
        for column in columns {
            try require(column.feature < head.feature_count, "feature of a word column")
            try check(column, floats)
            if head.value_width == UInt32(SERIN_FLOAT64) { try check(column, doubles) }
        }
    }

    /// Level by level: the entries that lead behind the next level's last node are passed by no value.
    private func check<Number: BinaryFloatingPoint>(
        _ column: serin_word_column, _ numbers: UnsafeBufferPointer<Number>
    ) throws(ImageError) {
        let places = [column.level_at.0, column.level_at.1, column.level_at.2, column.level_at.3].map { Int($0) }
        let levels = Int(column.levels)
        try require((1...4).contains(levels), "levels of a word column")
        for level in 0..<levels {
            // A level ends where the next begins; the last one is as long as the numbers go.
            let end = level + 1 < levels ? places[level + 1] : numbers.count
            try require(places[level] + 16 <= end && end <= numbers.count, "a level of a word column")
            guard level + 1 < levels else { break }
            let next = level + 2 < levels ? places[level + 2] : numbers.count
            let children = (next - places[level + 1]) / 16
            let entries = numbers[places[level]..<end]
            try require(level > 0 || entries.count == 16, "the first level of a word column")
            try require(entries.count / 16 <= (children + 15) / 16, "nodes of a word column")
            try require(entries.dropFirst(max(0, children - 1)).allSatisfy { $0.isNaN }, "a pivot of a word column")
        }
    }
}
