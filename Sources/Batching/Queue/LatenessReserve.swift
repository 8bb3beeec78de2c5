// What admission keeps back of a request's time because others were late.
//
//     late by x:  reserve += max(x, 1 ms), at most 10 ms          every 5 s without one:  reserve /= 2
//
// Waits are guessed well on average (`stretch`), but a full queue makes every stall of the machine somebody's missed
// deadline. After one, less is let in to wait; the executors have work all the same, so nothing is lost but the waiting.

internal import Synchronization

// SAFETY: both words are stored by whoever finds a job late and loaded by anybody, relaxed: every pair of values that
// they have had is a fair reserve.
struct LatenessReserve: ~Copyable, @unchecked Sendable {
    static let halfLifeNanos: UInt64 = 5_000_000_000
    private static let leastNanos: UInt64 = 1_000_000, mostNanos: UInt64 = 10_000_000

    private let nanos = Atomic<UInt64>(0)
    private let lateAt = Atomic<UInt64>(0)

    func present(at now: UInt64) -> UInt64 {
        let nanos = nanos.load(ordering: .relaxed)
        if nanos == 0 { return 0 }
        let since = lateAt.load(ordering: .relaxed)
        return nanos >> (now > since ? min((now - since) / Self.halfLifeNanos, 63) : 0)
    }

    /// A job was `late` nanoseconds after its due.
    func add(late: UInt64, now: UInt64) {
        let more = present(at: now) + max(min(late, Self.mostNanos), Self.leastNanos)
        nanos.store(min(more, Self.mostNanos), ordering: .relaxed)
        lateAt.store(now, ordering: .relaxed)
    }
}
