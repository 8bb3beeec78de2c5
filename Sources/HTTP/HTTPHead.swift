// The request fields that anybody reads, whichever version they came in.

import GRPC
import Glibc
import Primitives

enum HTTPHead {
    /// Takes one field; `name` is lower case.
    static func field(
        _ stream: UnsafeMutablePointer<HTTPStream>, _ name: UnsafePointer<UInt8>, _ count: Int,
        _ value: UnsafeRawBufferPointer
    ) {
        switch count {
        case 5 where ASCII.equals(name, count, ":path"): setTarget(stream, value)
        case 7 where ASCII.equals(name, count, ":method"): stream.pointee.method = method(value)
        case 4 where stream.pointee.id != 0 && ASCII.equals(name, count, "host"): compareHost(stream, value)
        case 10 where ASCII.equals(name, count, ":authority"): setAuthority(stream, value)
        case 11 where ASCII.equals(name, count, "traceparent"): stream.pointee.trace.take(value)
        case 12 where ASCII.equals(name, count, "content-type"): setContentType(stream, value)
        case 12 where ASCII.equals(name, count, "grpc-timeout"):
            setTimeout(stream, RequestTimeout.grpc(value), else: .grpcTimeout)
        case 13 where ASCII.equals(name, count, "grpc-encoding"):
            stream.pointee.call.encoding = HTTPCall.encoding(value)
        case 13 where ASCII.equals(name, count, "authorization"):
            setToken(stream, value)
            keep(stream, name, count, value)
        case 14 where ASCII.equals(name, count, "content-length"):
            stream.pointee.declaredLength = ASCII.decimal(value) ?? .max
        case 14 where ASCII.equals(name, count, "serin-priority"):
            RequestUrgency.setPriority(stream, value)
            keep(stream, name, count, value)
        case 14 where ASCII.equals(name, count, "serin-fallback"): RequestUrgency.setFallback(stream, value)
        case 15 where ASCII.equals(name, count, "accept-encoding"): setAccepted(stream, value)
        case 16 where ASCII.equals(name, count, "content-encoding"):
            setContentCoding(stream, value)
        case 16 where ASCII.equals(name, count, "serin-timeout-ms"):
            setTimeout(stream, RequestTimeout.millis(value), else: .timeout)
        case 20 where ASCII.equals(name, count, "grpc-accept-encoding"):
            stream.pointee.call.acceptsGzip = HTTPCall.listsGzip(value)
        case 31 where ASCII.equals(name, count, "inference-header-content-length"):
            setInferenceHeaderLength(stream, value)
        default: keep(stream, name, count, value)
        }
    }

    /// A field that routes, or the handler, ask for.
    private static func keep(
        _ stream: UnsafeMutablePointer<HTTPStream>, _ name: UnsafePointer<UInt8>, _ count: Int,
        _ value: UnsafeRawBufferPointer
    ) {
        let asked = HTTP2Callbacks.withEngine(stream.pointee.connection) { $0.fieldNames }
        guard let asked else { return }
        asked._withUnsafeGuaranteedRef { names in
            guard names.mayAsk(length: count) else { return }
            let number = names.find(name, count)
            if number >= 0 { stream.pointee.fields.set(number, value) }
        }
    }

    private static func setContentType(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        stream.pointee.call.isCall = HTTPCall.isCall(contentType: value)
        if stream.pointee.call.isCall, stream.pointee.id == 0 { stream.pointee.fault = .callOverHTTP1 }
    }

    /// Longer tokens are none of ours, and nobody's memory.
    static let tokenBytesMax = 256

    /// `Bearer TOKEN` (RFC 6750); a second one makes none of them count.
    private static func setToken(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        let scheme: StaticString = "bearer "
        stream.pointee.tokenCount += 1
        stream.pointee.token.count = 0
        let count = value.count - scheme.utf8CodeUnitCount
        guard stream.pointee.tokenCount == 1, 1...tokenBytesMax ~= count else { return }
        let prefix = UnsafeRawBufferPointer(rebasing: value[..<scheme.utf8CodeUnitCount])
        let wanted = UnsafeRawBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount)
        guard ASCII.equalsIgnoringCase(prefix, wanted) else { return }
        stream.pointee.token.append(UnsafeRawBufferPointer(rebasing: value[scheme.utf8CodeUnitCount...]))
    }

    /// The target comes before any other field, so it stands at the start of `head`. An absolute one may have no path.
    static func setTarget(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        stream.pointee.head.count = 0
        if value.isEmpty || value[0] == 63 {
            stream.pointee.head.append("/")
            stream.pointee.head.append(value)
            stream.pointee.pathCount = value.count + 1
            return
        }
        stream.pointee.head.append(value)
        stream.pointee.pathCount = value.count
    }

    /// Without userinfo (RFC 9113, 8.3.1).
    private static func setAuthority(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        stream.pointee.authority.count = 0
        stream.pointee.authority.append(value)
        if let base = value.baseAddress, memchr(base, 64, value.count) != nil { stream.pointee.fault = .authority }
    }

    /// HTTP/2's `host` must say what `:authority` says, which comes first and wins (RFC 9113, 8.3.1).
    private static func compareHost(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        let authority = stream.pointee.authority.bytes
        if authority.isEmpty { return setAuthority(stream, value) }
        guard authority.count == value.count, ASCII.equalsIgnoringCase(authority, value) else {
            stream.pointee.fault = .authority
            return
        }
    }

    private static func setInferenceHeaderLength(
        _ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer
    ) {
        guard let length = ASCII.decimal(value), stream.pointee.inferenceHeaderLength < 0 else {
            stream.pointee.fault = .inferenceHeaderLength
            return
        }
        stream.pointee.inferenceHeaderLength = length
    }

    static func method(_ value: UnsafeRawBufferPointer) -> HTTPMethod {
        guard let base = value.baseAddress else { return .other }
        switch value.count {
        case 3 where ASCII.equals(base, 3, "GET"): return .get
        case 3 where ASCII.equals(base, 3, "PUT"): return .put
        case 4 where ASCII.equals(base, 4, "POST"): return .post
        case 4 where ASCII.equals(base, 4, "HEAD"): return .head
        case 6 where ASCII.equals(base, 6, "DELETE"): return .delete
        case 7 where ASCII.equals(base, 7, "OPTIONS"): return .options
        default: return .other
        }
    }

    static func tooLarge(_ limit: Int) -> HTTPFault {
        HTTPFault(431, "the header fields are larger than \(limit) bytes")
    }

    static func bodyTooLarge(_ limit: Int) -> HTTPFault {
        HTTPFault(413, "the body is larger than \(limit) bytes")
    }
}

extension HTTPEngine {
    /// Takes bytes of a request's body.
    func take(_ stream: Stream, _ bytes: UnsafeRawPointer, _ count: Int) {
        let limit = limits.bodyBytes + (stream.pointee.call.isCall ? MessageFrame.prefixBytes : 0)
        let held = stream.pointee.body.count
        let whole = held + count
        if whole > limit { return refuse(stream, HTTPHead.bodyTooLarge(limits.bodyBytes), .bodyBytes) }
        let grown = Self.footprint(whole) - Self.footprint(held)
        let share = stream.pointee.connection.pointee.receivingBytes + grown
        if receivingBytes + grown > limits.receivingBytes, share > limits.receivingShare {
            let fault = HTTPFault(503, "too many bodies are being received; try again later", isOfALimit: true)
            return refuse(stream, fault, .receivingBytes)
        }
        receivingBytes += grown
        stream.pointee.connection.pointee.receivingBytes = share
        if grown > 0 { stream.pointee.body.reserve(Self.footprint(whole) - GrowableBuffer.padding) }
        stream.pointee.body.append(bytes, count)
        if stream.pointee.call.isCall, held < MessageFrame.prefixBytes { checkPrefix(stream) }
    }

    /// A call's message says first how long it is: one that is too long is refused before it comes.
    private func checkPrefix(_ stream: Stream) {
        if MessageFrame.announcedBytes(stream.pointee.body.bytes) > limits.bodyBytes {
            refuse(stream, HTTPFault(413, "the message is larger than \(limits.bodyBytes) bytes"), .bodyBytes)
        }
    }

    /// What a body of so many bytes takes of memory; beyond 16 KiB it goes to 64 KiB in one step, so that buffers it has
    /// outgrown do not lie about in every size.
    static func footprint(_ count: Int) -> Int {
        if count == 0 { return 0 }
        let least = count > HTTPLimits.windowHeldBytes ? 64 << 10 : 256
        return max(least, 1 << (Int.bitWidth - (count + GrowableBuffer.padding - 1).leadingZeroBitCount))
    }

    /// A body is not being received any more.
    func releaseBody(_ stream: Stream) {
        let bytes = Self.footprint(stream.pointee.body.count)
        receivingBytes -= bytes
        // A pointer of its own: Swift 6.3 under the thread sanitizer emits an invalid bitcast for `-=` through
        // a computed pointer.
        let connection = stream.pointee.connection
        connection.pointee.receivingBytes -= bytes
    }

    /// With the header fields whole and a body to come: answer at once what cannot succeed.
    func refuseEarly(_ stream: Stream) {
        // A fault of one field can wait for the body: answered after it, HTTP/1.1's connection lives on.
        if let fault = stream.pointee.fault.answer(limits), fault.status != 400, fault.status != 415 {
            return refuse(stream, fault, stream.pointee.fault.limit)
        }
        let limit = limits.bodyBytes + (stream.pointee.call.isCall ? MessageFrame.prefixBytes : 0)
        if stream.pointee.declaredLength > limit {
            return refuse(stream, HTTPHead.bodyTooLarge(limits.bodyBytes), .bodyBytes)
        }
        watchBody(stream)
    }

    /// Answers a request whose body has not ended; the rest of it is dropped.
    private func refuse(_ stream: Stream, _ fault: HTTPFault, _ limit: HTTPLimit?) {
        if let limit { count(limit) }
        releaseBody(stream)
        stream.pointee.body.reset(keeping: 0)
        respond(stream, fault: fault)
    }
}
