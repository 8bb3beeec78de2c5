// What an executor's thread shows to the supervisor.
//
//     state   free ──start──► alive ──(the thread ends)──► free
//     busy    0 ──a batch begins──► its start ──ends──► 0
//                                      └──stuck──► its start | replaced ──ends──► 0, and the thread ends
//
// One word says both when the batch began and whether the thread was replaced because of it, so the supervisor's
// compare-and-swap can only ever replace a thread for the batch that it has looked at.

internal import Synchronization

// SAFETY: `busy` is exchanged by the thread and compare-and-swapped by the supervisor. `queue` and `stuckAt` are stored
// before `busy` is, and read after a compare-and-swap of the same batch has succeeded; the thread keeps the queue until `isHandled`.
struct ExecutorSlot: ~Copyable, @unchecked Sendable {
    static let replaced: UInt64 = 1 << 63

    let isAlive = Atomic<Bool>(false)
    let busy = Atomic<UInt64>(0)
    /// When the batch that runs is taken for stuck.
    let stuckAt = Atomic<UInt64>(0)
    let queue = Atomic<UnsafeRawPointer?>(nil)
    /// The supervisor is done with `queue`.
    let isHandled = Atomic<Bool>(false)
    private let padding: InlineArray<11, UInt64> = .init(repeating: 0)

    func begin(_ version: UnsafeRawPointer, at now: UInt64, stuckAt moment: UInt64) {
        queue.store(version, ordering: .relaxed)
        stuckAt.store(moment, ordering: .relaxed)
        busy.store(now, ordering: .releasing)
    }

    /// True: the thread was replaced meanwhile, and `queue` counts it as stuck.
    func end() -> Bool {
        let old = busy.exchange(0, ordering: .acquiringAndReleasing)
        if old & Self.replaced == 0 { return false }
        while !isHandled.load(ordering: .acquiring) {}
        isHandled.store(false, ordering: .relaxed)
        return true
    }

    /// The supervisor's: the version of a batch that is stuck at `now`, once for each.
    func replaceIfStuck(at now: UInt64) -> (version: UnsafeRawPointer, since: UInt64)? {
        let since = busy.load(ordering: .acquiring)
        guard since != 0, since & Self.replaced == 0, stuckAt.load(ordering: .relaxed) < now else { return nil }
        let (isMine, _) = busy.compareExchange(
            expected: since, desired: since | Self.replaced, ordering: .acquiringAndReleasing)
        guard isMine, let version = queue.load(ordering: .relaxed) else { return nil }
        return (version, since)
    }
}
