import CNghttp2
import Testing

@testable import HTTP

/// libnghttp2 as the client, against the engine, in memory.
final class Client {
    private(set) var statuses: [Int32: Int] = [:]
    private(set) var bodies: [Int32: String] = [:]
    private(set) var closed: [Int32: UInt32] = [:]
    private(set) var lastStreamOfGoAway: Int32?
    private var session: OpaquePointer?
    private let harness: EngineHarness
    let connection: UnsafeMutableRawPointer

    init(_ harness: EngineHarness, isRefusing: Bool = false) {
        self.harness = harness
        connection = harness.open(isRefusing: isRefusing)
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, count, _, user in
            let client = Client.from(user)
            let name = String(decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self)
            let value = String(decoding: UnsafeBufferPointer(start: value, count: count), as: UTF8.self)
            if name == ":status" { client.statuses[frame!.pointee.hd.stream_id] = Int(value) }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, user in
            let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
            Client.from(user).bodies[id, default: ""] += text
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, user in
            Client.from(user).closed[id] = code
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            if UInt32(frame!.pointee.hd.type) == NGHTTP2_GOAWAY.rawValue {
                Client.from(user).lastStreamOfGoAway = frame!.pointee.goaway.last_stream_id
            }
            return 0
        }
        nghttp2_session_client_new(&session, callbacks, Unmanaged.passUnretained(self).toOpaque())
        nghttp2_session_callbacks_del(callbacks)
        nghttp2_submit_settings(session, 0, nil, 0)
    }

    deinit { nghttp2_session_del(session) }

    private static func from(_ user: UnsafeMutableRawPointer?) -> Client {
        Unmanaged<Client>.fromOpaque(user!).takeUnretainedValue()
    }

    private var pendingBody: [UInt8] = []
    private var pendingSent = 0
    private var pendingStalls = false

    /// Submits a request; a nil body: none; `stalls`: its end never comes.
    @discardableResult
    func submit(
        _ method: String, _ path: String, fields: [(String, String)] = [], body: String? = nil, stalls: Bool = false
    ) -> Int32 {
        let all = [(":method", method), (":path", path), (":scheme", "http"), (":authority", "a")] + fields
        let texts = all.map { (Array($0.0.utf8), Array($0.1.utf8)) }
        pendingBody = Array((body ?? "").utf8)
        pendingSent = 0
        pendingStalls = stalls
        var list = texts.map { name, value in
            nghttp2_nv(
                name: UnsafeMutablePointer(mutating: name.withUnsafeBufferPointer { copy($0) }),
                value: UnsafeMutablePointer(mutating: value.withUnsafeBufferPointer { copy($0) }), namelen: name.count,
                valuelen: value.count, flags: 0)
        }
        defer { for field in list { free(field) } }
        var provider = nghttp2_data_provider()
        provider.read_callback = { _, _, into, room, flags, _, user in
            let client = Client.from(user)
            let count = min(room, client.pendingBody.count - client.pendingSent)
            for index in 0..<count { into![index] = client.pendingBody[client.pendingSent + index] }
            client.pendingSent += count
            if client.pendingStalls { return count > 0 ? count : Int(NGHTTP2_ERR_DEFERRED.rawValue) }
            if client.pendingSent == client.pendingBody.count { flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
            return count
        }
        if body == nil { return nghttp2_submit_request(session, nil, &list, list.count, nil, nil) }
        return nghttp2_submit_request(session, nil, &list, list.count, &provider, nil)
    }

    private func copy(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 1)
        memory.initialize(from: bytes.baseAddress ?? UnsafePointer(memory), count: bytes.count)
        return memory
    }

    private func free(_ field: nghttp2_nv) {
        field.name.deallocate()
        field.value.deallocate()
    }

    func reset(_ id: Int32) { nghttp2_submit_rst_stream(session, 0, id, NGHTTP2_CANCEL.rawValue) }

    /// Lets bytes flow both ways until nobody has any.
    func flow(pieces: Int = .max) {
        while true {
            var chunk: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &chunk)
            var sent = Array(UnsafeBufferPointer(start: chunk, count: max(count, 0)))[...]
            while !sent.isEmpty {
                harness.feed(connection, sent.prefix(pieces))
                sent = sent.dropFirst(pieces)
            }
            let output = harness.output(connection, room: 1000)
            if !output.isEmpty { nghttp2_session_mem_recv(session, output, output.count) }
            if count <= 0 && output.isEmpty { return }
        }
    }
}

@Suite struct HTTP2Tests {
    @Test(arguments: [1, 7, 100, .max]) func requestsInPiecesOfAnySizeAreAnswered(pieces: Int) {
        let harness = EngineHarness()
        let client = Client(harness)
        for index in 0..<20 {
            let body = String(repeating: "x", count: index * 1000)
            let id = client.submit("POST", "/\(index)", body: body)
            client.flow(pieces: pieces)
            #expect(harness.seen.last == SeenRequest(method: .post, target: "/\(index)", body: body))
            #expect(client.statuses[id] == 200 && client.bodies[id] == "/\(index)" && client.closed[id] == 0)
        }
        harness.engine.close(client.connection)
    }

    @Test func manyStreamsAtOnceAreAnsweredEach() {
        let harness = EngineHarness()
        let client = Client(harness)
        let ids = (0..<100).map { client.submit("GET", "/\($0)") }
        client.flow()
        for (index, id) in ids.enumerated() { #expect(client.bodies[id] == "/\(index)") }
        harness.engine.close(client.connection)
    }

    @Test func aBodyOverTheLimitIs413AndTheConnectionLives() {
        var limits = HTTPLimits()
        limits.bodyBytes = 1000
        let harness = EngineHarness(limits: limits)
        let client = Client(harness)
        let id = client.submit("POST", "/", body: String(repeating: "x", count: 100_000))
        client.flow()
        #expect(client.statuses[id] == 413 && harness.seen.isEmpty)
        let next = client.submit("GET", "/next")
        client.flow()
        #expect(client.statuses[next] == 200)
        harness.engine.close(client.connection)
    }

    @Test func headersOverTheLimitAre431AndFarOverItReset() {
        let harness = EngineHarness()
        let client = Client(harness)
        let value = String(repeating: "v", count: 1000)
        let over = client.submit("GET", "/", fields: (0..<20).map { ("x-\($0)", value) })
        client.flow()
        #expect(client.statuses[over] == 431)
        let far = client.submit("GET", "/", fields: (0..<64).map { ("x-\($0)", value) })
        client.flow()
        #expect(client.statuses[far] == nil && client.closed[far] != nil)
        let next = client.submit("GET", "/next")
        client.flow()
        #expect(client.statuses[next] == 200)
        harness.engine.close(client.connection)
    }

    @Test func aResetStreamIsCancelledAndNeverAnswered() {
        let harness = EngineHarness()
        harness.answersAtOnce = false
        let client = Client(harness)
        let id = client.submit("GET", "/")
        client.flow()
        #expect(harness.waiting.count == 1)
        client.reset(id)
        client.flow()
        #expect(harness.cancelled == 1 && harness.waiting.isEmpty)
        harness.engine.close(client.connection)
    }

    @Test func aDrainAnswersWhatIsInFlightAndThenEnds() {
        let harness = EngineHarness()
        harness.answersAtOnce = false
        let client = Client(harness)
        let id = client.submit("GET", "/")
        client.flow()
        harness.engine.drain(client.connection)
        client.flow()
        #expect(client.lastStreamOfGoAway == id)
        #expect(!harness.engine.isFinished(client.connection))
        harness.answerWaiting(at: 0)
        client.flow()
        #expect(client.statuses[id] == 200 && harness.engine.isFinished(client.connection))
        harness.engine.close(client.connection)
    }

    /// A notice before it would have a client drop what it has not written: h2load did, on connections whose TLS
    /// handshake ended in the drain.
    @Test func aPeerThatHasAskedNothingIsToldWithItsFirstRequest() {
        let harness = EngineHarness()
        let client = Client(harness)
        client.flow()
        harness.engine.drain(client.connection)
        client.flow()
        #expect(client.lastStreamOfGoAway == nil)
        let id = client.submit("GET", "/")
        client.flow()
        #expect(client.statuses[id] == 200 && client.lastStreamOfGoAway == .max)
        // libnghttp2 with nothing left to do neither acknowledges the PING nor reads on.
        harness.advance(client.connection, to: harness.engine.now + HTTPLimits.noticeNanos)
        client.flow()
        #expect(harness.engine.isFinished(client.connection))
        harness.engine.close(client.connection)
    }

    @Test func aPeerThatGoesOnAskingNothingIsToldAtLast() {
        let harness = EngineHarness()
        let client = Client(harness)
        client.flow()
        let begin = harness.engine.now
        harness.engine.drain(client.connection)
        harness.advance(client.connection, to: begin + HTTPLimits.noticeNanos - 1)
        client.flow()
        #expect(client.lastStreamOfGoAway == nil)
        harness.advance(client.connection, to: begin + HTTPLimits.noticeNanos)
        client.flow()
        #expect(client.lastStreamOfGoAway == .max)
        harness.advance(client.connection, to: begin + 2 * HTTPLimits.noticeNanos)
        client.flow()
        #expect(harness.engine.isFinished(client.connection))
        harness.engine.close(client.connection)
    }

    /// It acknowledges nothing, not even our SETTINGS.
    @Test func aSilentPeerIsGivenUpInTheDrain() {
        let harness = EngineHarness()
        let connection = harness.open()
        harness.feed(connection, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let begin = harness.engine.now
        harness.engine.drain(connection)
        _ = harness.output(connection)
        for step in 1...2 {
            harness.advance(connection, to: begin + UInt64(step) * HTTPLimits.noticeNanos)
            #expect(harness.output(connection).contains { $0 == UInt8(NGHTTP2_GOAWAY.rawValue) })
        }
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func aBrokenPrefaceIsNotAnsweredInHTTP1() {
        let harness = EngineHarness()
        let (output, isFinished) = harness.exchange("PRI * HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(!output.contains("HTTP/1.1") && isFinished)
    }

    @Test func overTheConnectionLimitTheAnswerIs503AndGoAway() {
        let harness = EngineHarness()
        let client = Client(harness, isRefusing: true)
        let id = client.submit("GET", "/")
        client.flow()
        #expect(client.statuses[id] == 503 && client.lastStreamOfGoAway == id)
        #expect(harness.engine.isFinished(client.connection))
        harness.engine.close(client.connection)
    }

    @Test func aStalledBodyExpiresWith408AndTheConnectionLives() {
        let harness = EngineHarness()
        let client = Client(harness)
        let id = client.submit("POST", "/", body: "abc", stalls: true)
        client.flow()
        harness.engine.expire(client.connection)
        client.flow()
        #expect(client.statuses[id] == nil)
        harness.engine.now += harness.engine.limits.bodyNanos
        #expect(harness.engine.deadline(client.connection) <= harness.engine.now)
        harness.engine.expire(client.connection)
        client.flow()
        #expect(client.statuses[id] == 408 && harness.seen.isEmpty)
        let next = client.submit("GET", "/next")
        client.flow()
        #expect(client.statuses[next] == 200)
        harness.engine.close(client.connection)
    }
}
