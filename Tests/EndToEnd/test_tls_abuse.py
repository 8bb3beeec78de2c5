"""What a hostile peer can do to the TLS port: nothing that ends the process, holds it up or makes it grow."""

import contextlib
import json
import os
import random
import socket
import ssl
import time

import pytest

from harness.gateway import IS_SANITIZED
from harness.http1 import Http1, connect, request_bytes
from harness.http2 import Http2
from test_tls import handshakes

PATH = "/v2/models/fraud/versions/1/infer"
PATIENCE = 0.6
#: Handshakes that are open at once in a flood.
HELD = 400


@pytest.fixture(scope="module")
def target(installed, certs, tmp_path_factory):
    from harness.gateway import Gateway

    listener = certs.mutual(client_authentication="optional", handshake_timeout="600ms")
    with Gateway(tmp_path_factory.mktemp("abuse"), listen={"tls": listener}) as gateway:
        # 40 KiB a handshake, which the allocator keeps for a while: what grows afterwards is kept by mistake.
        with contextlib.ExitStack() as held:
            for _ in range(HELD):
                held.enter_context(raw(gateway)).sendall(hello(certs))
        deadline = time.monotonic() + 5
        while gateway.connections() > 0:
            assert time.monotonic() < deadline, "connections stay"
            time.sleep(0.01)
        yield gateway


@pytest.fixture(autouse=True)
def still_serves(target, certs, fraud):
    """After each attack: alive, answering, and not much larger."""
    with Http2(target.tls_port, tls=certs.client()) as client:
        assert client.request("/v2", method="GET").status == 200
    before, descriptors = target.resident_bytes(), target.descriptors()
    yield
    body = json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()
    with Http2(target.tls_port, tls=certs.client()) as client:
        assert client.request(PATH, body).status == 200
    deadline = time.monotonic() + 5
    while target.descriptors() > descriptors and time.monotonic() < deadline:
        time.sleep(0.05)
    assert target.descriptors() <= descriptors, "connections stay"
    if not IS_SANITIZED:
        assert target.resident_bytes() - before < 16 << 20


def raw(target) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", target.tls_port), 10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def read_all(client) -> bytes:
    received = b""
    try:
        while data := client.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


def hello(certs) -> bytes:
    """A ClientHello of Python's."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = certs.client().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_plain_http_is_told_where_it_is(target):
    with raw(target) as client:
        client.sendall(request_bytes("GET", "/v2"))
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"this port speaks TLS" in answer


def test_garbage_ends_the_connection(target):
    generator = random.Random(1)
    for _ in range(200):
        with raw(target) as client:
            client.sendall(generator.randbytes(generator.randint(5, 3000)) + bytes(64))
            client.shutdown(socket.SHUT_WR)
            read_all(client)


def test_mutated_hellos(target, certs):
    generator, whole = random.Random(2), hello(certs)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        with raw(target) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            read_all(client)


def test_a_dribbled_handshake_runs_out_of_time(target, certs):
    with raw(target) as client:
        begin = time.monotonic()
        try:
            for byte in hello(certs):
                client.sendall(bytes([byte]))
                time.sleep(0.01)
        except ConnectionError:
            pass
        assert time.monotonic() - begin < 4
        read_all(client)
    before = handshakes(target)["timeout"]
    with raw(target) as client:
        begin = time.monotonic()
        assert read_all(client) == b""
        assert PATIENCE * 0.9 < time.monotonic() - begin < PATIENCE + 1
    assert handshakes(target)["timeout"] == before + 1


def test_a_flood_of_hellos_leaves_others_their_answers(target, certs, fraud):
    """Handshakes that never end, as fast as one client can begin them."""
    body = json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()
    data, flood, slowest, asked = hello(certs), [], 0.0, 0
    with Http2(target.tls_port, tls=certs.client()) as client:
        client.request(PATH, body)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for _ in range(20):
                attacker = raw(target)
                attacker.sendall(data)
                flood.append(attacker)
            begin = time.monotonic()
            assert client.request(PATH, body).status == 200
            slowest, asked = max(slowest, time.monotonic() - begin), asked + 1
            while len(flood) > HELD:
                flood.pop(0).close()
    for attacker in flood:
        attacker.close()
    print(f"{asked} requests beside the flood, the slowest {slowest * 1000:.1f} ms")
    assert asked > 20 and slowest < 1


def test_empty_records_in_a_row(target):
    with raw(target) as client:
        client.sendall(bytes([0x16, 3, 1, 0, 0]) * 1000)
        client.settimeout(5)
        read_all(client)


def test_no_renegotiation(target, certs):
    """openssl's own client asks for one when it reads R."""
    import subprocess

    command = ["openssl", "s_client", "-connect", f"localhost:{target.tls_port}", "-tls1_2", "-CAfile", certs.path("ca.pem")]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        time.sleep(0.5)
        client.stdin.write(b"R\n")
        client.stdin.flush()
        time.sleep(0.3)
        text = client.communicate(timeout=10)[0].decode(errors="replace")
    finally:
        client.kill()
        client.wait()
    assert "RENEGOTIATING" in text and "no renegotiation" in text.lower() + text


def test_closing_in_the_middle(target, certs, fraud):
    """Without close_notify, half a request sent; half a handshake; a reset; a half-closed socket."""
    body = json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()
    for _ in range(30):
        client = connect(target.tls_port, certs.client())
        os.close(client.detach())
        with Http1(target.tls_port, certs.client(protocols=())) as half:
            half.send(request_bytes("POST", PATH, body)[:-10])
        with raw(target) as begun:
            begun.sendall(hello(certs)[:100])
        with raw(target) as reset:
            reset.sendall(hello(certs))
            reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    with Http1(target.tls_port, certs.client(protocols=())) as client:
        client.send(request_bytes("POST", PATH, body))
        socket.socket.shutdown(client.socket, socket.SHUT_WR)  # the TCP side only: no close_notify
        assert client.read().status == 200
        assert client.is_closed_within(3)
    # With close_notify in front of it, as a polite client ends.
    with Http1(target.tls_port, certs.client(protocols=())) as client:
        client.request("POST", PATH, body)
        client.socket.unwrap()


def test_a_certificate_chain_beyond_bounds(target, certs, tmp_path):
    """More certificates than anybody needs: the message is cut off, not stored."""
    chain = tmp_path / "long.pem"
    chain.write_text((certs.folder / "client.pem").read_text() + (certs.folder / "ca.pem").read_text() * 400)
    context = certs.client()
    context.load_cert_chain(str(chain), certs.path("client.key"))
    with pytest.raises((ssl.SSLError, OSError)):
        with connect(target.tls_port, context) as client:
            client.settimeout(5)
            while client.recv(1024):  # TLS 1.3's client is done before the server has judged
                pass
            raise OSError("closed")
