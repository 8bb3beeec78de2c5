// A combination's hash table: open addressing, at most half full, values next to their key.
//
// The first multiplier spreads CatBoost's own keys well: they are products already.  A file may hold
// keys that were chosen to fall on one place; then other multipliers are tried, and a table that no
// multiplier spreads is refused, because a row would pay for it.

internal import CKernels

struct CounterTable {
    /// Words of slots, `SERIN_COUNTER_FREE` where the slot is free.
    private(set) var words: [UInt64]
    let spread: KeySpread

    init(_ columns: CounterColumns) throws(ImageError) {
        let slotWords = 1 + (columns.outputs.count + 1) / 2
        spread = try KeySpread(columns.keys, width: 64)
        guard slotWords <= (ImageWriter.byteLimit / 8) >> spread.bits else {
            throw ImageError("a counter's table is larger than \(ImageWriter.byteLimit) bytes")
        }
        words = [UInt64](repeating: SERIN_COUNTER_FREE, count: slotWords << spread.bits)
        for (index, place) in spread.places.enumerated() {
            let start = place * slotWords
            words[start] = columns.keys[index]
            for counter in columns.outputs.indices {
                let bits = UInt64(columns.values[counter][index].bitPattern)
                let word = start + 1 + counter / 2
                if counter % 2 == 0 {
                    words[word] = bits
                } else {
                    words[word] |= bits << 32
                }
            }
        }
    }
}

/// Where keys fall in a table of 2^bits places: (key × multiplier) >> (width - bits), then the next ones.
struct KeySpread {
    private(set) var bits = 1
    private(set) var probes = 1
    private(set) var multiplier: UInt64 = 1
    /// By key.
    private(set) var places: [Int] = []

    /// `width`: 64, or 32 for keys of 32 bits.
    init(_ keys: [UInt64], width: Int) throws(ImageError) {
        while 1 << bits < 2 * keys.count { bits += 1 }
        for attempt in 0..<16 as Range<UInt64> {
            // Odd, and unlike each other: multiples of the golden ratio.
            multiplier = (attempt &* 0x9e37_79b9_7f4a_7c15) | 1
            if width == 32 { multiplier = (multiplier >> 32 ^ 0x9e37_79b9) & 0xffff_ffff | 1 }
            if spread(keys, width: width) { return }
        }
        throw ImageError("a counter's keys fall on one place of its table, whatever the multiplier")
    }

    private mutating func spread(_ keys: [UInt64], width: Int) -> Bool {
        let mask: UInt64 = width == 64 ? .max : 1 << UInt64(width) - 1
        var isUsed = [Bool](repeating: false, count: 1 << bits)
        places = []
        places.reserveCapacity(keys.count)
        probes = 1
        for key in keys {
            var place = Int(((key &* multiplier) & mask) >> UInt64(width - bits))
            var probe = 1
            while isUsed[place] {
                place = (place + 1) & (1 << bits - 1)
                probe += 1
                if probe > Int(SERIN_COUNTER_PROBES_MAX) { return false }
            }
            isUsed[place] = true
            places.append(place)
            probes = max(probes, probe)
        }
        return true
    }
}
