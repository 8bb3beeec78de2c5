// Counters as CatBoost computes them, one row and one step at a time: the oracle of the stage kernel.

extension CatBoostCounters {
    /// One row's counters; the counters have been checked.
    func values(of columns: [Double]) -> [Double] {
        let hashes = categories.map { CategoryHash.hash(of: columns[$0.column], listed: $0.hashes) }
        let keys = combinations.map { key(of: $0, columns, hashes) }
        let places = oneHots.map { oneHot in
            Double(oneHot.values.firstIndex(of: hashes[oneHot.category]) ?? oneHot.values.count)
        }
        return places + counters.map { Double($0.value(in: tables[$0.table], keys[tables[$0.table].combination])) }
    }

    func key(of combination: Combination, _ columns: [Double], _ hashes: [UInt32]) -> UInt64 {
        var key: UInt64 = 0
        for category in combination.categories {
            key = CategoryHash.combine(key, CategoryHash.element(hashes[category]))
        }
        for border in combination.borders {
            key = CategoryHash.combine(key, border.isPassed(by: Float(columns[border.column])) ? 1 : 0)
        }
        for equality in combination.equalities {
            key = CategoryHash.combine(key, hashes[equality.category] == equality.hash ? 1 : 0)
        }
        return key
    }
}

extension CatBoostCounters.Border {
    func isPassed(by value: Float) -> Bool { value.isNaN ? missingIsAbove : value > border }
}

extension CatBoostCounters.Counter {
    func value(in table: CatBoostCounters.Table, _ key: UInt64) -> Float {
        value(of: table.statistics, at: table.place(of: key))
    }

    /// The value for the statistics' entry `place`; nil: for a key that no row had.
    public func value(of statistics: CatBoostCounters.Statistics, at place: Int?) -> Float {
        let (part, whole) = statistics.fraction(numerator, at: place)
        return ((part + prior) / (whole + priorDenominator) + shift) * scale
    }
}

extension CatBoostCounters.Table {
    func place(of key: UInt64) -> Int? {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low < keys.count && keys[low] == key ? low : nil
    }
}

extension CatBoostCounters.Statistics {
    /// Numerator and denominator, whole numbers rounded to float32 as CatBoost's formula takes them.
    func fraction(_ numerator: CatBoostCounters.Numerator, at place: Int?) -> (part: Float, whole: Float) {
        switch self {
        case .totals(let counts, let denominator): return (place.map { Float(counts[$0]) } ?? 0, Float(denominator))
        case .means(let sums, let counts): return place.map { (sums[$0], Float(counts[$0])) } ?? (0, 0)
        case .classes(let classes, let counts):
            guard let place else { return (0, 0) }
            let own = counts[place * classes..<(place + 1) * classes]
            // The check has seen that sums fit 32 bits.
            let part =
                switch numerator {
                case .above(let border): own.dropFirst(border + 1).reduce(0, +)
                case .only(let index): own[own.startIndex + index]
                case .all: own.reduce(0, +)
                }
            return (Float(part), Float(own.reduce(0, +)))
        }
    }
}
