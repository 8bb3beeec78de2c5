// At most one event a key and rollout: one bit a key, for both arms and all reactors.
//
//     hash of the key ─► bit of 2^22 (512 KiB)     clear: set it, the event counts     set: it does not
//
// Under sticky routing a key's coin is thrown once, so its second event says nothing that its first did not; without the
// cap one card that retries fires the test in up to 99% of healthy runs, and a cap an epoch would use the same coin
// again.  Two keys on one bit: the second's event is dropped, whichever arm it is of, so neither arm gains by it.

public import Synchronization

public struct KeyBitmap: @unchecked Sendable {
    // SAFETY: words are set by any reactor through an atomic or; the owner outlives all handles, and frees them.
    @usableFromInline let words: UnsafeMutablePointer<Atomic<UInt64>>?

    @usableFromInline static let bitCount: UInt64 = 1 << 22

    /// - Parameter isOn: otherwise every event counts.
    public init(isOn: Bool) {
        guard isOn else {
            words = nil
            return
        }
        let count = Int(Self.bitCount / 64)
        let words = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
        for index in 0..<count { (words + index).initialize(to: Atomic(0)) }
        self.words = words
    }

    /// Whether an event of this key counts: the first, and every one without a key (hash 0).
    @inlinable
    public func claim(_ hash: UInt64) -> Bool {
        guard let words, hash != 0 else { return true }
        let bit = hash & (Self.bitCount &- 1)
        let mask = UInt64(1) << (bit & 63)
        let word = words + Int(bit >> 6)
        if word.pointee.load(ordering: .relaxed) & mask != 0 { return false }
        return word.pointee.bitwiseOr(mask, ordering: .relaxed).oldValue & mask == 0
    }

    /// Ends it; no handle may be used after.
    public func deallocate() { words?.deallocate() }

    /// Forgets every key; nobody may claim meanwhile.
    public func clear() {
        guard let words else { return }
        for index in 0..<Int(Self.bitCount / 64) { words[index].store(0, ordering: .relaxed) }
    }
}
