// One executor's thread.
//
//     newer table? ─► quiescent ─► whose turn? ─► token ─► batch ─► token back ─► score ─► jobs back, reactors woken
//        ▲                            │ nobody's                                               │
//        │                            └► spin, then sleep                                      │
//        └─────────────────────────────────────────────────────────────────────────────────────┘
//
// Whose turn it is: of the queues with work, the one on which executors have spent the least time for its share
// (start-time fair queueing: Goyal, Vin and Cheng, 1996). So a heavy model takes what others leave, and a
// light one waits for one batch, not for the heavy one's queue.

internal import CLinux
internal import Glibc
internal import Inference
internal import Primitives
internal import Synchronization

struct Executor: ~Copyable {
    private let pool: ExecutorPool
    private let slot: Int
    private var batch: Batch
    private var scratch: UnsafeMutableRawPointer
    private var scratchBytes: Int
    private var table: ExecutorTable
    private var generation: UInt64

    /// Rows of the largest batch that any queue may ask for.
    static let batchRowsMax = 4096

    init(_ pool: ExecutorPool, slot: Int) {
        self.pool = pool
        self.slot = slot
        batch = Batch(capacity: Self.batchRowsMax)
        scratchBytes = 4096
        scratch = .allocate(byteCount: scratchBytes, alignment: 64)
        (table, generation) = pool.table.load()
    }

    deinit { scratch.deallocate() }

    mutating func run() {
        place()
        while !pool.isStopping.load(ordering: .acquiring) {
            if pool.table.generation != generation { (table, generation) = pool.table.load() }
            pool.hooks.quiescent(slot, generation)
            if let queue = pick() {
                if !execute(queue) { break }
            } else {
                rest()
            }
        }
        pool.hooks.quiescent(slot, ExecutorPool.away)
    }

    /// Where and how urgently the thread runs.
    private func place() {
        let processors = pool.settings.processors
        if !processors.isEmpty { _ = clinux_pin_thread(Int32(processors[slot % processors.count])) }
        if pool.settings.niceness > 0 { _ = clinux_nice_thread(Int32(pool.settings.niceness)) }
    }

    // MARK: Finding work

    /// A queue's token, with a batch made; nil: there is no work now.
    private mutating func pick() -> VersionQueue? {
        let now = clinux_now()
        var passed = 0
        // At most one look for each queue: one that another executor has taken meanwhile is left.
        while passed < table.count {
            guard let queue = next(at: now) else { return nil }
            guard queue.takeToken() else {
                passed += 1
                continue
            }
            let hasBatch = queue.take(into: &batch, at: now)
            if hasBatch { queue.running.wrappingAdd(1, ordering: .relaxed) }
            queue.releaseToken()
            batch.wakeHomes()
            wakeAnother()
            if hasBatch { return queue }
            passed += 1
        }
        return nil
    }

    /// The queue with work that is furthest behind.
    private func next(at now: UInt64) -> VersionQueue? {
        var due = UInt64.max
        var best: Unmanaged<VersionQueue>?
        var least = UInt64.max
        for index in 0..<table.count {
            let entry = table.entries[index]
            let (hasWork, time) = entry._withUnsafeGuaranteedRef { queue in
                (queue.hasWork(at: now, due: &due), queue.virtualTime.load(ordering: .relaxed))
            }
            if hasWork, time < least || best == nil { (best, least) = (entry, time) }
        }
        return best?.takeUnretainedValue()
    }

    /// Whether some queue has work; `due`: when one that lingers will have.
    private func hasWork(_ due: inout UInt64) -> Bool {
        let now = clinux_now()
        for index in 0..<table.count {
            let hasWork = table.entries[index]._withUnsafeGuaranteedRef { $0.hasWork(at: now, due: &due) }
            if hasWork { return true }
        }
        return false
    }

    /// Something became free: if there is more to do and somebody sleeps, it need not wait for this thread.
    private func wakeAnother() {
        guard pool.work.hasSleepers() else { return }
        var due = UInt64.max
        if hasWork(&due) { pool.work.signal() }
    }

    // MARK: Nothing to do

    private func rest() {
        let end = clinux_now() + pool.settings.spinNanos
        var due = UInt64.max
        repeat {
            due = .max
            if hasWork(&due) || isCalled { return }
            for _ in 0..<8 { clinux_pause() }
            // Whoever brings the work may wait for this processor.
            sched_yield()
        } while clinux_now() < end
        let key = pool.work.prepare()
        due = .max
        if hasWork(&due) || isCalled { return pool.work.cancel() }
        pool.hooks.quiescent(slot, ExecutorPool.away)
        let now = clinux_now()
        pool.work.sleep(since: key, nanos: due == .max ? .max : due > now ? due - now : 0)
    }

    private var isCalled: Bool {
        pool.isStopping.load(ordering: .acquiring) || pool.table.generation != generation
    }

    // MARK: Work

    /// Scores the batch; false: another thread has taken this one's place meanwhile.
    private mutating func execute(_ queue: VersionQueue) -> Bool {
        if queue.scoring.scratchBytes > scratchBytes { growScratch(queue.scoring.scratchBytes) }
        let startedAt = clinux_now()
        let rows = batch.rows
        let patience = max(pool.settings.stuckNanos, 4 * queue.cost.nanos(rows))
        pool.slots[slot].begin(
            Unmanaged.passUnretained(queue).toOpaque(), at: startedAt, stuckAt: startedAt + patience)
        // Two system calls of 0.2 µs, beside a hand-over of some microseconds.
        let processorAt = clinux_thread_cpu()
        queue.scoring.call(queue.scoring.context, batch.jobs, batch.count, scratch, scratchBytes)
        let processorNanos = clinux_thread_cpu() &- processorAt
        let endedAt = clinux_now()
        let isReplaced = pool.slots[slot].end()
        finish(
            queue,
            ExecutedBatch(rows: rows, startedAt: startedAt, endedAt: endedAt, processorNanos: processorNanos))
        if isReplaced { queue.stuck.wrappingSubtract(1, ordering: .relaxed) }
        queue.running.wrappingSubtract(1, ordering: .acquiringAndReleasing)
        wakeAnother()
        return !isReplaced
    }

    private mutating func growScratch(_ bytes: Int) {
        scratch.deallocate()
        scratchBytes = bytes
        scratch = .allocate(byteCount: bytes, alignment: 64)
    }

    private mutating func finish(_ queue: VersionQueue, _ executed: ExecutedBatch) {
        let endedAt = executed.endedAt
        let nanos = max(endedAt &- executed.startedAt, 1)
        queue.cost.observe(rows: executed.rows, nanos: nanos, now: endedAt)
        charge(queue, nanos)
        // Before the jobs go: who sees an answer finds its batch counted.
        pool.hooks.ran(slot, queue.tag, executed)
        for index in 0..<batch.count {
            let part = batch.parts[index]
            let status = batch.jobs[index].status.rawValue
            if status != 0 { part.job.pointee.status.store(status, ordering: .relaxed) }
            batch.settle(part.job, rows: part.rows, now: endedAt)
        }
        batch.clear()
        batch.wakeHomes()
    }

    /// The queue pays for the time it had; one that had nothing to do has saved up nothing.
    private func charge(_ queue: VersionQueue, _ nanos: UInt64) {
        let present = pool.virtualTime.load(ordering: .relaxed)
        let from = max(queue.virtualTime.load(ordering: .relaxed), present)
        queue.virtualTime.store(from &+ nanos / UInt64(max(queue.limits.share, 1)), ordering: .relaxed)
        pool.virtualTime.store(from, ordering: .relaxed)
    }
}
