// Counters that no trainer made: every kind of part, keys that rows have and keys that none has.

@testable import ModelFormat

struct RandomCounters {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// One category, one table without keys, one counter.
    static let empty = CatBoostCounters(
        categories: [CatBoostCounters.Category(column: 0, hashes: [])],
        combinations: [CatBoostCounters.Combination(categories: [0], borders: [], equalities: [])],
        tables: [CatBoostCounters.Table(combination: 0, keys: [], statistics: .totals(counts: [], denominator: 1))],
        counters: [
            CatBoostCounters.Counter(table: 0, numerator: .all, prior: 0.5, priorDenominator: 1, shift: 0, scale: 15)
        ])

    /// A pipeline of the counters alone.
    static func pipeline(_ counters: CatBoostCounters, columns: Int) -> Pipeline {
        let output = Pipeline.Value(columns: counters.outputColumns, width: .float32)
        return Pipeline(
            input: Pipeline.Value(columns: columns, width: .float64),
            stages: [Pipeline.Stage(inputs: [0], operation: .catboostCounters(counters), output: output, name: "c")],
            margins: 1, scores: 1)
    }

    mutating func pipeline() -> Pipeline {
        let columns = Int.random(in: 1...6, using: &generator)
        var counters = CatBoostCounters()
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let listed = generator.chance(0.5) ? Int.random(in: 1...1_500, using: &generator) : 0
            counters.categories.append(
                CatBoostCounters.Category(
                    column: Int.random(in: 0..<columns, using: &generator),
                    hashes: (0..<listed).map { CategoryHash.hash("name \($0 % 30)") }))
        }
        for _ in 0..<Int.random(in: 0...3, using: &generator) { counters.oneHots.append(oneHot(counters)) }
        for _ in 0..<Int.random(in: 1...70, using: &generator) {
            counters.combinations.append(combination(counters, columns))
        }
        let sample = rows(Self.pipeline(counters, columns: columns), count: 60)
        for combination in counters.combinations.indices {
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                counters.tables.append(table(counters, combination, sample))
            }
        }
        if counters.tables.isEmpty { counters.tables.append(table(counters, 0, sample)) }
        for _ in 0..<Int.random(in: 1...90, using: &generator) { counters.counters.append(counter(counters)) }
        return Self.pipeline(counters, columns: columns)
    }

    mutating func rows(_ pipeline: Pipeline, count: Int) -> [[Double]] {
        (0..<count).map { _ in (0..<pipeline.input.columns).map { _ in value() } }
    }

    private mutating func value() -> Double {
        let edges: [Double] = [.nan, -1, -0.5, 0.5, 1_023, 1_024, 1_499, 1_500, 16_777_217, -3e9, 1e30, .infinity]
        return generator.chance(0.1) ? edges.randomElement(using: &generator)! : value(below: 40)
    }

    private mutating func value(below count: Int) -> Double { Double(Int.random(in: 0..<count, using: &generator)) }

    private mutating func category(_ counters: CatBoostCounters) -> Int {
        Int.random(in: 0..<counters.categories.count, using: &generator)
    }

    private mutating func hash() -> UInt32 {
        let code = Int.random(in: 0..<40, using: &generator)
        return generator.chance(0.5) ? CategoryHash.hash("name \(code)") : CategoryHash.hash(decimal: Int64(code))
    }

    private mutating func oneHot(_ counters: CatBoostCounters) -> CatBoostCounters.OneHot {
        let values = Set((0..<Int.random(in: 0...20, using: &generator)).map { _ in hash() })
        return CatBoostCounters.OneHot(category: category(counters), values: values.sorted { $0 % 97 < $1 % 97 })
    }

    private mutating func combination(_ counters: CatBoostCounters, _ columns: Int) -> CatBoostCounters.Combination {
        CatBoostCounters.Combination(
            categories: (0..<Int.random(in: 0...3, using: &generator)).map { _ in category(counters) },
            borders: (0..<Int.random(in: 0...2, using: &generator)).map { _ in
                CatBoostCounters.Border(
                    column: Int.random(in: 0..<columns, using: &generator), border: Float(value(below: 40)),
                    missingIsAbove: generator.chance(0.5))
            },
            equalities: (0..<Int.random(in: 0...1, using: &generator)).map { _ in
                CatBoostCounters.Equality(category: category(counters), hash: hash())
            })
    }

    private mutating func table(
        _ counters: CatBoostCounters, _ combination: Int, _ sample: [[Double]]
    ) -> CatBoostCounters.Table {
        let known = sample.map { row in
            counters.key(
                of: counters.combinations[combination], row,
                counters.categories.map { CategoryHash.hash(of: row[$0.column], listed: $0.hashes) })
        }
        let others = (0..<Int.random(in: 0...40, using: &generator)).map { _ in generator.next() >> 1 }
        let keys = Set(known.filter { _ in generator.chance(0.7) } + others).sorted()
        func counts(_ count: Int) -> [Int32] {
            (0..<count).map { _ in Int32.random(in: 0...100_000_000, using: &generator) }
        }
        let statistics: CatBoostCounters.Statistics
        switch Int.random(in: 0...2, using: &generator) {
        case 0: statistics = .totals(counts: counts(keys.count), denominator: counts(1)[0])
        case 1:
            let sums = (0..<keys.count).map { _ in Float.random(in: -9...9, using: &generator) }
            statistics = .means(sums: sums, counts: counts(keys.count))
        default:
            let classes = Int.random(in: 2...5, using: &generator)
            statistics = .classes(classes, counts: counts(keys.count * classes))
        }
        return CatBoostCounters.Table(combination: combination, keys: keys, statistics: statistics)
    }

    private mutating func counter(_ counters: CatBoostCounters) -> CatBoostCounters.Counter {
        let table = Int.random(in: 0..<counters.tables.count, using: &generator)
        var numerator = CatBoostCounters.Numerator.all
        if case .classes(let classes, _) = counters.tables[table].statistics {
            let index = Int.random(in: 0..<classes - 1, using: &generator)
            numerator = generator.chance(0.5) ? .above(index) : .only(index + 1)
        }
        return CatBoostCounters.Counter(
            table: table, numerator: numerator, prior: Float.random(in: 0...1, using: &generator), priorDenominator: 1,
            shift: Float.random(in: -1...1, using: &generator), scale: 15)
    }
}
