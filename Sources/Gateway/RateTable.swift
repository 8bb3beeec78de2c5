// Requests a second per client and model, over all reactors, in 1 MiB and without a lock.
//
//     client and model ──hash──► row 0 [ fullAt … 65,536 ]     one of the two has a token: let pass
//                      ──hash──► row 1 [ fullAt … 65,536 ]     neither: 429
//
// Each cell is a token bucket in eight bytes (the moment at which it is full again; ITU-T I.371), taken from with one
// compare-and-exchange. Clients share cells, so that a crowd of new addresses evicts nobody and costs nothing; a client
// is refused for others' sake only when both of its cells belong to clients over their rate: with n of them a
// chance of (n / 65,536)². A model without a rate touches none of this.

import Primitives
import Synchronization

// SAFETY: the cells are atomics, and the pointer never changes.
final class RateTable: @unchecked Sendable {
    private static let rowCount = 65536
    /// A client may use up a second's requests at once.
    private static let spanNanos: UInt64 = 1_000_000_000

    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        cells = .allocate(capacity: 2 * Self.rowCount)
        for index in 0..<2 * Self.rowCount { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: 2 * Self.rowCount)
        cells.deallocate()
    }

    /// Takes a token of the client's; false: it is over its rate. `interval`: nanoseconds between two requests.
    func take(_ client: UInt64, interval: UInt64, now: UInt64) -> Bool {
        let hash = mixed(client)
        let one = Int(hash % UInt64(Self.rowCount))
        let other = Self.rowCount + Int(hash >> 32) % Self.rowCount
        let first = take(cell: one, interval, now)
        return take(cell: other, interval, now) || first
    }

    private func take(cell: Int, _ interval: UInt64, _ now: UInt64) -> Bool {
        var full = cells[cell].load(ordering: .relaxed)
        while true {
            let next = max(full, now) + interval
            if next - now > max(Self.spanNanos, interval) { return false }
            let (done, seen) = cells[cell].compareExchange(expected: full, desired: next, ordering: .relaxed)
            if done { return true }
            full = seen
        }
    }
}
