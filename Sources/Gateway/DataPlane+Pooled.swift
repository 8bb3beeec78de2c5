// Requests on their way to executors and back.
//
//     parsed ─► which lane? ─► inline: the reactor's own batch
//                         └─► admitted? ─► the version's queue ┄┄► completions ─► answer, or nobody waits: dropped
//                                     └─► not: the ladder, else 503 (gRPC: RESOURCE_EXHAUSTED)
//
// A round signals the executors once, for all it has pushed.

import Batching
import GRPC
import HTTP
import Inference
import Primitives
import Reactor
import Telemetry

extension DataPlane {
    /// Hands the request to executors if that is its lane; false: the reactor is to score it.
    @inline(__always)
    func place(_ prediction: PredictionPointer, _ stream: Stream) -> Bool {
        guard let pooled else { return false }
        let version = pooled.pointee.versions + prediction.pointee.version
        guard version.pointee.isPooled(prediction.pointee.request.pointee.rowCount) else { return false }
        handOver(prediction, stream)
        return true
    }

    private func handOver(_ prediction: PredictionPointer, _ stream: Stream) {
        if let refusal = admit(prediction, stream, due: watchTime(prediction, stream)) {
            shed(prediction, stream, refusal.reason)
        }
    }

    /// A refusal, where `reason` is nil for the reactor's own bound.
    struct Refused { var reason: Refusal? }

    /// Pushes the request into its version's queue; nil: it is in.
    func admit(_ prediction: PredictionPointer, _ stream: Stream, due: UInt64) -> Refused? {
        guard let pooled, !pooled.pointee.completions.pointee.isFull else { return Refused(reason: nil) }
        let version = pooled.pointee.versions + prediction.pointee.version
        let priority = Priority(rawValue: stream.pointee.urgency.priority.rawValue) ?? .normal
        let refusal = version.pointee.queue._withUnsafeGuaranteedRef { queue in
            queue.admit(
                prediction.pointee.job, home: pooled.pointee.completions, priority: priority, due: due, now: clock())
        }
        if let refusal { return Refused(reason: refusal) }
        prediction.pointee.isPooled = true
        expect(prediction, version)
        version.pointee.pending += 1
        pooled.pointee.hasPushed = true
        return nil
    }

    /// A request that is alone with the executors is back so soon that sleeping until then is not worth it.
    private func expect(_ prediction: PredictionPointer, _ version: UnsafeMutablePointer<PooledLanes.Version>) {
        guard let pooled else { return }
        let rows = prediction.pointee.request.pointee.rowCount
        let nanos = version.pointee.queue._withUnsafeGuaranteedRef { $0.cost.nanos(rows) }
        let spin = pooled.pointee.spinNanos
        pooled.pointee.completions.pointee.expectedUntil = nanos <= 2 * spin ? clock() + nanos + spin : 0
    }

    /// The request cannot be scored in time: a fallback answers, or it is refused at once.
    private func shed(_ prediction: PredictionPointer, _ stream: Stream, _ refusal: Refusal?) {
        guard let pooled else { return }
        let priority = Priority(rawValue: stream.pointee.urgency.priority.rawValue) ?? .normal
        shard.add(pooled.pointee.versions[prediction.pointee.routed].metrics.shed(priority, refusal))
        if descend(prediction, stream) { return }
        let duration = clock() &- prediction.pointee.startedAt
        shard.observe(versions[prediction.pointee.routed].metrics.duration, nanos: duration)
        statisticsShard[prediction.pointee.routed].addFailure(nanos: duration)
        stream.pointee.user = nil
        settled(prediction, .shed, refusal: refusal)
        let traced = TracedRequest(.shed, prediction, nanos: duration, queued: false)
        give(prediction)
        refuseShed(stream, refusal)
        if isTraced(stream) { trace(stream, traced) }
    }

    /// 503 with Retry-After; gRPC: RESOURCE_EXHAUSTED.
    func refuseShed(_ stream: Stream, _ refusal: Refusal?) {
        let message =
            switch refusal {
            case .full, nil: "too many requests wait for the model; try again later"
            case .deadline: "too many requests wait for the model to answer this one by its deadline; try again later"
            case .standing: "requests have waited for the model for too long; try again later"
            case .stuck: "the model does not answer; try again later"
            }
        if stream.pointee.call.isCall {
            return refuseCall(stream, CallMethod(stream.pointee.target), GRPCStatus(.resourceExhausted, message))
        }
        refuse(stream, RequestError(503, message))
    }

    // MARK: Once a round

    /// Wakes an executor for what was pushed, and answers what has come back.
    func passPooled() {
        signalPooled()
        guard let pooled else { return }
        let completions = pooled.pointee.completions
        if completions.pointee.outstanding > 0 {
            let isExpectant = completions.pointee.outstanding == 1 && clock() < completions.pointee.expectedUntil
            if isExpectant { completions.pointee.stayAwake() } else { completions.pointee.beginTaking() }
            while let job = completions.pointee.take() { finish(job, pooled) }
            reactor.isExpectant = isExpectant && completions.pointee.outstanding > 0
            // Awake only while the next round is certain.
            if isExpectant, !reactor.isExpectant { completions.pointee.beginTaking() }
        }
        signalPooled()
    }

    /// One signal for whatever was pushed since the last.
    func signalPooled() {
        guard let pooled, pooled.pointee.hasPushed else { return }
        pooled.pointee.hasPushed = false
        pooled.pointee.pool._withUnsafeGuaranteedRef { $0.signal() }
    }

    private func finish(_ job: UnsafeMutablePointer<QueuedJob>, _ pooled: UnsafeMutablePointer<PooledLanes>) {
        let prediction = job.pointee.ticket.assumingMemoryBound(to: Prediction.self)
        let index = prediction.pointee.version
        let (startedAt, endedAt) = (job.pointee.startedAt, job.pointee.endedAt)
        let version = pooled.pointee.versions + index
        let isExplained = prediction.pointee.isExplained
        if !isExplained { version.pointee.pending -= 1 }
        (prediction.pointee.isPooled, prediction.pointee.isExplained) = (false, false)
        if job.pointee.outcome == .dropped { return finishDropped(prediction) }
        // What explaining takes says nothing of the lane for scores.
        if !isExplained {
            version.pointee.choice.ran(nanos: endedAt &- startedAt, now: endedAt, pending: version.pointee.pending)
        }
        statisticsShard[index].ran(at: startedAt)
        guard prediction.pointee.stream != nil else {
            shard.add(version.pointee.metrics.lateResults)
            return give(prediction)
        }
        let arrivedAt = prediction.pointee.startedAt
        let timing = writeTiming(queue: startedAt &- min(arrivedAt, startedAt), compute: endedAt &- startedAt)
        answer(prediction, index, timing, startedAt, max(clock(), endedAt))
    }

    /// Executors have not scored it: nobody waited any more, or it could not be in time.
    private func finishDropped(_ prediction: PredictionPointer) {
        let reason = prediction.pointee.request.pointee.fate.abandoned ?? .expired
        shard.add(versions[prediction.pointee.version].metrics.unexecuted(reason))
        if let stream = prediction.pointee.stream, !descend(prediction, stream) {
            timeOut(prediction, stream)
            give(prediction)
        } else if prediction.pointee.stream == nil {
            give(prediction)
        }
    }

    /// The reactor has scored a batch itself. Only its own figures learn from it: the inline lane shares nothing.
    func noteInline(_ index: Int, nanos: UInt64, at now: UInt64) {
        guard let pooled else { return }
        // A pointer of its own: the thread sanitizer takes the access through two of them for one to the pool, which is shared.
        let version = pooled.pointee.versions + index
        version.pointee.choice.ran(nanos: nanos, now: now, pending: 0)
    }

    static func error(of status: ScoringStatus) -> RequestError {
        status == .fault
            ? RequestError(500, "the model's executor failed")
            : RequestError(500, "the model gave a score that is not a finite number")
    }
}
