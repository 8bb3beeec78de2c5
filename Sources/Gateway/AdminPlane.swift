// The admin plane's port: HTTP by the same engine as everything else, on a reactor of its own.
//
//     request ─► copied ─► a thread of its own ─► AdminAPI, which may take as long as a load takes
//                                                    │
//     respond ◄─ round's end ◄─ wake ◄─ finished ◄───┘      the client has gone: dropped
//
// The reactor waits for nothing, so a slow disk or a model that compiles keeps nobody from reading the status.

import Admin
import CLinux
import Configuration
import HTTP
import Primitives
import Reactor
import Synchronization

final class AdminPlane: Plane {
    /// Calls that are being made at once; more get 503.
    private static let callsMax = 32
    static let connectionsMax = 256
    /// Header fields that the calls read, by their numbers in `names`.
    private static let asked = [
        "authorization", "if-match", "idempotency-key", "host", "origin", "last-event-id", "serin-reason",
    ]

    private let api: AdminAPI
    private let names = FieldNames()
    /// Calls that have no answer yet.
    private var waiting: [UInt64: Stream] = [:]
    private var numbers: [Stream: UInt64] = [:]
    private var last: UInt64 = 0
    private let finished = Finished()
    private let fields: UnsafeMutablePointer<HTTPField>
    /// What the fields' values point to while an answer is written.
    private var etag: [UInt8] = []
    private var extra: [UInt8] = []

    init(_ api: AdminAPI, port: Port, limits: HTTPLimits) {
        self.api = api
        fields = .allocate(capacity: HTTPEngine.fieldLimit)
        super.init(port, limits: limits)
        for name in Self.asked { _ = names.number(of: name) }
        engine.fieldNames = .passUnretained(names)
    }

    deinit { fields.deallocate() }

    /// Answers on their way from the threads to the reactor.
    private final class Finished: Sendable {
        private let answers = Mutex<[(UInt64, AdminResponse)]>([])
        func put(_ number: UInt64, _ answer: AdminResponse) { answers.withLock { $0.append((number, answer)) } }
        func take() -> [(UInt64, AdminResponse)] {
            answers.withLock { answers in
                defer { answers = [] }
                return answers
            }
        }
    }

    override func request(_ stream: Stream) {
        guard waiting.count < Self.callsMax else {
            return answer(
                stream, AdminResponse(AdminProblem(.unavailable, "\(Self.callsMax) calls are being made already")))
        }
        var call = AdminRequest(
            method: Self.method(stream.pointee.method), target: String(decoding: stream.pointee.target, as: UTF8.self))
        for (number, name) in Self.asked.enumerated() {
            guard let value = stream.pointee.fields.value(number) else { continue }
            call.headers[name] = String(decoding: value, as: UTF8.self)
        }
        let authority = stream.pointee.authorityText
        if !authority.isEmpty { call.headers["host"] = authority }
        call.body = Array(stream.pointee.body.bytes)
        call.address = stream.pointee.peerAddress
        last += 1
        waiting[last] = stream
        numbers[stream] = last
        let (number, api, finished, reactor, order) = (last, api, finished, reactor, call)
        ReactorThread.start("admin-call") {
            finished.put(number, api.handle(order))
            reactor.wake()
        }
    }

    override func cancelled(_ stream: Stream) {
        if let number = numbers.removeValue(forKey: stream) { waiting[number] = nil }
    }

    override func roundEnded() {
        for (number, response) in finished.take() {
            guard let stream = waiting.removeValue(forKey: number) else { continue }
            numbers[stream] = nil
            answer(stream, response)
        }
    }

    private func answer(_ stream: Stream, _ response: AdminResponse) {
        stream.pointee.responseBody.append(string: response.body)
        if !response.body.hasSuffix("\n"), response.contentType == nil { stream.pointee.responseBody.append("\n") }
        var count = 0
        if let generation = response.generation {
            etag = Array("\"\(generation)\"".utf8)
            count = add("etag", etag, at: count)
        }
        if let allow = response.allow {
            extra = Array(allow.utf8)
            count = add("allow", extra, at: count)
        } else if let seconds = response.retryAfterSeconds {
            extra = Array("\(seconds)".utf8)
            count = add("retry-after", extra, at: count)
        } else if response.status == 401 {
            extra = Array("Bearer".utf8)
            count = add("www-authenticate", extra, at: count)
        }
        let type: StaticString =
            switch response.contentType {
            case "text/event-stream": "text/event-stream"
            case "application/x-ndjson": "application/x-ndjson"
            default: response.isProblem ? "application/problem+json" : "application/json"
            }
        engine.respond(
            stream, status: response.status, contentType: type, fields: .init(start: fields, count: count))
    }

    /// The engine copies values before it returns, and the arrays live as long as the plane.
    private func add(_ name: StaticString, _ value: [UInt8], at count: Int) -> Int {
        value.withUnsafeBytes { bytes in
            // SAFETY: an array's bytes stay where they are while a property holds it and nobody changes it.
            (fields + count).initialize(to: HTTPField(name, bytes))
        }
        return count + 1
    }

    private static func method(_ method: HTTPMethod) -> String {
        switch method {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: "OTHER"
        }
    }
}
