"""SIGTERM: not ready, a notice, no request lost; a second signal, and the time limit."""

import json
import signal
import threading
import time

import httpx
import pytest

from harness.http1 import Http1, request_bytes
from harness.http2 import WINDOW_MAX, Http2

PATH = "/v2/models/fraud/versions/1/infer"


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


def test_an_idle_gateway_ends_at_once(start_gateway):
    gateway = start_gateway()
    begin = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - begin < 2


class Http2Load(threading.Thread):
    """Keeps 20 streams open on one connection until a GOAWAY says that no new ones are welcome."""

    def __init__(self, gateway, body, tls=None):
        super().__init__()
        self.gateway, self.body, self.tls = gateway, body, tls
        self.answered, self.problems = 0, []

    def run(self):
        try:
            port = self.gateway.tls_port if self.tls else self.gateway.port
            with Http2(port, tls=self.tls) as connection:
                self.load(connection)
        except Exception as error:  # noqa: BLE001  the test wants to see it, not the thread
            self.problems.append(repr(error))

    def load(self, connection: Http2):
        open_streams = []
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            while not connection.goaways and len(open_streams) < 20:
                open_streams.append(connection.open(PATH, self.body))
            self.collect(connection, open_streams)
            if connection.is_closed:
                break  # the server ends it, after the last answer
        final = connection.goaways[-1][0] if connection.goaways else None
        # A stream above the final GOAWAY was not taken and may be sent again; any other is a lost request.
        self.problems += [f"stream {s} lost, GOAWAYs {connection.goaways}" for s in open_streams if s <= (final or s)]
        self.goaways = connection.goaways

    def collect(self, connection: Http2, open_streams: list):
        connection.poll(0.5)
        for identifier in [s for s in open_streams if connection.streams[s].ended]:
            stream = connection.streams.pop(identifier)
            open_streams.remove(identifier)
            if stream.status == 200:
                self.answered += 1
            else:
                self.problems.append(f"stream {identifier}: status {stream.status}, reset {stream.reset}")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_no_request_fails_under_http2_load(start_gateway, body, certs, secure):
    gateway = start_gateway(listen={"tls": certs.listener()})
    loads = [Http2Load(gateway, body, certs.client() if secure else None) for _ in range(4)]
    for load in loads:
        load.start()
    time.sleep(1)
    gateway.signal()
    for load in loads:
        load.join(40)
    assert gateway.wait(20) == 0
    assert [load.problems for load in loads] == [[]] * 4
    assert all(load.answered > 50 for load in loads), [load.answered for load in loads]
    # First the notice, which refuses nothing; a round trip later the last stream that was taken.
    for load in loads:
        assert load.goaways[0][0] == WINDOW_MAX and len(load.goaways) == 2, load.goaways
        assert load.goaways[1][0] < WINDOW_MAX and [code for _, code in load.goaways] == [0, 0]


def test_requests_in_flight_are_answered(start_gateway, body):
    gateway = start_gateway()
    with Http1(gateway.port) as first, Http2(gateway.port) as second:
        first.request("POST", PATH, body)
        second.request(PATH, body)
        first.send(request_bytes("POST", PATH, body)[:-10])
        stream = second.open(PATH, body[:-10], end=False)
        time.sleep(0.2)
        gateway.signal()
        time.sleep(0.5)
        assert gateway.process.poll() is None
        first.send(body[-10:])
        answer = first.read()
        assert answer.status == 200 and answer.headers["connection"].lower() == "close"
        assert first.is_closed_within(2)
        second.send(stream, body[-10:])
        assert second.wait(stream).status == 200
    assert gateway.wait(5) == 0


def test_new_connections_are_refused_while_draining(start_gateway, body):
    gateway = start_gateway()
    with Http1(gateway.port) as held:
        held.send(request_bytes("POST", PATH, body)[:-10])
        time.sleep(0.2)
        gateway.signal()
        time.sleep(0.5)
        with pytest.raises(OSError):
            Http1(gateway.port).request("GET", "/v2/health/live")
        held.send(body[-10:])
        assert held.read().status == 200
    assert gateway.wait(5) == 0


def test_the_delay_is_not_ready_but_serves(start_gateway, body):
    gateway = start_gateway(drain={"delay": "1500ms"})
    gateway.signal()
    deadline = time.monotonic() + 1
    while httpx.get(gateway.url + "/v2/health/ready").status_code == 200:
        assert time.monotonic() < deadline
    assert httpx.get(gateway.url + "/v2/health/ready").status_code == 503
    assert httpx.get(gateway.metrics_url + "/health/ready").status_code == 503
    assert httpx.get(gateway.url + "/v2/health/live").status_code == 200
    assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    assert gateway.wait(10) == 0


def test_the_time_limit_ends_what_hangs(start_gateway, body):
    gateway = start_gateway(drain={"timeout": "600ms"})
    with Http2(gateway.port) as connection:
        connection.request(PATH, body)
        connection.open(PATH, body[:-10], end=False)
        time.sleep(0.2)
        begin = time.monotonic()
        gateway.signal()
        assert gateway.wait(5) == 0
        assert 0.4 < time.monotonic() - begin < 3


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_exits(start_gateway, body, second):
    gateway = start_gateway()
    with Http1(gateway.port) as held:
        held.send(request_bytes("POST", PATH, body)[:-10])
        time.sleep(0.2)
        gateway.signal()
        time.sleep(0.5)
        assert gateway.process.poll() is None
        begin = time.monotonic()
        gateway.signal(second)
        gateway.wait(5)
        assert time.monotonic() - begin < 2
    gateway.process.returncode = 0  # ended by force: whatever the code, the fixture need not judge it
