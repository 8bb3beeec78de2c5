// An engine without sockets: bytes in, requests recorded, an answer for each, bytes out.

import Primitives

@testable import HTTP

/// What the handler saw of a request.
struct SeenRequest: Equatable {
    var method: HTTPMethod
    var target: String
    var body: String
}

final class EngineHarness {
    private(set) var engine: HTTPEngine!
    private(set) var seen: [SeenRequest] = []
    /// The bodies of these requests, byte by byte.
    private(set) var bodies: [[UInt8]] = []
    private(set) var cancelled = 0
    /// False: requests wait in `waiting` for `answer`.
    var answersAtOnce = true
    private(set) var waiting: [HTTPEngine.Stream] = []

    init(limits: HTTPLimits = HTTPLimits()) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let handler = HTTPHandler(
            context: context,
            request: { context, stream in EngineHarness.from(context).take(stream) },
            cancelled: { context, stream in EngineHarness.from(context).drop(stream) },
            expired: { context, stream in EngineHarness.from(context).refuseLate(stream) },
            outputReady: { _, _ in })
        engine = HTTPEngine(limits: limits, handler: handler)
        engine.now = 1_000_000_000
        // Turns last as long as the work of a test, unless it brings a clock.
        engine.clock = { 0 }
        // The same date in every answer, however long the test takes.
        engine.date.wallClock = { 1_800_000_000 }
    }

    private static func from(_ context: UnsafeMutableRawPointer) -> EngineHarness {
        Unmanaged<EngineHarness>.fromOpaque(context).takeUnretainedValue()
    }

    private func take(_ stream: UnsafeMutableRawPointer) {
        let stream = stream.assumingMemoryBound(to: HTTPStream.self)
        seen.append(
            SeenRequest(
                method: stream.pointee.method, target: String(decoding: stream.pointee.target, as: UTF8.self),
                body: String(decoding: stream.pointee.body.bytes, as: UTF8.self)))
        bodies.append(Array(stream.pointee.body.bytes))
        if answersAtOnce { answer(stream) } else { waiting.append(stream) }
    }

    private func drop(_ stream: UnsafeMutableRawPointer) {
        cancelled += 1
        waiting.removeAll { UnsafeMutableRawPointer($0) == stream }
    }

    func forget() {
        seen = []
        bodies = []
    }

    /// Requests that were due before they were answered, by target.
    private(set) var late: [String] = []

    private func refuseLate(_ stream: UnsafeMutableRawPointer) {
        let stream = stream.assumingMemoryBound(to: HTTPStream.self)
        late.append(String(decoding: stream.pointee.target, as: UTF8.self))
        waiting.removeAll { $0 == stream }
        stream.pointee.responseBody.append("late")
        engine.respond(stream, status: 504)
    }

    /// What a reactor's timer does: time goes on to `nanos`, and the connection hears of its deadline.
    func advance(_ connection: UnsafeMutableRawPointer, to nanos: UInt64) {
        engine.now = nanos
        if engine.deadline(connection) <= nanos { engine.expire(connection) }
    }

    /// Answers 200 with the target as the body.
    func answer(_ stream: HTTPEngine.Stream) {
        stream.pointee.responseBody.append(stream.pointee.target)
        engine.respond(stream, status: 200)
    }

    func answerWaiting(at index: Int) { answer(waiting.remove(at: index)) }

    func open(isRefusing: Bool = false) -> UnsafeMutableRawPointer {
        engine.open(owner: Unmanaged.passUnretained(self).toOpaque(), isRefusing: isRefusing)
    }

    func feed(_ connection: UnsafeMutableRawPointer, _ bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        bytes.withUnsafeBytes { engine.receive(connection, $0.baseAddress!, $0.count) }
    }

    /// All output there is, with as many turns, a round each, as what was fed takes.
    func output(_ connection: UnsafeMutableRawPointer, room: Int = 1 << 16) -> [UInt8] {
        var result = outputOfTurn(connection, room: room)
        while takeTurn(connection) { result += outputOfTurn(connection, room: room) }
        return result
    }

    /// The next round's turn of a connection that is behind; false: it is not.
    func takeTurn(_ connection: UnsafeMutableRawPointer) -> Bool {
        guard !engine.wantsInput(connection), engine.isBehind(connection) else { return false }
        engine.now += 1
        engine.resume(connection)
        return true
    }

    /// The output that is ready.
    func outputOfTurn(_ connection: UnsafeMutableRawPointer, room: Int = 1 << 16) -> [UInt8] {
        var result: [UInt8] = []
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = engine.produce(connection, into: buffer, room: room)
            if count == 0 { return result }
            result.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: count))
        }
    }

    /// Feeds a whole conversation and returns the output as text.
    func exchange(_ text: String) -> (output: String, isFinished: Bool) {
        let connection = open()
        feed(connection, text.utf8)
        let output = String(decoding: output(connection), as: UTF8.self)
        let isFinished = engine.isFinished(connection)
        engine.close(connection)
        return (output, isFinished)
    }
}
