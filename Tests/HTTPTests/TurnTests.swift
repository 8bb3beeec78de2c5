// How much of one connection is used in a turn, with a clock that goes on by 100 µs a look: no timing decides.

import Primitives
import Testing

@testable import HTTP

/// Looks at the clock so far.
private nonisolated(unsafe) var looks: UInt64 = 0

@Suite(.serialized) struct TurnTests {
    private let harness: EngineHarness
    private let connection: UnsafeMutableRawPointer

    init() {
        harness = EngineHarness()
        looks = 0
        harness.engine.clock = {
            looks += 1
            return looks * 100_000
        }
        connection = harness.open()
    }

    // A turn has 250 µs: the first look begins them, the fourth, at 256 units, comes after them.

    /// How many requests each turn answered.
    private func turns() -> [Int] {
        var counts = [harness.seen.count]
        _ = harness.outputOfTurn(connection)
        while harness.takeTurn(connection) {
            counts.append(harness.seen.count - counts.reduce(0, +))
            _ = harness.outputOfTurn(connection)
        }
        return counts
    }

    /// A whole read was answered in one go, and what waited behind it as well: p99 of others 74 ms.
    @Test func pipelinedRequestsTakeTurns() {
        let text = (0..<90).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        harness.feed(connection, text.utf8)
        #expect(!harness.engine.wantsInput(connection) && harness.engine.isBehind(connection))
        #expect(turns() == [32, 32, 26])
        #expect(harness.seen.map(\.target) == (0..<90).map { "/\($0)" })
        #expect(harness.engine.wantsInput(connection))
        harness.engine.close(connection)
    }

    @Test func chunksTakeTurns() {
        harness.feed(connection, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        harness.feed(connection, (String(repeating: "1\r\nx\r\n", count: 1000) + "0\r\n\r\n").utf8)
        var bodies: [Int] = []
        let state = connection.assumingMemoryBound(to: HTTPConnection.self)
        repeat {
            bodies.append(state.pointee.http1.stream?.pointee.body.count ?? -1)
        } while harness.takeTurn(connection)
        #expect(bodies == [256, 512, 768, -1])
        #expect(harness.seen.map(\.body) == [String(repeating: "x", count: 1000)])
        harness.engine.close(connection)
    }

    @Test func framesTakeTurns() {
        var limits = HTTPLimits()
        limits.streams = 1000
        let harness = EngineHarness(limits: limits)
        harness.engine.clock = self.harness.engine.clock
        let connection = harness.open()
        harness.feed(connection, RawFrames.opening)
        _ = harness.output(connection)
        let bytes = (0..<400).flatMap { RawFrames.frame(1, flags: 5, stream: UInt32(2 * $0 + 1), RawFrames.get) }
        harness.feed(connection, bytes)
        #expect(!harness.engine.wantsInput(connection) && harness.engine.isBehind(connection))
        #expect(harness.seen.count == 256)
        #expect(harness.takeTurn(connection))
        #expect(harness.seen.count == 400)
        #expect(harness.engine.wantsInput(connection))
        harness.engine.close(connection)
    }

    @Test func aLargeBodyCountsByItsBytes() {
        let body = String(repeating: "x", count: 20_000)
        let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + body
        harness.feed(connection, String(repeating: request, count: 20).utf8)
        // A head 8 units, its body 20, its end another: the last turn finds nothing left but an end.
        #expect(turns() == [9, 10, 1])
        harness.engine.close(connection)
    }

    @Test func whoBringsLittleIsNotTimed() {
        harness.feed(connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let other = harness.open()
        harness.feed(other, RawFrames.opening + RawFrames.frame(1, flags: 5, stream: 1, RawFrames.get))
        #expect(harness.seen.count == 3)
        #expect(looks == 0)
        harness.engine.close(connection)
        harness.engine.close(other)
    }

    /// A client that has sent everything and closed its side still gets every answer.
    @Test func theEndOfInputWaitsForTheTurns() {
        let text = (0..<90).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        harness.feed(connection, text.utf8)
        harness.engine.receive(connection, UnsafeRawPointer(connection), 0)
        #expect(!harness.engine.isFinished(connection))
        _ = harness.output(connection)
        #expect(harness.seen.count == 90)
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }
}
