// Answers of gRPC calls: header fields, messages, trailers.
//
//     HEADERS :status 200, content-type …   DATA prefix + message …   HEADERS grpc-status 0  END_STREAM
//     HEADERS :status 200, content-type, grpc-status 3, grpc-message …            END_STREAM
//
// The second form, trailers only, is what a call gets that has nothing else to say. libnghttp2 asks for
// the body through `readMessages`; at its end, that submits the trailers.

import CNghttp2
public import GRPC
import Glibc
import Primitives

extension HTTPEngine {
    private static let contentType: StaticString = "application/grpc"
    private static let noFlags = UInt8(NGHTTP2_FLAG_NONE.rawValue)

    /// Bytes that one message of a call may have, inflated.
    public var messageBytesMax: Int { limits.bodyBytes }

    // MARK: Unary

    /// Answers a call with the message in `responseBody`, prefix included, and OK.
    public func respondCall(_ stream: Stream, isCompressed: Bool = false, fields: UnsafeBufferPointer<HTTPField>) {
        guard stream.pointee.phase != .answered else { return }
        conclude(stream, 200)
        stream.pointee.call.isOpen = true
        stream.pointee.call.isEnding = true
        submit(stream, isCompressed, fields)
        outputReady(stream.pointee.connection)
    }

    /// Ends a call that has sent no message; one that has is ended as `endCall` does.
    public func refuseCall(_ stream: Stream, _ status: GRPCStatus) {
        guard stream.pointee.phase != .answered else { return }
        if stream.pointee.call.isOpen { return endCall(stream, status) }
        stream.pointee.responseBody.reset()
        conclude(stream, status.code.httpStatus)
        keep(stream, status)
        packed[0] = field(":status", "200")
        packed[1] = field("content-type", Self.contentType)
        var count = 2
        if stream.pointee.call.encoding == .unknown {
            packed[2] = field("grpc-accept-encoding", "identity,gzip")
            count = 3
        }
        count += writeTrailers(stream, packed + count)
        nghttp2_submit_response(stream.pointee.connection.pointee.session, stream.pointee.id, packed, count, nil)
        outputReady(stream.pointee.connection)
    }

    // MARK: Streaming

    /// More of a call's body has come.
    func receivedMore(_ stream: Stream) {
        if stream.pointee.call.isCall, stream.pointee.phase == .receiving { handler.received(handler.context, stream) }
    }

    /// Forgets the first `count` bytes of the request's body.
    public func consume(_ stream: Stream, _ count: Int) {
        let left = stream.pointee.body.count - count
        memmove(stream.pointee.body.pointer, stream.pointee.body.pointer + count, left)
        if stream.pointee.phase == .receiving {
            let bytes = Self.footprint(left + count) - Self.footprint(left)
            receivingBytes -= bytes
            let connection = stream.pointee.connection
            connection.pointee.receivingBytes -= bytes
        }
        stream.pointee.body.count = left
    }

    /// Sends the header fields of an answer whose messages come one by one.
    public func openCall(_ stream: Stream) {
        guard stream.pointee.phase != .answered, !stream.pointee.call.isOpen else { return }
        stream.pointee.call.isOpen = true
        submit(stream, false, .init(start: nil, count: 0))
        outputReady(stream.pointee.connection)
    }

    /// There are more messages in `responseBody`.
    public func sendMessages(_ stream: Stream) {
        guard stream.pointee.call.isDeferred else { return }
        stream.pointee.call.isDeferred = false
        nghttp2_session_resume_data(stream.pointee.connection.pointee.session, stream.pointee.id)
        outputReady(stream.pointee.connection)
    }

    /// Bytes of answers that the peer has not taken yet.
    public func unsentBytes(_ stream: Stream) -> Int { stream.pointee.responseBody.count - stream.pointee.sent }

    /// Ends an open call, behind the messages that are still to be sent.
    public func endCall(_ stream: Stream, _ status: GRPCStatus) {
        guard stream.pointee.phase != .answered else { return }
        conclude(stream, status.code.httpStatus)
        keep(stream, status)
        stream.pointee.call.isEnding = true
        sendMessages(stream)
    }

    // MARK: Frames

    private func submit(_ stream: Stream, _ isCompressed: Bool, _ fields: UnsafeBufferPointer<HTTPField>) {
        precondition(fields.count <= Self.fieldLimit)
        // Values live in `head` until libnghttp2 has packed them, which may be after this round. Without any, the
        // target stays in it, for the messages that an open call still gets.
        if fields.count > 0 {
            stream.pointee.head.reset()
            stream.pointee.head.reserve(TraceParent.byteCount + fields.reduce(0) { $0 + $1.value.count })
        }
        packed[0] = field(":status", "200")
        packed[1] = field("content-type", Self.contentType)
        var count = 2
        if isCompressed {
            packed[2] = field("grpc-encoding", "gzip")
            count = 3
        }
        let isTabling = tablesVolatile(stream.pointee.connection)
        for extra in fields {
            packed[count] = field(stream, copy: extra, isTabling: isTabling)
            count += 1
        }
        stream.pointee.trace.withBytes { text in
            guard fields.count > 0, let text else { return }
            packed[count] = field(stream, copy: HTTPField("traceparent", text, isVolatile: true), isTabling: isTabling)
            count += 1
        }
        var provider = nghttp2_data_provider()
        provider.source.ptr = UnsafeMutableRawPointer(stream)
        provider.read_callback = { session, _, into, room, flags, source, _ in
            HTTPEngine.readMessages(session, source, into, room, flags)
        }
        nghttp2_submit_response(
            stream.pointee.connection.pointee.session, stream.pointee.id, packed, count, &provider)
    }

    private static func readMessages(
        _ session: OpaquePointer?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
        _ into: UnsafeMutablePointer<UInt8>?, _ room: Int, _ flags: UnsafeMutablePointer<UInt32>?
    ) -> Int {
        let stream = source.unsafelyUnwrapped.pointee.ptr.assumingMemoryBound(to: HTTPStream.self)
        let left = stream.pointee.responseBody.count - stream.pointee.sent
        let count = min(left, room)
        memcpy(into.unsafelyUnwrapped, stream.pointee.responseBody.pointer + stream.pointee.sent, count)
        stream.pointee.sent += count
        if count < left { return count }
        guard stream.pointee.call.isEnding else {
            stream.pointee.responseBody.reset()
            stream.pointee.sent = 0
            if count > 0 { return count }
            stream.pointee.call.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        flags.unsafelyUnwrapped.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        HTTP2Callbacks.withEngine(stream.pointee.connection) { $0.submitTrailers(stream) }
        return count
    }

    private func submitTrailers(_ stream: Stream) {
        let count = writeTrailers(stream, packed)
        nghttp2_submit_trailer(stream.pointee.connection.pointee.session, stream.pointee.id, packed, count)
    }

    /// Puts what `writeTrailers` needs into the stream.
    private func keep(_ stream: Stream, _ status: GRPCStatus) {
        stream.pointee.call.code = status.code
        guard status.code != .ok else { return }
        let message = status.percentEncodedMessage
        stream.pointee.trailers.reset()
        message.withUnsafeBytes { stream.pointee.trailers.append($0) }
        stream.pointee.call.messageCount = message.count
        status.encodedDetails.withUnsafeBytes { stream.pointee.trailers.append($0) }
    }

    /// Writes `grpc-status`, and with an error its message and details; returns how many fields.
    private func writeTrailers(_ stream: Stream, _ fields: UnsafeMutablePointer<nghttp2_nv>) -> Int {
        fields[0] = field("grpc-status", Self.digits(stream.pointee.call.code))
        guard stream.pointee.call.code != .ok else { return 1 }
        let message = stream.pointee.call.messageCount
        let bytes = UnsafeRawPointer(stream.pointee.trailers.pointer)
        fields[1] = field("grpc-message", bytes, message, isVolatile: true)
        fields[2] = field(
            "grpc-status-details-bin", bytes + message, stream.pointee.trailers.count - message, isVolatile: true)
        return 3
    }

    private static func digits(_ code: GRPCStatus.Code) -> StaticString {
        switch code {
        case .ok: "0"
        case .cancelled: "1"
        case .unknown: "2"
        case .invalidArgument: "3"
        case .deadlineExceeded: "4"
        case .notFound: "5"
        case .alreadyExists: "6"
        case .permissionDenied: "7"
        case .resourceExhausted: "8"
        case .failedPrecondition: "9"
        case .aborted: "10"
        case .outOfRange: "11"
        case .unimplemented: "12"
        case .internal: "13"
        case .unavailable: "14"
        case .dataLoss: "15"
        case .unauthenticated: "16"
        }
    }
}
