"""What one client may take: requests a second, connections, descriptors; and that others are not the poorer for it."""

import json
import os
import signal
import socket
import time

import httpx
import pytest

from harness.exposition import Exposition
from harness.http1 import Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


def metrics(gateway) -> Exposition:
    return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)


def limited(gateway, reason: str) -> float:
    return metrics(gateway).total("serin_limits_total", reason=reason)


def from_address(port: int, source: str) -> Http1:
    """A connection that comes from another loopback address."""
    client = Http1.__new__(Http1)
    client.socket = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
    client.buffer = b""
    return client


def statuses(client, body: bytes, count: int) -> list[int]:
    return [client.request("POST", PATH, body).status for _ in range(count)]


def test_a_client_over_its_rate_is_429_and_others_are_not(start_gateway, body):
    gateway = start_gateway(models={"fraud": {"rate": 20}}, reactors=2)
    with Http1(gateway.port) as first, from_address(gateway.port, "127.0.0.3") as other:
        begin = time.monotonic()
        seen = statuses(first, body, 60)
        allowed = 20 + 20 * (time.monotonic() - begin)
        assert set(seen) == {200, 429} and 20 <= seen.count(200) <= allowed + 1
        assert seen[:20] == [200] * 20, "a second's requests may come at once"
        refused = first.request("POST", PATH, body)
        assert refused.status == 429 and int(refused.headers["retry-after"]) == 1 and refused.json()["error"]
        assert statuses(other, body, 20) == [200] * 20, "another address is another client"
        time.sleep(1.05)
        assert statuses(first, body, 5) == [200] * 5
    assert limited(gateway, "request_rate") >= seen.count(429)


def test_connections_share_their_clients_rate(start_gateway, body):
    """More connections, on whichever reactor, are no more requests."""
    gateway = start_gateway(models={"fraud": {"rate": 10}}, reactors=2)
    clients = [Http2(gateway.port) for _ in range(16)]
    begin = time.monotonic()
    seen = [client.request(PATH, body).status for client in clients for _ in range(4)]
    allowed = 10 + 10 * (time.monotonic() - begin)
    assert 10 <= seen.count(200) <= allowed + 1 and set(seen) == {200, 429}
    for client in clients:
        client.__exit__()


def test_a_certificate_is_a_client_wherever_it_comes_from(start_gateway, certs, body):
    gateway = start_gateway(listen={"tls": certs.mutual()}, models={"fraud": {"rate": 10}})
    with Http1(gateway.tls_port, certs.client("client", ("http/1.1",))) as one:
        assert 10 <= statuses(one, body, 40).count(200) < 30
        with Http1(gateway.tls_port, certs.client("client", ("http/1.1",))) as again:
            assert statuses(again, body, 10).count(429) >= 5
        with Http1(gateway.tls_port, certs.client("reports", ("http/1.1",))) as other:
            assert statuses(other, body, 10) == [200] * 10


def test_the_rate_changes_while_it_serves(start_gateway, body):
    gateway = start_gateway(models={"fraud": {"rate": 1}})
    with Http1(gateway.port) as client:
        assert statuses(client, body, 5).count(429) >= 3
        gateway.config.write_text(gateway.config.read_text().replace("rate: 1\n", "rate: 0\n"))
        gateway.signal(signal.SIGHUP)
        gateway.wait_for_log("configuration read again", 5)
        assert statuses(client, body, 50) == [200] * 50


def test_an_address_has_its_share_of_connections(start_gateway, body):
    gateway = start_gateway(limits={"connections_per_address": 5}, reactors=2)
    held = [from_address(gateway.port, "127.0.0.4") for _ in range(5)]
    assert all(client.request("POST", PATH, body).status == 200 for client in held)
    with from_address(gateway.port, "127.0.0.4") as extra:
        assert extra.request("POST", PATH, body).status == 503
    with from_address(gateway.port, "127.0.0.5") as other:
        assert other.request("POST", PATH, body).status == 200
    assert limited(gateway, "connections_per_address") == 1
    for client in held:
        client.socket.close()
    deadline, status = time.monotonic() + 3, 0
    while status != 200 and time.monotonic() < deadline:
        with from_address(gateway.port, "127.0.0.4") as again:
            status = again.request("POST", PATH, body).status
    assert status == 200


def test_out_of_descriptors_it_neither_spins_nor_stops(start_gateway, body, installed, tmp_path):
    from harness.gateway import Gateway

    with Gateway(tmp_path / "few", prefix=("prlimit", "--nofile=64:64"), reactors=1) as gateway:
        with Http1(gateway.port) as client:
            assert client.request("POST", PATH, body).status == 200
            crowd = []
            for _ in range(200):
                extra = socket.socket()
                extra.setblocking(False)
                extra.connect_ex(("127.0.0.1", gateway.port))
                crowd.append(extra)
            time.sleep(0.3)
            before, begin = cpu_seconds(gateway.pid), time.monotonic()
            time.sleep(1)
            busy = (cpu_seconds(gateway.pid) - before) / (time.monotonic() - begin)
            assert client.request("POST", PATH, body).status == 200
            print(f"out of descriptors: {busy * 100:.1f}% of a core")
            assert busy < 0.25
            for extra in crowd:
                extra.close()
            deadline, status = time.monotonic() + 5, 0
            while status != 200 and time.monotonic() < deadline:
                try:
                    with Http1(gateway.port) as again:
                        status = again.request("POST", PATH, body).status
                except Exception:
                    time.sleep(0.05)
            assert status == 200
            assert limited(gateway, "descriptors") > 0


def cpu_seconds(pid: int) -> float:
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_connections_are_counted(start_gateway, certs, body):
    gateway = start_gateway(listen={"tls": certs.listener()}, timeouts={"idle": "300ms"})
    with Http1(gateway.port) as one, Http2(gateway.port) as two, Http2(gateway.tls_port, tls=certs.client()) as three:
        assert one.request("POST", PATH, body).status == two.request(PATH, body).status == 200
        assert three.request(PATH, body).status == 200
        found = metrics(gateway)
        assert found.total("serin_connections_accepted_total", port="data") == 2
        assert found.total("serin_connections_accepted_total", port="tls") == 1
        assert found.total("serin_http_connections", protocol="http1") == 1
        assert found.total("serin_http_connections", protocol="http2") == 2
        assert one.is_closed_within(3)
    with Http1(gateway.port) as closing:
        assert closing.request("POST", PATH, body, {"Connection": "close"}).status == 200
        assert closing.is_closed_within(3)
    deadline = time.monotonic() + 5
    while metrics(gateway).total("serin_connections") > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    found = metrics(gateway)
    assert found.total("serin_http_connections") == 0
    assert found.total("serin_connections_closed_total") == 4
    assert found.total("serin_connections_closed_total", reason="idle") >= 1
    assert found.total("serin_connections_closed_total", reason="request") == 1


def test_a_reader_that_stops_is_given_up(start_gateway, fraud):
    gateway = start_gateway(timeouts={"rate_grace": "300ms"})
    big = json.dumps(fraud.v2([fraud.rows("FP32")[0]] * 500, "FP32", ["score", "margin"])).encode()
    with Http1(gateway.port) as connection:
        connection.socket.settimeout(0.3)
        try:
            for _ in range(3000):
                connection.send(request_bytes("POST", PATH, big))
        except (TimeoutError, ConnectionError):
            pass
        deadline = time.monotonic() + 5
        while limited(gateway, "send_rate") == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert limited(gateway, "send_rate") == 1
