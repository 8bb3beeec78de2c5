"""Bounds: time for a header, a body and silence; connections, streams, header and body bytes."""

import json
import time

import pytest

from harness.bundles import assert_scores
from harness.http1 import Closed, Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"


@pytest.fixture
def good(fraud):
    return fraud.rows("FP32")[0]


@pytest.fixture
def body(fraud, good):
    return json.dumps(fraud.v2([good], "FP32")).encode()


def elapsed(begin: float) -> float:
    return time.monotonic() - begin


def test_a_slow_header_is_408(start_gateway):
    gateway = start_gateway(timeouts={"header": "300ms"})
    with Http1(gateway.port) as connection:
        begin = time.monotonic()
        connection.send(b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: ")
        assert connection.read().status == 408
        assert 0.2 < elapsed(begin) < 3
        assert connection.is_closed_within(2)


def test_a_dripping_header_does_not_extend_its_time(start_gateway):
    gateway = start_gateway(timeouts={"header": "500ms"})
    with Http1(gateway.port) as connection:
        begin = time.monotonic()
        connection.send(b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n")
        try:
            while elapsed(begin) < 5:
                connection.send(b"X-Drip: 1\r\n")
                time.sleep(0.05)
        except OSError:
            pass
        assert elapsed(begin) < 3


@pytest.mark.parametrize("opening", [b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PR"])
def test_a_connection_that_says_nothing_is_closed(start_gateway, opening):
    gateway = start_gateway(timeouts={"header": "300ms"})
    with Http1(gateway.port) as connection:
        connection.send(opening)
        assert connection.is_closed_within(3)


def test_a_slow_body_is_408_over_http1(start_gateway, body):
    gateway = start_gateway(timeouts={"body": "300ms"})
    with Http1(gateway.port) as connection:
        begin = time.monotonic()
        connection.send(request_bytes("POST", PATH, body)[:-10])
        assert connection.read().status == 408
        assert 0.2 < elapsed(begin) < 3
        assert connection.is_closed_within(2)


def test_a_slow_body_is_408_over_http2_and_others_go_on(start_gateway, body, good, fraud):
    gateway = start_gateway(timeouts={"body": "300ms"})
    with Http2(gateway.port) as connection:
        slow = connection.open(PATH, body[:-10], end=False)
        answer = connection.request(PATH, body)
        assert_scores(answer.json()["outputs"][0]["data"], [good], fraud.score_type)
        assert connection.wait(slow, 3).status == 408
        assert connection.request(PATH, body).status == 200


def test_idle_connections_are_closed(start_gateway, body):
    gateway = start_gateway(timeouts={"idle": "400ms"})
    with Http1(gateway.port) as first, Http2(gateway.port) as second:
        for _ in range(4):
            time.sleep(0.2)  # requests keep it open
            assert first.request("POST", PATH, body).status == 200
            assert second.request(PATH, body).status == 200
        begin = time.monotonic()
        assert first.is_closed_within(3)
        while not second.is_closed and elapsed(begin) < 3:
            second.poll(0.5)
        assert second.is_closed and second.goaways and second.goaways[-1][1] == 0
        assert elapsed(begin) > 0.1


def test_one_connection_too_many_is_503(start_gateway, body):
    gateway = start_gateway(limits={"connections": 4}, reactors=1)
    held = [Http1(gateway.port) for _ in range(4)]
    assert all(connection.request("POST", PATH, body).status == 200 for connection in held)
    with Http1(gateway.port) as extra:
        answer = extra.request("POST", PATH, body)
        assert answer.status == 503 and answer.json()["error"] and int(answer.headers["retry-after"]) >= 1
        assert extra.is_closed_within(2)
    with Http2(gateway.port) as extra:
        assert extra.request(PATH, body).status == 503
    assert held[0].request("POST", PATH, body).status == 200
    held.pop().socket.close()
    deadline = time.monotonic() + 3
    status = 0
    while status != 200 and time.monotonic() < deadline:
        with Http1(gateway.port) as again:
            status = again.request("POST", PATH, body).status
    assert status == 200
    for connection in held:
        connection.socket.close()


def test_the_limit_of_streams_is_announced_and_kept(start_gateway, body):
    gateway = start_gateway(limits={"streams": 8})
    with Http2(gateway.port) as connection:
        connection.request(PATH, body)
        assert connection.peer_settings[3] == 8  # MAX_CONCURRENT_STREAMS
        held = [connection.open(PATH, body[:-1], end=False) for _ in range(8)]
        connection.ping()
        for stream in held:
            connection.send(stream, body[-1:])
        assert [connection.wait(stream).status for stream in held] == [200] * 8
        for _ in range(9):
            extra = connection.open(PATH, body[:-1], end=False)
        while not connection.is_closed and not connection.streams[extra].ended:
            assert connection.poll(2) or connection.is_closed
        # The ninth breaks the rule: its stream is refused, or the connection ends without having taken it.
        stream = connection.streams[extra]
        assert stream.reset == 7 or (connection.goaways and connection.goaways[-1][0] < extra)
    with Http2(gateway.port) as connection:
        assert connection.request(PATH, body).status == 200


@pytest.mark.parametrize("size, status", [(8_000, 200), (20_000, 431)])
def test_header_bytes_are_bounded(gateway, body, size, status):
    with Http1(gateway.port) as connection:
        answer = connection.request("POST", PATH, body, {"X-Long": "a" * size})
        assert answer.status == status
        if status == 431:
            assert str(16 << 10) in answer.json()["error"]
    with Http2(gateway.port) as connection:
        assert connection.request(PATH, body, headers=[("x-long", "a" * size)]).status == status
        assert connection.request(PATH, body).status == 200


def test_many_small_headers_are_bounded(gateway, body):
    with Http1(gateway.port) as connection:
        answer = connection.request("POST", PATH, body, {f"X-{index}": "a" for index in range(5_000)})
        assert answer.status == 431


def test_header_limit_is_the_configured_one(start_gateway, body):
    gateway = start_gateway(limits={"header_bytes": "2KiB", "body_bytes": "4KiB"})
    with Http2(gateway.port) as connection:
        assert connection.request(PATH, body, headers=[("x-long", "a" * 3000)]).status == 431
        assert connection.request(PATH, body + b" " * 5000).status == 413
        assert connection.request(PATH, body).status == 200


def test_too_large_a_length_is_refused_before_the_body(gateway):
    with Http1(gateway.port) as connection:
        connection.send(request_bytes("POST", PATH, None, {"Content-Length": str(1 << 40)}))
        assert connection.read().status == 413
        assert connection.is_closed_within(5)


def test_an_endless_chunked_body_is_cut_at_the_limit(gateway):
    with Http1(gateway.port) as connection:
        connection.send(request_bytes("POST", PATH, None, {"Transfer-Encoding": "chunked"}))
        try:
            for _ in range(400):
                connection.send(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        except OSError:
            pass
        try:
            assert connection.read().status == 413
        except Closed:
            pass  # reset while we were still sending


def test_a_reader_that_does_not_read_costs_little(gateway, fraud):
    """Answers that nobody takes stop the reading of requests, not the server."""
    before = gateway.resident_bytes()
    big = json.dumps(fraud.v2([fraud.rows("FP32")[0]] * 500, "FP32", ["score", "margin"])).encode()
    with Http1(gateway.port) as connection:
        connection.socket.settimeout(0.5)
        sent = 0
        try:
            for _ in range(3_000):
                connection.send(request_bytes("POST", PATH, big))
                sent += 1
        except TimeoutError:
            pass
        assert sent < 3_000, "the server took everything"
        with Http1(gateway.port) as other:
            assert other.request("GET", "/v2/health/live").status == 200
        assert gateway.resident_bytes() - before < 32 << 20
