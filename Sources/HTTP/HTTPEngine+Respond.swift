// Answers: the fields every response has, the handler's own, and the two wire formats' entry points.

import GRPC
import Primitives

/// A response field of the handler's. The value is copied; the name must be lower case.
public struct HTTPField {
    public var name: StaticString
    public var value: UnsafeRawBufferPointer
    /// The value differs from response to response: do not fill HPACK's table with it.
    public var isVolatile: Bool

    public init(_ name: StaticString, _ value: UnsafeRawBufferPointer, isVolatile: Bool = false) {
        self.name = name
        self.value = value
        self.isVolatile = isVolatile
    }
}

extension HTTPEngine {
    /// The most fields a handler may add.
    public static let fieldLimit = 8

    /// Answers a request with what is in its `responseBody`; does nothing when it was answered already.
    public func respond(
        _ stream: Stream, status: Int, contentType: StaticString = "application/json",
        fields: UnsafeBufferPointer<HTTPField> = .init(start: nil, count: 0)
    ) {
        guard stream.pointee.phase != .answered else { return }
        precondition(fields.count <= Self.fieldLimit)
        conclude(stream, status)
        date.update(now)
        let connection = stream.pointee.connection
        if connection.pointee.version == .http2 {
            http2Respond(stream, contentType: contentType, fields: fields)
        } else {
            http1Respond(stream, contentType: contentType, fields: fields)
        }
        outputReady(connection)
    }

    /// The request has its answer, whole in `responseBody`: nothing more is received, the peer has it to read.
    func conclude(_ stream: Stream, _ status: Int) {
        stream.pointee.isEarly = stream.pointee.phase == .receiving
        settle(stream, .answered)
        stream.pointee.status = status
        stream.pointee.answeredAt = now
        // The target is still there: the answer's fields take its place.
        if access != nil { log(stream, status) }
        // Nobody reads it any more, and the answer may wait for long.
        stream.pointee.body.reset(keeping: bytesKept)
        queue(stream)
        let connection = stream.pointee.connection
        if connection.pointee.version == .http2 { connection.pointee.budget.answered(rates) }
    }

    /// Puts a request into the access log, if it is one of those.
    func log(_ stream: Stream, _ status: Int) {
        if access?.wants(status) == true { access?.record(stream, status, now) }
    }

    /// Answers with `{"error": message}`, and what its status wants besides.
    public func respond(_ stream: Stream, fault: HTTPFault) {
        if stream.pointee.call.isCall, stream.pointee.id != 0 {
            let code = fault.isOfALimit ? .resourceExhausted : GRPCStatus.code(httpStatus: fault.status)
            return refuseCall(stream, GRPCStatus(code, fault.message))
        }
        stream.pointee.responseBody.reset()
        stream.pointee.responseBody.append(#"{"error":""#)
        stream.pointee.responseBody.append(string: Self.escaped(fault.message))
        stream.pointee.responseBody.append(#""}"#)
        switch fault.status {
        case 401: respond(stream, 401, "www-authenticate", "Bearer")
        // Which codings would have done (RFC 9110, 15.5.16).
        case 415: respond(stream, 415, "accept-encoding", "gzip, deflate")
        // When to come back.
        case 429, 503: respond(stream, fault.status, "retry-after", "1")
        default: respond(stream, status: fault.status)
        }
    }

    private func respond(_ stream: Stream, _ status: Int, _ name: StaticString, _ value: StaticString) {
        let value = UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount)
        withUnsafePointer(to: HTTPField(name, value)) {
            respond(stream, status: status, fields: .init(start: $0, count: 1))
        }
    }

    /// JSON string content: quotes, backslashes and control characters escaped.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 32:
                result += "\\u00" + (scalar.value < 16 ? "0" : "1") + String(scalar.value & 15, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The status' reason phrase (RFC 9110).
    static func reason(_ status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 200: "OK"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 499: "Client Closed Request"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Internal Server Error"
        }
    }
}
