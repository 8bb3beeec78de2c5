// The guard's counts, on the way of every request.
//
//     admitted ─► routed: the tick of this round, the epoch of its route ─► … ─► settled: what became of it, once
//
// Counted is what the shares have drawn: pinned, override, segment, label and shadow traffic is not, nor is what came
// too late for any version, nor what a client sent wrong. A ticket goes with the request from slot to slot.

import Batching
import Glibc
import HTTP
import Inference
import Primitives
import Rollout
import Routing

/// A request that the guard waits for.
struct GuardedRequest {
    /// nil: it is not counted.
    var shard: GuardShard?
    var ticket = GuardTicket.uncounted

    static let none = GuardedRequest()
}

/// The guards of the snapshot in use, as one plane sees them: plain memory, so that a round counts no reference.
struct PlaneGuards {
    private(set) var shards = UnsafeMutableBufferPointer<GuardShard>(start: nil, count: 0)
    /// The tick of this round; `.max`: nothing was routed in it yet.
    var tick = UInt64.max

    mutating func replace(_ new: [GuardShard]) {
        shards.deallocate()
        shards = .init(start: nil, count: 0)
        if new.isEmpty { return }
        shards = .allocate(capacity: new.count)
        _ = shards.initialize(from: new)
    }

    func deallocate() { shards.deallocate() }
}

extension DataPlane {
    /// The snapshot is another one: its guards are asleep, or awake if this round has begun.
    func adoptGuards() {
        for shard in guards.shards { shard.sleep() }
        guards.replace(snapshot.guards.counters.filter { $0.shards.count > seat }.map { $0.shards[seat] })
        if guards.tick != .max { for shard in guards.shards { shard.begin(tick: guards.tick) } }
    }

    /// The first request of a round that a guard may count.
    private func wakeGuards() {
        guards.tick = engine.now / GuardCounterShape.tickNanos
        for shard in guards.shards { shard.begin(tick: guards.tick) }
    }

    /// Nothing is routed any more until a round begins.
    @inline(__always)
    func restGuards() {
        if guards.tick == .max { return }
        guards.tick = .max
        for shard in guards.shards { shard.sleep() }
    }

    /// Counts an admitted request for its arm.
    @inline(__always)
    func countRouted(_ prediction: PredictionPointer) {
        let entry = versions + prediction.pointee.routed
        guard entry.pointee.guarded.shards != nil else { return }
        countRouted(prediction, entry)
    }

    private func countRouted(_ prediction: PredictionPointer, _ entry: UnsafeMutablePointer<VersionEntry>) {
        let arm = prediction.pointee.arm
        guard arm == .stable || arm == .canary, let shards = entry.pointee.guarded.shards else { return }
        let deadline = prediction.pointee.request.pointee.deadline
        let rows = UInt64(prediction.pointee.request.pointee.rowCount)
        guard deadline == TimeoutPolicy.none || deadline > engine.now &+ rows &* entry.pointee.guarded.rowNanos else {
            return
        }
        if guards.tick == .max { wakeGuards() }
        let shard = shards[seat]
        prediction.pointee.guarded.shard = shard
        prediction.pointee.guarded.ticket = shard.route(
            entry.pointee.guarded.arm, epoch: entry.pointee.guarded.epoch, tick: guards.tick,
            keyHash: prediction.pointee.isSticky ? prediction.pointee.key : 0)
    }

    /// Counts what became of a request; a second time counts nothing.
    @inline(__always)
    func settleGuarded(_ prediction: PredictionPointer, _ outcome: Outcome, at now: UInt64?, refusal: Refusal?) {
        guard let shard = prediction.pointee.guarded.shard else { return }
        prediction.pointee.guarded.shard = nil
        settle(prediction, shard, outcome, at: now ?? clock(), refusal)
    }

    private func settle(
        _ prediction: PredictionPointer, _ shard: GuardShard, _ outcome: Outcome, at now: UInt64, _ refusal: Refusal?
    ) {
        let nanos = now &- min(now, prediction.pointee.startedAt)
        var settled = GuardOutcome(nanos: nanos, isError: false, isFull: true, score: .nan, isPositive: false)
        switch outcome {
        case .ok:
            settled.isFull = prediction.pointee.rung == 0
            if settled.isFull { readScore(prediction, &settled) }
        case .modelError: settled.isError = true
        // Nothing is known against the model but the time that it has had.
        case .cancelled, .clientError: break
        case .timeout: settled.isFull = false
        case .shed:
            settled.isFull = false
            settled.isError = refusal == .full || refusal == .standing || refusal == .stuck
        }
        shard.settle(prediction.pointee.guarded.ticket, settled)
    }

    /// The first row's score and decision, where the model gives one number a row.
    private func readScore(_ prediction: PredictionPointer, _ outcome: inout GuardOutcome) {
        let entry = versions + prediction.pointee.routed
        let request = prediction.pointee.request
        guard entry.pointee.columns == 1, request.pointee.scores.count >= entry.pointee.scoreType.byteCount else {
            return
        }
        let pointer = UnsafeRawPointer(request.pointee.scores.pointer)
        if entry.pointee.scoreType == .float32 {
            let score = pointer.loadUnaligned(as: Float.self)
            outcome.score = Double(score)
            outcome.isPositive = score >= Float(entry.pointee.threshold)
        } else {
            outcome.score = pointer.loadUnaligned(as: Double.self)
            outcome.isPositive = outcome.score >= entry.pointee.threshold
        }
    }
}
