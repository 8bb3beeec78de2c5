// One combination's hash table: every key of its tables, with the finished values of its counters.
//
// The first multiplier spreads CatBoost's own keys well: they are products already.  A file may hold
// keys that were chosen to fall on one place; then other multipliers are tried, and a table that no
// multiplier spreads is refused, because a row would pay for it.

internal import CKernels
internal import ModelFormat

struct CounterTable {
    /// Words of slots, `SERIN_COUNTER_FREE` where the slot is free.
    private(set) var words: [UInt64] = []
    private(set) var bits = 1
    private(set) var probes = 1
    private(set) var multiplier: UInt64 = 1
    /// The output columns of the slots' floats, and the floats of a key that is not there.
    private(set) var outputs: [UInt32] = []
    private(set) var empty: [Float] = []

    private let keys: [UInt64]
    private let slotWords: Int

    /// At most half of the slots are in use.
    init(_ counters: CatBoostCounters, combination: Int) throws(ImageError) {
        let own = counters.counters.enumerated().filter {
            counters.tables[$0.element.table].combination == combination
        }
        let tables = Set(own.map { $0.element.table }).sorted().map { counters.tables[$0] }
        keys = Self.union(tables.map { $0.keys })
        slotWords = 1 + (own.count + 1) / 2
        while 1 << bits < 2 * keys.count { bits += 1 }
        guard slotWords << bits <= ImageWriter.byteLimit / 8 else {
            throw ImageError("a counter's table is larger than \(ImageWriter.byteLimit) bytes")
        }
        let places = try spread()
        words = [UInt64](repeating: SERIN_COUNTER_FREE, count: slotWords << bits)
        for (key, place) in zip(keys, places) { words[place * slotWords] = key }
        for (number, (column, counter)) in own.enumerated() {
            outputs.append(UInt32(counters.oneHots.count + column))
            empty.append(write(counter, counters.tables[counter.table], number, places))
        }
    }

    /// Ascending and distinct, of ascending lists.
    private static func union(_ lists: [[UInt64]]) -> [UInt64] {
        guard let first = lists.first, lists.dropFirst().contains(where: { $0 != first }) else {
            return lists.first ?? []
        }
        return Set(lists.joined()).sorted()
    }

    /// The slot of each key.
    private mutating func spread() throws(ImageError) -> [Int] {
        for attempt in 0..<16 as Range<UInt64> {
            // Odd, and unlike each other: the fractions of the golden ratio.
            multiplier = attempt == 0 ? 1 : (attempt &* 0x9e37_79b9_7f4a_7c15) | 1
            if let places = places() { return places }
        }
        throw ImageError("a counter's keys fall on one place of its table, whatever the multiplier")
    }

    private mutating func places() -> [Int]? {
        var isUsed = [Bool](repeating: false, count: 1 << bits)
        var places: [Int] = []
        places.reserveCapacity(keys.count)
        probes = 1
        for key in keys {
            var place = Int((key &* multiplier) &>> UInt64(64 - bits))
            var probe = 1
            while isUsed[place] {
                place = (place + 1) & (1 << bits - 1)
                probe += 1
                if probe > Int(SERIN_COUNTER_PROBES_MAX) { return nil }
            }
            isUsed[place] = true
            places.append(place)
            probes = max(probes, probe)
        }
        return places
    }

    /// Writes one counter's values to float `number` of the slots; gives the value of a key that is not there.
    private mutating func write(
        _ counter: CatBoostCounters.Counter, _ table: CatBoostCounters.Table, _ number: Int, _ places: [Int]
    ) -> Float {
        let empty = counter.value(of: table.statistics, at: nil)
        var entry = 0
        for (key, place) in zip(keys, places) {
            while entry < table.keys.count, table.keys[entry] < key { entry += 1 }
            let isThere = entry < table.keys.count && table.keys[entry] == key
            let value = isThere ? counter.value(of: table.statistics, at: entry) : empty
            set(place * slotWords + 1 + number / 2, isHigh: number % 2 == 1, value)
        }
        return empty
    }

    private mutating func set(_ word: Int, isHigh: Bool, _ value: Float) {
        let bits = UInt64(value.bitPattern)
        words[word] = isHigh ? words[word] & 0xffff_ffff | bits << 32 : words[word] & ~0xffff_ffff | bits
    }
}
