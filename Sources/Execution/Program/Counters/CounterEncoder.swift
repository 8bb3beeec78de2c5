// CatBoost's counters to the block that `serin_count` reads: serin_counters.h.

internal import CKernels
internal import ModelFormat

struct CounterEncoder {
    private let counters: CatBoostCounters
    private let plan: CounterPlan
    private var writer = SectionWriter(headerBytes: MemoryLayout<serin_counters>.size)
    private var block = serin_counters()
    /// The place of each distinct answer, borders and equalities each from 0 on.
    private var borders: [CatBoostCounters.Border] = []
    private var equalities: [CatBoostCounters.Equality] = []

    /// Codes below it need not be written out as digits for every row.
    private static let decimalsMax = 1_024

    /// The counters have been checked.
    init(_ counters: CatBoostCounters) {
        self.counters = counters
        plan = CounterPlan(counters)
    }

    /// The block's bytes.
    consuming func bytes() throws(ImageError) -> [UInt8] {
        guard counters.categories.count <= Int(SERIN_COUNTER_CATEGORIES_MAX) else {
            throw ImageError("more than \(SERIN_COUNTER_CATEGORIES_MAX) categorical features in counters")
        }
        try addCategories()
        try addOneHots()
        try addAnswers()
        try addDense()
        try addHashed()
        let memory = writer.image(block)
        return [UInt8](UnsafeRawBufferPointer(start: memory.start, count: memory.count))
    }

    /// Each category's codes: its list, then decimal numbers; and its classes by hash.
    private mutating func addCategories() throws(ImageError) {
        var (hashes, classes): ([UInt32], [UInt32]) = ([], [])
        var slots: [serin_counter_class] = []
        var categories: [serin_counter_category] = []
        for (index, category) in counters.categories.enumerated() {
            let known = plan.classes[index]
            let listed = category.hashes.count
            let decimals = listed < Self.decimalsMax ? (listed..<Self.decimalsMax).map { Self.decimal($0) } : []
            let codes = category.hashes + decimals
            let order = known.sorted { $0.value < $1.value }
            let spread = try KeySpread(order.map { UInt64($0.key) }, width: 32)
            categories.append(
                serin_counter_category(
                    column: UInt32(category.column), first_code: UInt32(hashes.count),
                    code_count: UInt32(codes.count), class_count: UInt32(known.count),
                    first_slot: UInt32(slots.count), bits: UInt32(spread.bits), probes: UInt32(spread.probes),
                    multiplier: UInt32(spread.multiplier)))
            hashes += codes
            classes += codes.map { UInt32(known[$0] ?? known.count) }
            var own = [serin_counter_class](
                repeating: serin_counter_class(hash: 0, number: UInt32(known.count)), count: 1 << spread.bits)
            for (entry, place) in zip(order, spread.places) {
                own[place] = serin_counter_class(hash: entry.key, number: UInt32(entry.value))
            }
            slots += own
        }
        block.categories = try writer.add(categories)
        block.hashes = try writer.add(hashes)
        block.classes = try writer.add(classes)
        block.class_slots = try writer.add(slots)
    }

    private static func decimal(_ code: Int) -> UInt32 { serin_category_hash(Double(code), nil, 0) }

    private mutating func addOneHots() throws(ImageError) {
        var oneHots: [serin_counter_one_hot] = []
        var places: [Float] = []
        for oneHot in counters.oneHots {
            oneHots.append(
                serin_counter_one_hot(category: UInt32(oneHot.category), first_place: UInt32(places.count)))
            let known = plan.classes[oneHot.category]
            var own = [Float](repeating: Float(oneHot.values.count), count: known.count + 1)
            for (place, hash) in oneHot.values.enumerated() {
                if let number = known[hash] { own[number] = Float(place) }
            }
            places += own
        }
        block.one_hots = try writer.add(oneHots)
        block.one_hot_places = try writer.add(places)
    }

    /// Distinct answers, and those of each combination, dense ones first.
    private mutating func addAnswers() throws(ImageError) {
        var (borderAt, equalityAt): ([CatBoostCounters.Border: Int], [CatBoostCounters.Equality: Int]) = ([:], [:])
        for combination in counters.combinations {
            for border in combination.borders where borderAt[border] == nil {
                borderAt[border] = borders.count
                borders.append(border)
            }
            for equality in combination.equalities where equalityAt[equality] == nil {
                equalityAt[equality] = equalities.count
                equalities.append(equality)
            }
        }
        guard borders.count + equalities.count <= Int(SERIN_COUNTER_ANSWERS_MAX) else {
            throw ImageError("more than \(SERIN_COUNTER_ANSWERS_MAX) borders and equalities in counters")
        }
        let order = plan.dense.map { $0.combination } + plan.hashed
        let answers = order.flatMap { index in
            counters.combinations[index].borders.map { UInt32(borderAt[$0]!) }
                + counters.combinations[index].equalities.map { UInt32(borders.count + equalityAt[$0]!) }
        }
        block.answers = try writer.add(answers)
        block.outputs = try writer.add(order.flatMap { plan.columns[$0].outputs })
        block.borders = try writer.add(
            borders.map {
                serin_counter_border(
                    column: UInt32($0.column), border: $0.border, missing_is_above: $0.missingIsAbove ? 1 : 0)
            })
        block.equalities = try writer.add(
            equalities.map { serin_counter_equality(category: UInt32($0.category), hash: $0.hash) })
    }

    private mutating func addDense() throws(ImageError) {
        var dense: [serin_counter_dense] = []
        var floats: [Float] = []
        for combination in plan.dense {
            dense.append(
                serin_counter_dense(
                    category: UInt32(combination.category), answer_count: UInt32(combination.answers),
                    output_count: UInt32(plan.columns[combination.combination].outputs.count), reserved: 0,
                    first_float: UInt64(floats.count)))
            floats += plan.floats(combination)
        }
        block.dense = try writer.add(dense)
        block.dense_floats = try writer.add(floats)
    }

    private mutating func addHashed() throws(ImageError) {
        var hashed: [serin_counter_hashed] = []
        var (elements, empty, words): ([UInt32], [Float], [UInt64]) = ([], [], [])
        for index in plan.hashed {
            let (combination, columns) = (counters.combinations[index], plan.columns[index])
            let table = try CounterTable(columns)
            hashed.append(
                serin_counter_hashed(
                    category_count: UInt32(combination.categories.count),
                    answer_count: UInt32(combination.borders.count + combination.equalities.count),
                    output_count: UInt32(columns.outputs.count), bits: UInt32(table.spread.bits),
                    probes: UInt32(table.spread.probes), reserved: 0, multiplier: table.spread.multiplier,
                    first_word: UInt64(words.count)))
            elements += combination.categories.map { UInt32($0) }
            empty += columns.empty
            words += table.words
        }
        block.hashed = try writer.add(hashed)
        block.elements = try writer.add(elements)
        block.empty = try writer.add(empty)
        block.slots = try writer.add(words)
    }
}
