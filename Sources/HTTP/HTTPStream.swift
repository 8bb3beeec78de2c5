// One request and its response, whatever the version of HTTP.
//
//     receiving ──► (inflating) ──► ready ──► answered ──► sent        (a reset or a closed connection ends it anywhere)
//
// `head` first holds the request's path and the header values somebody reads, later the response's
// header values; `body` the request's body, `responseBody` the response's. The buffers stay with the
// slab element, so the requests that come later find them warm.

public import Primitives

public enum HTTPMethod: UInt8, Sendable {
    case get, head, post, put, delete, options, other
}

public struct HTTPStream: ~Copyable {
    enum Phase: UInt8 { case receiving, inflating, ready, answered }

    // The connection's.
    var connectionOrNone: UnsafeMutablePointer<HTTPConnection>?
    /// HTTP/2's stream identifier; 0 on HTTP/1.1.
    var id: Int32 = 0
    var phase = Phase.receiving
    var next: UnsafeMutablePointer<HTTPStream>?
    var previous: UnsafeMutablePointer<HTTPStream>?
    var startedAt: UInt64 = 0
    /// When the handler is told that the answer is due.
    var deadline = HTTPEngine.never
    var answeredAt: UInt64 = 0
    /// Bytes of the body for which HTTP/2's window was not given back.
    var windowHeld = 0
    /// Its part of the connection's `queuedBytes`.
    var queuedBytes = 0
    /// Header bytes so far, as HTTP/2 counts them.
    var headerBytes = 0
    /// HTTP/2: what of the message has come, and how many bytes of DATA.
    var message = HTTP2Message()
    var received = 0
    /// A fault found in the header fields; the request is answered with it.
    var fault = HTTPFieldFault.none

    // The request.
    public internal(set) var method = HTTPMethod.other
    var head = GrowableBuffer(capacity: 512)
    /// HTTP/2: the value of `:authority`, or of `host` in its place.
    var authority = GrowableBuffer(capacity: 64)
    var pathCount = 0
    /// How the body comes packed.
    var coding = ContentCoding.identity
    /// How the answer may be packed; identity: not at all.
    var accepted = ContentCoding.identity
    // The queue of bodies to be inflated.
    var nextInflating: UnsafeMutablePointer<HTTPStream>?
    var previousInflating: UnsafeMutablePointer<HTTPStream>?
    /// The value of `Inference-Header-Content-Length`; -1: the field is not there.
    public internal(set) var inferenceHeaderLength = -1
    /// The token of `authorization: Bearer`, and how many such fields have come.
    var token = GrowableBuffer()
    var tokenCount = 0
    /// The caller's place in a trace, echoed in the answer.
    public internal(set) var trace = TraceParent()
    /// The value of `content-length`; -1: not there.
    var declaredLength = -1
    public internal(set) var body = GrowableBuffer()
    /// What gRPC adds; `isCall` is false for any other request.
    public internal(set) var call = HTTPCall()

    /// The fields that the handler asks for, by their numbers in the engine's `fieldNames`.
    public internal(set) var fields = FieldValues()

    /// The smallest span of `serin-timeout-ms` and `grpc-timeout`; `RequestTimeout.none`: not given.
    public internal(set) var timeoutNanos = RequestTimeout.none

    /// What `serin-priority` and `serin-fallback` say.
    public internal(set) var urgency = RequestUrgency()

    // The response.
    /// 0: there is none yet. A call's is what its code would be over HTTP.
    public internal(set) var status = 0
    public var responseBody = GrowableBuffer(capacity: 512)
    /// HTTP/1.1: bytes of head and body that are sent. HTTP/2: bytes of the body.
    var sent = 0
    /// The request came in HTTP/1.0, whose clients want to be told that the connection stays.
    var isVersion10 = false
    /// HTTP/1.1: the connection ends with this response.
    var endsConnection = false
    /// HTTP/2: answered before the body had come; the peer is told to stop sending it.
    var isEarly = false

    /// A call's `grpc-message` and details, until libnghttp2 has packed them.
    var trailers = GrowableBuffer()

    /// Whatever the handler keeps with the request.
    public var user: UnsafeMutableRawPointer?

    init() {}

    /// The connection it came on; there is one from `begin` to `end`.
    var connection: UnsafeMutablePointer<HTTPConnection> { connectionOrNone.unsafelyUnwrapped }

    /// When its first bytes came, in nanoseconds of the reactor's clock.
    public var arrivedAt: UInt64 { startedAt }

    /// The request came over HTTP/2.
    public var isHTTP2: Bool { id != 0 }

    /// The names of the client's certificate; nil: the connection is not encrypted.
    public var peer: UnsafePointer<PeerIdentity>? { connection.pointee.peer }

    /// Tells the request's client from others: the first name of its certificate, else its address.
    public var client: UInt64 { connection.pointee.client }

    /// HTTP/2: the value of `:authority`, or of `host` in its place; empty: there is none.
    public var authorityText: String { String(decoding: authority.bytes, as: UTF8.self) }

    /// The client's address in digits, without the port.
    public var peerAddress: String {
        var text = GrowableBuffer(capacity: 64)
        connection.pointee.address.write(into: &text)
        return String(decoding: text.bytes, as: UTF8.self)
    }
    /// The bearer token it came with; empty: none, more than one, or one too long to be known.
    public var bearerToken: UnsafeRawBufferPointer { token.bytes }

    /// The request target as it came: path and query. Valid until the request is answered.
    public var target: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: head.pointer, count: pathCount) }

    mutating func reset() {
        phase = .receiving
        windowHeld = 0
        queuedBytes = 0
        next = nil
        previous = nil
        headerBytes = 0
        message = HTTP2Message()
        received = 0
        fault = .none
        method = .other
        head.reset()
        authority.reset()
        pathCount = 0
        coding = .identity
        accepted = .identity
        inferenceHeaderLength = -1
        declaredLength = -1
        timeoutNanos = RequestTimeout.none
        fields.reset()
        urgency = RequestUrgency()
        deadline = HTTPEngine.never
        trace.reset()
        token.count = 0
        tokenCount = 0
        body.reset()
        call = HTTPCall()
        status = 0
        responseBody.reset()
        trailers.reset()
        sent = 0
        endsConnection = false
        isVersion10 = false
        isEarly = false
        user = nil
    }
}

/// What can be wrong with header fields; a word instead of a sentence, so that a stream holds no reference.
enum HTTPFieldFault: UInt8 {
    case none, tooLarge, outputFull, inferenceHeaderLength, expectation, connect, timeout, grpcTimeout
    case priority, fallback
    case callOverHTTP1, contentCoding, authority

    /// The limit that was enforced; nil: it is no limit's fault.
    var limit: HTTPLimit? {
        switch self {
        case .tooLarge: .headerBytes
        case .outputFull: .outputBytes
        default: nil
        }
    }

    /// The answer; nil: nothing is wrong.
    func answer(_ limits: HTTPLimits) -> HTTPFault? {
        switch self {
        case .none: nil
        case .tooLarge: HTTPHead.tooLarge(limits.headerBytes)
        case .outputFull:
            HTTPFault(
                503, "more than \(limits.outputBytes) bytes of answers wait to be read; read them first",
                isOfALimit: true)
        case .inferenceHeaderLength:
            HTTPFault(
                400, "Inference-Header-Content-Length: expected one whole number, the bytes of JSON at the body's start"
            )
        case .expectation: HTTPFault(417, "expect: only 100-continue is known")
        case .callOverHTTP1: HTTPFault(505, "gRPC needs HTTP/2")
        case .timeout:
            HTTPFault(400, "serin-timeout-ms: expected milliseconds, such as 10 or 2.5, with at most nine digits")
        case .grpcTimeout:
            HTTPFault(400, "grpc-timeout: expected one to eight digits and a unit, one of H, M, S, m, u and n")
        case .priority: HTTPFault(400, "serin-priority: expected one of high, normal and low")
        case .fallback: HTTPFault(400, "serin-fallback: expected yes or no")
        case .contentCoding:
            HTTPFault(415, "content-encoding: expected one of gzip, deflate and identity")
        case .connect: HTTPFault(405, "CONNECT is not supported")
        case .authority: HTTPFault(400, "the authority has userinfo, or host names another")
        }
    }
}

/// A fault of a request that is answered before any handler sees it.
public struct HTTPFault: Error, Sendable, Equatable {
    public var status: Int
    public var message: String
    /// A 503 because something is used up, not because nothing serves: RESOURCE_EXHAUSTED in gRPC.
    public var isOfALimit: Bool
    public init(_ status: Int, _ message: String, isOfALimit: Bool = false) {
        self.status = status
        self.message = message
        self.isOfALimit = isOfALimit
    }
}
