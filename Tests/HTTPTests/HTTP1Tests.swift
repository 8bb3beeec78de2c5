import Testing

@testable import HTTP

@Suite struct HTTP1Tests {
    private let post = "POST /v2/models/fraud/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"

    @Test func aRequestSplitAnywhereIsTheSame() {
        for split in 1..<post.utf8.count {
            let harness = EngineHarness()
            let connection = harness.open()
            harness.feed(connection, post.utf8.prefix(split))
            _ = harness.output(connection)
            harness.feed(connection, post.utf8.dropFirst(split))
            let output = String(decoding: harness.output(connection), as: UTF8.self)
            #expect(harness.seen == [SeenRequest(method: .post, target: "/v2/models/fraud/infer", body: "abcd")])
            #expect(output.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(output.hasSuffix("\r\n\r\n/v2/models/fraud/infer"))
            #expect(!harness.engine.isFinished(connection))
            harness.engine.close(connection)
        }
    }

    @Test func aChunkedBodyByteByByteIsWhole() {
        let text =
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
        let harness = EngineHarness()
        let connection = harness.open()
        for byte in text.utf8 { harness.feed(connection, [byte]) }
        #expect(harness.seen == [SeenRequest(method: .post, target: "/a", body: "abcde")])
        harness.engine.close(connection)
    }

    /// A body of 1 MiB in chunks of a byte is six times as much to read, and nothing that anybody means.
    @Test func aBodyHasSoManySmallChunks() {
        let head = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let small = String(repeating: "1\r\nx\r\n", count: 1024) + "40\r\n\(String(repeating: "y", count: 64))\r\n"
        let taken = EngineHarness()
        #expect(taken.exchange(head + small + "0\r\n\r\n").output.hasPrefix("HTTP/1.1 200"))
        let refused = EngineHarness()
        let answer = refused.exchange(head + small + "1\r\nx\r\n1\r\n")
        #expect(answer.output.hasPrefix("HTTP/1.1 400") && answer.isFinished && refused.seen.isEmpty)
    }

    /// http-parser refused a length with a tab behind it, and overlooked such a `close`.
    @Test func tabsAroundValuesAreNoPartOfThem() {
        let harness = EngineHarness()
        let whole = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length:\t2\t \r\n\r\nab"
        let chunked = "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n1\r\nc\r\n0\r\n\r\n"
        let last = harness.exchange(whole + chunked + "GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\t\r\n\r\n")
        #expect(harness.seen.map(\.body) == ["ab", "c", ""])
        #expect(last.isFinished && last.output.contains("connection: close"))
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() {
        let harness = EngineHarness()
        harness.answersAtOnce = false
        let connection = harness.open()
        let text = (0..<5).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        harness.feed(connection, text.utf8)
        #expect(harness.waiting.count == 5)
        for index in [4, 2, 1] { harness.answerWaiting(at: index) }
        #expect(harness.output(connection).isEmpty)
        for _ in 0..<2 { harness.answerWaiting(at: 0) }
        let bodies = String(decoding: harness.output(connection, room: 7), as: UTF8.self)
            .components(separatedBy: "\r\n\r\n").dropFirst().map { $0.prefix(2) }
        #expect(bodies == ["/0", "/1", "/2", "/3", "/4"])
        harness.engine.close(connection)
    }

    @Test func moreThanTheLimitInFlightWaitsForRoom() {
        var limits = HTTPLimits()
        limits.streams = 2
        let harness = EngineHarness(limits: limits)
        harness.answersAtOnce = false
        let connection = harness.open()
        harness.feed(connection, (0..<5).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined().utf8)
        #expect(harness.waiting.count == 2)
        var answers = 0
        while !harness.waiting.isEmpty {
            harness.answerWaiting(at: 0)
            answers += 1
            _ = harness.output(connection)
        }
        #expect(answers == 5 && harness.seen.map(\.target) == ["/0", "/1", "/2", "/3", "/4"])
        harness.engine.close(connection)
    }

    @Test func withOneRequestInFlightAllowedABodyStillArrives() {
        var limits = HTTPLimits()
        limits.streams = 1
        let harness = EngineHarness(limits: limits)
        let (output, _) = harness.exchange(post + post)
        #expect(harness.seen.map(\.body) == ["abcd", "abcd"])
        #expect(output.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\n: b\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA: b\u{0}c\r\n\r\n", "GET / HTTP/1.1\r\nA\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
    ])
    func whatTwoServersCouldReadDifferentlyIsRefused(text: String) {
        let harness = EngineHarness()
        let (output, isFinished) = harness.exchange(text)
        #expect(output.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(output)")
        #expect(output.contains("connection: close"))
        #expect(isFinished)
        #expect(harness.seen.isEmpty)
    }

    @Test func aBodyOverTheLimitIsRefusedBeforeItHasCome() {
        var limits = HTTPLimits()
        limits.bodyBytes = 10
        for head in ["Content-Length: 11\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk"] {
            let harness = EngineHarness(limits: limits)
            let (output, isFinished) = harness.exchange("POST / HTTP/1.1\r\nHost: a\r\n" + head)
            #expect(output.hasPrefix("HTTP/1.1 413 "))
            #expect(isFinished && harness.seen.isEmpty)
        }
    }

    @Test func aFaultyFieldIsAnsweredAfterTheBodyAndTheConnectionLives() {
        let harness = EngineHarness()
        let connection = harness.open()
        let head = "POST / HTTP/1.1\r\nHost: a\r\nInference-Header-Content-Length: x\r\nContent-Length: 4\r\n\r\n"
        harness.feed(connection, head.utf8)
        #expect(harness.output(connection).isEmpty)
        harness.feed(connection, "abcdGET /next HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let output = String(decoding: harness.output(connection), as: UTF8.self)
        #expect(output.hasPrefix("HTTP/1.1 400 ") && output.contains("HTTP/1.1 200 OK"))
        #expect(!harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func headersOverTheLimitAreRefused() {
        let harness = EngineHarness()
        let (output, isFinished) = harness.exchange(
            "GET / HTTP/1.1\r\n" + String(repeating: "A: bbbbbbbbbbbbbbbbbbbb\r\n", count: 1000))
        #expect(output.hasPrefix("HTTP/1.1 431 ") && isFinished)
    }

    @Test func expectGetsItsContinueAndThenTheAnswer() {
        let harness = EngineHarness()
        let connection = harness.open()
        harness.feed(
            connection, "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n".utf8)
        #expect(String(decoding: harness.output(connection), as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
        harness.feed(connection, "xy".utf8)
        #expect(String(decoding: harness.output(connection), as: UTF8.self).hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(harness.seen.map(\.body) == ["xy"])
        harness.engine.close(connection)
    }

    @Test func headHasTheLengthAndNoBody() {
        let (output, _) = EngineHarness().exchange("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(output.contains("content-length: 4\r\n") && output.hasSuffix("\r\n\r\n"))
    }

    @Test func closeAndVersion10EndTheConnection() {
        for text in ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
            let (output, isFinished) = EngineHarness().exchange(text)
            #expect(output.hasPrefix("HTTP/1.1 200 ") && output.contains("connection: close") && isFinished)
        }
    }

    @Test func anIncompleteHeadExpiresWith408() {
        let harness = EngineHarness()
        let connection = harness.open()
        harness.feed(connection, "GET / HTTP/1.1\r\nHost:".utf8)
        harness.engine.now += harness.engine.limits.headerNanos
        #expect(harness.engine.deadline(connection) <= harness.engine.now)
        harness.engine.expire(connection)
        #expect(String(decoding: harness.output(connection), as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
        #expect(harness.engine.isFinished(connection))
        harness.engine.close(connection)
    }

    @Test func aClosedConnectionCancelsWhatWaits() {
        let harness = EngineHarness()
        harness.answersAtOnce = false
        let connection = harness.open()
        harness.feed(connection, post.utf8)
        harness.engine.close(connection)
        #expect(harness.cancelled == 1 && harness.waiting.isEmpty)
    }

    @Test func overTheConnectionLimitTheAnswerIs503() {
        let harness = EngineHarness()
        let connection = harness.open(isRefusing: true)
        harness.feed(connection, post.utf8)
        let output = String(decoding: harness.output(connection), as: UTF8.self)
        #expect(output.hasPrefix("HTTP/1.1 503 ") && output.contains("retry-after: 1"))
        #expect(harness.engine.isFinished(connection) && harness.seen.isEmpty)
        harness.engine.close(connection)
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        var result: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            result.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return result + [rest]
    }
}
