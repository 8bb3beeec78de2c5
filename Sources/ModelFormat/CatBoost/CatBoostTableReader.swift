// One table of ctr_data: keys and statistics in a row, into columns with ascending keys.

struct CatBoostTableReader {
    private let field: ModelField
    private let map: ModelField
    private let values: [ModelValue]
    private let stride: Int

    init(_ field: ModelField) throws(ModelFormatError) {
        self.field = field
        map = try field.member("hash_map")
        switch map.value {
        case .null: values = []
        case .array(let elements): values = elements
        default: throw map.error("must be an array of keys, as strings, and numbers")
        }
        let strideField = try field.member("hash_stride")
        stride = try strideField.integer(2...ModelBounds.outputs + 1)
        guard values.count.isMultiple(of: stride) else {
            throw strideField.error("must divide the length of `hash_map`, \(values.count)")
        }
    }

    func table(
        _ combination: Int, isMean: Bool, isTotal: Bool
    ) throws(ModelFormatError) -> CatBoostCounters.Table {
        guard isMean ? stride == 3 : isTotal ? stride == 2 : stride >= 3 else {
            throw ModelFormatError(
                "\(field.place).hash_stride",
                "must be \(isMean ? "3 for means" : isTotal ? "2 for a counter" : "at least 3 for classes")")
        }
        let entries = try sortedEntries()
        let statistics: CatBoostCounters.Statistics
        if isMean {
            statistics = .means(sums: try column(entries, 1, float), counts: try column(entries, 2, count))
        } else if isTotal {
            let denominator = try field.member("counter_denominator").integer(0...Int(Int32.max))
            statistics = .totals(counts: try column(entries, 1, count), denominator: Int32(denominator))
        } else {
            statistics = .classes(stride - 1, counts: try classes(entries))
        }
        return CatBoostCounters.Table(combination: combination, keys: entries.map { $0.key }, statistics: statistics)
    }

    /// Keys with their places in the map, ascending.
    private func sortedEntries() throws(ModelFormatError) -> [(key: UInt64, place: Int)] {
        var entries: [(key: UInt64, place: Int)] = []
        entries.reserveCapacity(values.count / stride)
        for place in Swift.stride(from: 0, to: values.count, by: stride) {
            guard case .string(let text) = values[place], let key = UInt64(text) else {
                throw error(place, "must be a key: a whole number of 64 bits, as a string")
            }
            // The library's mark of an empty bucket, whose statistics belong to nobody.
            if key != .max { entries.append((key, place)) }
        }
        entries.sort { $0.key < $1.key }
        for (index, entry) in entries.enumerated().dropFirst() where entries[index - 1].key == entry.key {
            throw error(entry.place, "the key stands twice")
        }
        return entries
    }

    private func column<Element>(
        _ entries: [(key: UInt64, place: Int)], _ offset: Int, _ read: (Int) throws(ModelFormatError) -> Element
    ) throws(ModelFormatError) -> [Element] {
        var column: [Element] = []
        column.reserveCapacity(entries.count)
        for entry in entries { column.append(try read(entry.place + offset)) }
        return column
    }

    private func classes(_ entries: [(key: UInt64, place: Int)]) throws(ModelFormatError) -> [Int32] {
        var counts: [Int32] = []
        counts.reserveCapacity(entries.count * (stride - 1))
        for entry in entries {
            var sum = 0
            for place in entry.place + 1..<entry.place + stride {
                let count = try count(place)
                counts.append(count)
                sum += Int(count)
            }
            guard sum <= Int(Int32.max) else { throw error(entry.place, "the key's counts must add up to 32 bits") }
        }
        return counts
    }

    private func count(_ place: Int) throws(ModelFormatError) -> Int32 {
        guard case .integer(let wide) = values[place], let count = Int32(exactly: wide), count >= 0 else {
            throw error(place, "must be a count: a whole number of 31 bits")
        }
        return count
    }

    private func float(_ place: Int) throws(ModelFormatError) -> Float {
        try ModelField(value: values[place], place: "\(map.place)[\(place)]").float()
    }

    private func error(_ place: Int, _ message: String) -> ModelFormatError {
        ModelFormatError("\(map.place)[\(place)]", message)
    }
}
