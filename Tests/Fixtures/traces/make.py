"""Writes request.otlp, what TraceEncoderTests holds the encoder against, with opentelemetry-proto's own classes."""

from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

TRACE = bytes.fromhex("4bf92f3577b34da6a3ce929d0e0e4736")
CALLER = bytes.fromhex("00f067aa0ba902b7")
SPAN = 0x1122334455667788
START = 1_700_000_000_000_000_000


def mixed(word: int) -> int:
    """The finaliser of splitmix64, which names a request's children."""
    mask = (1 << 64) - 1
    word = (word + 0x9E3779B97F4A7C15) & mask
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & mask
    word = (word ^ word >> 27) * 0x94D049BB133111EB & mask
    return word ^ word >> 31


def attributes(target, values: dict):
    for key, value in values.items():
        pair = target.add(key=key)
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value


def add(spans, name: str, number: int, parent: bytes, start: int, end: int, kind, flags: int, **values) -> Span:
    span = spans.add(
        trace_id=TRACE, span_id=number.to_bytes(8, "big"), parent_span_id=parent, name=name, kind=kind, flags=flags,
        start_time_unix_nano=START + start, end_time_unix_nano=START + end)
    attributes(span.attributes, values)
    return span


request = ExportTraceServiceRequest()
resource_spans = request.resource_spans.add()
attributes(resource_spans.resource.attributes, {
    "service.name": "payments", "service.version": "0.1.0", "host.name": "a"})
scope_spans = resource_spans.scope_spans.add()
scope_spans.scope.name, scope_spans.scope.version = "serin", "0.1.0"
spans = scope_spans.spans
common = {"network.protocol.name": "http", "network.protocol.version": "2"}
add(spans, "POST /v2/models/{model}/infer", SPAN, CALLER, 100, 900, Span.SPAN_KIND_SERVER, 0x301, **common, **{
    "http.request.method": "POST", "http.route": "/v2/models/{model}/infer", "http.response.status_code": 200,
    "serin.model": "fraud", "serin.version": "2", "serin.arm": "canary", "serin.outcome": "ok", "serin.tier": "full",
    "serin.rows": 300})
for place, (name, start, end) in enumerate([("queue", 200, 400), ("compute", 400, 700), ("respond", 700, 900)]):
    add(spans, name, mixed(SPAN + place + 1), SPAN.to_bytes(8, "big"), start, end, Span.SPAN_KIND_INTERNAL, 0x101)
failed = add(spans, "inference.GRPCInferenceService/ModelInfer", 1, b"", 1000, 2000, Span.SPAN_KIND_SERVER, 0x101,
             **common, **{
    "rpc.system": "grpc", "rpc.service": "inference.GRPCInferenceService", "rpc.method": "ModelInfer",
    "rpc.grpc.status_code": 4, "serin.model": "fraud", "serin.version": "2", "serin.arm": "stable",
    "serin.outcome": "timeout", "serin.rows": 1, "error.type": "timeout"})
failed.status.code = Status.STATUS_CODE_ERROR
add(spans, "queue", mixed(2), (1).to_bytes(8, "big"), 1100, 2000, Span.SPAN_KIND_INTERNAL, 0x101)
(Path(__file__).parent / "request.otlp").write_bytes(request.SerializeToString())
