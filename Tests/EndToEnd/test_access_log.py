"""The access log: every line JSON, nothing lost unseen, rotation by SIGHUP; and a trace that comes back."""

import json
import os
import re
import signal
import time

import httpx
import pytest

from conftest import make_client
from harness.exposition import Exposition
from harness.http1 import Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


def lines(path, count: int, seconds: float = 5) -> list[dict]:
    """The log's lines, when there are so many."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = path.read_text().splitlines() if path.exists() else []
        if len(found) >= count:
            return [json.loads(line) for line in found]
        time.sleep(0.01)
    raise AssertionError(f"{len(found)} lines of {count}")


def logging(path, mode: str = "sampled", sample: int = 1) -> dict:
    return {"level": "info", "access": {"mode": mode, "sample": sample, "file": str(path)}}


def test_a_line_tells_what_was_asked_and_answered(start_gateway, certs, tmp_path, body):
    path = tmp_path / "access.log"
    gateway = start_gateway(log=logging(path), listen={"tls": certs.mutual(client_authentication="optional")})
    begin = time.time()
    with Http1(gateway.port) as client:
        port = client.socket.getsockname()[1]
        answer = client.request("POST", PATH, body, {"traceparent": TRACE})
        assert answer.status == 200 and answer.headers["traceparent"] == TRACE
        assert client.request("GET", "/v2/quo'te?a=%22").status == 404
    with Http2(gateway.tls_port, tls=certs.client("client")) as client:
        assert client.request(PATH, body).status == 200
    # Reactors write in turn: one connection's lines are in order, two connections' may not be.
    first, second, third = sorted(lines(path, 3), key=lambda line: line["protocol"] == "h2")
    seconds = time.mktime(time.strptime(first.pop("time")[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert begin - 2 < seconds < time.time() + 1
    assert 0 <= first.pop("duration_us") < 5_000_000
    assert first == {
        "client": "127.0.0.1", "port": port, "protocol": "http/1.1", "tls": False, "method": "POST", "target": PATH, "status": 200,
        "request_bytes": len(body), "response_bytes": len(answer.body), "traceparent": TRACE,
    }
    assert second["target"] == "/v2/quo'te?a=%22" and second["status"] == 404 and "traceparent" not in second
    assert third["protocol"] == "h2" and third["tls"] and third["name"] == "spiffe://serin.test/payments"


def test_only_errors(start_gateway, tmp_path, body):
    path = tmp_path / "access.log"
    gateway = start_gateway(log=logging(path, "errors"))
    with Http2(gateway.port) as client:
        for index in range(20):
            assert client.request(PATH, body if index % 4 else b"{").status == (200 if index % 4 else 400)
        cut = client.open(PATH, body[:-1], end=False)
        client.ping()
    found = lines(path, 6)
    assert [line["status"] for line in found] == [400] * 5 + [499] and cut


def test_a_sample(start_gateway, tmp_path, body):
    path = tmp_path / "access.log"
    gateway = start_gateway(log=logging(path, sample=10), reactors=1)
    with Http2(gateway.port) as client:
        for _ in range(1000):
            client.request(PATH, body)
    gateway.stop()
    # 1,000 draws of 1 in 10 have a deviation of 9.5: six of them are never.
    assert 43 < len(lines(path, 1)) < 157


def test_it_is_off_by_default(gateway, scrape):
    assert scrape().total("serin_access_log_dropped_total") == 0
    assert '"time"' not in gateway.log()


def test_rotation_loses_nothing(start_gateway, tmp_path, body):
    path = tmp_path / "access.log"
    gateway = start_gateway(log=logging(path))
    with Http1(gateway.port) as client:
        for index in range(5):
            for _ in range(100):
                assert client.request("POST", PATH, body).status == 200
            os.rename(path, tmp_path / f"access.{index}")
            gateway.signal(signal.SIGHUP)
            deadline = time.monotonic() + 5
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.005)
        client.request("POST", PATH, body)
    deadline, found = time.monotonic() + 5, 0
    while found < 501 and time.monotonic() < deadline:
        found = sum(len(file.read_text().splitlines()) for file in tmp_path.glob("access.*"))
    assert found == 501


def test_a_disk_that_stands_still_holds_nobody_up(start_gateway, tmp_path, body):
    """The file is a pipe that nobody reads: lines are dropped and counted, requests are answered."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    gateway = start_gateway(log=logging(path), reactors=1)
    count = 12_000
    with Http2(gateway.port) as client:
        left = count
        while left:
            for stream in client.open_at_once(50, PATH, body):
                assert client.wait(stream).status == 200
                del client.streams[stream]
            left -= 50
    dropped = Exposition(httpx.get(gateway.metrics_url + "/metrics").text).total(
        "serin_access_log_dropped_total", reason="full")
    assert 0 < dropped < count
    text = drain(reader)
    deadline = time.monotonic() + 5
    while text.count(b"\n") < count - dropped and time.monotonic() < deadline:
        text += drain(reader)
    assert text.count(b"\n") == count - dropped
    os.close(reader)


def drain(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 20)
    except BlockingIOError:
        time.sleep(0.01)
        return b""


def test_a_file_that_cannot_be_opened_is_a_start_error(installed, tmp_path):
    from harness.gateway import Gateway

    gateway = Gateway(tmp_path / "gateway", log=logging(tmp_path / "none" / "access.log")).spawn()
    assert gateway.wait(10) == 3
    assert "cannot be opened to append" in gateway.log()


@pytest.mark.parametrize("version", [1, 2])
def test_a_trace_is_echoed_and_a_bad_one_is_not(gateway, body, version):
    with make_client(gateway, version) as client:
        assert client.post(PATH, content=body, headers={"traceparent": TRACE}).headers["traceparent"] == TRACE
        assert client.post(PATH, content=b"{", headers={"traceparent": TRACE}).headers["traceparent"] == TRACE
        for bad in [TRACE.upper(), TRACE[:-1], "00-" + "0" * 32 + TRACE[35:], "x"]:
            assert "traceparent" not in client.post(PATH, content=body, headers={"traceparent": bad}).headers
        twice = client.post(PATH, content=body, headers=[("traceparent", TRACE), ("traceparent", TRACE)])
        assert "traceparent" not in twice.headers


def test_a_line_is_bounded(start_gateway, tmp_path):
    path = tmp_path / "access.log"
    gateway = start_gateway(log=logging(path))
    with Http1(gateway.port) as client:
        client.send(request_bytes("GET", "/" + "a" * 8000))
        assert client.read().status == 404
    [line] = lines(path, 1)
    assert re.fullmatch("/a{200,510}", line["target"])
