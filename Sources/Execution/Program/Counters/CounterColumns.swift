// One combination's counters side by side: every key of their tables, and their finished values.

internal import ModelFormat

struct CounterColumns {
    /// Of all its tables, ascending.
    let keys: [UInt64]
    /// The output columns of its counters.
    let outputs: [UInt32]
    /// [counter][key].
    let values: [[Float]]
    /// By counter: the value of a key that is not there.
    let empty: [Float]

    init(_ counters: CatBoostCounters, combination: Int) {
        let own = counters.counters.enumerated().filter {
            counters.tables[$0.element.table].combination == combination
        }
        let tables = Set(own.map { $0.element.table }).sorted().map { counters.tables[$0] }
        let keys = Self.union(tables.map { $0.keys })
        self.keys = keys
        outputs = own.map { UInt32(counters.oneHots.count + $0.offset) }
        values = own.map { Self.values($0.element, counters.tables[$0.element.table], keys) }
        empty = own.map { $0.element.value(of: counters.tables[$0.element.table].statistics, at: nil) }
    }

    /// Ascending and distinct, of ascending lists.
    private static func union(_ lists: [[UInt64]]) -> [UInt64] {
        guard let first = lists.first, lists.dropFirst().contains(where: { $0 != first }) else {
            return lists.first ?? []
        }
        return Set(lists.joined()).sorted()
    }

    private static func values(
        _ counter: CatBoostCounters.Counter, _ table: CatBoostCounters.Table, _ keys: [UInt64]
    ) -> [Float] {
        var entry = 0
        return keys.map { key in
            while entry < table.keys.count, table.keys[entry] < key { entry += 1 }
            let isThere = entry < table.keys.count && table.keys[entry] == key
            return counter.value(of: table.statistics, at: isThere ? entry : nil)
        }
    }
}
