// Where threads can meet: the points at which a test may let another thread go first.
//
//     release   step() is nothing
//     debug     step() ─► hook ─► (a thread under a test's schedule: wait for one's turn)
//
// The queue calls `step` before each access to what threads share, and sleeps through `sleep`. So a test runs
// the real queue under a schedule that a seed decides, one thread at a time: every interleaving of those accesses can
// be had, had again, and a sleeper whom nobody will wake is seen at once, because nobody is left to run. What weak
// memory adds to interleavings is the thread sanitizer's and spin's part.

internal import CLinux
internal import Synchronization

/// What a test puts between the threads; nil members of a thread that is under no schedule.
struct InterleavingHooks {
    /// Called before each access to shared memory.
    var step: @Sendable () -> Void
    /// Sleep while the word is as expected: true if the schedule has done it.
    var sleep: @Sendable (_ word: UnsafePointer<Atomic<UInt32>>, _ expected: UInt32) -> Bool
    /// Wake so many of the threads that sleep on the word; the kernel is told as well.
    var wake: @Sendable (_ word: UnsafePointer<Atomic<UInt32>>, _ count: Int) -> Void
}

#if DEBUG
    enum Interleaving {
        // SAFETY: set once, before `isOn` is, and never replaced; readers acquire `isOn`.
        nonisolated(unsafe) private static var hooks: InterleavingHooks?
        private static let isOn = Atomic<Bool>(false)
        private static let isTaken = Atomic<Bool>(false)

        /// Puts a test's hooks in, once a process.
        static func install(_ wanted: InterleavingHooks) {
            guard isTaken.exchange(true, ordering: .acquiringAndReleasing) == false else { return }
            hooks = wanted
            isOn.store(true, ordering: .releasing)
        }

        static var current: InterleavingHooks? { isOn.load(ordering: .acquiring) ? hooks : nil }
    }
#endif

/// Before an access to what threads share.
@inline(__always)
func step() {
    #if DEBUG
        Interleaving.current?.step()
    #endif
}

/// Wakes at most `count` threads that sleep on the word.
@inline(__always)
func wake(_ word: UnsafePointer<Atomic<UInt32>>, _ count: Int32) {
    #if DEBUG
        Interleaving.current?.wake(word, Int(count))
    #endif
    clinux_futex_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), count)
}

/// Sleeps while `word` is `expected`, at most `nanos`.
@inline(__always)
func sleep(on word: UnsafePointer<Atomic<UInt32>>, while expected: UInt32, nanos: UInt64) {
    #if DEBUG
        if let hooks = Interleaving.current, hooks.sleep(word, expected) { return }
    #endif
    clinux_futex_wait(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), expected, nanos)
}
