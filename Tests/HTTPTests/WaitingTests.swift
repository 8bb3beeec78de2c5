// Requests that nobody has answered yet, on a clock of the test's own.

import Testing

@testable import HTTP

@Suite struct WaitingTests {
    private static let second: UInt64 = 1_000_000_000
    private static let milli: UInt64 = 1_000_000

    /// A handler that holds what it gets and watches each for 10 ms.
    private func holding() -> EngineHarness {
        let harness = EngineHarness()
        harness.answersAtOnce = false
        return harness
    }

    @Test func theHandlerHearsOfARequestThatIsDue() {
        let harness = holding()
        let connection = harness.open()
        harness.feed(connection, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        harness.engine.watch(harness.waiting[0], until: Self.second + 10 * Self.milli)
        #expect(harness.engine.deadline(connection) == Self.second + 10 * Self.milli)
        harness.advance(connection, to: Self.second + 9 * Self.milli)
        #expect(harness.late.isEmpty)
        harness.advance(connection, to: Self.second + 10 * Self.milli)
        #expect(harness.late == ["/a"])
        let output = String(decoding: harness.output(connection), as: UTF8.self)
        #expect(output.hasPrefix("HTTP/1.1 504 Gateway Timeout\r\n") && !output.contains("connection: close"))
        #expect(!harness.engine.isFinished(connection) && harness.engine.deadline(connection) > 60 * Self.second)
        harness.engine.close(connection)
    }

    @Test func eachOfManyStreamsIsDueAtItsOwnTime() {
        let harness = holding()
        let client = Client(harness)
        let ids = (0..<10).map { client.submit("GET", "/\($0)") }
        client.flow()
        for (index, stream) in harness.waiting.enumerated() {
            harness.engine.watch(stream, until: Self.second + UInt64(10 - index) * Self.milli)
        }
        harness.answerWaiting(at: 9)  // the first one due is answered before
        for passed in 1...10 {
            let now = Self.second + UInt64(passed) * Self.milli
            #expect(harness.engine.deadline(client.connection) <= now)
            harness.advance(client.connection, to: now)
            client.flow()
        }
        #expect(harness.late == (0..<9).reversed().map { "/\($0)" })
        #expect(client.statuses[ids[9]] == 200)
        for id in ids.dropLast() { #expect(client.statuses[id] == 504 && client.closed[id] == 0) }
        #expect(harness.engine.deadline(client.connection) > 60 * Self.second)
        harness.engine.close(client.connection)
    }

    @Test func answeredRequestsLeaveNoTimerBehind() {
        let harness = holding()
        let connection = harness.open()
        harness.feed(connection, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        harness.engine.watch(harness.waiting[0], until: Self.second + 10 * Self.milli)
        harness.answerWaiting(at: 0)
        _ = harness.output(connection)
        #expect(harness.engine.deadline(connection) > 60 * Self.second)
        harness.engine.close(connection)
    }

    @Test(arguments: ["serin-timeout-ms: 10", "grpc-timeout: 10m", "serin-timeout-ms: 99\r\ngrpc-timeout: 10000u"])
    func aBodyThatDoesNotComeInTimeIsLate(field: String) {
        let harness = holding()
        let connection = harness.open()
        harness.feed(connection, "POST /a HTTP/1.1\r\nHost: a\r\n\(field)\r\nContent-Length: 4\r\n\r\nab".utf8)
        #expect(harness.engine.deadline(connection) == Self.second + 10 * Self.milli)
        harness.advance(connection, to: Self.second + 10 * Self.milli)
        #expect(harness.late == ["/a"] && harness.seen.isEmpty)
        harness.feed(connection, "cdGET /b HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let output = String(decoding: harness.output(connection), as: UTF8.self)
        #expect(output.hasPrefix("HTTP/1.1 504 ") && output.contains("connection: close"))
        #expect(harness.engine.isFinished(connection) && harness.seen.isEmpty)
        harness.engine.close(connection)
    }

    @Test func aLateBodyOverHTTP2EndsItsStreamOnly() {
        let harness = holding()
        let client = Client(harness)
        let late = client.submit("POST", "/late", fields: [("serin-timeout-ms", "10")], body: "abc", stalls: true)
        client.flow()
        harness.advance(client.connection, to: Self.second + 10 * Self.milli)
        client.flow()
        #expect(harness.late == ["/late"] && client.statuses[late] == 504 && client.closed[late] == 0)
        harness.answersAtOnce = true
        let next = client.submit("GET", "/next")
        client.flow()
        #expect(client.statuses[next] == 200)
        harness.engine.close(client.connection)
    }

    @Test func theSpanIsCountedFromTheFirstBytes() {
        let harness = holding()
        let connection = harness.open()
        harness.feed(connection, "POST /a HTTP/1.1\r\nHost: a\r\nserin-timeout-ms: 10\r\n".utf8)
        harness.feed(connection, "Content-Length: 4\r\n\r\n".utf8)
        harness.engine.now += 6 * Self.milli
        harness.feed(connection, "abcd".utf8)
        #expect(harness.waiting[0].pointee.arrivedAt == Self.second)
        #expect(harness.waiting[0].pointee.timeoutNanos == 10 * Self.milli)
        harness.engine.close(connection)
        #expect(harness.cancelled == 1)
    }

    @Test(arguments: ["serin-timeout-ms: soon", "serin-timeout-ms: -1", "grpc-timeout: 10", "serin-timeout-ms: "])
    func aWrongSpanIs400(field: String) {
        let harness = EngineHarness()
        let (output, isFinished) = harness.exchange(
            "POST /a HTTP/1.1\r\nHost: a\r\n\(field)\r\nContent-Length: 2\r\n\r\nab")
        #expect(output.hasPrefix("HTTP/1.1 400 ") && harness.seen.isEmpty && !isFinished)
        #expect(output.contains(String(field.prefix { $0 != ":" }) + ": expected"))
    }

    @Test func aSlotForgetsTheLastRequestsSpan() {
        let harness = holding()
        let connection = harness.open()
        harness.feed(connection, "GET /a HTTP/1.1\r\nHost: a\r\nserin-timeout-ms: 10\r\n\r\n".utf8)
        harness.answerWaiting(at: 0)
        _ = harness.output(connection)
        harness.feed(connection, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(harness.waiting[0].pointee.timeoutNanos == RequestTimeout.none)
        #expect(connection.assumingMemoryBound(to: HTTPConnection.self).pointee.requestDue == HTTPEngine.never)
        harness.engine.close(connection)
    }
}
