// How many connections each address holds, over all reactors, in a fixed amount of memory and without a lock.
//
//     address ──hash──► row 0 [ 3 | 0 | 17 | … 32,768 ]      the count is the smaller of the two
//             ──hash──► row 1 [ 0 | 3 |  0 | … 32,768 ]
//
// A table with one entry an address would have to be locked, grown and cleaned up, by whoever is attacked. Counters that
// addresses share are never too low, and too high only for an address that shares both of its counters with busy
// others: with n busy ones a chance of (n / 32,768)². The hash is seeded, so nobody can choose their neighbours.
// 256 KiB in all.
//
// Source: Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch" (2005).

import Primitives
import Synchronization

// SAFETY: the cells are atomics, and the pointer never changes.
public final class AddressCounts: @unchecked Sendable {
    private static let rowCount = 32768

    private let cells: UnsafeMutablePointer<Atomic<UInt32>>
    private let seed = UInt64.random(in: .min ... .max)
    /// Connections of one address; 0: any number.
    public let limit: Int

    public init(limit: Int) {
        self.limit = limit
        cells = .allocate(capacity: 2 * Self.rowCount)
        for index in 0..<2 * Self.rowCount { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: 2 * Self.rowCount)
        cells.deallocate()
    }

    private func places(_ address: PeerAddress) -> (Int, Int) {
        let hash = mixed(address.network ^ seed)
        return (Int(hash % UInt64(Self.rowCount)), Self.rowCount + Int(hash >> 32) % Self.rowCount)
    }

    /// Counts one more connection; how many the address held before.
    func enter(_ address: PeerAddress) -> Int {
        let (one, other) = places(address)
        let first = cells[one].add(1, ordering: .relaxed).oldValue
        return Int(min(first, cells[other].add(1, ordering: .relaxed).oldValue))
    }

    func leave(_ address: PeerAddress) {
        let (one, other) = places(address)
        cells[one].subtract(1, ordering: .relaxed)
        cells[other].subtract(1, ordering: .relaxed)
    }
}
