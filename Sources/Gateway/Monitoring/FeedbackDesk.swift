// Where labels are taken: read, held against their ids, written, added up, answered. All of it on one thread, away from the
// reactors, which is there only while there is something to do.
//
//     reactors ─► calls, at most so many ─► one transaction for all that wait ─► on disk ─► ledger ─► answers
//     control  ─► chores: keys, pruning, gauges ─┘                                 └─ not: 503 for each
//
// A disk that stalls fills the queue, and what does not fit is refused with 503 and Retry-After; predictions notice nothing.
// The ledger is made from the store at the start, and again when another process has written to it: while an upgrade
// hands over, both take labels.

import Admin
import Configuration
import Glibc
import Logging
import Monitoring
import Reactor
import State
import Synchronization
import Telemetry

/// What a call with labels is answered: a document, or with another status than 200 a sentence.
struct FeedbackAnswer: Sendable {
    var status: Int
    var text: String
}

final class FeedbackDesk: Sendable {
    struct Call: Sendable {
        var model: String
        var body: [UInt8]
        var answer: @Sendable (FeedbackAnswer) -> Void

        init(model: String, body: [UInt8], answer: @escaping @Sendable (FeedbackAnswer) -> Void) {
            (self.model, self.body, self.answer) = (model, body, answer)
        }
    }

    private struct Queue {
        var calls: [Call] = []
        var bytes = 0
        var chores: [@Sendable () -> Void] = []
        var isRunning = false
        var isOpen = true
    }

    /// What the labels say so far.
    struct Books {
        var ledger = AccuracyLedger()
        /// Everything that is stored is in it.
        var isComplete = false
    }

    /// Bodies that wait together.
    private static let bytesMax = 64 << 20
    /// Of one body; the port's own limits are lower.
    private static let bodyMax = 1 << 30

    let settings: FeedbackConfiguration
    let store: StateStore
    /// nil: their file cannot be used; why stands in the log.
    let labels: LabelStore?
    let logger: Logger
    let counters: FeedbackCounters
    let gauges: AccuracyGauges
    let books = Mutex(Books())
    let keys: Mutex<PredictionKeys>
    let schedule = Mutex(FeedbackSchedule())
    /// Subjects that the desk has been told of.
    let told = Mutex<Set<UInt64>>([])
    private let queue = Mutex(Queue())

    init(
        _ settings: FeedbackConfiguration, _ store: StateStore, _ registry: MetricsRegistry, _ logger: Logger
    ) throws {
        (self.settings, self.store, self.logger) = (settings, store, logger)
        keys = Mutex(try Self.keys(settings, store))
        counters = FeedbackCounters(registry)
        gauges = AccuracyGauges(registry)
        do throws(StateError) {
            labels = try LabelStore(folder: store.folder)
        } catch {
            logger.error("no labels are taken until the next start: \(error)")
            labels = nil
        }
        add { self.rebuild() }
    }

    static func keys(_ settings: FeedbackConfiguration, _ store: StateStore) throws(StateError) -> PredictionKeys {
        let idMillis = Int64(settings.acceptNanos / 1_000_000)
        let records = try store.predictionKeys(now: AuditEntry.now(), idMillis: idMillis)
        return PredictionKeys(records.compactMap { PredictionKey(number: $0.number, bytes: $0.bytes) })
    }

    /// What ids are made with now.
    var newestKey: PredictionKey? { keys.withLock { $0.newest } }

    // MARK: In

    /// Takes a call; false: too many wait, or the gateway ends.
    func take(_ call: Call) -> Bool {
        let (isTaken, starts) = queue.withLock { queue in
            guard queue.isOpen, queue.calls.count < settings.queue, queue.bytes + call.body.count <= Self.bytesMax
            else {
                return (false, false)
            }
            queue.calls.append(call)
            queue.bytes += call.body.count
            defer { queue.isRunning = true }
            return (true, !queue.isRunning)
        }
        if starts { ReactorThread.start("labels") { self.work() } }
        return isTaken
    }

    /// To be done before the calls that come after it.
    func add(_ chore: @escaping @Sendable () -> Void) {
        let starts = queue.withLock { queue in
            guard queue.isOpen else { return false }
            queue.chores.append(chore)
            defer { queue.isRunning = true }
            return !queue.isRunning
        }
        if starts { ReactorThread.start("labels") { self.work() } }
    }

    /// Waits for what is being done, some seconds at most; nothing is taken any more.
    func close() {
        queue.withLock { $0.isOpen = false }
        for _ in 0..<500 where queue.withLock({ $0.isRunning }) { usleep(10_000) }
        labels?.close()
    }

    // MARK: The thread

    private func work() {
        var reader = FeedbackReader(bytesMax: Self.bodyMax)
        while true {
            let (chores, calls) = queue.withLock { queue in
                let all = (queue.chores, queue.calls)
                (queue.chores, queue.calls, queue.bytes) = ([], [], 0)
                queue.isRunning = !(all.0.isEmpty && all.1.isEmpty)
                return all
            }
            if chores.isEmpty, calls.isEmpty { return }
            for chore in chores { chore() }
            if !calls.isEmpty { handle(calls, &reader) }
        }
    }
}
