// What the oracle and the compiler rely on: every index and every sum is in range.

extension CatBoostCounters {
    /// Throws unless the counters are in range and make `output` of `columns` input columns.
    func check(columns: Int, output: Pipeline.Value, place: String) throws(ModelFormatError) {
        guard output == Pipeline.Value(columns: outputColumns, width: .float32) else {
            throw ModelFormatError(place, "its output must be \(outputColumns) float32 columns")
        }
        for (index, category) in categories.enumerated() where !(0..<columns).contains(category.column) {
            throw ModelFormatError("\(place).categories[\(index)]", "the column must be 0 to \(columns - 1)")
        }
        for (index, combination) in combinations.enumerated() {
            try check(combination, columns, "\(place).combinations[\(index)]")
        }
        for (index, table) in tables.enumerated() { try check(table, "\(place).tables[\(index)]") }
        for (index, oneHot) in oneHots.enumerated() { try check(oneHot, "\(place).oneHots[\(index)]") }
        for (index, counter) in counters.enumerated() { try check(counter, "\(place).counters[\(index)]") }
    }

    private func check(_ combination: Combination, _ columns: Int, _ place: String) throws(ModelFormatError) {
        guard combination.categories.allSatisfy(categories.indices.contains),
            combination.equalities.allSatisfy({ categories.indices.contains($0.category) })
        else { throw ModelFormatError(place, "a category must be 0 to \(categories.count - 1)") }
        guard combination.borders.allSatisfy({ (0..<columns).contains($0.column) && !$0.border.isNaN }) else {
            throw ModelFormatError(place, "a border must be a number on a column from 0 to \(columns - 1)")
        }
    }

    private func check(_ oneHot: OneHot, _ place: String) throws(ModelFormatError) {
        guard categories.indices.contains(oneHot.category) else {
            throw ModelFormatError(place, "the category must be 0 to \(categories.count - 1)")
        }
        guard oneHot.values.count <= Self.oneHotValuesMax, Set(oneHot.values).count == oneHot.values.count else {
            throw ModelFormatError(place, "must have at most \(Self.oneHotValuesMax) distinct values")
        }
    }

    /// Places are float32 numbers, and a row compares with each value; CatBoost has at most 255.
    static let oneHotValuesMax = 65_536

    private func check(_ table: Table, _ place: String) throws(ModelFormatError) {
        guard combinations.indices.contains(table.combination) else {
            throw ModelFormatError(place, "the combination must be 0 to \(combinations.count - 1)")
        }
        guard zip(table.keys, table.keys.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw ModelFormatError(place, "the keys must ascend")
        }
        guard table.keys.last ?? 0 < .max else {
            throw ModelFormatError(place, "the largest key is CatBoost's mark of no key")
        }
        guard table.statistics.fits(keys: table.keys.count) else {
            throw ModelFormatError(place, "each key must have its statistics, not negative and with a sum of 32 bits")
        }
    }

    private func check(_ counter: Counter, _ place: String) throws(ModelFormatError) {
        guard tables.indices.contains(counter.table) else {
            throw ModelFormatError(place, "the table must be 0 to \(tables.count - 1)")
        }
        guard [counter.prior, counter.priorDenominator, counter.shift, counter.scale].allSatisfy({ $0.isFinite })
        else { throw ModelFormatError(place, "priors, shift and scale must be finite") }
        switch (counter.numerator, tables[counter.table].statistics) {
        case (.above(let border), .classes(let classes, _)):
            guard border >= 0, border + 1 < classes else {
                throw ModelFormatError(place, "the border must be 0 to \(classes - 2)")
            }
        case (.only(let index), .classes(let classes, _)):
            guard (0..<classes).contains(index) else {
                throw ModelFormatError(place, "the class must be 0 to \(classes - 1)")
            }
        case (.all, .means), (.all, .totals): break
        default: throw ModelFormatError(place, "the numerator does not fit the table's statistics")
        }
    }
}

extension CatBoostCounters.Statistics {
    fileprivate func fits(keys: Int) -> Bool {
        switch self {
        case .totals(let counts, let denominator):
            return counts.count == keys && denominator >= 0 && counts.allSatisfy { $0 >= 0 }
        case .means(let sums, let counts):
            return sums.count == keys && counts.count == keys && sums.allSatisfy { $0.isFinite }
                && counts.allSatisfy { $0 >= 0 }
        case .classes(let classes, let counts):
            // At most a few million keys with a few thousand classes: no overflow.
            guard classes > 0, counts.count.isMultiple(of: classes), counts.count / classes == keys else {
                return false
            }
            return stride(from: 0, to: counts.count, by: classes).allSatisfy { start in
                let own = counts[start..<start + classes]
                return own.allSatisfy { $0 >= 0 } && own.reduce(0) { $0 + Int($1) } <= Int(Int32.max)
            }
        }
    }
}
