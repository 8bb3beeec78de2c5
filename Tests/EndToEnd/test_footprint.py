"""Cold start and memory, with limits that hold on a busy machine; Benchmarks/serving/footprint has the goals."""

import json
import statistics
import time

from harness.admin import await_explanations
from harness.gateway import Gateway
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
#: Twice the goal of 100 ms, for a CI machine that does other things as well.
COLD_START_MS_MAX = 200
IDLE_BYTES_MAX = 64 << 20
BUSY_BYTES_MAX = 128 << 20
SETTLED_SECONDS = 20


def test_cold_start(tmp_path, fraud):
    body = json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()
    times = []
    for _ in range(6):  # one folder: the first start compiles, the others find the compiled images
        gateway = Gateway(tmp_path / "gateway")
        begin = time.monotonic()
        with gateway, Http2(gateway.port) as connection:
            assert connection.request(PATH, body).status == 200
            times.append((time.monotonic() - begin) * 1000)
    print("cold start, ms: first {:.0f}, then {}".format(times[0], [round(t) for t in times[1:]]))
    assert statistics.median(times[1:]) <= COLD_START_MS_MAX


def test_memory_idle_and_at_a_thousand_connections(start_gateway, fraud):
    body = json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()
    gateway = start_gateway()
    await_explanations(gateway)
    # What loading and preparing leave free goes back within seconds.
    deadline = time.monotonic() + SETTLED_SECONDS
    while (idle := gateway.resident_bytes()) > IDLE_BYTES_MAX and time.monotonic() < deadline:
        time.sleep(0.5)
    connections = [Http2(gateway.port) for _ in range(1_000)]
    try:
        assert all(connection.request(PATH, body).status == 200 for connection in connections)
        busy = gateway.resident_bytes()
    finally:
        for connection in connections:
            connection.socket.close()
    print(f"resident: idle {idle >> 20} MiB, at 1,000 connections {busy >> 20} MiB")
    assert idle <= IDLE_BYTES_MAX and busy <= BUSY_BYTES_MAX
