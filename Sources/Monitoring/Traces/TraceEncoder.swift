// Records as OTLP: the body of a POST to /v1/traces (opentelemetry-proto 1.x, ExportTraceServiceRequest in protobuf).
//
//     resource_spans 1 { resource 1 { service.name, … }  scope_spans 2 { scope 1 { name, version }  spans 2 … } }
//
// The request's span is the server's; queue, compute and respond are its children. Their identifiers come of the
// request's, by a permutation of 64-bit words, so the reactor draws one number.

import GRPC
import Primitives

public struct TraceEncoder {
    /// opentelemetry.proto.trace.v1.Span.SpanKind
    private static let (internalKind, serverKind): (UInt64, UInt64) = (1, 2)
    /// Span.flags: the parent is known to be remote, or known not to be.
    private static let (knownRemote, remote): (UInt32, UInt32) = (0x100, 0x200)
    /// Status.StatusCode
    private static let errorCode: UInt64 = 2

    private let resource: [UInt8]
    private let scope: [UInt8]
    private var spans = ProtobufWriter()
    /// Spans since the last `take`.
    public private(set) var spanCount = 0

    /// `resource`: what the spans say of this process, besides the service's name.
    public init(service: String, version: String, resource attributes: [(String, String)]) {
        var writer = ProtobufWriter()
        for (key, value) in [("service.name", service), ("service.version", version)] + attributes {
            Self.attribute(key, value, to: &writer, 1)
        }
        resource = writer.bytes
        var named = ProtobufWriter()
        named.field(1, "serin")
        named.field(2, version)
        scope = named.bytes
    }

    /// The message with what was appended, and begins another.
    public mutating func take() -> [UInt8] {
        var request = ProtobufWriter()
        request.message(1) { resourceSpans in
            resourceSpans.element(1, bytes: resource)
            resourceSpans.message(2) { scopeSpans in
                scopeSpans.element(1, bytes: scope)
                scopeSpans.append(spans)
            }
        }
        spans = ProtobufWriter()
        spanCount = 0
        return request.bytes
    }

    /// Appends a record's spans. `clockOffset`: what the wall clock is ahead of the record's.
    public mutating func append(_ place: UnsafeRawPointer, clockOffset: Int64) {
        let record = place.load(as: TraceRecord.self)
        let (model, version, arm) = record.texts(at: place)
        spans.message(2) { span in
            Self.begin(&span, record, id: record.span, parent: record.parent, record.operation.name, Self.serverKind)
            Self.times(&span, record.arrivedAt, record.endedAt, clockOffset)
            Self.protocolAttributes(record, to: &span)
            let named = [("serin.model", model), ("serin.version", version), ("serin.arm", arm)]
            for (key, value) in named where !value.isEmpty { Self.attribute(key, value, to: &span, 9) }
            Self.attribute("serin.outcome", record.outcome.description, to: &span, 9)
            if record.computedAt > 0 {
                Self.attribute("serin.tier", record.isFallback ? "fallback" : "full", to: &span, 9)
            }
            if record.rows > 0 { Self.attribute("serin.rows", Int64(record.rows), to: &span, 9) }
            if record.isFailed {
                Self.attribute("error.type", record.outcome.description, to: &span, 9)
                span.message(15) { $0.field(3, Self.errorCode) }
            }
            Self.flags(&span, record, isRemote: record.parent != 0)
        }
        children(record, clockOffset)
        spanCount += record.spanCount
    }

    private mutating func children(_ record: TraceRecord, _ offset: Int64) {
        let waitsUntil = record.startedAt > 0 ? record.startedAt : record.endedAt
        var parts: [(name: String, from: UInt64, to: UInt64)] = []
        if record.queuedAt > 0 { parts.append(("queue", record.queuedAt, max(waitsUntil, record.queuedAt))) }
        if record.computedAt > 0 {
            parts.append(("compute", record.startedAt, record.computedAt))
            parts.append(("respond", record.computedAt, max(record.endedAt, record.computedAt)))
        }
        for (place, part) in parts.enumerated() {
            spans.message(2) { span in
                let id = mixed(record.span &+ UInt64(place) &+ 1)
                Self.begin(&span, record, id: id == 0 ? 1 : id, parent: record.span, part.name, Self.internalKind)
                Self.times(&span, part.from, part.to, offset)
                Self.flags(&span, record, isRemote: false)
            }
        }
    }

    // MARK: Fields of a span

    private static func begin(
        _ span: inout ProtobufWriter, _ record: TraceRecord, id: UInt64, parent: UInt64, _ name: String, _ kind: UInt64
    ) {
        span.element(1, bytes: bytes(record.trace.high) + bytes(record.trace.low))
        span.element(2, bytes: bytes(id))
        if parent != 0 { span.element(4, bytes: bytes(parent)) }
        span.field(5, name)
        span.field(6, kind)
    }

    private static func times(_ span: inout ProtobufWriter, _ from: UInt64, _ to: UInt64, _ offset: Int64) {
        span.fixed(7, UInt64(bitPattern: Int64(bitPattern: from) &+ offset))
        span.fixed(8, UInt64(bitPattern: Int64(bitPattern: to) &+ offset))
    }

    private static func flags(_ span: inout ProtobufWriter, _ record: TraceRecord, isRemote: Bool) {
        span.fixed(16, UInt32(record.flags) | knownRemote | (isRemote ? remote : 0))
    }

    private static func protocolAttributes(_ record: TraceRecord, to span: inout ProtobufWriter) {
        attribute("network.protocol.name", "http", to: &span, 9)
        attribute("network.protocol.version", record.isHTTP2 ? "2" : "1.1", to: &span, 9)
        if record.operation == .modelInfer {
            attribute("rpc.system", "grpc", to: &span, 9)
            attribute("rpc.service", "inference.GRPCInferenceService", to: &span, 9)
            attribute("rpc.method", "ModelInfer", to: &span, 9)
            let code = record.status == 200 ? GRPCStatus.Code.ok : GRPCStatus.code(httpStatus: Int(record.status))
            if record.status > 0 { attribute("rpc.grpc.status_code", Int64(code.rawValue), to: &span, 9) }
        } else {
            attribute("http.request.method", "POST", to: &span, 9)
            if let route = record.operation.route { attribute("http.route", route, to: &span, 9) }
            if record.status > 0 { attribute("http.response.status_code", Int64(record.status), to: &span, 9) }
        }
    }

    /// A KeyValue as field `number`.
    private static func attribute(_ key: String, _ value: String, to writer: inout ProtobufWriter, _ number: Int) {
        writer.message(number) { pair in
            pair.field(1, key)
            pair.message(2) { $0.element(1, value) }
        }
    }

    private static func attribute(_ key: String, _ value: Int64, to writer: inout ProtobufWriter, _ number: Int) {
        writer.message(number) { pair in
            pair.field(1, key)
            pair.message(2) { $0.present(3, UInt64(bitPattern: value)) }
        }
    }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    }
}
