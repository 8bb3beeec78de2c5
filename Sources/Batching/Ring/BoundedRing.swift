// A bounded ring of pointers for any number of producers and consumers, without a lock.
//
//     cells   [ turn | item ][ turn | item ][ turn | item ][ turn | item ]        a power of two
//                  ▲ tail: the next to be taken          ▲ head: the next to be filled
//
//     a cell at position p:   turn = p          empty, p's producer may fill it
//                             turn = p + 1      full, p's consumer may take it
//                             turn = p + size   empty again, for the next lap
//
// A producer wins a position by moving `head`, writes the item, then publishes it by the cell's turn; a consumer does
// the same with `tail`. Two threads only meet on `head`, on `tail`, or on one cell, and the two counters lie on lines of
// their own.
//
// It is not lock-free in the strict sense: a producer that is stopped between winning a position and publishing it hides
// what lies behind it until it goes on. Here a producer is a reactor, which has nothing to wait for in between, and
// nobody waits for a consumer: the consequence is a batch that begins later, never one that is lost, because a producer
// wakes an executor after it has published (WakeWord).
//
// Source: D. Vyukov, "Bounded MPMC queue" (1024cores.net). Checked by Proofs/ring.pml.

internal import Synchronization

// SAFETY: `head` and `tail` are moved by compare-and-swap only. `item` is written by the producer that won the position
// and read by the consumer that won it; `turn`, released by the one and acquired by the other, orders the two.
public struct BoundedRing: ~Copyable, @unchecked Sendable {
    struct Cell: ~Copyable {
        let turn: Atomic<Int>
        var item: UnsafeMutableRawPointer?
        init(_ position: Int) { turn = Atomic(position) }
    }

    /// The prefetcher takes lines in pairs.
    private static let lineBytes = 128

    let memory: UnsafeMutableRawPointer
    let head: UnsafeMutablePointer<Atomic<Int>>
    let tail: UnsafeMutablePointer<Atomic<Int>>
    let cells: UnsafeMutablePointer<Cell>
    let mask: Int

    public var capacity: Int { mask + 1 }

    /// Room for at least `capacity` pointers.
    public init(capacity: Int) {
        var size = 2
        while size < capacity { size <<= 1 }
        mask = size - 1
        memory = .allocate(
            byteCount: 2 * Self.lineBytes + size * MemoryLayout<Cell>.stride, alignment: Self.lineBytes)
        head = memory.bindMemory(to: Atomic<Int>.self, capacity: 1)
        tail = (memory + Self.lineBytes).bindMemory(to: Atomic<Int>.self, capacity: 1)
        cells = (memory + 2 * Self.lineBytes).bindMemory(to: Cell.self, capacity: size)
        head.initialize(to: Atomic(0))
        tail.initialize(to: Atomic(0))
        for position in 0..<size { (cells + position).initialize(to: Cell(position)) }
    }

    deinit { memory.deallocate() }

    /// False: it is full.
    public func push(_ item: UnsafeMutableRawPointer) -> Bool {
        var position = head.pointee.load(ordering: .relaxed)
        while true {
            let cell = cells + (position & mask)
            step()
            let turn = cell.pointee.turn.load(ordering: .acquiring)
            if turn == position {
                step()
                let (isMine, seen) = head.pointee.weakCompareExchange(
                    expected: position, desired: position &+ 1, ordering: .relaxed)
                if isMine {
                    step()
                    cell.pointee.item = item
                    step()
                    cell.pointee.turn.store(position &+ 1, ordering: .releasing)
                    return true
                }
                position = seen
            } else if turn < position {
                return false
            } else {
                position = head.pointee.load(ordering: .relaxed)
            }
        }
    }

    /// nil: it is empty, or what is next is not yet published.
    public func pop() -> UnsafeMutableRawPointer? {
        var position = tail.pointee.load(ordering: .relaxed)
        while true {
            let cell = cells + (position & mask)
            step()
            let turn = cell.pointee.turn.load(ordering: .acquiring)
            if turn == position &+ 1 {
                step()
                let (isMine, seen) = tail.pointee.weakCompareExchange(
                    expected: position, desired: position &+ 1, ordering: .relaxed)
                if isMine {
                    step()
                    let item = cell.pointee.item
                    step()
                    cell.pointee.turn.store(position &+ capacity, ordering: .releasing)
                    return item
                }
                position = seen
            } else if turn < position &+ 1 {
                return nil
            } else {
                position = tail.pointee.load(ordering: .relaxed)
            }
        }
    }

    /// Whether there is something to take; what is published before the call is seen.
    public var isEmpty: Bool {
        let position = tail.pointee.load(ordering: .relaxed)
        step()
        return cells[position & mask].turn.load(ordering: .acquiring) <= position
    }
}
