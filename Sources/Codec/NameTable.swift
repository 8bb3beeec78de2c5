// Feature names → columns, and category strings → codes, of one model.
//
//     slots: [ entry | -1 | entry | … ]   power of two, at most half full, linear probing
//     entries: features 0..<F in column order, then every feature's categories
//     names:  UTF-8, each padded to 8 bytes so that words can be compared
//
// A named row mostly has its keys in the manifest's order, so the reader first asks
// `isFeature(column, key)`, one length and a few words, and looks up only what is out of order.
// The table never holds anything a client sent, so its probes are as short as the manifest makes them.

internal import Inference

struct NameTable: ~Copyable {
    private struct Entry {
        /// -1: a feature's name; else the column whose category it is.
        var scope: Int32
        /// The column, or the category's code.
        var value: Int32
        var offset: Int
        var count: Int
    }

    private let entries: UnsafeMutableBufferPointer<Entry>
    private let slots: UnsafeMutableBufferPointer<Int32>
    private let names: UnsafeMutableRawPointer

    init(_ features: [FeatureSpec]) {
        var strings: [(scope: Int32, value: Int32, name: String)] = []
        for (column, feature) in features.enumerated() { strings.append((-1, Int32(column), feature.name)) }
        for (column, feature) in features.enumerated() {
            for (code, name) in feature.categories.enumerated() { strings.append((Int32(column), Int32(code), name)) }
        }
        let byteCount = strings.reduce(8) { $0 + ($1.name.utf8.count + 7) & ~7 + 8 }
        names = .allocate(byteCount: byteCount, alignment: 8)
        names.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        entries = .allocate(capacity: strings.count)
        var size = 16
        while size < 2 * strings.count { size <<= 1 }
        slots = .allocate(capacity: size)
        slots.initialize(repeating: -1)
        var offset = 0
        for (index, string) in strings.enumerated() {
            let utf8 = Array(string.name.utf8)
            (names + offset).copyMemory(from: utf8, byteCount: utf8.count)
            let entry = Entry(scope: string.scope, value: string.value, offset: offset, count: utf8.count)
            (entries.baseAddress! + index).initialize(to: entry)
            insert(Int32(index))
            offset += (utf8.count + 7) & ~7
        }
    }

    deinit {
        entries.deallocate()
        slots.deallocate()
        names.deallocate()
    }

    private func insert(_ index: Int32) {
        let entry = entries[Int(index)]
        var slot = Self.hash(entry.scope, names + entry.offset, entry.count) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = index
    }

    /// True if `key` is the name of the feature in that column. 8 bytes behind `key` must be readable.
    @inline(__always)
    func isFeature(_ column: Int, _ key: UnsafeRawBufferPointer) -> Bool { matches(entries[column], key) }

    /// The column of a feature's name, or -1.
    func column(_ key: UnsafeRawBufferPointer) -> Int { find(-1, key) }

    /// The code of a category's string in that column, or -1.
    func code(_ column: Int, _ key: UnsafeRawBufferPointer) -> Int { find(Int32(truncatingIfNeeded: column), key) }

    private func find(_ scope: Int32, _ key: UnsafeRawBufferPointer) -> Int {
        var slot = Self.hash(scope, key.baseAddress.unsafelyUnwrapped, key.count) & (slots.count - 1)
        while slots[slot] >= 0 {
            let entry = entries[Int(slots[slot])]
            if entry.scope == scope, matches(entry, key) { return Int(entry.value) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return -1
    }

    @inline(__always)
    private func matches(_ entry: Entry, _ key: UnsafeRawBufferPointer) -> Bool {
        if entry.count != key.count { return false }
        let (left, right) = (names + entry.offset, key.baseAddress.unsafelyUnwrapped)
        var offset = 0
        while offset < entry.count {
            // SAFETY: both have 8 readable bytes behind them.
            if Self.word(left + offset, entry.count - offset) != Self.word(right + offset, entry.count - offset) {
                return false
            }
            offset += 8
        }
        return true
    }

    /// The next 8 bytes, those beyond `count` as zero.
    @inline(__always)
    private static func word(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
        let word = bytes.loadUnaligned(as: UInt64.self)
        return count >= 8 ? word : word & ((1 << UInt64(truncatingIfNeeded: 8 * count)) &- 1)
    }

    @inline(__always)
    private static func hash(_ scope: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        var hash = UInt64(truncatingIfNeeded: scope) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: count)
        var offset = 0
        while offset < count {
            hash = (hash ^ word(bytes + offset, count - offset)) &* 0x9e37_79b9_7f4a_7c15
            hash ^= hash >> 32
            offset += 8
        }
        return Int(truncatingIfNeeded: hash)
    }
}
