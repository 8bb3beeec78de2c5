// Climbing down: from the version that was to answer to the tier that can.
//
//     refused by admission, or not in time for its batch   the slot is the reactor's: it goes on in it
//     the moment of the next rung has come                 the slot is an executor's: the rows go on in another one,
//                                                          and what the executor still brings is dropped
//
// The timer wheel counts in quarters of a millisecond, so a rung takes over up to one of them early: never late.

import Batching
import Execution
import HTTP
import Inference
import Primitives
import Reactor
import Routing
import Telemetry

extension DataPlane {
    /// When the request is to be looked at if it has no answer: the next rung's moment, else the deadline.
    func watchTime(_ prediction: PredictionPointer, _ stream: Stream) -> UInt64 {
        let deadline = prediction.pointee.request.pointee.deadline
        if deadline == TimeoutPolicy.none { return deadline }
        switch prediction.pointee.request.pointee.explanation.need {
        case .whereItFits where prediction.pointee.request.pointee.explanation.isWanted:
            let early = scoringReserve(prediction) + TimerWheel.tickNanos
            return deadline > early ? deadline - early : 0
        // No fallback explains what the version would have said.
        case .required: return deadline
        case .none, .whereItFits: break
        }
        guard let place = nextRung(prediction, stream) else { return deadline }
        let early = versions[prediction.pointee.routed].rungs[place].reserveNanos + TimerWheel.tickNanos
        return deadline > early ? deadline - early : 0
    }

    /// Its place on the ladder; nil: there is none, or the client wants none.
    private func nextRung(_ prediction: PredictionPointer, _ stream: Stream) -> Int? {
        guard pooled != nil, stream.pointee.urgency.takesFallback else { return nil }
        let version = versions + prediction.pointee.routed
        var place = prediction.pointee.rung
        while place < version.pointee.rungCount, version.pointee.rungs[place].version == Rung.absent { place += 1 }
        return place < version.pointee.rungCount ? place : nil
    }

    /// Answers, or has the request answered, by the next rung that can. False: there is none; the slot is as it was.
    func descend(_ prediction: PredictionPointer, _ stream: Stream) -> Bool {
        if prediction.pointee.request.pointee.explanation.isWanted { return givesUpExplanation(prediction, stream) }
        guard nextRung(prediction, stream) != nil else { return false }
        let deadline = prediction.pointee.request.pointee.deadline
        if deadline != TimeoutPolicy.none, clock() >= deadline { return false }
        let own = takeOver(prediction, stream)
        while let place = nextRung(own, stream) {
            own.pointee.rung = place + 1
            let rung = versions[own.pointee.routed].rungs + place
            if rung.pointee.version == Rung.constant {
                if answerConstant(own, stream, rung) { return true }
            } else if isPlaced(own, stream, rung.pointee.version) {
                return true
            }
        }
        timeOut(own, stream)
        give(own)
        return true
    }

    /// A slot that belongs to the reactor, with the request in it.
    func takeOver(_ prediction: PredictionPointer, _ stream: Stream) -> PredictionPointer {
        // Whatever had it has given it back, or never got it.
        if !isHeld(prediction) {
            prediction.pointee.request.pointee.fate.renew()
            return prediction
        }
        abandon(prediction, .expired)
        let own = predictions.take()
        own.pointee.request.pointee.copy(from: prediction.pointee.request.pointee)
        own.pointee.stream = stream
        own.pointee.continues(prediction.pointee)
        prediction.pointee.guarded = .none
        hold(own)
        prediction.pointee.stream = nil
        stream.pointee.user = UnsafeMutableRawPointer(own)
        return own
    }

    /// Executors have it.
    private func isHeld(_ prediction: PredictionPointer) -> Bool { prediction.pointee.isPooled }

    /// Another version is to answer, by the reactor or by executors; false: it cannot either.
    private func isPlaced(_ prediction: PredictionPointer, _ stream: Stream, _ version: Int) -> Bool {
        move(prediction, to: version)
        let due = watchTime(prediction, stream)
        if due != TimeoutPolicy.none { engine.watch(stream, until: due) }
        guard let pooled else { return false }
        guard pooled.pointee.versions[version].isPooled(prediction.pointee.request.pointee.rowCount) else {
            addToLane(prediction, version)
            return true
        }
        return admit(prediction, stream, due: due) == nil
    }

    /// The constant's scores, in as many rows as the request has; false: it asks for what a constant has not.
    private func answerConstant(
        _ prediction: PredictionPointer, _ stream: Stream, _ rung: UnsafeMutablePointer<Rung>
    ) -> Bool {
        let request = prediction.pointee.request
        if request.pointee.wantsMargins { return false }
        let index = prediction.pointee.routed
        move(prediction, to: index)
        let (columns, type) = versions[index].model._withUnsafeGuaranteedRef { ($0.outputCount, $0.scoreType) }
        let count = request.pointee.rowCount * columns
        request.pointee.scores.reserve(count * type.byteCount)
        request.pointee.scores.count = count * type.byteCount
        let scores = request.pointee.scores.pointer
        for place in 0..<count {
            let value = rung.pointee.scores.unsafelyUnwrapped[place % columns]
            if type == .float32 {
                scores.storeBytes(of: Float(value), toByteOffset: 4 * place, as: Float.self)
            } else {
                scores.storeBytes(of: value, toByteOffset: 8 * place, as: Double.self)
            }
        }
        request.pointee.fixedLabel = rung.pointee.label
        request.pointee.status = .ok
        let now = clock()
        let timing = writeTiming(queue: now &- min(now, prediction.pointee.startedAt), compute: 0)
        answer(prediction, index, timing, now, now)
        return true
    }

    /// An answer of the ladder, under the version that was to answer.
    func countFallback(_ prediction: PredictionPointer) {
        let arms = versions[prediction.pointee.routed].arms
        shard.add(arms[Int(prediction.pointee.arm.rawValue)].pointee.fallbacks)
    }
}
