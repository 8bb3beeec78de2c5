// Predict: parse into a slot, wait for the round's end, score as a batch, answer.

import Batching
import CLinux
import Codec
import Execution
import GRPC
import Glibc
import HTTP
import Inference
import Primitives
import Routing
import Telemetry

extension DataPlane {
    // MARK: In

    func predict(_ stream: Stream, _ target: RequestTarget) {
        let choice = routes._withUnsafeGuaranteedRef {
            $0.choose(
                model: target.model, version: target.version, label: target.label, fields: stream.pointee.fields,
                random: &random)
        }
        switch choice {
        case .version(let routed): enter(stream, target.endpoint, routed, isDecided: true)
        case .afterParsing(let model, let index):
            enter(stream, target.endpoint, Routed(index: index, arm: .stable, model: model), isDecided: false)
        default: refuseUnrouted(stream, Self.refusal(choice))
        }
    }

    private func enter(_ stream: Stream, _ endpoint: Endpoint, _ routed: Routed, isDecided: Bool) {
        if let refusal = refusal(stream, routed.index) {
            count(routed.index, routed.arm, .clientError)
            return refuse(stream, refusal)
        }
        parse(stream, endpoint, routed, isDecided: isDecided)
    }

    private func parse(_ stream: Stream, _ endpoint: Endpoint, _ routed: Routed, isDecided: Bool) {
        let prediction = predictions.take()
        prediction.pointee.stream = stream
        prediction.pointee.take(routed)
        prediction.pointee.startedAt = engine.now
        hold(prediction)
        if isLate(stream, routed.index, prediction) { return }
        do throws(RequestError) {
            try decode(stream, endpoint, routed.index, prediction)
            if !isDecided { try decide(stream, endpoint, prediction) }
            try checkPredictionIDs(prediction)
        } catch {
            return refuse(stream, prediction, error)
        }
        if admitIsLate(stream, prediction) { return }
        countRouted(prediction)
        drawShadows(prediction)
        let index = prediction.pointee.version
        stream.pointee.user = UnsafeMutableRawPointer(prediction)
        shard.add(metrics.inflight, 1)
        if pooled != nil, place(prediction, stream) { return }
        addToLane(prediction, index)
    }

    /// To be scored by the reactor, when the round ends.
    func addToLane(_ prediction: UnsafeMutablePointer<Prediction>, _ index: Int) {
        if lanes[index].count == 0 {
            if waitingCount == Self.waitingMax { dropDone() }
            waiting[waitingCount] = index
            waitingCount += 1
        }
        if lanes[index].append(prediction.pointee.request, prediction) { runFullLane(index) }
    }

    /// Of a request that cannot be read.
    private func refuse(
        _ stream: Stream, _ prediction: UnsafeMutablePointer<Prediction>, _ error: RequestError
    ) {
        let (index, arm) = (prediction.pointee.version, prediction.pointee.arm)
        give(prediction)
        count(index, arm, .clientError)
        let duration = clock() &- engine.now
        statisticsShard[index].addFailure(nanos: duration)
        shard.observe(versions[index].metrics.duration, nanos: duration)
        refuse(stream, error)
    }

    func decode(
        _ stream: Stream, _ endpoint: Endpoint, _ index: Int, _ prediction: UnsafeMutablePointer<Prediction>
    ) throws(RequestError) {
        if endpoint == .modelInfer { return try decodeInfer(index, prediction) }
        let body = stream.pointee.body.bytes
        let request = prediction.pointee.request
        let headerLength = stream.pointee.inferenceHeaderLength
        var failure: RequestError?
        versions[index].codec._withUnsafeGuaranteedRef { codec in
            do throws(RequestError) {
                if endpoint == .infer {
                    try decoder.decodeV2(
                        body, binaryHeaderLength: headerLength < 0 ? nil : headerLength, codec: codec, into: request)
                } else {
                    try decoder.decodeV1(body, codec: codec, into: request)
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    // MARK: Score

    /// A full lane does not wait for the round's end.
    private func runFullLane(_ index: Int) {
        runLane(index)
        for position in waitingDone..<waitingCount where waiting[position] == index {
            waitingCount -= 1
            waiting[position] = waiting[waitingCount]
            break
        }
    }

    /// Makes room: what was run this round is forgotten. A lane stands once among the others.
    private func dropDone() {
        (waitingCount, waitingDone) = (waitingCount - waitingDone, 0)
        for position in 0..<waitingCount { waiting[position] = waiting[Self.waitingMax - waitingCount + position] }
    }

    func runLane(_ index: Int) {
        let started = clock()
        dropDead(index, at: started)
        let jobs = lanes[index].jobs
        if jobs.isEmpty { return }
        let rows = lanes[index].rows
        versions[index].model._withUnsafeGuaranteedRef { $0.score(jobs, scratch: scratch) }
        let ended = clock()
        shard.observe(versions[index].metrics.batchSize, value: UInt64(rows))
        shard.observe(versions[index].metrics.compute, nanos: ended &- started)
        statisticsShard[index].ran(at: started)
        if pooled != nil { noteInline(index, nanos: ended &- started, at: ended) }
        let timing = writeTiming(queue: started &- engine.now, compute: ended &- started)
        for ticket in lanes[index].finish() {
            answer(ticket.assumingMemoryBound(to: Prediction.self), index, timing, started, ended)
        }
    }

    // MARK: Out

    func answer(
        _ prediction: UnsafeMutablePointer<Prediction>, _ index: Int,
        _ timing: UnsafeRawBufferPointer, _ started: UInt64, _ ended: UInt64
    ) {
        defer { give(prediction) }
        let arm = prediction.pointee.arm
        let tier: StaticString = prediction.pointee.rung == 0 ? "full" : "fallback"
        guard let stream = prediction.pointee.stream else { return }
        if ended > prediction.pointee.request.pointee.deadline { return timeOut(prediction, stream) }
        stream.pointee.user = nil
        shard.observe(
            versions[prediction.pointee.routed].metrics.duration, nanos: ended &- prediction.pointee.startedAt)
        shard.observe(versions[index].metrics.queue, nanos: started &- prediction.pointee.startedAt)
        guard prediction.pointee.request.pointee.status == .ok else {
            settled(prediction, .modelError, at: ended)
            statisticsShard[index].addFailure(nanos: ended &- prediction.pointee.startedAt)
            return refuse(stream, Self.error(of: prediction.pointee.request.pointee.status))
        }
        settled(prediction, .ok, at: ended)
        countDrift(prediction, index)
        number(prediction, at: ended)
        logDecision(prediction, index, at: ended)
        stamp(prediction, index)
        if prediction.pointee.request.pointee.outOfRange > 0 {
            shard.add(versions[index].metrics.outOfRange, UInt64(prediction.pointee.request.pointee.outOfRange))
        }
        if stream.pointee.call.isCall { MessageFrame.makeRoom(&stream.pointee.responseBody) }
        let binaryHeader = versions[index].codec._withUnsafeGuaranteedRef { codec in
            ResponseEncoder.encode(
                prediction.pointee.request, codec: codec,
                facts: ServingFacts(arm: armName(prediction.pointee.routed, arm), tier: Self.bytes(tier)),
                into: &stream.pointee.responseBody)
        }
        respond(
            stream, index, arm: armName(prediction.pointee.routed, arm), tier: Self.bytes(tier), timing,
            id: predictionID(prediction), binaryHeader: binaryHeader)
        if prediction.pointee.rung == 0 { copyToShadows(prediction) }
    }

    private func respond(
        _ stream: Stream, _ index: Int, arm: UnsafeRawBufferPointer, tier: UnsafeRawBufferPointer,
        _ timing: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer, binaryHeader: Int?
    ) {
        // `server-timing` stays out of HPACK's table: many batches' values under one name make libnghttp2's search
        // of it long, 4% of a request.
        (fields + 0).initialize(to: HTTPField("serin-version", versions[index].versionText))
        (fields + 1).initialize(to: HTTPField("serin-arm", arm))
        (fields + 2).initialize(to: HTTPField("serin-tier", tier))
        (fields + 3).initialize(to: HTTPField("server-timing", timing, isVolatile: true))
        var count = 4
        if !id.isEmpty {
            (fields + count).initialize(to: HTTPField("serin-prediction-id", id, isVolatile: true))
            count += 1
        }
        if stream.pointee.call.isCall { return respondInfer(stream, .init(start: fields, count: count)) }
        if let coding = engine.pack(stream) {
            (fields + count).initialize(to: HTTPField("content-encoding", Self.bytes(coding)))
            count += 1
        }
        guard let binaryHeader else {
            return engine.respond(stream, status: 200, fields: .init(start: fields, count: count))
        }
        let length = self.timing + 48
        let value = UnsafeRawBufferPointer(start: length, count: Decimal.write(binaryHeader, to: length))
        (fields + count).initialize(to: HTTPField("inference-header-content-length", value, isVolatile: true))
        engine.respond(
            stream, status: 200, contentType: "application/octet-stream", fields: .init(start: fields, count: count + 1)
        )
    }

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    func give(_ prediction: UnsafeMutablePointer<Prediction>) {
        dropShadows(prediction)
        release(prediction)
        prediction.pointee.request.pointee.reset()
        prediction.pointee.stream = nil
        prediction.pointee.rung = 0
        prediction.pointee.guarded = .none
        prediction.pointee.isPooled = false
        predictions.give(prediction)
    }

    func count(_ index: Int, _ arm: Arm, _ outcome: Outcome) {
        shard.add(versions[index].arms[Int(arm.rawValue)].pointee.requests[outcome.rawValue])
    }

    private func armName(_ index: Int, _ arm: Arm) -> UnsafeRawBufferPointer {
        versions[index].arms[Int(arm.rawValue)].pointee.name
    }

    /// `queue;dur=0.012, compute;dur=0.034`: milliseconds, as Server-Timing has them (W3C).
    func writeTiming(queue: UInt64, compute: UInt64) -> UnsafeRawBufferPointer {
        var end = timing
        end = Self.append("queue;dur=", millis: queue, to: end)
        end = Self.append(", compute;dur=", millis: compute, to: end)
        return UnsafeRawBufferPointer(start: timing, count: end - timing)
    }

    /// Writes the text and `nanos` in milliseconds with three digits behind the point; at most 9,999 ms.
    private static func append(
        _ text: StaticString, millis nanos: UInt64, to place: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        memcpy(place, text.utf8Start, text.utf8CodeUnitCount)
        var end = place + text.utf8CodeUnitCount
        let micros = Int(min(nanos / 1000, 9_999_999))
        end += Decimal.write(micros / 1000, to: end)
        let fraction = micros % 1000
        end.storeBytes(of: 46, as: UInt8.self)
        end.storeBytes(of: UInt8(48 + fraction / 100), toByteOffset: 1, as: UInt8.self)
        end.storeBytes(of: UInt8(48 + fraction / 10 % 10), toByteOffset: 2, as: UInt8.self)
        end.storeBytes(of: UInt8(48 + fraction % 10), toByteOffset: 3, as: UInt8.self)
        return end + 4
    }
}
