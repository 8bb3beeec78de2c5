import Testing

@testable import HTTP

/// What unfinished bodies and unread answers may take, and from whom.
@Suite struct MemoryTests {
    private static func post(_ length: Int) -> String {
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n"
    }

    @Test func bodiesAreCountedUntilTheyAreOverAndNoLonger() {
        let harness = EngineHarness()
        let one = harness.open()
        harness.feed(one, (Self.post(1000) + String(repeating: "x", count: 999)).utf8)
        #expect(harness.engine.receivingBytes == 2048, "with its padding, in powers of two")
        harness.feed(one, "x".utf8)
        #expect(harness.engine.receivingBytes == 0 && harness.seen.count == 1)
        harness.feed(one, (Self.post(40_000) + String(repeating: "x", count: 20_000)).utf8)
        #expect(harness.engine.receivingBytes == 64 << 10)
        harness.engine.close(one)
        #expect(harness.engine.receivingBytes == 0)
    }

    /// Whoever holds much is refused for it; a small body passes however full it is.
    @Test func whoHoldsMuchIsRefusedAndOthersAreNot() {
        var limits = HTTPLimits()
        limits.receivingBytes = 256 << 10
        let harness = EngineHarness(limits: limits)
        let greedy = (0..<8).map { _ in harness.open() }
        for connection in greedy {
            harness.feed(connection, (Self.post(100_000) + String(repeating: "x", count: 99_000)).utf8)
        }
        let refused = greedy.filter { String(decoding: harness.output($0), as: UTF8.self).contains(" 503 ") }
        #expect(refused.count == 6, "two bodies of 128 KiB fit")
        let modest = harness.open()
        harness.feed(modest, (Self.post(10_000) + String(repeating: "x", count: 10_000)).utf8)
        #expect(harness.seen.count == 1)
        for connection in greedy + [modest] { harness.engine.close(connection) }
        #expect(harness.engine.receivingBytes == 0)
    }

    /// Answers that nobody reads stop the parsing of further requests.
    @Test func unreadAnswersStopAPipeline() {
        var limits = HTTPLimits()
        limits.outputBytes = 1 << 10
        let harness = EngineHarness(limits: limits)
        let connection = harness.open()
        let target = "/" + String(repeating: "t", count: 199)
        let request = "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"
        harness.feed(connection, String(repeating: request, count: 50).utf8)
        #expect(harness.seen.count == 3, "answers that stand in 512 bytes each, until there are more than 1,024")
        var output: [UInt8] = []
        for _ in 0..<50 { output += harness.output(connection) }
        #expect(harness.seen.count == 50)
        #expect(String(decoding: output, as: UTF8.self).components(of: "HTTP/1.1 200") == 50)
        harness.engine.close(connection)
    }
}

extension String {
    fileprivate func components(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
