// Copies of requests on their way from a reactor to the thread that scores them for shadows.
//
//     reactor   ─► [ free | filled | filled | done | done | free … 256 ] ◄─ shadow thread
//                    ▲ next to fill    ▲ next to score   ▲ next to reap (the reactor again)
//
// One writer, one reader, no lock, and nobody waits: a copy that finds no free cell is dropped and counted. A cell's
// state is the hand-over: whoever stores it with release has finished with the cell, whoever acquires it begins. The
// states lie apart from the cells, which are written as a whole while the other side looks at a state.

import Inference
import Primitives
import Synchronization

struct ShadowCell: ~Copyable {
    /// The rows as the request had them.
    var values = GrowableBuffer()
    var rowCount = 0
    var valueType = ValueType.float32
    /// What the caller was answered, in `scoreType`.
    var scores = GrowableBuffer()
    var scoreType = ValueType.float32
    var columns = 0
    /// The answering version's decision threshold.
    var threshold = 0.5
    /// Who is to score it: the reactor holds the version until it reaps the cell.
    var version: Unmanaged<ServedVersion>?
    var slot = 0
}

// SAFETY: a cell is the reactor's while it is free or done, the shadow thread's while it is filled; `state` orders the
// two. The indices below are each written by one of them only.
final class ShadowRing: @unchecked Sendable {
    static let capacity = 256
    private enum State: UInt8 { case free, filled, done }

    private let cells: UnsafeMutablePointer<ShadowCell>
    private let states: UnsafeMutablePointer<Atomic<UInt8>>
    /// The reactor's.
    private var fill = 0
    private var reap = 0
    /// The shadow thread's.
    private var next = 0

    init() {
        cells = .allocate(capacity: Self.capacity)
        states = .allocate(capacity: Self.capacity)
        for index in 0..<Self.capacity {
            (cells + index).initialize(to: ShadowCell())
            (states + index).initialize(to: Atomic(State.free.rawValue))
        }
    }

    deinit {
        cells.deinitialize(count: Self.capacity)
        cells.deallocate()
        states.deinitialize(count: Self.capacity)
        states.deallocate()
    }

    /// Whether the cell is in this state; what was done to it before is seen then.
    private func cell(_ index: Int, is state: State) -> Bool {
        states[index].load(ordering: .acquiring) == state.rawValue
    }

    /// Hands the cell on.
    private func hand(_ index: Int, on state: State) { states[index].store(state.rawValue, ordering: .releasing) }

    // MARK: The reactor's

    /// A cell to be filled; nil: none is free. `submit` hands it over.
    func take() -> UnsafeMutablePointer<ShadowCell>? {
        cell(fill, is: .free) ? cells + fill : nil
    }

    func submit() {
        hand(fill, on: .filled)
        fill = (fill + 1) % Self.capacity
    }

    /// Hands back the slots of versions whose cells are done.
    func reap(_ body: (Int) -> Void) {
        while cell(reap, is: .done) {
            body(cells[reap].slot)
            cells[reap].version = nil
            hand(reap, on: .free)
            reap = (reap + 1) % Self.capacity
        }
    }

    /// Nothing is out.
    var isEmpty: Bool { fill == reap && cell(reap, is: .free) }

    // MARK: The shadow thread's

    /// Runs what is filled; true: there was something.
    func drain(_ body: (UnsafeMutablePointer<ShadowCell>) -> Void) -> Bool {
        var found = false
        while cell(next, is: .filled) {
            body(cells + next)
            hand(next, on: .done)
            next = (next + 1) % Self.capacity
            found = true
        }
        return found
    }
}
