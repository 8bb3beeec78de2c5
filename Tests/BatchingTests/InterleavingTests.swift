// The real queue over seeded interleavings: SERIN_INTERLEAVINGS of them (300 without it) for each test.

import Foundation
import Inference
import Synchronization
import Testing

@testable import Batching

@Suite(.serialized) struct InterleavingTests {
    static let count = UInt64(ProcessInfo.processInfo.environment["SERIN_INTERLEAVINGS"] ?? "") ?? 300

    @Test func aRingLosesNothingAndGivesNothingTwice() {
        for seed in 0..<Self.count {
            let ring = RingFixture(capacity: 4)
            let threads = InterleavedThreads(seed: seed)
            for producer in 0..<2 {
                threads.add { for number in 1...3 { ring.push(producer * 3 + number) } }
            }
            for _ in 0..<2 { threads.add { ring.take(until: 6) } }
            threads.run()
            #expect(ring.seen.withLock { $0.sorted() } == Array(1...6), "seed \(seed)")
        }
    }

    /// Reactors that admit, cancel and take back, and executors, until all jobs are back.
    @Test(arguments: [1, 2]) func everyJobComesBackOnceAndNobodySleepsForEver(queueCount: Int) {
        for seed in 0..<Self.count {
            let trial = QueueTrial(seed: seed, queueCount: queueCount)
            trial.run()
            #expect(!trial.threads.lostWakeUp, "seed \(seed): a wake-up is lost")
            #expect(trial.problems.withLock { $0 } == [], "seed \(seed)")
            if trial.threads.lostWakeUp { return }
        }
    }

    /// The harness itself: a sleeper that does not look again is found out.
    @Test func aMissedWakeUpIsFound() {
        var found = 0
        for seed in 0..<200 {
            let threads = InterleavedThreads(seed: UInt64(seed))
            let bell = Bell()
            threads.rescue = { bell.hasRung.store(true, ordering: .releasing) }
            threads.add {
                bell.hasRung.store(true, ordering: .releasing)
                bell.word.signal()
            }
            threads.add {
                step()
                if bell.hasRung.load(ordering: .acquiring) { return }
                let key = bell.word.prepare()
                bell.word.sleep(since: key)
            }
            threads.run()
            if threads.lostWakeUp { found += 1 }
        }
        #expect(found > 0)
    }
}

private final class Bell: Sendable {
    let word = WakeWord()
    let hasRung = Atomic<Bool>(false)
}

private final class RingFixture: Sendable {
    private let ring: BoundedRing
    private let taken = Atomic<Int>(0)
    let seen = Mutex<[Int]>([])

    init(capacity: Int) { ring = BoundedRing(capacity: capacity) }

    func push(_ number: Int) {
        while !ring.push(UnsafeMutableRawPointer(bitPattern: number)!) {}
    }

    func take(until count: Int) {
        while taken.load(ordering: .relaxed) < count {
            guard let item = ring.pop() else { continue }
            taken.add(1, ordering: .relaxed)
            seen.withLock { $0.append(Int(bitPattern: item)) }
        }
    }
}

/// Two reactors with four requests each, two executors.
private final class QueueTrial: @unchecked Sendable {
    // SAFETY: a reactor's jobs are its own thread's; everything else is constant, atomic or under a mutex.
    static let reactors = 2, jobsEach = 4

    let threads: InterleavedThreads
    let problems = Mutex<[String]>([])
    private let pool: ExecutorPool
    private let queues: [VersionQueue]
    private let homes: [HomeFixture]
    private let left = Atomic<Int>(reactors)
    private let seed: UInt64

    init(seed: UInt64, queueCount: Int) {
        self.seed = seed
        threads = InterleavedThreads(seed: seed)
        var settings = ExecutorSettings()
        settings.threads = 2
        settings.spinNanos = 0
        let threads = threads
        pool = ExecutorPool(settings, hooks: ExecutorHooks(startThread: { _, body in threads.add(body) }))
        var limits = QueueLimits()
        limits.batchRows = 3
        limits.concurrency = Int(seed % 3)
        queues = (0..<queueCount).map { makeQueue(limits, tag: $0) }
        homes = (0..<Self.reactors).map { _ in HomeFixture(capacity: 16) }
        pool.serve(queues)
    }

    func run() {
        let pool = pool
        threads.rescue = { pool.stop() }
        _ = pool.startExecutor()
        _ = pool.startExecutor()
        for reactor in 0..<Self.reactors { threads.add { [self] in serve(reactor) } }
        threads.run()
        if pool.aliveCount != 0 { report("an executor has not ended") }
        if !threads.lostWakeUp, !queues.allSatisfy(\.isIdle) { report("a queue is not idle") }
    }

    private func report(_ problem: String) { problems.withLock { $0.append(problem) } }

    private func serve(_ reactor: Int) {
        var generator = SeededGenerator(seed: seed &* 31 &+ UInt64(reactor))
        let home = homes[reactor]
        let jobs = (0..<Self.jobsEach).map { JobFixture(first: reactor * 1000 + $0 * 50, rows: 1 + ($0 + reactor) % 5) }
        var cancelled = Set<Int>()
        var back: [Int] = []
        func collect() {
            home.takeAll { job in back.append(jobs.firstIndex { $0.job == job }!) }
        }
        for index in jobs.indices {
            let queue = queues[Int.random(in: 0..<queues.count, using: &generator)]
            let priority = Priority.allCases.randomElement(using: &generator)!
            if queue.admit(jobs[index].job, home: home.lane, priority: priority, due: .max, now: 1) != nil {
                report("refused")
            }
            pool.signal()
            if Int.random(in: 0..<4, using: &generator) == 0 {
                let which = Int.random(in: 0...index, using: &generator)
                if jobs[which].request.pointee.fate.abandon(.cancelled) { cancelled.insert(which) }
            }
            if Bool.random(using: &generator) { collect() }
        }
        while home.lane.pointee.outstanding > 0, !threads.lostWakeUp {
            home.wait()
            collect()
        }
        if threads.lostWakeUp { return }
        if back.sorted() != Array(jobs.indices) { report("came back: \(back)") }
        for (index, job) in jobs.enumerated() {
            let wasDropped = job.job.pointee.outcome == .dropped
            if wasDropped != cancelled.contains(index) { report("job \(index) dropped: \(wasDropped)") }
            if !wasDropped, !job.isScored(first: reactor * 1000 + index * 50) { report("job \(index): wrong scores") }
        }
        if left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { pool.stop() }
    }
}
