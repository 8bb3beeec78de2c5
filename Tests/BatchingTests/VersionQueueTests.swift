import Inference
import Synchronization
import Testing

@testable import Batching

@Suite struct VersionQueueTests {
    let home = HomeFixture()

    private func admit(
        _ queue: VersionQueue, _ job: JobFixture, _ priority: Priority = .normal, due: UInt64 = .max, now: UInt64 = 1000
    ) -> Refusal? {
        queue.admit(job.job, home: home.lane, priority: priority, due: due, now: now)
    }

    /// The jobs of the next batch, with how many rows of each.
    private func take(_ queue: VersionQueue, at now: UInt64, into batch: inout Batch) -> [(
        UnsafeMutablePointer<QueuedJob>, Int
    )] {
        let isMine = queue.takeToken()
        #expect(isMine)
        _ = queue.take(into: &batch, at: now)
        queue.releaseToken()
        return (0..<batch.count).map { (batch.parts[$0].job, batch.parts[$0].rows) }
    }

    private func finish(_ batch: inout Batch, now: UInt64) {
        Doubler.score(.init(start: batch.jobs, count: batch.count))
        for index in 0..<batch.count { batch.settle(batch.parts[index].job, rows: batch.parts[index].rows, now: now) }
        batch.clear()
        batch.wakeHomes()
    }

    @Test func earliestDeadlineFirstWithinAClassAndTheHigherClassFirst() {
        var batch = Batch(capacity: 64)
        let queue = makeQueue()
        let jobs = (0..<6).map { JobFixture(first: $0, rows: 1) }
        let second: UInt64 = 1_000_000_000
        #expect(admit(queue, jobs[0], due: 3 * second) == nil)
        #expect(admit(queue, jobs[1], .low, due: 1 * second) == nil)
        #expect(admit(queue, jobs[2], due: 2 * second) == nil)
        #expect(admit(queue, jobs[3]) == nil)
        #expect(admit(queue, jobs[4], .high, due: 9 * second) == nil)
        #expect(admit(queue, jobs[5], due: 2 * second) == nil)
        let taken = take(queue, at: 2000, into: &batch).map(\.0)
        #expect(taken == [4, 2, 5, 0, 3, 1].map { jobs[$0].job })
        finish(&batch, now: 3000)
        var back = 0
        home.takeAll { _ in back += 1 }
        #expect(back == 6 && home.lane.pointee.outstanding == 0 && queue.isIdle)
        #expect(jobs.enumerated().allSatisfy { $1.isScored(first: $0) })
    }

    @Test func rowsOfARequestSplitOverBatchesInOrder() {
        var limits = QueueLimits()
        limits.batchRows = 4
        var batch = Batch(capacity: 64)
        let queue = makeQueue(limits)
        let (large, small) = (JobFixture(first: 100, rows: 10), JobFixture(first: 7, rows: 1))
        #expect(admit(queue, large) == nil)
        #expect(admit(queue, small) == nil)
        var sizes: [[Int]] = []
        while true {
            let parts = take(queue, at: 2000, into: &batch)
            if parts.isEmpty { break }
            sizes.append(parts.map(\.1))
            finish(&batch, now: 3000)
        }
        #expect(sizes == [[4], [4], [2, 1]])
        #expect(large.isScored(first: 100) && small.isScored(first: 7))
        #expect(queue.requestCount == 0)
    }

    @Test func aBatchNeverOutlastsTheTightestDueInIt() {
        var batch = Batch(capacity: 64)
        // 1 µs a row: an urgent request with 3 µs left takes no more than two others along.
        let queue = makeQueue()
        let urgent = JobFixture(first: 0, rows: 1)
        let others = (1..<9).map { JobFixture(first: $0, rows: 1) }
        for other in others { #expect(admit(queue, other) == nil) }
        #expect(admit(queue, urgent, due: 30_000) == nil)
        let first = take(queue, at: 27_000, into: &batch)
        #expect(first.map(\.0) == [urgent.job, others[0].job, others[1].job])
        finish(&batch, now: 28_000)
        #expect(take(queue, at: 28_000, into: &batch).count == 6)
        finish(&batch, now: 29_000)
    }

    @Test func whatNobodyWaitsForIsGivenBackUnscored() {
        var batch = Batch(capacity: 64)
        let queue = makeQueue()
        let jobs = (0..<4).map { JobFixture(first: $0, rows: 2) }
        #expect(admit(queue, jobs[0], due: 50_000) == nil)
        #expect(admit(queue, jobs[1]) == nil)
        #expect(admit(queue, jobs[2]) == nil)
        #expect(admit(queue, jobs[3], due: 1_000_000) == nil)
        jobs[1].request.pointee.fate.abandon(.cancelled)
        #expect(take(queue, at: 49_000, into: &batch).map(\.0) == [jobs[3].job, jobs[2].job])
        var dropped: [UnsafeMutablePointer<QueuedJob>] = []
        home.takeAll { dropped.append($0) }
        #expect(Set(dropped) == [jobs[0].job, jobs[1].job])
        #expect(jobs[0].request.pointee.fate.abandoned == .expired && jobs[0].job.pointee.outcome == .dropped)
        #expect(jobs[1].request.pointee.fate.abandoned == .cancelled)
        // Claimed: too late to be abandoned.
        let isAbandoned = jobs[2].request.pointee.fate.abandon(.cancelled)
        #expect(!isAbandoned)
        finish(&batch, now: 50_000)
    }

    @Test func aLowerClassIsServedAfterSoManyBatches() {
        var limits = QueueLimits()
        limits.batchRows = 1
        limits.starvationBatches = 3
        var batch = Batch(capacity: 64)
        let queue = makeQueue(limits)
        let low = JobFixture(first: 0, rows: 1)
        let high = (1..<8).map { JobFixture(first: $0, rows: 1) }
        #expect(admit(queue, low, .low) == nil)
        for job in high { #expect(admit(queue, job, .high) == nil) }
        var order: [UnsafeMutablePointer<QueuedJob>] = []
        for _ in 0..<5 {
            order += take(queue, at: 2000, into: &batch).map(\.0)
            finish(&batch, now: 3000)
        }
        #expect(order == [high[0].job, high[1].job, high[2].job, low.job, high[3].job])
    }

    @Test func admissionRefusesWhatCannotBeInTimeAndWhatHasNoRoom() {
        var limits = QueueLimits()
        limits.requests = 4
        let queue = makeQueue(limits, rowNanos: 100_000)
        let jobs = (0..<6).map { JobFixture(first: $0, rows: 1) }
        #expect(admit(queue, jobs[0], due: 101_000, now: 1000) == .deadline)
        #expect(admit(queue, jobs[0], due: 200_000, now: 1000) == nil)
        for index in 1..<4 { #expect(admit(queue, jobs[index]) == nil) }
        // Four rows of 100 µs are ahead of it.
        #expect(admit(queue, jobs[4], due: 501_000, now: 1000) == .deadline)
        #expect(admit(queue, jobs[4]) == .full)
        // Another class has room of its own, and what is below it is not ahead of it.
        #expect(admit(queue, jobs[4], .high, due: 701_000, now: 1000) == nil)
        #expect(queue.requestCount == 5 && home.lane.pointee.outstanding == 5)
        queue.stuck.store(1, ordering: .relaxed)
        #expect(admit(queue, jobs[5], .high) == .stuck)
    }

    @Test func aStandingQueueLetsNobodyInWhoWouldWaitLong() {
        var limits = QueueLimits()
        limits.targetNanos = 50_000
        limits.intervalNanos = 200_000
        limits.batchRows = 1
        var batch = Batch(capacity: 64)
        let queue = makeQueue(limits, rowNanos: 10_000)
        let jobs = (0..<64).map { JobFixture(first: $0, rows: 1) }
        for job in jobs[..<40] { #expect(admit(queue, job, now: 1000) == nil) }
        for index in 0..<30 {
            _ = take(queue, at: 100_000 + UInt64(index) * 10_000, into: &batch)
            finish(&batch, now: 0)
        }
        #expect(admit(queue, jobs[40], now: 400_000) == .standing)
        #expect(admit(queue, jobs[41], .high, now: 400_000) == nil)
        while !take(queue, at: 500_000, into: &batch).isEmpty { finish(&batch, now: 0) }
        _ = take(queue, at: 500_000, into: &batch)
        #expect(admit(queue, jobs[42], now: 600_000) == nil)
    }

    /// A cost that is once too high for every deadline would stay so, were nothing let in that measures it anew.
    @Test func aCostThatWasOnceTooHighComesDown() {
        let queue = makeQueue(rowNanos: 1_000_000)
        let millis: UInt64 = 1_000_000
        for _ in 0..<200 { queue.cost.observe(rows: 1, nanos: 30 * millis, now: 1) }
        var batch = Batch(capacity: 64)
        var (refused, tried) = (0, 0)
        // A request a millisecond with 10 ms each; a batch takes 1 ms again.
        for now in stride(from: millis, through: 1000 * millis, by: Int(millis)) {
            let job = JobFixture(first: 0, rows: 1)
            tried += 1
            if admit(queue, job, due: now + 10 * millis, now: now) != nil {
                refused += 1
                continue
            }
            #expect(take(queue, at: now, into: &batch).count == 1)
            // No second one beside it.
            let isSecond = queue.cost.takeProbe(now: now)
            #expect(!isSecond)
            finish(&batch, now: now + millis)
            queue.cost.observe(rows: 1, nanos: millis, now: now + millis)
        }
        #expect(refused > 50 && refused < 400 && tried == 1000)
        #expect(admit(queue, JobFixture(first: 0, rows: 1), due: 1010 * millis, now: 1005 * millis) == nil)
    }

    @Test func whatNeverCouldBeInTimeIsNotTried() {
        let queue = makeQueue(rowNanos: 20_000_000)
        for now in stride(from: UInt64(1), through: 1_000_000_000, by: 10_000_000) {
            #expect(admit(queue, JobFixture(first: 0, rows: 1), due: now + 10_000_000, now: now) == .deadline)
        }
    }

    @Test func aLingeringBatchWaitsForCompanyButNotForEver() {
        var limits = QueueLimits()
        limits.lingerNanos = 1_000_000
        limits.batchRows = 4
        var batch = Batch(capacity: 64)
        let queue = makeQueue(limits)
        let jobs = (0..<8).map { JobFixture(first: $0, rows: 1) }
        #expect(admit(queue, jobs[0], now: 1000) == nil)
        #expect(take(queue, at: 2000, into: &batch).isEmpty)
        var due = UInt64.max
        #expect(!queue.hasWork(at: 2000, due: &due) && due == 1_002_000)
        #expect(queue.hasWork(at: due, due: &due))
        #expect(take(queue, at: 1_002_000, into: &batch).count == 1)
        finish(&batch, now: 0)
        // Full, or urgent: at once.
        for index in 1..<5 { #expect(admit(queue, jobs[index], now: 2_000_000) == nil) }
        #expect(take(queue, at: 2_000_000, into: &batch).count == 4)
        finish(&batch, now: 0)
        #expect(admit(queue, jobs[5], due: 3_010_000, now: 3_000_000) == nil)
        #expect(take(queue, at: 3_000_100, into: &batch).isEmpty)
        #expect(take(queue, at: 3_003_000, into: &batch).count == 1)
        finish(&batch, now: 0)
    }
}

@Suite struct QueueValueTests {
    @Test func theCostOfABatchFollowsWhatBatchesTake() {
        let cost = BatchCost(alone: 12_000, inBatch: 5_000)
        #expect(cost.nanos(1) == 12_000 && cost.nanos(64) == 320_000)
        #expect(cost.rows(in: 320_000) == 64 && cost.rows(in: 1) == 1)
        for now in 1...60 { cost.observe(rows: 64, nanos: 640_000, now: UInt64(now)) }
        #expect(abs(Int(cost.nanos(64)) - 640_000) < 10_000)
        #expect(abs(cost.rows(in: 640_000) - 64) <= 2)
    }

    @Test func oneBatchThatWasInterruptedMovesTheCostByAnEighth() {
        let cost = BatchCost(alone: 5000, inBatch: 5000)
        cost.observe(rows: 64, nanos: 320_000 * 50, now: 1)
        #expect(abs(Int(cost.nanos(64)) - 360_000) < 1000)
    }

    @Test func whatWasLearntLongAgoCountsHalf() {
        let cost = BatchCost(alone: 5000, inBatch: 5000)
        cost.observe(rows: 64, nanos: 640_000, now: 1)
        cost.observe(rows: 64, nanos: 320_000, now: BatchCost.probeNanos + 1)
        #expect(abs(Int(cost.nanos(64)) - 340_000) < 1000)
    }

    @Test func aQueueStandsOnlyWhenEverybodyHasWaitedLong() {
        var queue = StandingQueue(targetNanos: 100, intervalNanos: 1000)
        for now in stride(from: UInt64(0), through: 900, by: 100) { queue.waited(500, now: now + 1) }
        #expect(!queue.isStanding)
        queue.waited(99, now: 950)
        for now in stride(from: UInt64(1000), through: 1900, by: 100) { queue.waited(500, now: now) }
        #expect(!queue.isStanding)
        queue.waited(500, now: 2000)
        #expect(queue.isStanding)
        queue.waited(60, now: 2100)
        #expect(queue.isStanding)
        queue.waited(20, now: 2200)
        #expect(!queue.isStanding)
    }

    @Test func oneBatchThatLostItsProcessorChangesNoLane() {
        var choice = LaneChoice(.measured, limitNanos: 50_000)
        choice.ran(nanos: 5_000_000, now: 0, pending: 0)
        for now in 1..<1000 { choice.ran(nanos: now % 50 == 0 ? 5_000_000 : 32_000, now: UInt64(now), pending: 0) }
        #expect(!choice.isPooled)
    }

    @Test func aVersionChangesLanesByWhatItsBatchesTake() {
        var choice = LaneChoice(.measured, limitNanos: 50_000, dwellNanos: 1_000_000)
        for now in 0..<8 { choice.ran(nanos: 12_000, now: UInt64(now), pending: 0) }
        #expect(!choice.isPooled && choice.inlineRows(BatchCost(alone: 12_000, inBatch: 12_000)) == 4)
        #expect(choice.inlineRows(BatchCost(alone: 60_000, inBatch: 12_000)) == 0)
        for now in 0..<8 { choice.ran(nanos: 300_000, now: UInt64(now), pending: 0) }
        #expect(choice.isPooled)
        // Short again, but somebody of the version is with the executors, or it is too soon.
        for now in 1000..<1100 { choice.ran(nanos: 12_000, now: UInt64(now), pending: 1) }
        choice.ran(nanos: 12_000, now: 3_000_000, pending: 1)
        #expect(choice.isPooled)
        choice.ran(nanos: 12_000, now: 3_000_001, pending: 0)
        #expect(!choice.isPooled)
        var fixed = LaneChoice(.inline, limitNanos: 50_000)
        fixed.ran(nanos: 900_000, now: 1, pending: 0)
        #expect(!fixed.isPooled)
        #expect(LaneChoice(.pooled, limitNanos: 50_000).isPooled)
    }
}
