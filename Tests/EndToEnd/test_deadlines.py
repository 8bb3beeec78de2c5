"""Deadlines and cancellation: 504 at the deadline, and no work for a client that does not wait."""

import json
import socket
import struct
import subprocess
import time

import httpx
import pytest
import tritonclient.http as triton
from hyperframe import frame as frames

from conftest import make_client
from harness.exposition import Exposition
from harness.http1 import Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
COUNT = "serin_requests_total"
UNEXECUTED = "serin_unexecuted_total"
SCORED = "serin_batch_size_sum"


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


@pytest.fixture(scope="module")
def waiting(installed, tmp_path_factory):
    """A gateway whose model has a default of 300 ms and a cap of 2 s."""
    from harness.gateway import Gateway

    timeout = {"default": "300ms", "max": "2s"}
    folder = tmp_path_factory.mktemp("waiting")
    with Gateway(folder, reactors=1, models={"fraud": {"timeout": timeout}}) as gateway:
        yield gateway


def read(gateway) -> Exposition:
    return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)


class Growth:
    """What a gateway's counters have grown by since this was made."""

    def __init__(self, gateway):
        self.gateway, self.before = gateway, read(gateway)

    def __call__(self, name: str, **labels) -> float:
        return read(self.gateway).total(name, **labels) - self.before.total(name, **labels)


FORMS = [
    ({"serin-timeout-ms": "{ms}"}, None),
    ({"grpc-timeout": "{us}u"}, None),
    ({}, "{us}"),
    ({"serin-timeout-ms": "{ms}", "grpc-timeout": "10S"}, "1900000"),
]


def formed(fraud, form, millis: float):
    """Headers and body of a request that gives its caller's span in one of the forms."""
    headers, parameter = form
    words = {"ms": f"{millis:g}", "us": f"{millis * 1000:.0f}"}
    document = fraud.v2(fraud.rows("FP32")[:1], "FP32")
    if parameter:
        document["parameters"] = {"timeout": int(parameter.format(**words))}
    return {name: value.format(**words) for name, value in headers.items()}, json.dumps(document).encode()


@pytest.mark.parametrize("form", FORMS, ids=["serin", "grpc", "parameter", "smallest"])
@pytest.mark.parametrize("protocol", [1, 2])
def test_enough_time_is_200(gateway, fraud, form, protocol):
    headers, body = formed(fraud, form, 1000)
    with make_client(gateway, protocol) as client:
        assert client.post(PATH, content=body, headers=headers).status_code == 200


@pytest.mark.parametrize("form", FORMS, ids=["serin", "grpc", "parameter", "smallest"])
@pytest.mark.parametrize("protocol", [1, 2])
def test_too_little_time_is_504_without_scoring(waiting, fraud, form, protocol):
    headers, body = formed(fraud, form, 0.001)
    with make_client(waiting, protocol) as client:
        grown = Growth(waiting)
        answers = [client.post(PATH, content=body, headers=headers) for _ in range(20)]
    assert [answer.status_code for answer in answers] == [504] * 20
    assert all("deadline" in answer.json()["error"] for answer in answers)
    assert grown(COUNT, outcome="timeout") == 20 == grown(COUNT)
    # The client sends its body in a write of its own: at times the deadline passes before it comes, and no model is known.
    bodiless = grown(COUNT, outcome="timeout", model="")
    assert bodiless < 20 and grown(UNEXECUTED, reason="timeout") == 20 - bodiless and grown(SCORED) == 0
    assert grown("serin_request_duration_seconds_count") == 20 - bodiless
    assert read(waiting).total("serin_inflight") == 0


@pytest.mark.parametrize("headers", [{"serin-timeout-ms": "0"}, {"grpc-timeout": "0n"}])
def test_a_deadline_that_has_passed_is_504(waiting, body, headers):
    grown = Growth(waiting)
    with make_client(waiting, 2) as client:
        assert client.post(PATH, content=body, headers=headers).status_code == 504
    assert grown(SCORED) == 0 and grown(COUNT, outcome="timeout") == 1


@pytest.mark.parametrize(
    "headers", [{"serin-timeout-ms": "soon"}, {"serin-timeout-ms": "-5"}, {"grpc-timeout": "10"}, {"grpc-timeout": ""}])
def test_a_wrong_span_is_400_and_named(client, body, headers):
    answer = client.post(PATH, content=body, headers=headers)
    assert answer.status_code == 400 and next(iter(headers)) in answer.json()["error"]
    assert client.post(PATH, content=body).status_code == 200


@pytest.mark.parametrize("span, seconds", [("120", 0.12), ("60000", 2.0)], ids=["asked", "capped"])
def test_a_body_that_does_not_come_is_504_at_the_deadline(waiting, body, span, seconds):
    grown = Growth(waiting)
    with Http2(waiting.port) as connection:
        begin = time.monotonic()
        held = connection.open(PATH, body[:-10], headers=[("serin-timeout-ms", span)], end=False)
        if seconds < 1:
            assert connection.request(PATH, body).status == 200  # others go on meanwhile
            assert connection.wait(held, 5).status == 504
            took = time.monotonic() - begin
            assert seconds <= took < seconds + 0.5, took
            assert connection.request(PATH, body).status == 200
            assert grown(COUNT, outcome="timeout") == 1
            return
        time.sleep(seconds + 0.1)  # the cap holds when the body comes at last
        connection.send(held, body[-10:])
        assert connection.wait(held, 5).status == 504
    assert grown(COUNT, outcome="timeout", model="fraud") == 1 and grown(SCORED) == 0


def test_a_body_that_does_not_come_over_http1_ends_the_connection(waiting, body):
    with Http1(waiting.port) as connection:
        begin = time.monotonic()
        connection.send(request_bytes("POST", PATH, body, {"serin-timeout-ms": "100"})[:-10])
        answer = connection.read()
        assert answer.status == 504 and answer.headers["connection"] == "close"
        assert 0.1 <= time.monotonic() - begin < 0.6
        assert connection.is_closed_within(2)


def test_the_default_holds_where_nothing_is_asked(waiting, body):
    grown = Growth(waiting)
    with Http1(waiting.port) as connection:
        whole = request_bytes("POST", PATH, body)
        connection.send(whole[:-10])
        time.sleep(0.4)
        connection.send(whole[-10:])
        assert connection.read().status == 504
        assert connection.request("POST", PATH, body).status == 200
        whole = request_bytes("POST", PATH, body, {"serin-timeout-ms": "1500"})
        connection.send(whole[:-10])
        time.sleep(0.4)
        connection.send(whole[-10:])
        assert connection.read().status == 200
    assert grown(COUNT, outcome="timeout") == 1 and grown(SCORED) == 2


@pytest.mark.parametrize("count", [1, 20])
def test_streams_that_are_reset_in_the_same_round_are_not_scored(waiting, body, count):
    """Requests and their resets in one write: the reactor reads both before it scores anything."""
    with Http2(waiting.port) as connection:
        assert connection.request(PATH, body).status == 200
        grown = Growth(waiting)
        ids = [connection.open(PATH, body[:-1], end=False) for _ in range(count)]
        last = [frames.DataFrame(identifier, body[-1:], flags=["END_STREAM"]) for identifier in ids]
        connection.write(*last, *(frames.RstStreamFrame(identifier, error_code=8) for identifier in ids))
        assert connection.request(PATH, body).status == 200
    assert grown(COUNT, outcome="cancelled") == count and grown(UNEXECUTED, reason="cancelled") == count
    assert grown(SCORED) == 1 and grown(COUNT, outcome="ok") == 1
    assert read(waiting).total("serin_inflight") == 0


def test_a_reset_socket_leaves_nothing_in_flight(waiting, body):
    grown = Growth(waiting)
    for _ in range(20):
        connection = Http1(waiting.port)
        connection.send(request_bytes("POST", PATH, body))
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()
    deadline = time.monotonic() + 5
    while grown("serin_inflight") != 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert read(waiting).total("serin_inflight") == 0
    # Read before its reset, a request is scored; else its connection is closed unread.
    assert grown(COUNT) == grown(COUNT, outcome="ok") + grown(COUNT, outcome="cancelled") <= 20


def test_triton_timeout_is_in_microseconds(waiting, fraud):
    client = triton.InferenceServerClient(waiting.url.removeprefix("http://"))
    rows = fraud.rows("FP32")
    tensor = triton.InferInput(fraud.tensor_name, [len(rows), len(fraud.names)], "FP32")
    tensor.set_data_from_numpy(fraud.matrix(rows, "FP32"))
    assert client.infer("fraud", [tensor], "1", timeout=1_000_000).as_numpy("score").shape[0] == len(rows)
    assert client.infer("fraud", [tensor], "1", timeout=0).as_numpy("score").shape[0] == len(rows)
    with pytest.raises(triton.InferenceServerException) as refused:
        client.infer("fraud", [tensor], "1", timeout=1)
    assert refused.value.status() == "504" and "deadline" in refused.value.message()
    client.close()


def test_curl(waiting, tmp_path, body):
    path = tmp_path / "body.json"
    path.write_bytes(body)
    for span, status in [("0.001", "504"), ("200", "200")]:
        done = subprocess.run(
            ["curl", "--silent", "--http2-prior-knowledge", "--data-binary", f"@{path}", "--output", tmp_path / "out",
             "--header", f"serin-timeout-ms: {span}", "--write-out", "%{http_code}", waiting.url + PATH],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        assert done.stdout == status, (tmp_path / "out").read_text()
