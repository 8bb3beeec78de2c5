"""Nothing leaks: memory and descriptors after many requests, connections and errors."""

import json
import re
import subprocess
import time

import pytest

from harness.admin import await_explanations
from harness.http1 import Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"


@pytest.fixture
def quiet_gateway(start_gateway):
    gateway = start_gateway()
    # They take megabytes, and come when they come.
    await_explanations(gateway)
    # The connection that asked for them is a descriptor until the gateway has seen its end.
    deadline = time.monotonic() + 5
    while gateway.connections() > 0:
        assert time.monotonic() < deadline, "the admin client's connection stays"
        time.sleep(0.01)
    return gateway


@pytest.fixture
def body_file(tmp_path, fraud):
    path = tmp_path / "body.json"
    path.write_text(json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")))
    return path


def load(gateway, body_file, count: int, *flags):
    done = subprocess.run(
        ["h2load", "-n", str(count), *flags, "-d", str(body_file), gateway.url + PATH],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert re.search(rf"{count} succeeded, 0 failed", done.stdout), done.stdout + done.stderr


def settle(gateway, descriptors: int):
    """Waits until the gateway has noticed that its clients are gone.

    Fewer than before is no leak: a file of its own may have been open when they were counted first.
    """
    deadline = time.monotonic() + 5
    while gateway.descriptors() > descriptors and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gateway.descriptors() <= descriptors


@pytest.mark.parametrize("flags", [["-c8", "-m10"], ["--h1", "-c8"]], ids=["http2", "http1"])
def test_twenty_thousand_requests_leave_nothing(quiet_gateway, body_file, flags):
    descriptors = quiet_gateway.descriptors()
    load(quiet_gateway, body_file, 20_000, *flags)
    settle(quiet_gateway, descriptors)
    warm = quiet_gateway.resident_bytes()
    load(quiet_gateway, body_file, 20_000, *flags)
    settle(quiet_gateway, descriptors)
    grown = quiet_gateway.resident_bytes() - warm
    print(f"resident after 40,000 requests: {warm + grown} bytes, {grown} more than after 20,000")
    assert grown < 1 << 20


def churn(gateway, body: bytes, count: int):
    for index in range(count):
        match index % 4:
            case 0:
                with Http1(gateway.port) as connection:
                    assert connection.request("POST", PATH, body).status == 200
            case 1:
                with Http2(gateway.port) as connection:
                    assert connection.request(PATH, body).status == 200
            case 2:  # gone in the middle of a body
                with Http1(gateway.port) as connection:
                    connection.send(request_bytes("POST", PATH, body)[:-20])
            case 3:  # gone without a word, with a stream open
                with Http2(gateway.port) as connection:
                    connection.open(PATH, body[:-1], end=False)


def test_two_thousand_connections_leave_nothing(quiet_gateway, body_file):
    body = body_file.read_bytes()
    descriptors = quiet_gateway.descriptors()
    churn(quiet_gateway, body, 2_000)
    settle(quiet_gateway, descriptors)
    warm = quiet_gateway.resident_bytes()
    churn(quiet_gateway, body, 2_000)
    settle(quiet_gateway, descriptors)
    grown = quiet_gateway.resident_bytes() - warm
    print(f"resident after 4,000 connections: {warm + grown} bytes, {grown} more than after 2,000")
    assert grown < 1 << 20


def test_errors_leave_nothing(quiet_gateway, body_file):
    """Refusals take the paths that allocate: 3,000 of each after 1,000."""
    bodies = [b"{", b'{"inputs":[]}', body_file.read_bytes().replace(b"FP32", b"BYTES"), b"[" * 2_000]
    with Http2(quiet_gateway.port) as connection:
        for index in range(4_000):
            if index == 1_000:
                warm = quiet_gateway.resident_bytes()
            for body in bodies:
                assert connection.request(PATH, body).status == 400
            connection.streams.clear()
    assert quiet_gateway.resident_bytes() - warm < 1 << 20
