// Deadlines and cancellation, with lanes that hold their jobs until the test runs them, as an executor will.

import Testing

@testable import Gateway

@Suite(.serialized) struct DeadlineTests {
    private static let row =
        "129.5,2.25,4,0,2,1,0,0,812.5,402.5,0.25,1,1,0,0,2,9,30,0,48.5,362.25,1554,2.5,360,0,350,348,58,7,1,2,0.125"

    private func request(fields: String = "", parameters: String = "", rows: Int = 1) -> String {
        let data = Array(repeating: Self.row, count: rows).joined(separator: ",")
        let body =
            "{\(parameters)\"inputs\":[{\"name\":\"features\",\"shape\":[\(rows),32],\"datatype\":\"FP32\",\"data\":[\(data)]}]}"
        return "POST /v2/models/fraud/infer HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n"
            + body
    }

    private func outcome(_ harness: PlaneHarness, _ outcome: String) -> Double {
        harness.total("serin_requests_total", #"outcome="\#(outcome)""#)
    }

    private func scored(_ harness: PlaneHarness) -> Double { harness.total("serin_batch_size_sum") }

    @Test func aRequestInTimeIsScored() throws {
        let harness = try PlaneHarness(timeout: "{default: 10ms, max: 1s}")
        harness.feed(request())
        #expect(harness.total("serin_inflight") == 1)
        harness.advance(millis: 9)
        harness.runLanes()
        #expect(harness.statuses() == [200])
        #expect(outcome(harness, "ok") == 1 && scored(harness) == 1 && harness.total("serin_inflight") == 0)
        harness.close()
    }

    @Test(arguments: [
        ("", ""), ("serin-timeout-ms: 10\r\n", ""), ("grpc-timeout: 10m\r\n", ""),
        ("", #""parameters":{"timeout":10000},"#),
        ("serin-timeout-ms: 10\r\ngrpc-timeout: 1S\r\n", #""parameters":{"timeout":900000},"#),
        ("serin-timeout-ms: 500\r\n", #""parameters":{"timeout":10000},"#),
    ])
    func theWheelAnswersAtTheDeadlineWhileTheLaneHolds(fields: String, parameters: String) throws {
        let harness = try PlaneHarness(timeout: "{default: 10ms, max: 1s}")
        harness.feed(request(fields: fields, parameters: parameters))
        harness.advance(millis: 9.9)
        #expect(harness.statuses() == [])
        harness.advance(millis: 10)
        #expect(harness.statuses() == [504])
        #expect(outcome(harness, "timeout") == 1 && harness.total("serin_inflight") == 0)
        harness.runLanes()
        #expect(scored(harness) == 0 && harness.statuses() == [])
        #expect(harness.total("serin_unexecuted_total", #"reason="timeout""#) == 1)
        #expect(harness.total("serin_request_duration_seconds_count") == 1)
        // The slot is used again, and works.
        harness.feed(request())
        harness.runLanes()
        #expect(harness.statuses() == [200] && outcome(harness, "timeout") == 1)
        harness.close()
    }

    @Test func theCapHoldsAndADefaultOnlyWhereNothingIsAsked() throws {
        let harness = try PlaneHarness(timeout: "{default: 10ms, max: 100ms}")
        harness.feed(request(fields: "serin-timeout-ms: 5000\r\n"))
        harness.feed(request(parameters: #""parameters":{"timeout":0},"#))
        harness.advance(millis: 10)
        #expect(outcome(harness, "timeout") == 1)
        harness.advance(millis: 99)
        #expect(outcome(harness, "timeout") == 1)
        harness.advance(millis: 100)
        #expect(harness.statuses() == [504, 504] && outcome(harness, "timeout") == 2)
        harness.close()
        harness.runLanes()
        #expect(scored(harness) == 0)
    }

    @Test func withoutATimeoutNothingExpires() throws {
        let harness = try PlaneHarness()
        harness.feed(request())
        harness.advance(millis: 50_000)
        harness.runLanes()
        #expect(harness.statuses() == [200])
        harness.close()
    }

    @Test(arguments: [("serin-timeout-ms: 0\r\n", ""), ("grpc-timeout: 0n\r\n", "")])
    func aDeadlineThatHasPassedIsAnsweredAtOnce(fields: String, parameters: String) throws {
        let harness = try PlaneHarness()
        harness.feed(request(fields: fields, parameters: parameters))
        #expect(harness.statuses() == [504] && outcome(harness, "timeout") == 1)
        #expect(harness.total("serin_unexecuted_total") == 1 && harness.total("serin_inflight") == 0)
        harness.runLanes()
        #expect(scored(harness) == 0)
        harness.close()
    }

    @Test func aBodyThatCameTooLateIsNotDecoded() throws {
        let harness = try PlaneHarness(timeout: "{default: 10ms, max: 1s}")
        let text = request()
        let head = text.prefix(text.count - 10)
        harness.feed(String(head))
        harness.advance(millis: 11)
        harness.feed(String(text.dropFirst(head.count)))
        #expect(harness.statuses() == [504] && outcome(harness, "timeout") == 1)
        harness.close()
    }

    /// A thousand rows take longer than a microsecond on any machine.
    @Test(arguments: ["serin-timeout-ms: 0.001\r\n", "grpc-timeout: 1u\r\n"])
    func aDeadlineTooShortForTheRowsIsAnsweredWithoutScoring(fields: String) throws {
        let harness = try PlaneHarness()
        harness.feed(request(fields: fields, rows: 1000))
        #expect(harness.statuses() == [504])
        #expect(scored(harness) == 0 && outcome(harness, "timeout") == 1 && harness.total("serin_inflight") == 0)
        harness.close()
    }

    @Test func aScoreThatCameTooLateIsNotSent() throws {
        let harness = try PlaneHarness(timeout: "{default: 10ms, max: 1s}")
        harness.feed(request())
        harness.feed(request(fields: "serin-timeout-ms: 100\r\n"))
        harness.runLanes(until: 20)
        #expect(harness.statuses() == [504, 200])
        #expect(scored(harness) == 2 && harness.total("serin_unexecuted_total") == 0)
        #expect(outcome(harness, "timeout") == 1 && outcome(harness, "ok") == 1)
        harness.close()
    }

    @Test func ofABatchOnlyWhatIsWaitedForIsScored() throws {
        let harness = try PlaneHarness()
        for span in [50, 5, 50, 5, 50] { harness.feed(request(fields: "serin-timeout-ms: \(span)\r\n")) }
        harness.advance(millis: 20)
        harness.runLanes()
        #expect(harness.statuses() == [200, 504, 200, 504, 200])
        #expect(scored(harness) == 3 && harness.total("serin_unexecuted_total") == 2)
        harness.close()
    }

    @Test func aClosedConnectionsWorkIsNotDone() throws {
        let harness = try PlaneHarness(timeout: "{default: 10ms, max: 1s}")
        for _ in 0..<3 { harness.feed(request()) }
        harness.close()
        #expect(outcome(harness, "cancelled") == 3 && harness.total("serin_inflight") == 0)
        harness.advance(millis: 30)
        harness.runLanes()
        #expect(scored(harness) == 0 && harness.total("serin_compute_duration_seconds_count") == 0)
        #expect(harness.total("serin_unexecuted_total", #"reason="cancelled""#) == 3)
        #expect(outcome(harness, "cancelled") == 3 && outcome(harness, "timeout") == 0)
    }
}
