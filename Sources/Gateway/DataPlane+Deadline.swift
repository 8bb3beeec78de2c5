// Deadlines: no answer after them, and no work for a client that does not wait.
//
//     header fields, parameters.timeout, the model's default and cap ─► request.deadline, at admission
//     passed already ─► 504 at once         cannot be scored in time ─► 504 when its batch begins, not scored
//     passes while it waits ─► the timer wheel: 504, abandoned in its lane
//     the stream is gone ─► abandoned in its lane: not scored
//     passes while it is scored ─► 504 instead of the score
//
// A lane gives every ticket back once, whatever became of it; until then its slot is not used again. `settled`
// is where a request stops being in flight, exactly once.

import Batching
import HTTP
import Inference
import Primitives
import Telemetry

extension DataPlane {
    typealias PredictionPointer = UnsafeMutablePointer<Prediction>

    static let late = RequestError(504, "the deadline has passed")

    /// Before the body is read: the deadline of the header fields has passed. Answers, and returns true.
    @inline(__always)
    func isLate(_ stream: Stream, _ version: Int, _ prediction: PredictionPointer) -> Bool {
        prediction.pointee.version = version
        if stream.pointee.timeoutNanos == TimeoutPolicy.none { return false }
        return isLate(stream, prediction, asked: stream.pointee.timeoutNanos)
    }

    /// With the body read: the request's deadline is known, and watched. True: it has passed, and is answered.
    @inline(__always)
    func admitIsLate(_ stream: Stream, _ prediction: PredictionPointer) -> Bool {
        let inBody = prediction.pointee.request.pointee.timeoutNanos
        if isLate(stream, prediction, asked: min(stream.pointee.timeoutNanos, inBody)) { return true }
        let deadline = prediction.pointee.request.pointee.deadline
        if deadline != TimeoutPolicy.none { engine.watch(stream, until: watchTime(prediction, stream)) }
        return false
    }

    private func isLate(_ stream: Stream, _ prediction: PredictionPointer, asked: UInt64) -> Bool {
        let policy = versions[prediction.pointee.version].timeout
        let deadline = policy.deadline(from: stream.pointee.arrivedAt, asked: asked)
        prediction.pointee.request.pointee.deadline = deadline
        if deadline > engine.now { return false }
        let (version, arm) = (prediction.pointee.version, prediction.pointee.arm)
        shard.add(versions[version].metrics.unexecuted(.expired))
        count(version, arm, .timeout)
        let duration = clock() &- prediction.pointee.startedAt
        shard.observe(versions[version].metrics.duration, nanos: duration)
        statisticsShard[version].addFailure(nanos: duration)
        let traced = TracedRequest(.timeout, prediction, nanos: duration, queued: false)
        give(prediction)
        refuse(stream, Self.late)
        if isTraced(stream) { trace(stream, traced) }
        return true
    }

    // MARK: While it waits

    /// The client is gone.
    func cancel(_ prediction: PredictionPointer) {
        abandon(prediction, .cancelled)
        settled(prediction, .cancelled)
    }

    /// Its deadline has passed, and it has no answer: it is still waiting, or running.
    func expire(_ prediction: PredictionPointer, _ stream: Stream) {
        if descend(prediction, stream) { return }
        abandon(prediction, .expired)
        timeOut(prediction, stream)
    }

    func abandon(_ prediction: PredictionPointer, _ reason: RequestFate.Reason) {
        if prediction.pointee.request.pointee.fate.abandon(reason), !prediction.pointee.isPooled {
            lanes[prediction.pointee.version].noteAbandoned()
        }
    }

    /// Answers 504; the slot stays with its lane. `batch`: when it was scored, too late; 0: it was not.
    func timeOut(
        _ prediction: PredictionPointer, _ stream: Stream, batch: (startedAt: UInt64, computedAt: UInt64) = (0, 0)
    ) {
        let duration = clock() &- prediction.pointee.startedAt
        if prediction.pointee.request.pointee.explanation.isWanted { countExplanation(prediction, .deadline) }
        observeDuration(prediction, duration)
        statisticsShard[prediction.pointee.routed].addFailure(nanos: duration)
        stream.pointee.user = nil
        settled(prediction, .timeout)
        refuse(stream, Self.late)
        if isTraced(stream) { trace(stream, TracedRequest(.timeout, prediction, nanos: duration, batch: batch)) }
    }

    /// The request is in flight no more.
    func settled(_ prediction: PredictionPointer, _ outcome: Outcome, at now: UInt64? = nil, refusal: Refusal? = nil) {
        settleGuarded(prediction, outcome, at: now, refusal: refusal)
        prediction.pointee.stream = nil
        shard.add(metrics.inflight, -1)
        if outcome == .ok, prediction.pointee.rung > 0 { return countFallback(prediction) }
        count(prediction.pointee.routed, prediction.pointee.arm, outcome)
    }

    // MARK: When its batch begins

    /// Takes what is late or abandoned out of a lane.
    func dropDead(_ version: Int, at now: UInt64) {
        for ticket in lanes[version].dropDead(at: now) {
            let prediction = ticket.assumingMemoryBound(to: Prediction.self)
            let reason = prediction.pointee.request.pointee.fate.abandoned ?? .expired
            shard.add(versions[version].metrics.unexecuted(reason))
            if let stream = prediction.pointee.stream {
                if descend(prediction, stream) { continue }
                timeOut(prediction, stream)
            }
            give(prediction)
        }
    }
}
