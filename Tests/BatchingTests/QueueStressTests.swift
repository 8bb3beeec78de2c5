// Reactors, executors, swaps, cancels and deadlines at once, on real threads: every job comes back once, with the
// scores of its own rows. SERIN_QUEUE_REQUESTS requests (20,000 without it; 10,000,000 before a release).

import CLinux
import Foundation
import Inference
import Primitives
import Synchronization
import Testing

@testable import Batching

@Suite(.serialized) struct QueueStressTests {
    static let count = Int(ProcessInfo.processInfo.environment["SERIN_QUEUE_REQUESTS"] ?? "") ?? 20_000

    @Test func everyResponseBelongsToItsRequest() {
        let trial = StressTrial(requests: Self.count)
        let problems = trial.run()
        #expect(problems == [])
        #expect(trial.scored.load(ordering: .relaxed) > 0 && trial.dropped.load(ordering: .relaxed) > 0)
        #expect(trial.refused.load(ordering: .relaxed) > 0)
    }

    /// The supervisor by hand: a batch that does not end is replaced once, and its jobs come back when it does.
    @Test func aStuckExecutorIsReplacedOnceAndItsJobsComeBack() {
        let gate = Gate()
        var settings = ExecutorSettings()
        settings.stuckNanos = 10_000_000
        let pool = ExecutorPool(
            settings,
            hooks: ExecutorHooks(
                startThread: { _, body in Thread { body() }.start() },
                stuck: { _, _, _ in gate.reports.add(1, ordering: .relaxed) }))
        let stuck = makeQueue(tag: 0, scoring: gate.scoring)
        let other = makeQueue(tag: 1)
        pool.serve([stuck, other])
        _ = pool.startExecutor()
        let home = HomeFixture()
        let (first, second) = (JobFixture(first: 5, rows: 3), JobFixture(first: 9, rows: 2))
        #expect(stuck.admit(first.job, home: home.lane, priority: .normal, due: .max, now: clinux_now()) == nil)
        pool.signal()
        while gate.entered.load(ordering: .acquiring) == 0 { sched_yield() }
        pool.replaceStuck(at: clinux_now())
        #expect(gate.reports.load(ordering: .relaxed) == 0)
        pool.replaceStuck(at: clinux_now() + 20_000_000_000)
        pool.replaceStuck(at: clinux_now() + 20_000_000_000)
        #expect(gate.reports.load(ordering: .relaxed) == 1 && pool.replacementCount == 1)
        // The version's only thread is stuck, another version's is not.
        let third = JobFixture(first: 1, rows: 1)
        #expect(stuck.admit(third.job, home: home.lane, priority: .normal, due: .max, now: clinux_now()) == .stuck)
        #expect(other.admit(second.job, home: home.lane, priority: .normal, due: .max, now: clinux_now()) == nil)
        pool.signal()
        home.wait()
        home.takeAll { #expect($0 == second.job) }
        #expect(second.isScored(first: 9))
        gate.isOpen.store(true, ordering: .releasing)
        while home.lane.pointee.outstanding > 0 {
            home.wait()
            home.takeAll { #expect($0 == first.job) }
        }
        #expect(first.isScored(first: 5))
        while pool.aliveCount > 1 { sched_yield() }
        #expect(stuck.stuck.load(ordering: .relaxed) == 0 && stuck.isIdle)
        pool.stop()
        while pool.aliveCount > 0 { sched_yield() }
    }
}

/// A scorer that does not come back before it may.
private final class Gate: Sendable {
    let isOpen = Atomic<Bool>(false)
    let entered = Atomic<Int>(0)
    let reports = Atomic<Int>(0)

    var scoring: ScoringFunction {
        var scoring = Doubler.scoring(context: Unmanaged.passUnretained(self).toOpaque())
        scoring.call = { context, jobs, count, _, _ in
            let gate = Unmanaged<Gate>.fromOpaque(context).takeUnretainedValue()
            gate.entered.add(1, ordering: .releasing)
            while !gate.isOpen.load(ordering: .acquiring) { sched_yield() }
            Doubler.score(
                UnsafeMutableBufferPointer(start: jobs.assumingMemoryBound(to: ScoringJob.self), count: count))
        }
        return scoring
    }
}

private final class StressTrial: @unchecked Sendable {
    // SAFETY: atomics, a mutex, and a published array.
    static let reactors = 2, jobsAtOnce = 48

    let scored = Atomic<Int>(0)
    let dropped = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    private let requests: Int
    private let pool: ExecutorPool
    private let current: Published<QueueBox>
    private let running = Atomic<Int>(reactors)
    private let problems = Mutex<[String]>([])
    /// The oldest generation that each reactor may push into.
    private let seen = (0..<reactors).map { _ in Seen() }

    final class Seen: Sendable {
        let value = Atomic<Int>(0)
    }

    final class QueueBox: Sendable {
        let generation: Int
        let queues: [VersionQueue]
        init(_ generation: Int) {
            self.generation = generation
            queues = StressTrial.makeQueues(generation)
        }
    }

    init(requests: Int) {
        self.requests = requests
        var settings = ExecutorSettings()
        settings.threads = 2
        settings.spinNanos = 2000
        settings.stuckNanos = 60_000_000_000
        pool = ExecutorPool(
            settings, hooks: ExecutorHooks(startThread: { _, body in Thread { body() }.start() }))
        current = Published(QueueBox(0))
    }

    static func makeQueues(_ generation: Int) -> [VersionQueue] {
        (0..<2).map { index in
            var limits = QueueLimits()
            limits.requests = 24
            limits.batchRows = [3, 16, 64][(generation + index) % 3]
            limits.concurrency = (generation + index) % 3
            return makeQueue(limits, rowNanos: 200, tag: index)
        }
    }

    func run() -> [String] {
        let ended = DispatchSemaphore(value: 0)
        pool.serve(current.load().value.queues)
        pool.start()
        for reactor in 0..<Self.reactors {
            Thread { [self] in
                serve(reactor)
                running.subtract(1, ordering: .releasing)
                ended.signal()
            }.start()
        }
        let boxes = swap()
        for _ in 0..<Self.reactors { ended.wait() }
        pool.stop()
        while pool.aliveCount > 0 { sched_yield() }
        // Only now: an executor gives a batch's jobs back before it is done with the queue.
        for box in boxes where !box.queues.allSatisfy(\.isIdle) {
            problems.withLock { $0.append("a queue is not idle at the end") }
        }
        return problems.withLock { $0 }
    }

    /// Replaces the queues again and again; an old one goes when it is idle and every reactor has moved on. Returns those
    /// that are left.
    private func swap() -> [QueueBox] {
        var old: [QueueBox] = []
        var generation = 0
        while running.load(ordering: .acquiring) > 0 {
            let oldest = seen.map { $0.value.load(ordering: .acquiring) }.min() ?? 0
            old.removeAll { $0.generation < oldest && $0.queues.allSatisfy(\.isIdle) }
            for _ in 0..<200 { sched_yield() }
            if old.count >= 4 { continue }
            generation += 1
            let (next, last) = (QueueBox(generation), current.load().value)
            old.append(last)
            pool.serve(next.queues + old.flatMap(\.queues))
            current.replace(next)
        }
        return old + [current.load().value]
    }

    private func lose(_ count: Int) {
        problems.withLock { $0.append("\(count) jobs have not come back within a minute") }
    }

    private func serve(_ reactor: Int) {
        var generator = SeededGenerator(seed: UInt64(reactor) + 7)
        let home = HomeFixture()
        var free = (0..<Self.jobsAtOnce).map { _ in JobFixture() }
        var out: [UnsafeMutablePointer<QueuedJob>: (JobFixture, Int)] = [:]
        var sent = 0
        func collect() {
            home.takeAll { job in
                guard let (fixture, first) = out.removeValue(forKey: job) else {
                    return problems.withLock { $0.append("a job came twice") }
                }
                if job.pointee.outcome == .dropped {
                    dropped.add(1, ordering: .relaxed)
                } else {
                    scored.add(1, ordering: .relaxed)
                    if !fixture.isScored(first: first) { problems.withLock { $0.append("wrong scores") } }
                }
                fixture.request.pointee.fate.renew()
                free.append(fixture)
            }
        }
        while sent < requests / Self.reactors {
            // A round holds one generation's queues, as a reactor does.
            let box = current.load().value
            seen[reactor].value.store(box.generation, ordering: .releasing)
            let queues = box.queues
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                guard let fixture = free.popLast() else { break }
                let first = Int.random(in: 0..<4_000_000, using: &generator)
                let rows = Int.random(in: 0..<20, using: &generator) == 0 ? 200 : 1 + sent % 7
                fixture.fill(first: first, rows: rows)
                sent += 1
                let now = clinux_now()
                let due =
                    Bool.random(using: &generator) ? .max : now + UInt64.random(in: 1000...300_000, using: &generator)
                let priority = Priority.allCases.randomElement(using: &generator)!
                let queue = queues[Int.random(in: 0..<2, using: &generator)]
                if queue.admit(fixture.job, home: home.lane, priority: priority, due: due, now: now) != nil {
                    refused.add(1, ordering: .relaxed)
                    free.append(fixture)
                    continue
                }
                out[fixture.job] = (fixture, first)
                if Int.random(in: 0..<16, using: &generator) == 0 { fixture.request.pointee.fate.abandon(.cancelled) }
            }
            pool.signal()
            // Who takes the event looks for what it spoke of before he waits again.
            if free.isEmpty, !home.wait() { return lose(out.count) }
            collect()
        }
        while !out.isEmpty {
            if !home.wait() { return lose(out.count) }
            collect()
        }
        if home.lane.pointee.outstanding != 0 { problems.withLock { $0.append("jobs are outstanding") } }
    }
}
