// Sleep and wake without a lost wake-up: one word, changed by read-modify-write only.
//
//     word = [ signals: 22 bits | sleepers: 10 bits ]
//
//     who brings work:   publish it;  word += one signal;  sleepers in the old word? wake one
//     who looks for it:  word += one sleeper;  look again;  nothing? sleep while the word is what it was;
//                        word -= one sleeper
//
// Both sides change the same word, so one of the two changes comes first. If the signal does, the sleeper's own change
// has read what the signal released, and its second look finds the work. If the sleeper does, the signal's old word says
// that somebody sleeps; and as the word has changed, a sleeper that is not yet asleep does not fall asleep. No fence is
// needed, and the thread sanitizer sees the order too. An addition costs a batch's producer some 6 ns when nobody sleeps.
//
// Checked by Proofs/wake.pml.

internal import Synchronization

// SAFETY: one word, read-modify-write and acquire loads only; it stays at its address until deinit, when nobody sleeps.
public struct WakeWord: ~Copyable, @unchecked Sendable {
    static let sleeperMask: UInt32 = (1 << 10) - 1
    static let oneSignal: UInt32 = 1 << 10

    let word: UnsafeMutablePointer<Atomic<UInt32>>

    public init() {
        word = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
            .bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit { word.deallocate() }

    /// After work was published: wakes one sleeper, if there is any.
    @inline(__always)
    public func signal() { signal(waking: 1) }

    /// Wakes all of them.
    public func signalAll() { signal(waking: .max) }

    private func signal(waking count: Int32) {
        step()
        let old = word.pointee.wrappingAdd(Self.oneSignal, ordering: .acquiringAndReleasing).oldValue
        if old & Self.sleeperMask != 0 { wake(word, count) }
    }

    /// After something became free that a sleeper may have found taken: whether anybody sleeps. Nobody does: whoever is
    /// about to has not yet looked for the last time, and will find it free. Somebody does: look, and `signal` where there
    /// is work. (A plain load would not do: it could be done before the store that freed the thing is seen.)
    public func hasSleepers() -> Bool {
        step()
        return word.pointee.wrappingAdd(0, ordering: .acquiringAndReleasing).oldValue & Self.sleeperMask != 0
    }

    /// Before the last look: what to give to `sleep` or to take back by `cancel`.
    public func prepare() -> UInt32 {
        step()
        return word.pointee.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
    }

    /// The last look found something.
    public func cancel() {
        step()
        word.pointee.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    }

    /// Sleeps until the word is another than `prepare` gave, at most `nanos`; may return early.
    public func sleep(since key: UInt32, nanos: UInt64 = .max) {
        step()
        Batching.sleep(on: word, while: key, nanos: nanos)
        cancel()
    }
}
