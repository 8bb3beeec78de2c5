// A request that wants to know why: to the executors that explain, or on without.
//
//     parsed ─► can the version be explained? no ─► 400, and why
//            ─► ready, within the budget, in time, room? ─► its explanations' queue ┄┄► answered with scores and reasons
//            ─► not: required     413 over the budget, 504 too late, 503 not ready or too many
//                    whereItFits  scored as any request, and `serin-explanation` says why it stands alone
//
// An explanation that was to come where it fits and is not there shortly before the deadline is given up in the same
// way: the scores take the rest of the time. A reactor never explains.

import Batching
import HTTP
import Inference
import Routing
import Telemetry

extension DataPlane {
    /// Refuses what can never be explained.
    func checkExplanation(_ prediction: PredictionPointer) throws(RequestError) {
        guard prediction.pointee.request.pointee.explanation.isWanted else { return }
        let entry = versions + prediction.pointee.version
        if entry.pointee.explanations.isPossible, pooled != nil { return }
        throw .badRequest(entry.pointee.explanations.owner._withUnsafeGuaranteedRef { $0.refusal })
    }

    /// The request is in flight, and wants an explanation.
    func explain(_ prediction: PredictionPointer, _ stream: Stream) {
        if let obstacle = obstacle(prediction, stream) {
            countExplanation(prediction, obstacle)
            guard prediction.pointee.request.pointee.explanation.need == .whereItFits else {
                return refuseExplanation(prediction, stream, obstacle)
            }
            scoreAlone(prediction, stream, obstacle)
        }
    }

    /// Why it cannot be explained now; nil: executors have it.
    private func obstacle(_ prediction: PredictionPointer, _ stream: Stream) -> ExplanationWish.Outcome? {
        let entry = versions + prediction.pointee.version
        guard let queue = entry.pointee.explanations.queue, let pooled else { return .preparing }
        let due = watchTime(prediction, stream)
        let rows = prediction.pointee.request.pointee.rowCount
        // The measured cost, not what batches take at present: that is for admission to weigh, which lets probes in.
        let nanos = UInt64(queue._withUnsafeGuaranteedRef { $0.cost.planned(rows) })
        if nanos > entry.pointee.explanations.budgetNanos { return .budget }
        if due != TimeoutPolicy.none, clock() &+ nanos > due { return .deadline }
        guard !pooled.pointee.completions.pointee.isFull else { return .busy }
        let priority = Priority(rawValue: stream.pointee.urgency.priority.rawValue) ?? .normal
        let refusal = queue._withUnsafeGuaranteedRef { queue in
            queue.admit(
                prediction.pointee.job, home: pooled.pointee.completions, priority: priority, due: due, now: clock())
        }
        if refusal != nil { return .busy }
        (prediction.pointee.isPooled, prediction.pointee.isExplained) = (true, true)
        pooled.pointee.hasPushed = true
        return nil
    }

    /// From a request's first bytes to its answer. An explanation takes longer than scores, and is counted apart.
    @inline(__always)
    func observeDuration(_ prediction: PredictionPointer, _ nanos: UInt64) {
        var duration = versions[prediction.pointee.routed].metrics.duration
        if prediction.pointee.request.pointee.explanation.isWanted,
            let metrics = versions[prediction.pointee.routed].explanations.metrics
        {
            duration = metrics.duration
        }
        shard.observe(duration, nanos: nanos)
    }

    func countExplanation(_ prediction: PredictionPointer, _ outcome: ExplanationWish.Outcome) {
        guard let metrics = versions[prediction.pointee.version].explanations.metrics else { return }
        shard.add(metrics[outcome])
    }

    // MARK: Without it

    /// The scores alone, in the lane that scores take.
    private func scoreAlone(_ prediction: PredictionPointer, _ stream: Stream, _ outcome: ExplanationWish.Outcome) {
        prediction.pointee.request.pointee.dropExplanation(outcome)
        if prediction.pointee.request.pointee.deadline != TimeoutPolicy.none {
            engine.watch(stream, until: watchTime(prediction, stream))
        }
        if pooled != nil, place(prediction, stream) { return }
        addToLane(prediction, prediction.pointee.version)
    }

    /// An explanation is not there, and its time is over. True: the scores come without it. False: it was required.
    func givesUpExplanation(_ prediction: PredictionPointer, _ stream: Stream) -> Bool {
        guard prediction.pointee.request.pointee.explanation.need == .whereItFits else { return false }
        let deadline = prediction.pointee.request.pointee.deadline
        if deadline != TimeoutPolicy.none, clock() >= deadline { return false }
        countExplanation(prediction, .deadline)
        scoreAlone(takeOver(prediction, stream), stream, .deadline)
        return true
    }

    /// What scores need of the time before the deadline, in nanoseconds: an explanation that comes where it fits leaves it.
    func scoringReserve(_ prediction: PredictionPointer) -> UInt64 {
        versions[prediction.pointee.version].scoringNanosMax(prediction.pointee.request.pointee.rowCount)
            &+ Self.scoringReserveNanos
    }

    /// For the way to the lane and back.
    private static let scoringReserveNanos: UInt64 = 500_000

    // MARK: Refused

    private func refuseExplanation(
        _ prediction: PredictionPointer, _ stream: Stream, _ outcome: ExplanationWish.Outcome
    ) {
        let duration = clock() &- prediction.pointee.startedAt
        let error = refusal(prediction, outcome)
        statisticsShard[prediction.pointee.routed].addFailure(nanos: duration)
        observeDuration(prediction, duration)
        stream.pointee.user = nil
        switch outcome {
        case .budget: settled(prediction, .clientError)
        case .deadline: settled(prediction, .timeout)
        case .busy, .preparing, .full: settled(prediction, .shed)
        }
        give(prediction)
        if outcome == .busy { return refuseShed(stream, .full) }
        refuse(stream, error)
    }

    private func refusal(_ prediction: PredictionPointer, _ outcome: ExplanationWish.Outcome) -> RequestError {
        let entry = versions + prediction.pointee.version
        let rows = prediction.pointee.request.pointee.rowCount
        let nanos = entry.pointee.explanations.queue?._withUnsafeGuaranteedRef { $0.cost.planned(rows) } ?? 0
        let cost = "explaining \(rows) rows takes about \(Self.millis(nanos)) ms"
        switch outcome {
        case .budget:
            let budget = entry.pointee.explanations.budgetNanos
            let fitting = Int(Double(budget) / (nanos / Double(rows)))
            return RequestError(
                413,
                "\(cost), at most \(Self.millis(Double(budget))) ms are allowed: "
                    + (fitting > 0 ? "ask for at most \(fitting) rows" : "not even one row fits"))
        case .deadline: return RequestError(504, "\(cost), which is more than is left until the deadline")
        case .preparing, .busy, .full:
            return RequestError(503, "the version is not ready to explain yet; try again later")
        }
    }

    /// With three digits behind the point.
    private static func millis(_ nanos: Double) -> Double { (nanos / 1000).rounded(.up) / 1000 }
}
