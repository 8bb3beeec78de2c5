// The rollouts of a gateway: those that run, with what the guard has counted, and the last that are over.
//
//     waiting for a baseline ─► isTicking: the machine sees a cohort a tick ─► over: counters retire, the document stays

import Admin
import Rollout
import State
import Synchronization

/// What a raise looks at before it publishes: no rollback may come in between.
final class RolloutGate: Sendable {
    /// The epoch of the last lowering.
    let lowered = Atomic<UInt32>(0)

    /// Whether a raise with this epoch is still wanted.
    func isOpen(to epoch: UInt32) -> Bool { lowered.load(ordering: .sequentiallyConsistent) < epoch }
}

struct ActiveRollout {
    var machine: RolloutMachine
    let model: String
    let planText: String
    /// Milliseconds since 1970.
    let startedAt: Int64
    let counters: GuardCounters
    let gate = RolloutGate()
    /// The gateway's tick less the machine's; nil: the machine has not begun to tick here.
    var origin: Int64?
    /// Requests a second of the model, as measured last.
    var rate: Double
    /// What was decided, and is not on disk yet: lines of the audit log, and answers to those who asked for it.
    var decided = StateStore.Change()
    /// The gateway's tick of the last save of its evidence; nil: one waits or is under way, and however long the disk
    /// takes, no other queues behind it.
    var savedAt: UInt64? = 0
    /// When a raise that failed is tried again.
    var retryAt: UInt64?
    /// The weight that could not be lowered to yet.
    var pendingLower: Double?

    init(
        _ machine: RolloutMachine, model: String, planText: String, startedAt: Int64, counters: GuardCounters,
        rate: Double
    ) {
        (self.machine, self.model, self.planText, self.startedAt) = (machine, model, planText, startedAt)
        (self.counters, self.rate) = (counters, rate)
    }

    /// - Parameter isLowered: no lowering is outstanding.
    func record(isLowered: Bool) -> StateStore.RolloutRecord {
        StateStore.RolloutRecord(
            id: machine.id, model: model, plan: planText, snapshot: machine.snapshot(),
            isOver: machine.state.isFinal && isLowered, startedAt: startedAt)
    }

    var record: StateStore.RolloutRecord { record(isLowered: pendingLower == nil) }

    /// What serves, as the model's route has it.
    func guarded(epoch: UInt32) -> GuardedRoute {
        GuardedRoute(counters: counters, epoch: epoch, stable: machine.stable, canary: machine.candidate)
    }
}

struct RolloutTable {
    /// False: another process has the rollouts, or they are not restored yet.
    var isOpen = false
    var running: [String: ActiveRollout] = [:]
    /// Models whose rollout is being stored.
    var starting: Set<String> = []
    /// By model; none where a rollout runs.
    var watches: [String: ActiveWatch] = [:]
    /// The newest last.
    var finished: [RolloutDocument] = []
    static let finishedMax = 100
    /// Counters that no route leads to, and the publication's generation since when.
    var retiring: [(counters: GuardCounters, generation: UInt64)] = []
    var rates = RateMeter()
    /// What a metric says of each model's rollout.
    var states: [String: RolloutStateCell] = [:]

    func running(of model: String) -> ActiveRollout? { running.values.first { $0.model == model } }

    mutating func finish(_ document: RolloutDocument) {
        finished.append(document)
        if finished.count > Self.finishedMax { finished.removeFirst() }
    }
}

/// The state that a model's rollout is in, for the metric.
final class RolloutStateCell: Sendable {
    private let state = Mutex<RolloutState?>(nil)
    var value: RolloutState? { state.withLock { $0 } }
    func set(_ new: RolloutState) { state.withLock { $0 = new } }
}

/// Requests a second by model, over the last ten seconds.
struct RateMeter {
    private static let span = 10
    private var samples: [String: [(tick: UInt64, total: UInt64)]] = [:]

    mutating func note(_ model: String, total: UInt64, tick: UInt64) {
        samples[model, default: []].append((tick, total))
        if samples[model, default: []].count > Self.span + 1 { samples[model]?.removeFirst() }
    }

    func rate(_ model: String) -> Double {
        guard let all = samples[model], let first = all.first, let last = all.last, last.tick > first.tick else {
            return 0
        }
        return Double(last.total &- min(first.total, last.total)) * 10 / Double(last.tick - first.tick)
    }
}

/// Runs jobs one after another on a thread of its own, which ends when there is none.
final class SerialWorker: Sendable {
    typealias Job = @Sendable () -> Void
    private struct Queue {
        var jobs: [Job] = []
        var isRunning = false
    }

    private let queue = Mutex(Queue())
    private let start: @Sendable (@escaping Job) -> Void

    /// - Parameter start: starts a thread.
    init(start: @escaping @Sendable (@escaping Job) -> Void) { self.start = start }

    func add(_ jobs: [Job]) {
        if jobs.isEmpty { return }
        let starts = queue.withLock { queue in
            queue.jobs += jobs
            defer { queue.isRunning = true }
            return !queue.isRunning
        }
        if starts { start { self.work() } }
    }

    private func work() {
        while true {
            let job = queue.withLock { queue -> Job? in
                guard !queue.jobs.isEmpty else {
                    queue.isRunning = false
                    return nil
                }
                return queue.jobs.removeFirst()
            }
            guard let job else { return }
            job()
        }
    }
}
