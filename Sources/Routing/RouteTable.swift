// Which version serves a request: an immutable table from a model's name to its versions and their shares.
//
//     hash(name) ─► buckets ─► model { name, stable, versions: [number ─► index], shares, segments, labels }
//
// The gateway keeps its loaded versions in an array; the table speaks of them by index, so it knows
// nothing of what they are. Everything lies in plain memory behind pointers: a look-up counts no
// reference. Names are compared as the bytes of the request's path; nothing is decoded or copied.
// A change is another table (`Snapshot`), so a request sees one generation of a route and never half of two.

import Glibc
import Primitives

// SAFETY: written in init only, read by every reactor after it.
public final class RouteTable: @unchecked Sendable {
    struct Version {
        var number: UInt64
        var index: Int
    }

    /// The requests whose point lies in `low..<high` of a million.
    struct Share {
        var low: UInt32
        var high: UInt32
        var index: Int32
        var arm: Arm
    }

    struct Label {
        var name: UnsafeRawBufferPointer
        var index: Int
    }

    struct Segment {
        var key: RoutedKey
        var texts: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>
        var numbers: UnsafeMutableBufferPointer<Float>
        var index: Int
    }

    struct Model {
        var name: UnsafeRawBufferPointer
        var versions: UnsafeMutableBufferPointer<Version>
        /// -1: none.
        var stable: Int
        /// Nothing but the stable version and numbers in paths.
        var isPlain: Bool
        /// A feature decides.
        var needsRow: Bool
        /// -1: none.
        var overrideField: Int
        var sticky: RoutedStickiness?
        var shares: UnsafeMutableBufferPointer<Share>
        var shadows: UnsafeMutableBufferPointer<Share>
        var segments: UnsafeMutableBufferPointer<Segment>
        var labels: UnsafeMutableBufferPointer<Label>
    }

    /// Percentages are kept in this many parts: 0.0001 % is one.
    public static let parts = 1_000_000

    let models: UnsafeMutablePointer<Model>
    public let modelCount: Int
    /// Open addressing; -1: empty. At most half full.
    private let buckets: UnsafeMutablePointer<Int32>
    private let mask: Int
    private let memory = RouteMemory()

    public init(_ routed: [RoutedModel]) {
        modelCount = routed.count
        models = .allocate(capacity: max(routed.count, 1))
        var size = 4
        while size < routed.count * 2 { size <<= 1 }
        mask = size - 1
        buckets = .allocate(capacity: size)
        buckets.initialize(repeating: -1, count: size)
        for (index, model) in routed.enumerated() {
            (models + index).initialize(to: Self.flatten(model, memory))
            insert(index)
        }
    }

    deinit {
        models.deallocate()
        buckets.deallocate()
    }

    private func insert(_ index: Int) {
        var bucket = Self.hash(models[index].name) & mask
        while buckets[bucket] >= 0 { bucket = (bucket + 1) & mask }
        buckets[bucket] = Int32(index)
    }

    /// FNV-1a, for names of some ten bytes.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ (hash >> 32)) & .max
    }

    /// The model's place; -1: unknown.
    func find(_ name: UnsafeRawBufferPointer) -> Int {
        var bucket = Self.hash(name) & mask
        while buckets[bucket] >= 0 {
            let place = Int(buckets[bucket])
            if Self.isSame(models[place].name, name) { return place }
            bucket = (bucket + 1) & mask
        }
        return -1
    }

    @inline(__always)
    static func isSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard one.count == other.count else { return false }
        guard one.count > 0, let first = one.baseAddress, let second = other.baseAddress else { return true }
        return memcmp(first, second, one.count) == 0
    }

    /// The index of a model's version; -1: it is not ready.
    func index(of text: UnsafeRawBufferPointer, in model: UnsafeMutablePointer<Model>) -> Int {
        guard let number = Self.number(text) else { return -1 }
        for version in model.pointee.versions where version.number == number { return version.index }
        return -1
    }

    /// A version number: digits without a leading zero, below 2^63.
    static func number(_ text: UnsafeRawBufferPointer) -> UInt64? {
        guard 1...19 ~= text.count, text[0] != 48 || text.count == 1 else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard 48...57 ~= byte else { return nil }
            value = value * 10 + UInt64(byte - 48)
        }
        return value < 1 << 63 ? value : nil
    }
}
