// Category splits as slots: every distinct set of a feature is one question, asked once a row.
//
//     feature ─ code ─► row of bits, one bit a set ─► ranks 0 (left) or 65,535 (right)
//
// A model has thousands of sets but few codes, so the answers are stored by code: a row picks its
// row of bits and has all sets answered.  Codes with the same answers share a row, and the codes
// that are in no set share row 1; row 0 answers for missing values.

internal import CKernels
internal import ModelFormat

struct CategoryTable {
    private struct Question: Hashable {
        let set: Int32
        let missingGoesRight: Bool
    }

    /// The questions of one feature, and the numbers of those that are known.
    private struct Column {
        var questions: [Question] = []
        var numbers: [Question: Int] = [:]
        var firstSlot = 0
        var layout = 0
    }

    private let forest: Forest
    private var columns: [Int32: Column] = [:]

    private(set) var layouts: [serin_category_column] = []
    private(set) var rowOf: [UInt32] = []
    private(set) var rows: [UInt16] = []
    /// Slots taken, those before the first one included.
    private(set) var slotEnd: Int

    /// Words of all rows: 256 MiB.
    private static let wordLimit = 128 << 20

    init(_ forest: Forest, firstSlot: Int) throws(ImageError) {
        self.forest = forest
        slotEnd = firstSlot
        for tree in forest.trees {
            for node in tree.nodes where node.categories >= 0 {
                let question = Self.question(node)
                if columns[node.feature]?.numbers[question] != nil { continue }
                let number = columns[node.feature]?.questions.count ?? 0
                columns[node.feature, default: Column()].numbers[question] = number
                columns[node.feature]!.questions.append(question)
            }
        }
        for feature in columns.keys.sorted() { try layOut(feature) }
    }

    private static func question(_ node: Forest.Node) -> Question {
        Question(set: node.categories, missingGoesRight: node.missing == .right)
    }

    /// The slot of a category split; right where its rank is above 0.
    func slot(_ node: Forest.Node) -> Int {
        let column = columns[node.feature]!
        return column.firstSlot + column.numbers[Self.question(node)]!
    }

    /// The column (in `layouts`) of a category split, and the bit of its rows that answers it.
    func question(_ node: Forest.Node) -> (column: Int, bit: Int) {
        let column = columns[node.feature]!
        return (column.layout, column.numbers[Self.question(node)]!)
    }

    private mutating func layOut(_ feature: Int32) throws(ImageError) {
        let questions = columns[feature]!.questions
        let wordCount = (questions.count + 15) / 16
        columns[feature]!.firstSlot = slotEnd
        columns[feature]!.layout = layouts.count
        let (codes, distinct) = answers(questions)
        guard rows.count + (distinct.count + 1) * wordCount <= Self.wordLimit else {
            throw ImageError("feature \(feature) has too many categories in too many different sets")
        }
        layouts.append(
            serin_category_column(
                feature: UInt32(feature), code_count: UInt32(codes.count), row_of: UInt32(rowOf.count),
                row_count: UInt32(distinct.count + 1), rows: UInt32(rows.count), word_count: UInt32(wordCount),
                first_slot: UInt32(slotEnd), reserved: 0))
        rowOf += codes
        rows += row(questions.count) { questions[$0].missingGoesRight }
        let others = forest.membersGoLeft
        for members in distinct {
            var bits = row(questions.count) { _ in others }
            for number in members { bits[Int(number) / 16] ^= 1 << UInt16(number % 16) }
            rows += bits
        }
        slotEnd += wordCount * 16
    }

    /// Each code's row, and for each row from 1 on the questions whose sets its codes are in.
    private func answers(_ questions: [Question]) -> (codes: [UInt32], distinct: [[Int32]]) {
        var memberships: [UInt32: [Int32]] = [:]
        for (number, question) in questions.enumerated() {
            for code in forest.categorySets[Int(question.set)] { memberships[code, default: []].append(Int32(number)) }
        }
        // At least one code: a value between -1 and 0 is code 0, below any count.
        var codes = [UInt32](repeating: 1, count: memberships.keys.max().map { Int($0) + 1 } ?? 1)
        var numbers: [[Int32]: UInt32] = [[]: 1]
        var distinct: [[Int32]] = [[]]
        for code in memberships.keys.sorted() {
            let members = memberships[code]!
            if numbers[members] == nil {
                distinct.append(members)
                numbers[members] = UInt32(distinct.count)
            }
            codes[Int(code)] = numbers[members]!
        }
        return (codes, distinct)
    }

    /// A row of bits: set where the answer is right.
    private func row(_ count: Int, _ goesRight: (Int) -> Bool) -> [UInt16] {
        var words = [UInt16](repeating: 0, count: (count + 15) / 16)
        for number in 0..<count where goesRight(number) { words[number / 16] |= 1 << UInt16(number % 16) }
        return words
    }
}
