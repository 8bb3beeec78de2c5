// One executor in simulated time, Poisson arrivals with 10 ms each, batches of one request that take 0.6 ms.

import Foundation
import Inference
import Synchronization
import Testing

@testable import Batching

@Suite struct OverloadTests {
    private static let millis: UInt64 = 1_000_000
    private static let service: UInt64 = 600_000

    /// A queue and its executor; the moments are nanoseconds.
    private final class Server {
        let home = HomeFixture()
        let queue: VersionQueue
        var batch = Batch(capacity: 64)
        var now: UInt64 = 1
        private var freeAt: UInt64 = 1
        private var jobs: [JobFixture] = []
        private var generator = SplitMix64(state: 7)
        /// Since they were last set to nothing.
        var served = 0, refused = 0, late = 0, worst: UInt64 = 0

        init() {
            var limits = QueueLimits()
            limits.batchRows = 1
            queue = makeQueue(limits, rowNanos: Double(OverloadTests.service))
        }

        /// Requests at `load` times what the executor can do, for `span`; it stands still for 8 ms at `stallAt`.
        func offer(_ load: Double, for span: UInt64, stallAt: UInt64 = .max) {
            (served, refused, late, worst) = (0, 0, 0, 0)
            let end = now + span
            var stall = stallAt
            while now < end {
                now += UInt64(generator.exponential() * Double(OverloadTests.service) / load) + 1
                if now >= stall {
                    freeAt = max(freeAt, stall) + 8 * OverloadTests.millis
                    stall = .max
                }
                run(until: now)
                let job = JobFixture(first: 0, rows: 1)
                let due = now + 10 * OverloadTests.millis
                if queue.admit(job.job, home: home.lane, priority: .normal, due: due, now: now) == nil {
                    jobs.append(job)
                } else {
                    refused += 1
                }
            }
        }

        /// Batches one after the other, as far as time has come.
        private func run(until time: UInt64) {
            while freeAt <= time {
                let startsAt = max(freeAt, jobs.isEmpty ? time : jobs[0].job.pointee.enqueuedAt)
                if jobs.isEmpty || startsAt > time { break }
                queue.running.store(0, ordering: .relaxed)
                let isMine = queue.takeToken()
                precondition(isMine)
                _ = queue.take(into: &batch, at: startsAt)
                queue.releaseToken()
                home.takeAll { [self] job in forget(job, isLate: true) }
                if batch.count == 0 { continue }
                queue.running.store(1, ordering: .relaxed)
                freeAt = startsAt + OverloadTests.service
                let job = batch.parts[0].job
                worst = max(worst, freeAt - job.pointee.enqueuedAt)
                batch.settle(job, rows: 1, now: freeAt)
                batch.clear()
                home.takeAll { [self] job in forget(job, isLate: freeAt > job.pointee.due) }
            }
            if freeAt <= time { queue.running.store(0, ordering: .relaxed) }
        }

        private func forget(_ job: UnsafeMutablePointer<QueuedJob>, isLate: Bool) {
            served += 1
            late += isLate ? 1 : 0
            jobs.removeAll { $0.job == job }
        }
    }

    private struct SplitMix64 {
        var state: UInt64

        /// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014); of mean 1.
        mutating func exponential() -> Double {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return -log((Double((z ^ z >> 31) >> 11) + 1) / 9_007_199_254_740_994)
        }
    }

    @Test func threeTimesWhatCanBeDoneKeepsTheExecutorBusyAndTheQueueShort() {
        let server = Server()
        server.offer(3, for: 200 * Self.millis)
        // Warm: the overload is known.
        server.offer(3, for: 2000 * Self.millis)
        let most = Double(2000 * Self.millis) / Double(Self.service)
        #expect(Double(server.served) >= 0.95 * most, "\(server.served) of \(most)")
        #expect(server.late == 0 && server.worst < 3 * Self.millis, "\(server.worst) ns")
    }

    @Test func aStallInAnOverloadMakesNobodyLate() {
        let server = Server()
        server.offer(3, for: 200 * Self.millis)
        for _ in 0..<20 {
            server.offer(3, for: 300 * Self.millis, stallAt: server.now + 100 * Self.millis)
            #expect(server.late == 0, "\(server.late) late, \(server.worst) ns")
        }
    }

    @Test func anOverloadEndsWithinTwoWindows() {
        let server = Server()
        server.offer(3, for: 2000 * Self.millis)
        server.offer(0.3, for: 2 * OfferedLoad.windowNanos)
        server.offer(0.3, for: 2000 * Self.millis)
        #expect(server.refused == 0 && server.served > 800)
    }

    @Test func aStallAtLowLoadMakesNobodyRefuse() {
        let server = Server()
        server.offer(0.3, for: 1000 * Self.millis)
        var refused = 0
        for _ in 0..<20 {
            server.offer(0.3, for: 500 * Self.millis, stallAt: server.now + 100 * Self.millis)
            refused += server.refused
        }
        #expect(refused < 10, "\(refused) of 5000")
    }

    @Test func theLoadIsWhatIsAskedInATime() {
        let load = OfferedLoad()
        let window = OfferedLoad.windowNanos
        var now = window
        func ask(_ share: Double, windows: UInt64, executors: Int = 1) -> Bool {
            var isOver = false
            for _ in 0..<windows * 100 {
                now += window / 100
                isOver = load.add(UInt64(share * Double(window) / 100), executors: executors, now: now)
            }
            return isOver
        }
        #expect(!ask(1.2, windows: 3))
        #expect(ask(1.4, windows: 3))
        #expect(!ask(1.4, windows: 3, executors: 2))
        #expect(ask(3, windows: 1))
        // A pause counts as time.
        now += 10 * window
        #expect(!ask(0.5, windows: 1))
    }
}
