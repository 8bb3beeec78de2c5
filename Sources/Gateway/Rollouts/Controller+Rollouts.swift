// The rollouts' clock, and what comes of a tick.
//
//     every 100 ms   collect ─► RolloutMachine.tick ─► lower: published here and now, one pointer swap; recorded after
//                                                  └─► raise, save, hooks, alerts: jobs for a worker, which may wait for disks
//
// The lock of the table is taken after `changing` and before `state`; nothing that holds `state` takes it. A raise is refused
// where a lowering came after it was asked for: the gate is set before the lowering is published, and looked at by the
// raise under the same lock under which routes change.

import Admin
import CLinux
import Configuration
import Glibc
import Logging
import Primitives
import Rollout
import State
import Synchronization
import Telemetry

extension Controller {
    /// The longest wait for the thousand requests of stable that its latencies are frozen from, restarts and all.
    private static let baselineMillis: Int64 = 10_000
    private static let baselineRequests: UInt64 = 1000
    /// Evidence is stored once a second, and at every transition.
    private static let saveTicks: UInt64 = 10
    private static let retryTicks: UInt64 = 10

    static var presentTick: UInt64 { clinux_now() / GuardCounterShape.tickNanos }

    /// One tick of every rollout.
    func tickRollouts() {
        let tick = Self.presentTick
        if tick % 10 == 0 { measureRates(tick) }
        let jobs = rolloutTable.withLock { table -> [SerialWorker.Job] in
            guard table.isOpen else { return [] }
            var jobs: [SerialWorker.Job] = []
            for id in Array(table.running.keys) {
                guard var rollout = table.running[id] else { continue }
                rollout.rate = table.rates.rate(rollout.model)
                step(&rollout, tick, &jobs)
                table.running[id] = rollout
                settleEnd(id, &table, &jobs)
            }
            tickWatches(tick, &table, &jobs)
            retire(&table)
            return jobs
        }
        worker.add(jobs)
    }

    private func step(_ rollout: inout ActiveRollout, _ tick: UInt64, _ jobs: inout [SerialWorker.Job]) {
        if let percent = rollout.pendingLower { lower(&rollout, to: percent, &jobs) }
        let (final, open) = rollout.counters.collect(tick: tick)
        guard rollout.origin != nil || hasBaseline(rollout) else { return }
        if rollout.origin == nil { rollout.origin = Int64(tick) - Int64(rollout.machine.tick) - 1 }
        guard let origin = rollout.origin, Int64(tick) > origin else { return }
        func own(_ cohorts: [Cohort]) -> [Cohort] {
            cohorts.compactMap { cohort in
                guard Int64(cohort.tick) >= origin else { return nil }
                var own = cohort
                own.tick = UInt64(Int64(cohort.tick) - origin)
                return own
            }
        }
        let actions = rollout.machine.tick(
            UInt64(Int64(tick) - origin), wall: Int64(time(nil)), cohorts: own(final),
            finalBelow: UInt64(max(0, Int64(rollout.counters.finalTick) - origin)), open: own(open))
        follow(actions, &rollout, &jobs)
        if let retry = rollout.retryAt, tick >= retry {
            rollout.retryAt = nil
            follow(rollout.machine.repeatRaise(), &rollout, &jobs)
        }
        if let savedAt = rollout.savedAt, tick >= savedAt + Self.saveTicks, !rollout.machine.state.isFinal {
            rollout.savedAt = nil
            let id = rollout.machine.id
            jobs.append { [weak self] in
                self?.save(id)
                self?.rolloutTable.withLock { $0.running[id]?.savedAt = Self.presentTick }
            }
        }
    }

    /// Stable's latencies are known, or will not be in time.
    private func hasBaseline(_ rollout: ActiveRollout) -> Bool {
        rollout.machine.tick > 0 || AuditEntry.now() >= rollout.startedAt + Self.baselineMillis
            || rollout.counters.latencies(of: .stable).total >= Self.baselineRequests
    }

    /// Carries out what the machine asks for; the caller holds the table's lock.
    /// - Parameter order: who asked the machine for it, and saves it; nil: nobody.
    func follow(
        _ actions: [RolloutAction], _ rollout: inout ActiveRollout, _ jobs: inout [SerialWorker.Job],
        by order: AdminContext? = nil
    ) {
        let id = rollout.machine.id
        // First, as a lowering takes them along to the disk.
        for case .record(let record) in actions { rollout.decided.audit.append(line(of: record, rollout, order)) }
        for action in actions {
            switch action {
            case .raise(let percent, let epoch):
                announce(rollout, epoch, percent)
                jobs.append { [weak self] in self?.raise(id, epoch, percent, makesStable: false) }
            case .makeStable(let epoch):
                announce(rollout, epoch, 100)
                jobs.append { [weak self] in self?.raise(id, epoch, 100, makesStable: true) }
            case .lower(let percent, let epoch):
                announce(rollout, epoch, percent)
                rollout.gate.lowered.store(epoch, ordering: .sequentiallyConsistent)
                lower(&rollout, to: percent, &jobs, by: order)
            case .callHook(let kind, let hook, let sequence):
                callHook(kind, hook, sequence, rollout)
            case .releaseStable: break
            case .record(let record):
                tell(record, rollout)
                if order == nil { jobs.append(saveJob(id)) }
            }
        }
    }

    /// The share by which arms are drawn is the canary's part of what it has together with stable.
    private func announce(_ rollout: ActiveRollout, _ epoch: UInt32, _ percent: Double) {
        let others = state.withLock { state in
            state.models.first { $0.name == rollout.model }?.route.arms.reduce(0) { $0 + $1.share.percent } ?? 0
        }
        let budget = Double(rollout.counters.shape.budgetNanos)
        let thresholds = rollout.counters.thresholds(
            of: rollout.counters.latencies(of: .stable),
            toleranceNanos: UInt64(budget * rollout.machine.plan.toleranceOfBudget))
        let share = min(1, percent / max(100 - others, 1e-9))
        rollout.counters.announce(epoch: epoch, share: share, thresholds: thresholds)
    }

    private func line(of record: RolloutRecord, _ rollout: ActiveRollout, _ order: AdminContext?) -> AuditEntry {
        var entry = AuditEntry(
            actor: "guard", origin: Self.rolloutOrigin, action: "rollout", model: rollout.model,
            before: record.from.rawValue, after: AdminJSON.encode(RolloutEvidence(record)), reason: record.reason.text,
            outcome: record.to.rawValue)
        // What follows from an order is the machine's again.
        if case .person(let name) = record.reason {
            entry.actor = name
            if let order {
                entry.origin = order.origin
                if !order.reason.isEmpty { entry.reason = order.reason }
            }
        }
        return entry
    }

    private func tell(_ record: RolloutRecord, _ rollout: ActiveRollout) {
        let id = rollout.machine.id
        let what = "rollout \(id): \(record.from.rawValue) to \(record.to.rawValue) at \(percentText(record.percent))%"
        let line = "\(what), \(record.reason.text)"
        logger.log(level: record.isAlert ? .warning : .notice, "\(line)")
        events.append("rollout", AdminJSON.encode(RolloutEvent(id, rollout.model, record)))
    }

    private func percentText(_ percent: Double) -> String { PlanArithmetic.number(percent) }

    // MARK: Ends

    /// A rollout that is over, and whose last weight is in force, leaves the table.
    func settleEnd(_ id: String, _ table: inout RolloutTable, _ jobs: inout [SerialWorker.Job]) {
        guard let rollout = table.running[id] else { return }
        stateCell(rollout.model, &table).set(rollout.machine.state)
        guard rollout.machine.state.isFinal, rollout.pendingLower == nil else { return }
        table.running[id] = nil
        table.finish(document(rollout))
        let generation = state.withLock { state -> UInt64 in
            guard let index = state.index(of: rollout.model) else { return 0 }
            guard state.models[index].guarded?.counters === rollout.counters else {
                return publication.load().generation
            }
            state.models[index].guarded = nil
            return publish(&state)
        }
        table.retiring.append((rollout.counters, generation))
        // What a lowering has not taken along; nobody asks for it again, so it waits for the disk as a lowering does.
        if rollout.decided.audit.isEmpty { return }
        var end = rollout.decided
        end.rollouts = [rollout.record]
        unrecorded.withLock { $0.append(end) }
        jobs.append { [weak self] in _ = self?.flush() }
    }

    /// Counters are freed when no route leads to them, and nothing that they wait for is under way.
    private func retire(_ table: inout RolloutTable) {
        if table.retiring.isEmpty { return }
        let oldest = publication.epochs.oldest()
        table.retiring.removeAll { $0.generation <= oldest && $0.counters.unsettled == 0 }
    }

    private func stateCell(_ model: String, _ table: inout RolloutTable) -> RolloutStateCell {
        if let cell = table.states[model] { return cell }
        let cell = RolloutStateCell()
        for state in RolloutState.allCases {
            try? metrics.registry.gauge(
                "serin_rollout_state", "1 for the state that the model's newest rollout is in.",
                labels: [("model", model), ("state", state.rawValue)]
            ) { cell.value == state ? 1 : 0 }
        }
        table.states[model] = cell
        return cell
    }

    // MARK: Disk

    func saveJob(_ id: String) -> SerialWorker.Job { { [weak self] in self?.save(id) } }

    /// Stores a rollout that runs, with what it has decided; false: it could not.
    @discardableResult
    func save(_ id: String) -> Bool {
        // Read and written under one lock, after what waits: never is an older state written over a newer one.
        changing.withLock { _ in
            guard flushLocked() else { return false }
            let rollout = rolloutTable.withLock { table -> ActiveRollout? in
                defer { table.running[id]?.decided = StateStore.Change() }
                return table.running[id]
            }
            guard let rollout else { return true }
            var change = rollout.decided
            change.rollouts = [rollout.record]
            do { try store.commit(change) } catch {
                logger.error("rollout \(id) cannot be stored: \(error)")
                keep(change, of: id)
                return false
            }
            return true
        }
    }

    /// What could not be stored waits with its rollout; where that went lower meanwhile, or is over, before what waits
    /// of that. The caller holds `changing`.
    private func keep(_ change: StateStore.Change, of id: String) {
        if change.audit.isEmpty { return }
        rolloutTable.withLock { table in
            unrecorded.withLock { waiting in
                if waiting.isEmpty, table.running[id] != nil {
                    table.running[id]?.decided.audit.insert(contentsOf: change.audit, at: 0)
                    table.running[id]?.decided.answers.insert(contentsOf: change.answers, at: 0)
                } else {
                    waiting.insert(change, at: 0)
                }
            }
        }
    }

    private func measureRates(_ tick: UInt64) {
        let totals = state.withLock { state in
            state.models.map { model in
                (
                    model.name,
                    model.versions.compactMap(\.served).reduce(0) { $0 + $1.arms.totals().values.reduce(0, +) }
                )
            }
        }
        rolloutTable.withLock { table in
            for (model, total) in totals { table.rates.note(model, total: total, tick: tick) }
        }
    }
}

/// What the audit log keeps of a decision.
private struct RolloutEvidence: Encodable {
    var state: String
    var step: Int
    var percent: Double
    var thisStep: ArmsDocument
    var total: ArmsDocument
    var tests: [TestDocument]
    var promotion: Double?
    var promotionThreshold: Double

    init(_ record: RolloutRecord) {
        state = record.to.rawValue
        (step, percent) = (record.step + 1, record.percent)
        (thisStep, total) = (ArmsDocument(record.stepTotals), ArmsDocument(record.totals))
        tests = record.readings.map { TestDocument($0) }
        promotion = record.promotion.isFinite ? record.promotion : nil
        promotionThreshold = record.promotionThreshold
    }

    enum CodingKeys: String, CodingKey {
        case state, step, percent, total, tests, promotion
        case thisStep = "this_step"
        case promotionThreshold = "promotion_threshold"
    }
}

/// What those who watch are told.
private struct RolloutEvent: Encodable {
    var id: String
    var model: String
    var from: String
    var to: String
    var percent: Double
    var reason: String

    init(_ id: String, _ model: String, _ record: RolloutRecord) {
        (self.id, self.model, from, to) = (id, model, record.from.rawValue, record.to.rawValue)
        (percent, reason) = (record.percent, record.reason.text)
    }
}
