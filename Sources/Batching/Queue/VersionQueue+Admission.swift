// Whether a request is let in: only if there is room, and only if it can be answered in time.
//
//     wait   = what is ahead of it, in its class and above, in batches ÷ executors × how such guesses turn out
//     finish = now + wait + its own batch
//     finish and a quarter of it after its due ─► refused at once
//     the queue stands and wait > target       ─► refused at once
//     overload and wait > its own batch        ─► refused at once
//
// A refusal costs a microsecond, and the client can go elsewhere with all its time; an answer that comes late costs a
// batch's place and helps nobody. The guess is corrected by what waits turn out to be (`stretch`), so other models'
// batches, other processes and a slow machine are in it without being known. A request that looks hopeless beside an empty
// queue is let in as a probe, ten times a second at most: see `takeProbe`.

public import Inference
internal import Synchronization

/// Why a request was not let in.
public enum Refusal: UInt8, Sendable, CaseIterable {
    /// As many wait as may.
    case full
    /// It could not be answered in time.
    case deadline
    /// The queue stands.
    case standing
    /// Every executor that may run the version is stuck in it.
    case stuck

    /// The `reason` label's value.
    public var text: String {
        switch self {
        case .full: "queue_full"
        case .deadline: "deadline"
        case .standing: "standing_queue"
        case .stuck: "stuck"
        }
    }
}

extension VersionQueue {
    /// Puts a parsed request into the queue, with room for its scores; nil: it is in. `due`: when the answer is no use
    /// any more; `.max`: never.
    public func admit(
        _ job: UnsafeMutablePointer<QueuedJob>, home: UnsafeMutablePointer<CompletionLane>, priority: Priority,
        due: UInt64, now: UInt64
    ) -> Refusal? {
        let lane = lanes + Int(priority.rawValue)
        let executors = parallelism.load(ordering: .relaxed)
        if stuck.load(ordering: .relaxed) >= executors { return .stuck }
        let rows = job.pointee.rowCount
        let ahead = rowsAhead(of: priority)
        let wait = wait(rows: ahead, executors: executors)
        let own = nanos(rows: rows, beside: ahead)
        let isOverload = load.add(nanosInFullBatches(rows: rows), executors: executors, now: now)
        job.pointee.isProbe = false
        if due != .max {
            let span = wait + own
            if now + span + span / 4 > due {
                job.pointee.isProbe = takeProbe(rows: rows, ahead: ahead, due: due, now: now)
                if !job.pointee.isProbe { return .deadline }
            }
        }
        if lane.pointee.isStanding.load(ordering: .relaxed), wait > limits.targetNanos { return .standing }
        if isOverload, wait > max(own, limits.targetNanos / 4) { return .standing }
        step()
        if lane.pointee.requests.wrappingAdd(1, ordering: .relaxed).oldValue >= limits.requests {
            lane.pointee.requests.wrappingSubtract(1, ordering: .relaxed)
            return .full
        }
        lane.pointee.rows.wrappingAdd(rows, ordering: .relaxed)
        job.pointee.begin(home: home, priority: priority, due: due, now: now, estimatedWait: wait)
        job.pointee.reserve(
            features: scoring.featureCount, columns: scoring.columns, type: scoring.scoreType)
        home.pointee.outstanding += 1
        let isIn = lane.pointee.ring.push(job)
        precondition(isIn, "the ring has room for every request that was counted")
        return nil
    }

    /// Whether a request that seems too late is let in all the same: nothing else tells the version's cost at present, and as
    /// measured at load it would be in time. Without it, a cost that is once too high would stay so: nothing gets in, so
    /// nothing is measured.
    private func takeProbe(rows: Int, ahead: Int, due: UInt64, now: UInt64) -> Bool {
        guard ahead == 0, running.load(ordering: .relaxed) == 0 else { return false }
        let batches = Double((rows + limits.batchRows - 1) / limits.batchRows)
        let span = batches * cost.planned(min(rows, limits.batchRows))
        return now + UInt64(span * 1.25) <= due && cost.takeProbe(now: now)
    }

    private func rowsAhead(of priority: Priority) -> Int {
        (0...Int(priority.rawValue)).reduce(0) { $0 + max(lanes[$1].rows.load(ordering: .relaxed), 0) }
    }

    /// What so many rows take until the last of them has begun.
    private func wait(rows: Int, executors: Int) -> UInt64 {
        let most = rowsMax
        var nanos = UInt64(rows / most) * cost.nanos(most)
        if rows % most > 0 { nanos += cost.nanos(rows % most) }
        // Half a batch is what is left on average of those that run.
        if running.load(ordering: .relaxed) >= executors { nanos += cost.nanos(most) / 2 }
        return nanos / UInt64(executors) * UInt64(stretch.load(ordering: .relaxed)) / 1024
    }

    /// What rows take where batches are as large as they may be.
    private func nanosInFullBatches(rows: Int) -> UInt64 {
        let most = rowsMax
        return cost.nanos(most) * UInt64(rows) / UInt64(most)
    }

    /// What its own rows take, in a batch with those that are there.
    private func nanos(rows: Int, beside ahead: Int) -> UInt64 {
        let most = rowsMax
        if rows <= most { return cost.nanos(min(most, rows + ahead)) }
        return UInt64((rows + most - 1) / most) * cost.nanos(most)
    }
}
