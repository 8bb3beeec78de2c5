"""PROXY protocol version 2: believed of the networks that are configured, and of nobody else."""

import json
import socket
import struct
import time

import pytest

from harness.http1 import Closed, Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(address: str = "192.0.2.7", command: int = 0x21, family: int = 0x11, tail: bytes = b"") -> bytes:
    if family == 0x21:
        body = socket.inet_pton(socket.AF_INET6, address) * 2 + struct.pack("!HH", 1, 2)
    else:
        body = socket.inet_aton(address) * 2 + struct.pack("!HH", 1, 2)
    body += tail
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


@pytest.fixture
def trusting(start_gateway, certs):
    listener = certs.listener(proxies=["127.0.0.0/8"])
    return start_gateway(
        listen={"proxies": ["127.0.0.0/8", "::1"], "tls": listener}, limits={"connections_per_address": 3}, reactors=1)


@pytest.mark.parametrize("opening", [
    header(), header("2001:db8::1", family=0x21), header(command=0x20), header(family=0), header(tail=b"\4\0\1x" * 50)])
def test_requests_behind_a_header_are_served(trusting, body, opening):
    with Http1(trusting.port) as connection:
        connection.send(opening + request_bytes("POST", PATH, body))
        assert connection.read().status == 200
        assert connection.request("POST", PATH, body).status == 200
    with Http1(trusting.port) as connection:
        for place, octet in enumerate(opening):
            connection.send(bytes([octet]))
            if place in (0, len(opening) // 2):
                time.sleep(0.05)  # the gateway has read what there is
        assert connection.request("POST", PATH, body).status == 200


def test_tls_comes_behind_the_header(trusting, certs, body):
    plain = socket.create_connection(("127.0.0.1", trusting.tls_port), timeout=10)
    plain.sendall(header())
    with certs.client(protocols=("http/1.1",)).wrap_socket(plain, server_hostname="localhost") as secure:
        secure.sendall(request_bytes("POST", PATH, body))
        assert secure.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_the_client_is_who_is_counted(trusting, body):
    """Three connections an address: those of one client fill it, another's do not."""
    held = []
    for _ in range(3):
        held.append(Http1(trusting.port))
        held[-1].send(header("192.0.2.7") + request_bytes("POST", PATH, body))
        assert held[-1].read().status == 200
    for address, status in (("192.0.2.7", 503), ("192.0.2.8", 200)):
        with Http1(trusting.port) as connection:
            connection.send(header(address) + request_bytes("POST", PATH, body))
            assert connection.read().status == status
    for connection in held:
        connection.socket.close()
    deadline, status = time.monotonic() + 5, 0
    while status != 200 and time.monotonic() < deadline:
        with Http1(trusting.port) as connection:
            connection.send(header("192.0.2.7") + request_bytes("POST", PATH, body))
            status = connection.read().status
    assert status == 200, "what has closed counts no more"


@pytest.mark.parametrize("opening", [
    b"", b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n",
    header(command=0x31), header(command=0x22), header()[:15] + b"\0", SIGNATURE + b"\x21\x11\xff\xff"])
def test_a_trusted_proxy_that_sends_no_header_is_closed(trusting, opening):
    with Http1(trusting.port) as connection:
        connection.send(opening)
        if opening:
            assert connection.is_closed_within(3)
        else:
            time.sleep(0.1)
    with Http1(trusting.port) as connection:
        connection.send(header())
        assert connection.request("GET", "/v2/health/live").status == 200


def test_nobody_else_is_believed(start_gateway, body):
    gateway = start_gateway(listen={"proxies": ["192.0.2.0/24"]})
    with Http1(gateway.port) as connection:
        assert connection.request("POST", PATH, body).status == 200
    with Http1(gateway.port) as connection:
        connection.send(header() + request_bytes("POST", PATH, body))
        try:
            assert connection.read().status == 400
        except Closed:
            pass
        assert connection.is_closed_within(3)
    with Http2(gateway.port) as connection:
        assert connection.request(PATH, body).status == 200


def test_a_drain_waits_for_no_header(trusting):
    with Http1(trusting.port) as connection:
        connection.send(header()[:10])
        time.sleep(0.1)
        begin = time.monotonic()
        assert trusting.stop() == 0
        assert time.monotonic() - begin < 4
