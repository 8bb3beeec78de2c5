// The threads that score what is too long for a reactor.
//
//     reactors ─► version queues ─► [ executor 0 ][ executor 1 ] … [ spare ][ spare ]     ─► completion lanes ─► reactors
//                      ▲                  │ one batch at a time
//                 ExecutorTable           └ stuck: a spare takes its place (+Supervision)
//
// A round of an executor: look for the queue whose turn it is (Executor+Round), make a batch, score it, give its
// jobs back, wake the reactors. With nothing to do it looks on for `spinNanos`, then sleeps (WakeWord).
//
// The queues are a table that is replaced whole. An executor keeps a reference to the one it has seen until its next
// round, so a queue that was taken out lives as long as somebody runs it, even if that is stuck.

internal import CLinux
internal import Primitives
internal import Synchronization

/// Which queues executors serve; immutable.
// SAFETY: written in init only.
public final class ExecutorTable: @unchecked Sendable {
    let queues: [VersionQueue]
    let entries: UnsafeMutablePointer<Unmanaged<VersionQueue>>
    var count: Int { queues.count }

    public init(_ queues: [VersionQueue]) {
        self.queues = queues
        entries = .allocate(capacity: max(queues.count, 1))
        for (index, queue) in queues.enumerated() { (entries + index).initialize(to: .passUnretained(queue)) }
    }

    deinit { entries.deallocate() }
}

public struct ExecutorSettings: Sendable {
    /// Threads that score.
    public var threads = 1
    /// How long a thread looks on before it sleeps.
    public var spinNanos: UInt64 = 50_000
    /// A batch that takes longer than this, and than four times what it should, is stuck.
    public var stuckNanos: UInt64 = 100_000_000
    /// Added to the threads' nice value, so that reactors come first; 0 to 19.
    public var niceness = 0
    /// Processors to run on, one a thread in turn; empty: any.
    public var processors: [Int] = []

    public init() {}
}

/// What scoring a batch took; times in nanoseconds.
public struct ExecutedBatch: Sendable {
    public var rows: Int
    /// Of `clinux_now`.
    public var startedAt: UInt64
    public var endedAt: UInt64
    /// The thread's own time, without what others had meanwhile.
    public var processorNanos: UInt64
}

/// What an executor tells the gateway; called on the executor's thread (`stuck`: on the supervisor's).
public struct ExecutorHooks: Sendable {
    /// A batch of the version `tag` was scored by the thread in `slot`.
    public var ran: @Sendable (_ slot: Int, _ tag: Int, _ batch: ExecutedBatch) -> Void
    /// Between two batches: the thread looks at no table older than `generation`. Before a sleep, and at its end, that is
    /// `ExecutorPool.away`: at none until the next call.
    public var quiescent: @Sendable (_ slot: Int, _ generation: UInt64) -> Void
    /// A batch of the version is stuck since so many nanoseconds; `isReplaced`: another thread has taken the place.
    public var stuck: @Sendable (_ tag: Int, _ nanos: UInt64, _ isReplaced: Bool) -> Void
    /// Starts a thread of that name.
    public var startThread: @Sendable (_ name: String, _ body: @escaping @Sendable () -> Void) -> Void

    public init(
        startThread: @escaping @Sendable (String, @escaping @Sendable () -> Void) -> Void,
        ran: @escaping @Sendable (Int, Int, ExecutedBatch) -> Void = { _, _, _ in },
        quiescent: @escaping @Sendable (Int, UInt64) -> Void = { _, _ in },
        stuck: @escaping @Sendable (Int, UInt64, Bool) -> Void = { _, _, _ in }
    ) {
        self.startThread = startThread
        self.ran = ran
        self.quiescent = quiescent
        self.stuck = stuck
    }
}

// SAFETY: constants, atomics, and slots that say themselves who writes what.
public final class ExecutorPool: @unchecked Sendable {
    /// Places for executors that were replaced and have not come back, a thread.
    private static let sparesPerThread = 3

    let settings: ExecutorSettings
    let hooks: ExecutorHooks
    let work = WakeWord()
    let table: Published<ExecutorTable>
    let slots: UnsafeMutablePointer<ExecutorSlot>
    /// Places for threads, spares included: the slots that hooks speak of.
    public let slotCount: Int
    /// The share-weighted time of the batch that began last: what a queue that had nothing to do starts from.
    let virtualTime = Atomic<UInt64>(0)
    let isStopping = Atomic<Bool>(false)
    let alive = Atomic<Int>(0)
    /// Threads that were replaced, ever.
    private let replacements = Atomic<UInt64>(0)
    let supervisorBell = WakeWord()

    public init(_ settings: ExecutorSettings, hooks: ExecutorHooks) {
        self.settings = settings
        self.hooks = hooks
        table = Published(ExecutorTable([]))
        slotCount = Self.slotCount(threads: settings.threads)
        slots = UnsafeMutableRawPointer.allocate(
            byteCount: slotCount * MemoryLayout<ExecutorSlot>.stride, alignment: 128
        ).bindMemory(to: ExecutorSlot.self, capacity: slotCount)
        for index in 0..<slotCount { (slots + index).initialize(to: ExecutorSlot()) }
    }

    deinit {
        slots.deinitialize(count: slotCount)
        slots.deallocate()
    }

    public static func slotCount(threads: Int) -> Int { threads * (1 + sparesPerThread) }

    public var spinNanos: UInt64 { settings.spinNanos }

    public var replacementCount: UInt64 { replacements.load(ordering: .relaxed) }
    func countReplacement() { replacements.wrappingAdd(1, ordering: .relaxed) }

    /// What a thread that looks at no table says its generation is.
    public static let away = UInt64.max

    /// Serves these queues from now on; returns the generation of their table.
    @discardableResult
    public func serve(_ queues: [VersionQueue]) -> UInt64 {
        for queue in queues {
            let limit = queue.limits.concurrency
            queue.parallelism.store(
                limit == 0 ? settings.threads : min(limit, settings.threads), ordering: .relaxed)
        }
        table.replace(ExecutorTable(queues))
        work.signalAll()
        return table.generation
    }

    /// Starts the threads, and the one that watches them.
    public func start() {
        for _ in 0..<settings.threads { _ = startExecutor() }
        hooks.startThread("supervisor") { [self] in supervise() }
    }

    /// Starts a thread in a free slot; false: there is none.
    func startExecutor() -> Bool {
        for index in 0..<slotCount where !slots[index].isAlive.load(ordering: .acquiring) {
            slots[index].isAlive.store(true, ordering: .relaxed)
            alive.add(1, ordering: .relaxed)
            hooks.startThread("executor-\(index)") { [self] in
                var executor = Executor(self, slot: index)
                executor.run()
                slots[index].isAlive.store(false, ordering: .releasing)
                alive.subtract(1, ordering: .releasing)
            }
            return true
        }
        return false
    }

    /// After the pushes of a round: there is work.
    @inline(__always)
    public func signal() { work.signal() }

    /// Lets the threads end; one that is stuck does when it comes back.
    public func stop() {
        isStopping.store(true, ordering: .releasing)
        work.signalAll()
        supervisorBell.signalAll()
    }

    /// Executor threads that have not ended.
    public var aliveCount: Int { alive.load(ordering: .acquiring) }
}
