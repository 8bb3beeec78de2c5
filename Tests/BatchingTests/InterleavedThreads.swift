// Threads of which one runs at a time, and a seed says which: the queue's `step` hands over.
//
//     thread 0   run ── step ┐            ┌ run …
//     thread 1               └ run ─ step ┘         sleep: out, until somebody wakes it
//
// When nobody can run and not all have ended, whoever sleeps does so for ever: a lost wake-up. The schedule says so, and
// wakes them all so that the test ends.

import Foundation
import Synchronization

@testable import Batching

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

final class InterleavedThreads: @unchecked Sendable {
    // SAFETY: everything below is under `lock`, but the semaphores, which are made before their thread runs.
    private enum State: Equatable {
        case ready
        case asleep(UInt)
        case ended
    }

    private final class Place {
        let schedule: InterleavedThreads
        let index: Int
        init(_ schedule: InterleavedThreads, _ index: Int) {
            self.schedule = schedule
            self.index = index
        }
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    private let lock = NSLock()
    private var generator: SeededGenerator
    private var states: [State] = []
    private var turns: [DispatchSemaphore] = []
    private var isRunning = false
    private let allEnded = DispatchSemaphore(value: 0)
    private(set) var lostWakeUp = false
    private(set) var steps = 0
    /// Lets threads end that would sleep for ever.
    var rescue: @Sendable () -> Void = {}

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        Interleaving.install(
            InterleavingHooks(
                step: { Self.place()?.schedule.handOver() },
                sleep: { word, expected in Self.place()?.schedule.sleep(word, expected) ?? false },
                wake: { word, count in Self.place()?.schedule.wake(word, count) }))
    }

    private static func place() -> Place? {
        guard let pointer = pthread_getspecific(key) else { return nil }
        return Unmanaged<Place>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Adds a thread; it runs when `run` is called, or at once if that was.
    func add(_ body: @escaping @Sendable () -> Void) {
        let index = lock.withLock {
            states.append(.ready)
            turns.append(DispatchSemaphore(value: 0))
            return states.count - 1
        }
        let turn = turns[index]
        nonisolated(unsafe) let place = Unmanaged.passRetained(Place(self, index))
        let thread = Thread { [self] in
            pthread_setspecific(Self.key, place.toOpaque())
            turn.wait()
            body()
            end(index)
            pthread_setspecific(Self.key, nil)
            place.release()
        }
        thread.start()
    }

    /// Runs all threads to their ends.
    func run() {
        lock.lock()
        let first = choose()
        lock.unlock()
        if let first { turns[first].signal() }
        allEnded.wait()
        // It holds what holds these threads.
        rescue = {}
    }

    /// One that can run; under the lock.
    private func choose() -> Int? {
        let ready = states.indices.filter { states[$0] == .ready }
        return ready.randomElement(using: &generator)
    }

    private func handOver() {
        let me = Self.place()!.index
        lock.lock()
        steps += 1
        let next = choose() ?? me
        lock.unlock()
        if next == me { return }
        turns[next].signal()
        turns[me].wait()
    }

    private func sleep(_ word: UnsafePointer<Atomic<UInt32>>, _ expected: UInt32) -> Bool {
        let me = Self.place()!.index
        lock.lock()
        if lostWakeUp || word.pointee.load(ordering: .sequentiallyConsistent) != expected {
            lock.unlock()
            return true
        }
        states[me] = .asleep(UInt(bitPattern: word))
        leave(me, waitsForItsTurn: true)
        return true
    }

    private func wake(_ word: UnsafePointer<Atomic<UInt32>>, _ count: Int) {
        lock.lock()
        let sleepers = states.indices.filter { states[$0] == .asleep(UInt(bitPattern: word)) }
        for index in sleepers.shuffled(using: &generator).prefix(count) { states[index] = .ready }
        lock.unlock()
    }

    private func end(_ me: Int) {
        lock.lock()
        states[me] = .ended
        leave(me, waitsForItsTurn: false)
    }

    /// Another one runs; called under the lock, which it lets go.
    private func leave(_ me: Int, waitsForItsTurn: Bool) {
        if let next = choose() {
            lock.unlock()
            turns[next].signal()
        } else if states.allSatisfy({ $0 == .ended }) {
            lock.unlock()
            allEnded.signal()
            return
        } else {
            lostWakeUp = true
            for index in states.indices where states[index] != .ended { states[index] = .ready }
            lock.unlock()
            rescue()
            lock.lock()
            let next = choose()!
            lock.unlock()
            turns[next].signal()
        }
        if waitsForItsTurn { turns[me].wait() }
    }
}
