"""Traces: what a collector gets of requests, which requests, and what a bad collector does to the gateway: nothing."""

import json
import socket
import time

import httpx
import pytest

from harness import calls
from harness.collector import Collector, attributes
from harness.exposition import Exposition
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OUTCOMES = ("exported", "rejected", "failed", "full")


def parent(flags: str = "01", trace: str = TRACE) -> dict:
    return {"traceparent": f"00-{trace}-{PARENT}-{flags}"}


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:2], "FP32")).encode()


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


@pytest.fixture
def start(start_gateway):
    """A gateway that traces to a URL at once; by itself no request of these tests is slow."""

    def begin(url: str, **changes):
        traces = {"endpoint": url, "ratio": 0, "slow": "0s", "interval": "20ms", **changes.pop("traces", {})}
        return start_gateway(traces=traces, **changes)

    return begin


def counted(gateway) -> dict:
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
    return {name: metrics.total("serin_trace_spans_total", outcome=name) for name in OUTCOMES}


def wait_for_counts(gateway, seconds: float = 30, **wanted) -> dict:
    deadline = time.monotonic() + seconds
    while True:
        found = counted(gateway)
        if all(found[name] == value for name, value in wanted.items()):
            return found
        assert time.monotonic() < deadline, (found, wanted)
        time.sleep(0.05)


def test_a_callers_trace_goes_on_in_four_spans(start, collector, body):
    gateway = start(collector.url, traces={"service": "payments"})
    begin = time.time()
    answer = httpx.post(gateway.url + PATH, content=body, headers=parent())
    assert answer.status_code == 200
    spans = collector.wait_for(lambda spans: len(spans) >= 4)
    by_name = {span.name: span for span in spans}
    assert len(spans) == 4 and set(by_name) == {"POST /v2/models/{model}/infer", "queue", "compute", "respond"}
    request = by_name.pop("POST /v2/models/{model}/infer")
    assert request.parent_span_id.hex() == PARENT and request.kind == request.SPAN_KIND_SERVER
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert len({span.span_id for span in spans}) == 4 and request.flags & 0x1ff == 0x101
    assert begin - 1 < request.start_time_unix_nano / 1e9 < request.end_time_unix_nano / 1e9 < time.time() + 1
    for span in by_name.values():
        assert span.parent_span_id == request.span_id and span.kind == span.SPAN_KIND_INTERNAL
        assert request.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= request.end_time_unix_nano
    queue, compute, respond = (by_name[name] for name in ("queue", "compute", "respond"))
    assert queue.end_time_unix_nano == compute.start_time_unix_nano
    assert compute.end_time_unix_nano == respond.start_time_unix_nano
    assert respond.end_time_unix_nano == request.end_time_unix_nano
    found = attributes(request)
    assert found == {
        "network.protocol.name": "http", "network.protocol.version": "1.1", "http.request.method": "POST",
        "http.route": "/v2/models/{model}/infer", "http.response.status_code": 200, "serin.model": "fraud",
        "serin.version": "1", "serin.arm": "pinned", "serin.outcome": "ok", "serin.tier": "full", "serin.rows": 2}
    assert collector.resources[0]["service.name"] == "payments" and collector.resources[0]["service.version"]
    [(path, headers, _)] = collector.requests
    assert path == "/v1/traces" and headers["content-type"] == "application/x-protobuf"
    wait_for_counts(gateway, exported=4)


def test_other_protocols(start, collector, body, fraud):
    gateway = start(collector.url, traces={"ratio": 1})
    rows = fraud.rows("FP32")[:1]
    with Http2(gateway.port) as client:
        message = calls.frame(calls.infer_request(fraud, rows).SerializeToString())
        answer = client.request(calls.INFER, message, headers=calls.FIELDS)
        assert answer.status == 200 and answer.headers.get("grpc-status", "0") == "0"
        assert client.request("/v1/models/fraud:predict", json.dumps({"instances": fraud.objects(rows)}).encode()).status == 200
    spans = collector.wait_for(lambda spans: len(spans) >= 8)
    found = {span.name: attributes(span) for span in spans if not span.parent_span_id}
    assert set(found) == {"inference.GRPCInferenceService/ModelInfer", "POST /v1/models/{model}:predict"}
    call = found["inference.GRPCInferenceService/ModelInfer"]
    assert call["rpc.system"] == "grpc" and call["rpc.grpc.status_code"] == 0 and call["network.protocol.version"] == "2"
    assert len({span.trace_id for span in spans}) == 2 and all(any(span.trace_id) for span in spans)


def test_which_requests(start, collector, body):
    """By head: the caller's flag, else the ratio. By tail: failures, whatever the head says; a client's are none."""
    models = {"fraud": {"timeout": {"default": "1s", "max": "10s"}}}
    gateway = start(collector.url, models=models)
    with httpx.Client(base_url=gateway.url) as client:
        assert client.post(PATH, content=body).status_code == 200
        assert client.post(PATH, content=body, headers=parent("00")).status_code == 200
        assert client.post(PATH, content=b"{").status_code == 400
        late = {"serin-timeout-ms": "0.001", **parent("00", trace="a" * 32)}
        assert client.post(PATH, content=body, headers=late).status_code == 504
        assert client.post(PATH, content=b"{", headers=parent(trace="b" * 32)).status_code == 400
        assert client.post("/v2/models/nobody/infer", content=body, headers=parent(trace="c" * 32)).status_code == 404

    def requests(spans) -> dict:
        return {span.trace_id.hex(): span for span in spans if span.kind == span.SPAN_KIND_SERVER}

    spans = requests(collector.wait_for(lambda spans: len(requests(spans)) >= 3))
    assert set(spans) == {"a" * 32, "b" * 32, "c" * 32}
    late, wrong, unknown = (spans[letter * 32] for letter in "abc")
    assert late.status.code == late.status.STATUS_CODE_ERROR
    assert attributes(late)["error.type"] == attributes(late)["serin.outcome"] == "timeout"
    assert attributes(late)["http.response.status_code"] == 504
    assert wrong.status.code == 0 and attributes(wrong)["serin.outcome"] == "client_error"
    assert attributes(unknown)["http.response.status_code"] == 404 and "serin.model" not in attributes(unknown)


def test_slow_requests(start, collector, body):
    gateway = start(collector.url, traces={"slow": "1us"})
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    spans = collector.wait_for(lambda spans: len(spans) == 4)
    assert sum(not span.parent_span_id for span in spans) == 1


def test_a_ratio(start, collector, body):
    gateway = start(collector.url, traces={"ratio": 0.2})
    with Http2(gateway.port) as client:
        for _ in range(1000):
            assert client.request(PATH, body).status == 200
    time.sleep(0.2)
    wait_for_counts(gateway, exported=len(collector.wait_for(lambda spans: len(spans) >= 4 * 100)))
    assert 100 <= len(collector.wait_for(bool)) / 4 <= 310


def test_a_busy_collector_gets_it_again(start, collector, body):
    gateway = start(collector.url, traces={"ratio": 1})
    collector.refusals, collector.retry_after = [503, 429], 1
    begin = time.monotonic()
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    collector.wait_for(lambda spans: len(spans) == 4)
    assert time.monotonic() - begin > 2, "Retry-After, twice"
    wait_for_counts(gateway, exported=4, failed=0, rejected=0)
    assert len(collector.requests) == 3


def test_what_is_rejected_is_not_sent_again(start, collector, body):
    gateway = start(collector.url, traces={"ratio": 1})
    collector.refusals = [400]
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    wait_for_counts(gateway, rejected=4)
    collector.rejects = 3
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    wait_for_counts(gateway, rejected=7, exported=1)
    assert "the collector answers 400" in gateway.log()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(gateway, body, count: int) -> list[float]:
    """Seconds of each of so many requests."""
    taken = []
    with Http2(gateway.port) as client:
        for _ in range(count):
            begin = time.monotonic()
            assert client.request(PATH, body).status == 200
            taken.append(time.monotonic() - begin)
    return sorted(taken)


def test_a_collector_that_is_down_costs_spans_only(start, body):
    gateway = start(f"http://127.0.0.1:{free_port()}", traces={"ratio": 1, "buffer": 64, "batch": 16}, reactors=1)
    taken = ask(gateway, body, 500)
    assert taken[250] < 0.05 and taken[-1] < 1, taken[-5:]
    # 64 requests fit, and what was taken out of the ring into batches; each batch is tried five times.
    found = counted(gateway)
    assert found["full"] > 4 * 300 and found["exported"] == 0
    deadline = time.monotonic() + 60
    while (found := counted(gateway))["failed"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "the collector cannot be reached" in gateway.log()
    begin = time.monotonic()
    assert gateway.stop() == 0 and time.monotonic() - begin < 10


def test_a_collector_that_hangs_costs_spans_only(start, body):
    with Collector() as collector:
        collector.delay = 3
        gateway = start(collector.url, traces={"ratio": 1, "buffer": 64, "batch": 16, "timeout": "500ms"}, reactors=1)
        taken = ask(gateway, body, 500)
        assert taken[250] < 0.05 and taken[-1] < 1, taken[-5:]
        assert counted(gateway)["full"] > 4 * 300


def test_a_collector_that_comes_back_gets_what_comes_then(start, body):
    port = free_port()
    gateway = start(f"http://127.0.0.1:{port}", traces={"ratio": 1})
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    with Collector(port) as collector:
        assert httpx.post(gateway.url + PATH, content=body).status_code == 200
        collector.wait_for(lambda spans: len(spans) >= 8, seconds=30)
    wait_for_counts(gateway, exported=8)


def test_the_end_brings_what_is_left(start, collector, body):
    gateway = start(collector.url, traces={"ratio": 1, "interval": "60s"})
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    time.sleep(0.2)
    assert not collector.spans
    assert gateway.stop() == 0
    assert len(collector.spans) == 4


def test_garbage_for_an_answer(start, body):
    """Whatever it is, the gateway serves on, counts, and ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    gateway = start(f"http://127.0.0.1:{listener.getsockname()[1]}", traces={"ratio": 1, "timeout": "200ms"})
    answers = [b"", b"SSH-2.0-OpenSSH_9\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 4000, b"HTTP/1.1 2"]
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    listener.settimeout(20)
    for answer in answers:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            connection.recv(65536)
            connection.sendall(answer)
    listener.close()
    wait_for_counts(gateway, failed=4, exported=0)


def test_nothing_is_traced_by_default(gateway, scrape, body):
    assert httpx.post(gateway.url + PATH, content=body, headers=parent()).status_code == 200
    assert "serin_trace_spans_total" not in scrape().types
