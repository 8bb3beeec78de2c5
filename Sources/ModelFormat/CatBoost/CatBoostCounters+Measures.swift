// The counters' size and a row's cost, for the bounds on pipelines.

extension CatBoostCounters {
    /// Keys, statistics and hashes.
    var parameterCount: Int {
        let listed = categories.reduce(0) { $0 + $1.hashes.count } + oneHots.reduce(0) { $0 + $1.values.count }
        return tables.reduce(listed) { $0 + $1.keys.count + $1.statistics.count }
    }

    /// About 20 steps to hash a category or to find a key, one for each part of it and each output.
    var worstCaseOperations: Int {
        combinations.reduce(20 * (categories.count + combinations.count) + outputColumns) {
            $0 + $1.categories.count + $1.borders.count + $1.equalities.count
        }
    }
}

extension CatBoostCounters.Statistics {
    /// Numbers of all keys.
    fileprivate var count: Int {
        switch self {
        case .classes(_, let counts), .totals(let counts, _): counts.count
        case .means(let sums, let counts): sums.count + counts.count
        }
    }
}
