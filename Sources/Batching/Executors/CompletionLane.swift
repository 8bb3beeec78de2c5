// The way back: jobs that executors are done with, to the reactor that brought them.
//
//     executor:  push … push;  signalled = true;  was it false? wake the reactor
//     reactor:   (a round)     signalled = false; pop … pop
//
// A reactor that has only just handed over the one job it has out looks on for a moment without sleeping, with
// `signalled` true: a wake-up costs more than that. It is false again, by an exchange and before a last look, when it may sleep.
//
// One wake-up a batch and reactor, and none while one is under way. `signalled` is exchanged by both sides: whoever comes
// second has seen what the other did before, so either the executor finds it false and wakes, or the reactor's pops
// see the executor's pushes. The ring holds as many jobs as the reactor may have in queues, so a push never fails.

internal import Synchronization

// SAFETY: `outstanding` is the reactor's. The ring is a ring; `signalled` is exchanged, as said above.
public struct CompletionLane: ~Copyable, @unchecked Sendable {
    public typealias Wake = @convention(c) (UnsafeMutableRawPointer) -> Void

    let ring: BoundedRing
    private let signalled = Atomic<Bool>(false)
    private let context: UnsafeMutableRawPointer
    private let wake: Wake
    /// Jobs in queues, or on their way back.
    public internal(set) var outstanding = 0
    /// Until when the reactor looks on for the one job that is out.
    public var expectedUntil: UInt64 = 0

    /// For a reactor that may have so many jobs in queues; `wake(context)` interrupts its sleep, from any thread.
    public init(capacity: Int, context: UnsafeMutableRawPointer, wake: Wake) {
        ring = BoundedRing(capacity: capacity)
        self.context = context
        self.wake = wake
    }

    /// The reactor may hand no more over.
    public var isFull: Bool { outstanding >= ring.capacity }

    // MARK: Executors

    func deliver(_ job: UnsafeMutablePointer<QueuedJob>) {
        let isIn = ring.push(job)
        precondition(isIn, "a reactor has no more jobs in queues than its ring holds")
    }

    func wakeReactor() {
        step()
        if !signalled.exchange(true, ordering: .acquiringAndReleasing) { wake(context) }
    }

    // MARK: The reactor

    /// Before the `take`s of a round that looks again without sleeping: nobody need wake the reactor.
    public func stayAwake() {
        step()
        if !signalled.load(ordering: .relaxed) { signalled.store(true, ordering: .relaxed) }
    }

    /// Before the `take`s of a round after which the reactor may sleep.
    public func beginTaking() {
        step()
        _ = signalled.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// The next job that has come back, the reactor's own again; nil: no more now.
    public mutating func take() -> UnsafeMutablePointer<QueuedJob>? {
        guard let item = ring.pop() else { return nil }
        outstanding -= 1
        return item.assumingMemoryBound(to: QueuedJob.self)
    }
}
