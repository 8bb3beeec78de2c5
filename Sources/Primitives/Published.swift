// A value that one thread replaces now and then, and others use all the time.
//
//     writer:  replace ─► lock, store, generation + 1
//     reader:  generation == mine?  ── yes ─► go on with my own reference (one load)
//                                   └─ no ──► lock, take the new one
//
// A reader keeps its own reference until it has seen a newer generation, so the old value lives as long
// as somebody uses it, and nobody locks or counts references between two replacements.

public import Synchronization

public final class Published<Value: Sendable>: Sendable {
    // Written under the lock, read without it: a reader that sees a new number then takes the lock, which
    // orders it behind the write of the value.
    @usableFromInline let counter = Atomic<UInt64>(1)
    @usableFromInline let value: Mutex<Value>

    @inlinable
    public init(_ value: Value) { self.value = Mutex(value) }

    /// How often the value has been replaced, and one.
    @inlinable
    public var generation: UInt64 { counter.load(ordering: .acquiring) }

    /// The value, and the generation it belongs to.
    @inlinable
    public func load() -> (value: Value, generation: UInt64) {
        value.withLock { ($0, counter.load(ordering: .relaxed)) }
    }

    @inlinable
    public func replace(_ new: Value) {
        value.withLock { current in
            current = new
            counter.add(1, ordering: .releasing)
        }
    }
}
