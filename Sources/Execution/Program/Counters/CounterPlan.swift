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
        columns = CounterColumns.all(counters)
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
        dense.sort { ($0.category, $0.combination) < ($1.category, $1.combination) }
    }

    /// Floats of one class: those of all its category's combinations, in whole cache lines.
    func classStride(_ category: Int) -> Int {
        let floats = dense.reduce(0) { $0 + ($1.category == category ? floatsPerClass($1) : 0) }
        return (floats + 15) & ~15
    }

    func floatsPerClass(_ dense: Dense) -> Int { columns[dense.combination].outputs.count << dense.answers }

    /// Writes a combination's values for every class; `start`: of class 0, `stride`: to the next.
    func write(_ dense: Dense, to floats: inout [Float], start: Int, stride: Int) {
        let columns = columns[dense.combination]
        let classes = classes[dense.category]
        let width = columns.outputs.count
        for number in 0...classes.count {
            for place in 0..<floatsPerClass(dense) {
                floats[start + number * stride + place] = columns.empty[place % width]
            }
        }
        for (key, pairs) in dense.pairs.enumerated() {
            for pair in pairs {
                guard let number = classes[pair.hash] else { continue }
                let place = start + number * stride + pair.answers * width
                for counter in 0..<width { floats[place + counter] = columns.values[counter][key] }
            }
        }
    }
}
