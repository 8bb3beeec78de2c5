// The encoder against opentelemetry-proto's own bytes (Tests/Fixtures/traces/make.py).

import Foundation
import Testing

@testable import Monitoring

@Suite struct TraceEncoderTests {
    private static let start: Int64 = 1_700_000_000_000_000_000

    private func append(_ record: TraceRecord, arm: String, to encoder: inout TraceEncoder) {
        let place = UnsafeMutableRawPointer.allocate(byteCount: TraceRecord.recordBytes, alignment: 16)
        defer { place.deallocate() }
        var record = record
        withBytes("fraud") { model in
            withBytes("2") { version in
                withBytes(arm) { record.write(to: place, model: model, version: version, arm: $0) }
            }
        }
        encoder.append(place, clockOffset: Self.start)
    }

    private func withBytes(_ text: String, _ body: (UnsafeRawBufferPointer) -> Void) {
        Array(text.utf8).withUnsafeBytes(body)
    }

    private var scored: TraceRecord {
        var record = TraceRecord()
        record.trace = (0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736)
        (record.span, record.parent, record.flags) = (0x1122_3344_5566_7788, 0x00f0_67aa_0ba9_02b7, 1)
        (record.arrivedAt, record.queuedAt, record.startedAt) = (100, 200, 400)
        (record.computedAt, record.endedAt) = (700, 900)
        (record.outcome, record.rows, record.status) = ("ok", 300, 200)
        (record.operation, record.isHTTP2) = (.infer, true)
        return record
    }

    private var late: TraceRecord {
        var record = TraceRecord()
        record.trace = (0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736)
        (record.span, record.flags) = (1, 1)
        (record.arrivedAt, record.queuedAt, record.endedAt) = (1000, 1100, 2000)
        (record.outcome, record.rows, record.status) = ("timeout", 1, 504)
        (record.operation, record.isHTTP2, record.isFailed) = (.modelInfer, true, true)
        return record
    }

    @Test func itsBytesAreTheStandardsOwn() throws {
        var encoder = TraceEncoder(service: "payments", version: "0.1.0", resource: [("host.name", "a")])
        append(scored, arm: "canary", to: &encoder)
        append(late, arm: "stable", to: &encoder)
        #expect(encoder.spanCount == 6 && scored.spanCount == 4 && late.spanCount == 2)
        let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/traces/request.otlp")
        #expect(encoder.take() == Array(try Data(contentsOf: fixture)))
    }

    @Test func whatIsTakenIsGone() {
        var encoder = TraceEncoder(service: "a", version: "1", resource: [])
        let empty = encoder.take()
        append(scored, arm: "stable", to: &encoder)
        let full = encoder.take()
        #expect(full.count > empty.count && encoder.spanCount == 0 && encoder.take() == empty)
    }

    @Test func longTextsAreCutToTheRecord() {
        let place = UnsafeMutableRawPointer.allocate(byteCount: TraceRecord.recordBytes, alignment: 16)
        defer { place.deallocate() }
        var record = scored
        let long = String(repeating: "x", count: 1000)
        withBytes(long) { record.write(to: place, model: $0, version: $0, arm: $0) }
        let texts = place.load(as: TraceRecord.self).texts(at: place)
        #expect(texts.model.utf8.count == 128 && long.hasPrefix(texts.version) && long.hasPrefix(texts.arm))
        let used = MemoryLayout<TraceRecord>.stride + 128 + texts.version.utf8.count + texts.arm.utf8.count
        #expect(used == TraceRecord.recordBytes)
    }
}
