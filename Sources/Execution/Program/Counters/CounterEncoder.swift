// CatBoost's counters to the block that `serin_count` reads: serin_counters.h.

internal import CKernels
internal import ModelFormat

struct CounterEncoder {
    private let counters: CatBoostCounters
    private var writer = SectionWriter(headerBytes: MemoryLayout<serin_counters>.size)
    private var block = serin_counters()

    /// Codes below it need not be written out as digits for every row.
    private static let decimalsMax = 1_024

    /// The counters have been checked.
    init(_ counters: CatBoostCounters) { self.counters = counters }

    /// The block's bytes.
    consuming func bytes() throws(ImageError) -> [UInt8] {
        guard counters.categories.count <= Int(SERIN_COUNTER_CATEGORIES_MAX) else {
            throw ImageError("more than \(SERIN_COUNTER_CATEGORIES_MAX) categorical features in counters")
        }
        try addCategories()
        try addOneHots()
        try addElements()
        try addTables()
        let memory = writer.image(block)
        return [UInt8](UnsafeRawBufferPointer(start: memory.start, count: memory.count))
    }

    /// Each category's hashes: those of its list, then of decimal codes; equal ones are shared.
    private mutating func addCategories() throws(ImageError) {
        var hashes: [UInt32] = []
        var starts: [[UInt32]: Int] = [:]
        var categories: [serin_counter_category] = []
        for category in counters.categories {
            let count = category.hashes.count
            let decimals = count < Self.decimalsMax ? (count..<Self.decimalsMax).map { Self.decimal($0) } : []
            let start = starts[category.hashes] ?? hashes.count
            if start == hashes.count { hashes += category.hashes + decimals }
            starts[category.hashes] = start
            categories.append(
                serin_counter_category(
                    column: UInt32(category.column), first_hash: UInt32(start),
                    hash_count: UInt32(count + decimals.count)))
        }
        block.categories = try writer.add(categories)
        block.hashes = try writer.add(hashes)
    }

    private static func decimal(_ code: Int) -> UInt32 { serin_category_hash(Double(code), nil, 0) }

    private mutating func addOneHots() throws(ImageError) {
        var oneHots: [serin_counter_one_hot] = []
        var hashes: [UInt32] = []
        var places: [Float] = []
        for oneHot in counters.oneHots {
            oneHots.append(
                serin_counter_one_hot(
                    category: UInt32(oneHot.category), first: UInt32(hashes.count), count: UInt32(oneHot.values.count)))
            let order = oneHot.values.indices.sorted { oneHot.values[$0] < oneHot.values[$1] }
            hashes += order.map { oneHot.values[$0] }
            places += order.map { Float($0) }
        }
        block.one_hots = try writer.add(oneHots)
        block.one_hot_hashes = try writer.add(hashes)
        block.one_hot_places = try writer.add(places)
    }

    private mutating func addElements() throws(ImageError) {
        let combinations = counters.combinations
        block.elements = try writer.add(combinations.flatMap { $0.categories }.map { UInt32($0) })
        block.borders = try writer.add(
            combinations.flatMap { $0.borders }.map {
                serin_counter_border(
                    column: UInt32($0.column), border: $0.border, missing_is_above: $0.missingIsAbove ? 1 : 0)
            })
        block.equalities = try writer.add(
            combinations.flatMap { $0.equalities }.map {
                serin_counter_equality(category: UInt32($0.category), hash: $0.hash)
            })
    }

    private mutating func addTables() throws(ImageError) {
        var combinations: [serin_counter_combination] = []
        var (outputs, empty, words): ([UInt32], [Float], [UInt64]) = ([], [], [])
        for (index, combination) in counters.combinations.enumerated() {
            let table = try CounterTable(counters, combination: index)
            combinations.append(
                serin_counter_combination(
                    category_count: UInt32(combination.categories.count),
                    border_count: UInt32(combination.borders.count),
                    equality_count: UInt32(combination.equalities.count), output_count: UInt32(table.outputs.count),
                    bits: UInt32(table.bits), probes: UInt32(table.probes), multiplier: table.multiplier,
                    first_word: UInt64(words.count)))
            outputs += table.outputs
            empty += table.empty
            words += table.words
        }
        block.combinations = try writer.add(combinations)
        block.outputs = try writer.add(outputs)
        block.empty = try writer.add(empty)
        block.slots = try writer.add(words)
    }
}
