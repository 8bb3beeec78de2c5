// How each question is asked of a row: by a threshold, by a set of codes, or of a stage's output.
//
//     border    row's column, threshold
//     one-hot   row's column, the set of codes whose category has that hash     without a stage
//               stage's column, the place among the values that are asked for   with one
//     counter   stage's column, threshold
//
// The set of codes holds listed categories and decimal codes below 65,536.  A hash that none of
// them has (a negative code, a name that nobody listed) calls for the stage, which hashes whatever
// the row carries.  Without the stage, codes from 65,536 on equal no one-hot value; in CatBoost one
// in four billion would, by a collision of hashes.

struct CatBoostAnswers {
    private let questions: CatBoostQuestions
    /// The split that stands for each question, without children; nil: nobody asks it.
    private var splits: [Forest.Node?]
    private(set) var categorySets: [[UInt32]] = []
    private var setNumbers: [[UInt32]: Int32] = [:]
    /// The stage before the forest; nil: it needs none.
    private(set) var counters: CatBoostCounters?
    /// Columns of the forest's input.
    private(set) var columnCount: Int
    /// Columns with one-hot values that no code stands for, and how many.
    private(set) var unknownCategories: [(column: Int, count: Int)] = []

    /// `lists`: names by column, index = code.
    init(
        _ questions: CatBoostQuestions, _ reader: CatBoostCounterReader, _ lists: [[String]], used: [Bool]
    ) throws(ModelFormatError) {
        self.questions = questions
        splits = Array(repeating: nil, count: used.count)
        columnCount = questions.features.columnCount
        let hashes = questions.features.categories.map { lists[$0.column].map { CategoryHash.hash($0) } }
        let codes = OneHotCodes(questions, hashes, used: used)
        unknownCategories = codes.unknown.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let asksCounters = zip(questions.questions, used).contains { question, isUsed in
            if case .counter = question { isUsed } else { false }
        }
        if asksCounters || !codes.unknown.isEmpty {
            let stage = CatBoostStage(questions, reader, hashes, used: used)
            for (number, isUsed) in used.enumerated() where isUsed { splits[number] = split(number, in: stage) }
            columnCount += stage.outputColumns
            counters = stage.counters
        } else {
            for (number, isUsed) in used.enumerated() where isUsed { splits[number] = split(number, codes) }
        }
        guard columnCount <= ModelBounds.features else {
            throw ModelFormatError(
                "features_info", "features and counters together are more than \(ModelBounds.features)")
        }
    }

    /// The split of a node whose `feature` is its question's number.
    func split(_ node: Forest.Node) -> Forest.Node {
        guard var split = splits[Int(node.feature)] else { preconditionFailure("the question is marked as used") }
        split.left = node.left
        split.right = node.right
        return split
    }

    private func border(_ number: Int, _ border: Int) -> Forest.Node {
        let feature = questions.features.numbers[number]
        return .split(
            feature: Int32(feature.column), threshold: Double(feature.borders[border]), left: 0, right: 0,
            missing: feature.missing)
    }

    /// Without a stage.
    private mutating func split(_ number: Int, _ codes: OneHotCodes) -> Forest.Node? {
        switch questions.questions[number] {
        case .border(let number, let place): return border(number, place)
        case .oneHot(let category, let value):
            let feature = questions.features.categories[category]
            let hash = UInt32(bitPattern: feature.values[value])
            return .split(
                feature: Int32(feature.column), categories: set(codes.members(category, hash)), left: 0, right: 0,
                missing: hash == CategoryHash.missing ? .right : .left)
        case .counter: return nil
        }
    }

    /// With a stage, whose columns stand behind the row's.
    private mutating func split(_ number: Int, in stage: CatBoostStage) -> Forest.Node? {
        let columns = questions.features.columnCount
        switch questions.questions[number] {
        case .border(let number, let place): return border(number, place)
        case .oneHot(let category, let value):
            let (column, place) = stage.oneHot(category, value)
            return .split(
                feature: Int32(columns + column), categories: set([UInt32(place)]), left: 0, right: 0, missing: .left)
        case .counter(let counter, let place):
            let border = questions.counters[counter].borders[place]
            return .split(
                feature: Int32(columns + stage.counter(counter)), threshold: Double(border), left: 0, right: 0,
                missing: .left)
        }
    }

    /// The set's number; a set that is already there is shared.
    private mutating func set(_ members: [UInt32]) -> Int32 {
        if let number = setNumbers[members] { return number }
        let number = Int32(categorySets.count)
        categorySets.append(members)
        setNumbers[members] = number
        return number
    }
}

/// The codes of each one-hot value that a split asks for.
private struct OneHotCodes {
    private struct Key: Hashable {
        var category: Int
        var hash: UInt32
    }

    private var codes: [Key: [UInt32]] = [:]
    /// How many values have no code, by column.
    private(set) var unknown: [Int: Int] = [:]

    init(_ questions: CatBoostQuestions, _ listed: [[UInt32]], used: [Bool]) {
        var asked: [Int: Set<UInt32>] = [:]
        for (number, question) in questions.questions.enumerated() where used[number] {
            guard case .oneHot(let category, let value) = question else { continue }
            asked[category, default: []].insert(
                UInt32(bitPattern: questions.features.categories[category].values[value]))
        }
        for (category, hashes) in asked {
            let own = listed[category] + CategoryHash.decimals.dropFirst(listed[category].count)
            for (code, hash) in own.enumerated() where hashes.contains(hash) {
                codes[Key(category: category, hash: hash), default: []].append(UInt32(code))
            }
            let missing = hashes.count { codes[Key(category: category, hash: $0)] == nil && $0 != CategoryHash.missing }
            if missing > 0 { unknown[questions.features.categories[category].column] = missing }
        }
    }

    /// Ascending.
    func members(_ category: Int, _ hash: UInt32) -> [UInt32] { codes[Key(category: category, hash: hash)] ?? [] }
}
