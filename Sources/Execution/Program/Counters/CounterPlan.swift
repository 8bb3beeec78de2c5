// Which combinations become plain arrays over class and answers, and which hashes make the classes.
//
// An array has a row for every class and every choice of answers, most of which no training row may
// have had; where it would be far larger than the keys that are there, the hash table stays.

internal import CKernels
internal import ModelFormat

struct CounterPlan {
    struct Dense {
        var combination: Int
        var category: Int
        var answers: Int
        /// The pairs of hash and answers of each key.
        var pairs: [[(hash: UInt32, answers: Int)]]
    }

    let columns: [CounterColumns]
    private(set) var dense: [Dense] = []
    /// Combinations that are looked up by key.
    private(set) var hashed: [Int] = []
    /// By category: the number of each known hash.
    private(set) var classes: [[UInt32: Int]]

    /// Rows of an array for each key that is there, and rows that are always granted.
    private static let rowsPerKey = 8
    private static let rowsAlways = 4_096

    init(_ counters: CatBoostCounters) {
        columns = counters.combinations.indices.map { CounterColumns(counters, combination: $0) }
        var known = [Set<UInt32>](repeating: [], count: counters.categories.count)
        for oneHot in counters.oneHots { known[oneHot.category].formUnion(oneHot.values) }
        var candidates: [Dense] = []
        for (index, combination) in counters.combinations.enumerated() {
            let answers = combination.borders.count + combination.equalities.count
            guard combination.categories.count == 1, answers <= Int(SERIN_COUNTER_DENSE_ANSWERS_MAX) else {
                hashed.append(index)
                continue
            }
            let pairs = columns[index].keys.map { CounterKeys.pairs(of: $0, answers: answers) }
            let category = combination.categories[0]
            candidates.append(Dense(combination: index, category: category, answers: answers, pairs: pairs))
            known[category].formUnion(pairs.joined().map { $0.hash })
        }
        classes = known.map { hashes in
            Dictionary(uniqueKeysWithValues: hashes.sorted().enumerated().map { ($0.element, $0.offset) })
        }
        for candidate in candidates {
            let rows = (classes[candidate.category].count + 1) << candidate.answers
            let limit = max(Self.rowsAlways, Self.rowsPerKey * columns[candidate.combination].keys.count)
            if rows <= limit { dense.append(candidate) } else { hashed.append(candidate.combination) }
        }
        hashed.sort()
    }

    /// The array of a dense combination: [class][answers][counter].
    func floats(_ dense: Dense) -> [Float] {
        let columns = columns[dense.combination]
        let classes = classes[dense.category]
        let width = columns.outputs.count
        var floats = (0..<(classes.count + 1) << dense.answers).flatMap { _ in columns.empty }
        for (key, pairs) in dense.pairs.enumerated() {
            for pair in pairs {
                guard let number = classes[pair.hash] else { continue }
                let start = (number << dense.answers + pair.answers) * width
                for counter in 0..<width { floats[start + counter] = columns.values[counter][key] }
            }
        }
        return floats
    }
}
