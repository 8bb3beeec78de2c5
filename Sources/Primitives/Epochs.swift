// Quiescent-state reclamation: when is what was replaced seen by nobody any more?
//
//     writer   publish generation 7, keep 6 ─────────────────────────► every seat says 7: free 6
//     seat 0   … uses 6 … │ round ends, has taken 7: says 7 …
//     seat 1   … uses 6 ………………………………… │ round ends: says 7 …
//
// A reader looks at the current value as often as it likes, for one load, and counts nothing. Between two things it does
// (at the end of a reactor's round) it holds no pointer into an older value, and says so by writing the generation it
// uses into its own seat, a line that no other reader writes. The writer frees a value when every seat has passed it.
// After McKenney's quiescent-state-based RCU. An upper bound holds too: a reader that never comes to the end of
// its round keeps at most what was current when it began, and everything after it, alive.

public import Synchronization

/// The readers' seats.
// SAFETY: a seat is written by its reader only, with release, after its last use of what is older; the writer acquires
// it before it frees. Seats lie 128 bytes apart and live as long as this object.
public final class Epochs: @unchecked Sendable {
    /// What an empty seat says: it sees nothing.
    public static let away = UInt64.max

    public let count: Int
    private let seats: UnsafeMutableRawPointer

    /// Empty seats.
    public init(seats count: Int) {
        self.count = count
        seats = .allocate(byteCount: max(count, 1) * 128, alignment: 128)
        for index in 0..<count {
            (seats + index * 128).bindMemory(to: Atomic<UInt64>.self, capacity: 1).initialize(to: Atomic(Self.away))
        }
    }

    deinit { seats.deallocate() }

    private func seat(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (seats + index * 128).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// The reader's: it uses nothing older than `generation` from now on.
    public func announce(_ generation: UInt64, seat index: Int) {
        seat(index).pointee.store(generation, ordering: .releasing)
    }

    /// The oldest generation that somebody may see.
    public func oldest() -> UInt64 {
        var oldest = Self.away
        for index in 0..<count { oldest = min(oldest, seat(index).pointee.load(ordering: .acquiring)) }
        return oldest
    }
}

/// A value that is replaced now and then and read all the time, by readers that count no reference.
// SAFETY: `current` points to what `held` keeps alive: the present value, or one that is retired and was not yet passed
// by every seat. One thread at a time publishes and collects, under the mutex.
public final class Publication<Value: AnyObject & Sendable>: @unchecked Sendable {
    private struct Held {
        var value: Value
        /// Those that it was followed by, with the generation that followed.
        var retired: [(value: Value, after: UInt64)] = []
        var generation: UInt64 = 1
    }

    public let epochs: Epochs
    /// What readers compare with what they have: one load. Stored with release after the value is whole.
    @usableFromInline let current: UnsafeMutablePointer<Atomic<UInt>>
    private let held: Mutex<Held>

    /// The first value is generation 1.
    public init(_ value: Value, seats: Int) {
        epochs = Epochs(seats: seats)
        current = .allocate(capacity: 1)
        current.initialize(to: Atomic(Self.address(value)))
        held = Mutex(Held(value: value))
    }

    deinit { current.deallocate() }

    private static func address(_ value: Value) -> UInt { UInt(bitPattern: Unmanaged.passUnretained(value).toOpaque()) }

    /// Where the current value lies: equal to a reader's own while there is nothing newer. A reader that has announced
    /// the generation of its own value cannot meet another value at the same address.
    @inlinable
    public var address: UInt { current.pointee.load(ordering: .acquiring) }

    /// The value, and its generation: what a reader takes when `address` has changed.
    public func load() -> (value: Value, generation: UInt64) { held.withLock { ($0.value, $0.generation) } }

    /// Replaces the value for whoever looks from now on; returns the new generation.
    @discardableResult
    public func publish(_ value: Value) -> UInt64 {
        held.withLock { held in
            held.generation += 1
            held.retired.append((held.value, held.generation))
            held.value = value
            current.pointee.store(Self.address(value), ordering: .releasing)
            return held.generation
        }
    }

    /// Lets go of what no seat sees; returns how many values are still kept.
    @discardableResult
    public func collect() -> Int {
        let oldest = epochs.oldest()
        // Values are let go of outside of the lock: freeing may take long.
        var passed: [Value] = []
        let left = held.withLock { held in
            passed = held.retired.filter { $0.after <= oldest }.map(\.value)
            held.retired.removeAll { $0.after <= oldest }
            return held.retired.count
        }
        passed.removeAll()
        return left
    }
}
