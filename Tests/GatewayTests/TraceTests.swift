// Which requests are traced, and what their records say: a plane without sockets, a ring that the test reads.

import Configuration
import Monitoring
import Telemetry
import Testing

@testable import Gateway

@Suite(.serialized) struct TraceTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let row =
        "129.5,2.25,4,0,2,1,0,0,812.5,402.5,0.25,1,1,0,0,2,9,30,0,48.5,362.25,1554,2.5,360,0,350,348,58,7,1,2,0.125"

    private func request(_ fields: String = "", data: String = row, model: String = "fraud") -> String {
        let body = "{\"inputs\":[{\"name\":\"features\",\"shape\":[1,32],\"datatype\":\"FP32\",\"data\":[\(data)]}]}"
        return
            "POST /v2/models/\(model)/infer HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n"
            + body
    }

    private func parent(_ flags: String) -> String { "traceparent: 00-\(Self.trace)-00f067aa0ba902b7-\(flags)\r\n" }

    /// Answers a request that takes so many milliseconds; the records that it has left.
    private func records(
        _ request: String, ratio: Double = 0, slowMillis: Double = 1000, failures: Bool = true, millis: Double = 1,
        capacity: Int = 16, times: Int = 1
    ) throws -> (records: [TraceRecord], dropped: Double, exemplars: Int) {
        let harness = try PlaneHarness(timeout: "{default: 100ms, max: 1s}")
        let ring = RecordRing(capacity: capacity, recordBytes: TraceRecord.recordBytes)
        let dropped = try harness.plane.metrics.registry.counter("dropped_total", "D.")
        harness.plane.traces = PlaneTraces(
            ring: .passUnretained(ring), dropped: dropped, threshold: PlaneTraces.threshold(ratio: ratio),
            slowNanos: UInt64(slowMillis * 1e6), keepsFailures: failures)
        for _ in 0..<times {
            harness.advance(millis: 0)
            harness.feed(request)
            harness.advance(millis: millis)
            harness.runLanes()
            _ = harness.statuses()
        }
        var records: [TraceRecord] = []
        while let place = ring.first() {
            records.append(place.load(as: TraceRecord.self))
            ring.release()
        }
        let page = String(decoding: harness.plane.metrics.registry.render(.openMetrics), as: UTF8.self)
        harness.close()
        return (records, harness.total("dropped_total"), page.split(separator: "trace_id=").count - 1)
    }

    @Test func whatIsKept() throws {
        #expect(try records(request(parent("01"))).records.count == 1, "the caller keeps it")
        #expect(try records(request(parent("00")), ratio: 1).records.isEmpty, "the caller does not")
        #expect(try records(request(), ratio: 1).records.count == 1)
        #expect(try records(request(), ratio: 0).records.isEmpty)
        #expect(try records(request(parent("00")), slowMillis: 4, millis: 5).records.count == 1, "slow")
        #expect(try records(request(), slowMillis: 4, millis: 3).records.isEmpty)
        #expect(try records(request(), millis: 101).records.count == 1, "failed")
        #expect(try records(request(), failures: false, millis: 101).records.isEmpty)
        #expect(try records(request(data: "1")).records.isEmpty, "a client's error is no failure")
        #expect(try records(request(data: "1"), ratio: 1).records.count == 1)
        #expect(try records(request(model: "nobody"), ratio: 1).records.count == 1)
    }

    @Test func whatARecordSays() throws {
        let one = try #require(try records(request(parent("03")), millis: 2).records.first)
        #expect(one.trace == (0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736) && one.parent == 0x00f0_67aa_0ba9_02b7)
        #expect(one.flags == 3 && one.span != 0 && one.status == 200 && one.rows == 1 && !one.isHTTP2)
        #expect(one.operation == .infer && one.outcome.description == "ok" && !one.isFailed && !one.isFallback)
        #expect(one.queuedAt >= one.arrivedAt && one.startedAt == one.queuedAt + 2_000_000)
        #expect(one.computedAt >= one.startedAt && one.endedAt >= one.computedAt && one.spanCount == 4)
        let late = try #require(try records(request(), millis: 150).records.first)
        #expect(late.outcome.description == "timeout" && late.isFailed && late.status == 504 && late.flags == 1)
        #expect(late.startedAt == 0 && late.computedAt == 0 && late.queuedAt > 0 && late.spanCount == 2)
        #expect(late.trace != (0, 0) && late.parent == 0)
        let wrong = try #require(try records(request(data: "1"), ratio: 1).records.first)
        #expect(wrong.status == 400 && wrong.queuedAt == 0 && wrong.spanCount == 1)
    }

    @Test func aFullRingDropsAndCountsSpans() throws {
        let found = try records(request(), ratio: 1, capacity: 16, times: 20)
        #expect(found.records.count == 16 && found.dropped == 4 * 4)
        #expect(Set(found.records.map(\.span)).count == 16)
    }

    @Test func aDrawKeepsItsShare() throws {
        let found = try records(request(), ratio: 0.25, capacity: 1024, times: 800)
        #expect(140...260 ~= found.records.count, "\(found.records.count)")
    }

    @Test func aKeptTraceIsItsBucketsExemplar() throws {
        #expect(try records(request(parent("01"))).exemplars == 1)
        #expect(try records(request(parent("00"))).exemplars == 0)
    }

    @Test func aCallersTraceIsAnExemplarThoughNothingIsTraced() throws {
        let harness = try PlaneHarness()
        harness.feed(request(parent("01")))
        harness.runLanes()
        let page = String(decoding: harness.plane.metrics.registry.render(.openMetrics), as: UTF8.self)
        #expect(page.contains(#"# {trace_id="\#(Self.trace)"}"#) && harness.statuses() == [200])
        harness.close()
    }

    // MARK: The collector's side

    @Test func answersOfCollectors() throws {
        func head(_ text: String) -> CollectorAnswerHead? { CollectorAnswerHead(Array(text.utf8)[...]) }
        let plain = try #require(head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n"))
        #expect(plain.status == 200 && plain.length == 2 && plain.isKept && plain.retryAfterNanos == nil)
        let busy = try #require(head("HTTP/1.1 503 Busy\r\nretry-after: 7\r\nconnection: Close\r\n\r\n"))
        #expect(busy.status == 503 && busy.length == nil && !busy.isKept && busy.retryAfterNanos == 7_000_000_000)
        let chunked = try #require(head("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n"))
        #expect(chunked.length == nil)
        #expect(head("HTTP/1.1 204 No\r\n\r\n")?.length == 0 && head("HTTP/1.0 200 OK\r\n\r\n")?.isKept == false)
        #expect(head("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n")?.length == nil)
        for text in ["", "HTTP/2 200", "HTTP/1.1 x", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 999 \r\n\r\n"] {
            #expect(head(text) == nil)
        }
    }

    @Test func rejectedSpansAreRead() {
        #expect(TraceExporter.rejectedSpans([]) == 0)
        #expect(TraceExporter.rejectedSpans([0x0a, 0x02, 0x08, 0x07]) == 7)
        #expect(TraceExporter.rejectedSpans([0x0a, 0x05, 0x12, 0x03, 0x61, 0x62, 0x63]) == 0)
        #expect(TraceExporter.rejectedSpans(Array("<html>".utf8)) == 0)
    }
}
