// Calls with labels: copied, handed to the desk, answered when what they say is on disk.
//
//     reactor ─► FeedbackDesk (its own thread: JSON, ids, SQLite) ─► FeedbackReturn ─► the reactor's next round ─► answer
//
// The reactor itself looks only at who may send labels.

import HTTP
import Inference
import Primitives
import Reactor
import Synchronization

/// Answers on their way back to a reactor.
final class FeedbackReturn: Sendable {
    /// Set with each answer, taken back by the reactor: what a round looks at.
    private let flag = Atomic<Bool>(false)
    private let answers = Mutex<[(UInt64, FeedbackAnswer)]>([])

    var hasNews: Bool { flag.load(ordering: .relaxed) }

    func put(_ number: UInt64, _ answer: FeedbackAnswer) {
        answers.withLock { $0.append((number, answer)) }
        flag.store(true, ordering: .releasing)
    }

    func take() -> [(UInt64, FeedbackAnswer)] {
        flag.store(false, ordering: .relaxed)
        return answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
    }
}

/// Calls that wait for their answer.
struct FeedbackCalls {
    private var streams: [UInt64: UnsafeMutablePointer<HTTPStream>] = [:]
    private var last: UInt64 = 0

    mutating func add(_ stream: UnsafeMutablePointer<HTTPStream>) -> UInt64 {
        last += 1
        streams[last] = stream
        return last
    }

    /// The client has gone, or has been told that it is too late.
    mutating func drop(_ stream: UnsafeMutablePointer<HTTPStream>) {
        guard let number = streams.first(where: { $0.value == stream })?.key else { return }
        streams[number] = nil
    }

    mutating func take(_ number: UInt64) -> UnsafeMutablePointer<HTTPStream>? { streams.removeValue(forKey: number) }
}

extension DataPlane {
    func feedback(_ stream: Stream, _ target: RequestTarget) {
        guard let desk = feedbackDesk, let model = listed(target.model) else {
            return refuseUnrouted(stream, RequestError(404, "unknown model"))
        }
        guard let slot = model.stable ?? model.versions.first else {
            return refuse(stream, RequestError(503, "no version of the model is ready"))
        }
        if access.generation != accessGeneration { renewAccess() }
        if let refusal = forbidden(stream, slot) { return refuseUnrouted(stream, refusal) }
        guard snapshot.versions[slot].stamped != nil else {
            return refuseUnrouted(
                stream, RequestError(404, "the model takes no labels: feedback is off, or it has no classes"))
        }
        let number = feedbackCalls.add(stream)
        let (back, reactor) = (feedbackReturn.takeUnretainedValue(), reactor)
        let call = FeedbackDesk.Call(model: model.name, body: Array(stream.pointee.body.bytes)) { answer in
            back.put(number, answer)
            reactor.wake()
        }
        if desk.take(call) { return }
        _ = feedbackCalls.take(number)
        refuse(stream, RequestError(503, "too many labels wait for the disk; try again later"))
    }

    /// Sends the answers that have come back.
    func answerFeedback() {
        for (number, answer) in feedbackReturn.takeUnretainedValue().take() {
            guard let stream = feedbackCalls.take(number) else { continue }
            guard answer.status == 200 else {
                refuse(stream, RequestError(answer.status, answer.text))
                continue
            }
            stream.pointee.responseBody.append(string: answer.text)
            engine.respond(stream, status: 200)
        }
    }
}
