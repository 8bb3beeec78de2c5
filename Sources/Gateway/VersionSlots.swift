// Where loaded versions stand in the data plane's tables, and who still uses them.
//
//     slots   [ fraud/1 | fraud/2 | risk/1 | - | … 1,024 ]      a version keeps its slot while it is loaded
//     holds   reactor 0: [ 3 | 0 | 1 | … ]   reactor 1: [ 0 | 2 | 0 | … ]      requests that hold it, by slot
//
// A version leaves in three steps: no route leads to it; every reactor has taken a snapshot in which that is so, and
// none of its requests holds the version any more; then a snapshot without it is published, and when all reactors have
// that one, its memory goes. A request that is with an executor for many rounds holds its version all the while.

import Glibc
import Synchronization

/// Which version stands where.
struct VersionSlots {
    /// Versions loaded at once.
    static let limit = 1024

    private var owners: [String?] = []
    /// When a slot was given back; the one that has been free for longest is given again.
    private var freed: [Int: UInt64] = [:]
    private var clock: UInt64 = 0

    /// A slot for `NAME/VERSION`: the one that it had, else one that nobody has had, else the one longest free; nil: all
    /// are taken.
    mutating func take(_ identity: String) -> Int? {
        if let known = owners.firstIndex(of: identity), freed[known] != nil {
            freed[known] = nil
            return known
        }
        if owners.count < Self.limit {
            owners.append(identity)
            return owners.count - 1
        }
        guard let oldest = freed.min(by: { $0.value < $1.value })?.key else { return nil }
        freed[oldest] = nil
        owners[oldest] = identity
        return oldest
    }

    mutating func give(_ slot: Int) {
        clock += 1
        freed[slot] = clock
    }
}

/// How many requests hold a version, by reactor and slot.
// SAFETY: one reactor writes a row, with plain loads and stores of atomics; the control plane reads it. It reads a zero
// only after the reactor has announced (released) a snapshot in which no route leads to the version, so that nothing
// comes after the zero.
final class VersionHolds: @unchecked Sendable {
    /// One reactor's counts.
    struct Row {
        fileprivate let counts: UnsafeMutablePointer<Atomic<Int>>

        @inline(__always)
        func add(_ slot: Int) {
            counts[slot].store(counts[slot].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        }

        /// Releases: what was done with the version is done.
        @inline(__always)
        func take(_ slot: Int) {
            counts[slot].store(counts[slot].load(ordering: .relaxed) &- 1, ordering: .releasing)
        }
    }

    private let readers: Int
    private let counts: UnsafeMutablePointer<Atomic<Int>>

    init(readers: Int) {
        self.readers = readers
        let count = readers * VersionSlots.limit
        counts = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 128)
            .bindMemory(to: Atomic<Int>.self, capacity: count)
        for index in 0..<count { (counts + index).initialize(to: Atomic(0)) }
    }

    deinit { counts.deallocate() }

    func row(_ reader: Int) -> Row { Row(counts: counts + reader * VersionSlots.limit) }

    /// Requests that hold the version now.
    func total(_ slot: Int) -> Int {
        (0..<readers).reduce(0) { $0 + counts[$1 * VersionSlots.limit + slot].load(ordering: .acquiring) }
    }
}
