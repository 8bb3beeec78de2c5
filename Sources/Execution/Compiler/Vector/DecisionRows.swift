// Category answers in the order of the kernels' lanes: for each row of a feature's answers, the
// decision words of all registers.

internal import CKernels
internal import ModelFormat

struct DecisionRows {
    /// Words of one row, a multiple of 8.
    let wordCount: Int
    /// For each column of `categories` its rows, one behind the other.
    private(set) var words: [UInt64] = []

    /// Words of all rows: 64 MiB.  A forest that needs more leaves its categories to the scalar walk.
    private static let wordLimit = 8 << 20

    /// Nil: there are too many.
    init?(_ layout: VectorLayout, _ categories: CategoryTable) {
        wordCount = (layout.decisionWords + 7) & ~7
        guard wordCount > 0 else { return }
        let rowCount = categories.layouts.reduce(0) { $0 + Int($1.row_count) }
        guard rowCount <= Self.wordLimit / wordCount else { return nil }
        words = [UInt64](repeating: 0, count: rowCount * wordCount)
        var lanes = [[(lane: Int, question: Int)]](repeating: [], count: categories.layouts.count)
        for (lane, node) in layout.categoryLanes {
            let (column, question) = categories.question(node)
            lanes[column].append((lane, question))
        }
        var start = 0
        for (column, own) in zip(categories.layouts, lanes) {
            for row in 0..<Int(column.row_count) {
                let answers = Int(column.rows) + row * Int(column.word_count)
                for (lane, question) in own
                where categories.rows[answers + question / 16] >> UInt16(question % 16) & 1 == 1 {
                    words[start + lane / 64] |= 1 << UInt64(lane % 64)
                }
                start += wordCount
            }
        }
    }
}
