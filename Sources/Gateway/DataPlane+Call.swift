// gRPC calls: one message in, one out, but for Watch and reflection.
//
//     call ─► CallMethod ─► frame, inflate ─► ModelInfer: RequestTarget, as a request over HTTP
//                                          └► anything else: answered at once
//
// ModelInfer shares routing, lanes and scoring with the other protocols; what differs is its decoder, its
// encoder and the frame around its answer.

import Codec
import GRPC
import HTTP
import Inference
import Primitives
import Telemetry

extension DataPlane {
    // MARK: In

    /// A call whose client has finished sending.
    func call(_ stream: Stream) {
        let method = CallMethod(stream.pointee.target)
        do throws(GRPCStatus) {
            guard stream.pointee.method == .post else { throw GRPCStatus(.unimplemented, "a call is a POST") }
            if stream.pointee.call.hasTrailers {
                throw GRPCStatus(.invalidArgument, "the request ended in trailers, which calls do not have")
            }
            switch method {
            case .modelInfer: try infer(stream)
            case .healthWatch: try watch(stream, try message(stream))
            case .reflection, .reflectionAlpha: try reflect(stream, method, isLast: true)
            default: send(stream, method, try answer(stream, method, try message(stream)))
            }
        } catch {
            if method == .modelInfer { shard.add(metrics.unrouted) }
            refuseCall(stream, method, error)
        }
    }

    /// More of a call has come; only reflection answers before its client has finished.
    func callContinues(_ stream: Stream) {
        let method = CallMethod(stream.pointee.target)
        guard method == .reflection || method == .reflectionAlpha, stream.pointee.method == .post else { return }
        do throws(GRPCStatus) {
            try reflect(stream, method, isLast: false)
        } catch {
            refuseCall(stream, method, error)
        }
    }

    /// The one message of a call, inflated.
    private func message(_ stream: Stream) throws(GRPCStatus) -> UnsafeRawBufferPointer {
        let frame = try MessageFrame.only(in: stream.pointee.body.bytes, limit: engine.messageBytesMax)
        return try unpack(frame, stream)
    }

    private func unpack(_ frame: MessageFrame, _ stream: Stream) throws(GRPCStatus) -> UnsafeRawBufferPointer {
        if stream.pointee.call.encoding == .unknown {
            throw GRPCStatus(.unimplemented, "grpc-encoding: only identity and gzip are known")
        }
        if !frame.isCompressed { return frame.message }
        guard stream.pointee.call.encoding == .gzip else {
            throw GRPCStatus(.internal, "the message is compressed, and grpc-encoding does not say how")
        }
        return try compression.inflate(frame.message, limit: engine.messageBytesMax)
    }

    // MARK: ModelInfer

    private func infer(_ stream: Stream) throws(GRPCStatus) {
        let message = try message(stream)
        do throws(RequestError) {
            envelope = try ModelInferEnvelope(message)
        } catch {
            throw GRPCStatus(httpStatus: error.status, error.message)
        }
        predict(stream, RequestTarget(.modelInfer, model: envelope.model, version: envelope.version))
    }

    func decodeInfer(_ index: Int, _ prediction: UnsafeMutablePointer<Prediction>) throws(RequestError) {
        let request = prediction.pointee.request
        var failure: RequestError?
        versions[index].codec._withUnsafeGuaranteedRef { codec in
            do throws(RequestError) {
                try ModelInferDecoder.decode(envelope, codec: codec, into: request)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Sends the message behind the room for its prefix.
    func respondInfer(_ stream: Stream, _ fields: UnsafeBufferPointer<HTTPField>) {
        shard.add(metrics.calls[.modelInfer, .ok])
        finish(stream, fields)
    }

    // MARK: Out

    /// Answers with one message.
    private func send(_ stream: Stream, _ method: CallMethod, _ message: [UInt8]) {
        MessageFrame.makeRoom(&stream.pointee.responseBody)
        message.withUnsafeBytes { stream.pointee.responseBody.append($0) }
        shard.add(metrics.calls[method, .ok])
        finish(stream, .init(start: nil, count: 0))
    }

    /// Writes the prefix, and compresses the message where the client's was and it reads that.
    private func finish(_ stream: Stream, _ fields: UnsafeBufferPointer<HTTPField>) {
        let isCompressed = stream.pointee.call.encoding == .gzip && stream.pointee.call.acceptsGzip && compress(stream)
        MessageFrame.writePrefix(
            stream.pointee.responseBody.pointer,
            count: stream.pointee.responseBody.count - MessageFrame.prefixBytes, isCompressed: isCompressed)
        engine.respondCall(stream, isCompressed: isCompressed, fields: fields)
    }

    private func compress(_ stream: Stream) -> Bool {
        packed.reset()
        let body = stream.pointee.responseBody.bytes
        let message = UnsafeRawBufferPointer(rebasing: body[MessageFrame.prefixBytes...])
        guard compression.deflate(message, into: &packed) else { return false }
        stream.pointee.responseBody.count = MessageFrame.prefixBytes
        stream.pointee.responseBody.append(packed.bytes)
        return true
    }

    func refuseCall(_ stream: Stream, _ method: CallMethod, _ status: GRPCStatus) {
        shard.add(metrics.calls[method, status.code])
        if stream.pointee.call.isOpen { watchers.remove(stream) }
        engine.refuseCall(stream, status)
    }

    // MARK: Reflection

    /// Answers the requests that are whole; `isLast`: no more of them come.
    private func reflect(_ stream: Stream, _ method: CallMethod, isLast: Bool) throws(GRPCStatus) {
        if access.generation != accessGeneration { renewAccess() }
        guard accessTable.offersReflection else { throw GRPCStatus(.unimplemented, "unknown service or method") }
        var taken = 0
        while let frame = try MessageFrame.first(
            in: UnsafeRawBufferPointer(rebasing: stream.pointee.body.bytes[taken...]), limit: engine.messageBytesMax)
        {
            let answer = try Reflection.answer(try unpack(frame, stream))
            taken += MessageFrame.prefixBytes + frame.message.count
            guard engine.unsentBytes(stream) + answer.count <= Self.unsentLimit else {
                throw GRPCStatus(.resourceExhausted, "answers are not read: more than \(Self.unsentLimit) bytes wait")
            }
            append(answer, to: stream)
        }
        engine.consume(stream, taken)
        if isLast, stream.pointee.body.count > 0 {
            throw GRPCStatus(.internal, "the call ended in the middle of a message")
        }
        guard isLast else { return }
        shard.add(metrics.calls[method, .ok])
        engine.openCall(stream)
        engine.endCall(stream, .ok)
    }

    /// Bytes of answers that may wait for a client that does not read them.
    private static let unsentLimit = 256 << 10

    /// One more message of an answer that is open, or opens with it.
    func append(_ message: [UInt8], to stream: Stream) {
        let start = stream.pointee.responseBody.count
        MessageFrame.makeRoom(&stream.pointee.responseBody)
        message.withUnsafeBytes { stream.pointee.responseBody.append($0) }
        MessageFrame.writePrefix(
            stream.pointee.responseBody.pointer + start, count: message.count, isCompressed: false)
        engine.openCall(stream)
        engine.sendMessages(stream)
    }
}
