// Copies of requests on their way from a reactor to the thread that scores them for shadows.
//
//     reactor   ─► [ free | filled | filled | done | done | free … 256 ] ◄─ shadow thread
//                    ▲ next to fill    ▲ next to score   ▲ next to reap (the reactor again)
//
// One writer, one reader, no lock, and nobody waits: a copy that finds no free cell is dropped and counted. A cell's
// state is the hand-over: whoever stores it with release has finished with the cell, whoever acquires it begins.

import Inference
import Primitives
import Synchronization

struct ShadowCell: ~Copyable {
    enum State: UInt8 { case free, filled, done }

    let state = Atomic<UInt8>(State.free.rawValue)
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

    let cells: UnsafeMutablePointer<ShadowCell>
    /// The reactor's.
    private var fill = 0
    private var reap = 0
    /// The shadow thread's.
    private var next = 0

    init() {
        cells = .allocate(capacity: Self.capacity)
        for index in 0..<Self.capacity { (cells + index).initialize(to: ShadowCell()) }
    }

    deinit {
        cells.deinitialize(count: Self.capacity)
        cells.deallocate()
    }

    // MARK: The reactor's

    /// A cell to be filled; nil: none is free. `submit` hands it over.
    func take() -> UnsafeMutablePointer<ShadowCell>? {
        let cell = cells + fill
        return cell.pointee.state.load(ordering: .acquiring) == ShadowCell.State.free.rawValue ? cell : nil
    }

    func submit() {
        cells[fill].state.store(ShadowCell.State.filled.rawValue, ordering: .releasing)
        fill = (fill + 1) % Self.capacity
    }

    /// Hands back the slots of versions whose cells are done.
    func reap(_ body: (Int) -> Void) {
        while cells[reap].state.load(ordering: .acquiring) == ShadowCell.State.done.rawValue {
            body(cells[reap].slot)
            cells[reap].version = nil
            cells[reap].state.store(ShadowCell.State.free.rawValue, ordering: .releasing)
            reap = (reap + 1) % Self.capacity
        }
    }

    /// Nothing is out.
    var isEmpty: Bool { fill == reap && cells[reap].state.load(ordering: .acquiring) == ShadowCell.State.free.rawValue }

    // MARK: The shadow thread's

    /// Runs what is filled; true: there was something.
    func drain(_ body: (UnsafeMutablePointer<ShadowCell>) -> Void) -> Bool {
        var found = false
        while cells[next].state.load(ordering: .acquiring) == ShadowCell.State.filled.rawValue {
            body(cells + next)
            cells[next].state.store(ShadowCell.State.done.rawValue, ordering: .releasing)
            next = (next + 1) % Self.capacity
            found = true
        }
        return found
    }
}
