// Whether more is asked than the executors can do: the work of all that came, refused or not, against the time.
//
//     window    ├──── 50 ms ────┼──── 50 ms ────┤     asked in it > 1.25 × its time × executors ─► overload
//
// A long queue may be a burst, or a stall of the machine, and refusing because of it would help nobody. In an overload a
// part is refused anyway, and whoever is let in is safest in a queue that is just long enough to keep the executors busy:
// when the machine stalls, everybody in it is late. It begins as soon as a window holds too much, and ends with the first
// that does not.

internal import Synchronization

// SAFETY: sums and flags are atomic; whoever wins the exchange of `since` ends the window, and what others add meanwhile
// counts in the one or the other.
struct OfferedLoad: ~Copyable, @unchecked Sendable {
    static let windowNanos: UInt64 = 50_000_000

    /// When the window began.
    private let since = Atomic<UInt64>(0)
    /// What its work takes.
    private let asked = Atomic<UInt64>(0)
    private let isOver = Atomic<Bool>(false)

    /// Work of so many nanoseconds is asked of so many executors at `now`; true: it is an overload.
    func add(_ nanos: UInt64, executors: Int, now: UInt64) -> Bool {
        let total = asked.wrappingAdd(nanos, ordering: .relaxed).newValue
        let start = since.load(ordering: .relaxed)
        let span = now > start ? now - start : 0
        if total > Self.limit(Self.windowNanos, executors) { set(true) }
        if span >= Self.windowNanos,
            since.compareExchange(expected: start, desired: now, ordering: .relaxed).exchanged
        {
            asked.wrappingSubtract(total, ordering: .relaxed)
            set(total > Self.limit(span, executors))
        }
        return isOver.load(ordering: .relaxed)
    }

    private static func limit(_ span: UInt64, _ executors: Int) -> UInt64 { span / 4 * 5 &* UInt64(executors) }

    private func set(_ value: Bool) {
        if isOver.load(ordering: .relaxed) != value { isOver.store(value, ordering: .relaxed) }
    }
}
