"""After warm-up a request allocates nothing, takes no lock and counts no reference: counted, not believed."""

import json
import subprocess
import time

import pytest

from harness.gateway import Gateway
from harness.http1 import Http1
from harness.http2 import Http2
from probe.counts import HERE, Probe, describe

REQUESTS = 10_000
WARM = 3_000
CONNECTIONS = 4


@pytest.fixture
def probe(tmp_path):
    return Probe(tmp_path)


def test_the_probe_counts_exactly(tmp_path, probe):
    program = tmp_path / "selftest"
    subprocess.run(["cc", "-O0", "-fno-builtin", "-o", program, HERE / "selftest.c", "-lpthread"], check=True)
    subprocess.run([program], env=probe.environment, check=True, timeout=20)
    [thread] = probe.threads()
    assert thread.armed == {"allocate": 1000, "release": 1000, "map": 0, "lock": 500, "retain": 0, "poll": 200}
    assert thread.total["lock"] == 1000 and thread.total["allocate"] >= 2000
    assert sum(count for _, count, _ in thread.sites) == 2500
    assert sum(count for kind, count, _ in thread.sites if kind == "lock") == 500


def send_http2(connections, path: str, body: bytes, count: int):
    """`count` requests, ten at a time on each connection."""
    left = count
    while left > 0:
        opened = []
        for connection in connections:
            for _ in range(min(10, left)):
                opened.append((connection, connection.open(path, body)))
                left -= 1
        for connection, stream in opened:
            assert connection.wait(stream).status == 200
            del connection.streams[stream]


def deepen(connection: Http2, path: str, body: bytes):
    """Uses more slots at once than the counted requests will, so that each of those is warm."""
    for stream in connection.open_at_once(80, path, body):
        assert connection.wait(stream).status == 200
        del connection.streams[stream]


def send_http1(connections, path: str, body: bytes, count: int):
    for index in range(count):
        assert connections[index % len(connections)].request("POST", path, body).status == 200


def bodies(fraud) -> dict:
    rows = fraud.rows("FP32")[:1]
    return {
        "v2": ("/v2/models/fraud/versions/1/infer", fraud.v2(rows, "FP32")),
        "v2 lightgbm": ("/v2/models/fraud/versions/2/infer", fraud.v2(rows, "FP64")),
        "v1": ("/v1/models/fraud/versions/1:predict", {"instances": fraud.objects(rows)}),
    }


CASES = [(2, "v2"), (2, "v2 lightgbm"), (2, "v1"), (1, "v2"), (1, "v1")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"http{case[0]} {case[1]}")
def measured(request, installed, tmp_path_factory, fraud):
    """The reactor's counts over 10,000 warm requests, and a text that says where the calls came from."""
    protocol, shape = request.param
    path, document = bodies(fraud)[shape]
    body = json.dumps(document).encode()
    folder = tmp_path_factory.mktemp("probe")
    probe = Probe(folder)
    connect, send = (Http2, send_http2) if protocol == 2 else (Http1, send_http1)
    with Gateway(folder / "gateway", reactors=1, environment=probe.environment) as gateway:
        connections = [connect(gateway.port) for _ in range(CONNECTIONS)]
        for _ in range(5 if protocol == 2 else 0):
            deepen(connections[0], path, body)
        send(connections, path, body, WARM)
        time.sleep(0.2)
        probe.arm()
        send(connections, path, body, REQUESTS)
        probe.arm(False)
        time.sleep(0.05)
        threads = probe.threads()
        assert_interposed(threads)
        reactors = [thread for thread in threads if thread.armed["poll"] >= 100]
        assert len(reactors) == 1, [thread.armed for thread in threads]
        yield reactors[0].armed, lambda *kinds: describe(gateway.pid, reactors[0], kinds)
        for connection in connections:
            connection.__exit__()


def test_a_warm_request_allocates_and_locks_nothing(measured):
    counts, where = measured
    kinds = ("allocate", "release", "map", "lock")
    assert all(counts[kind] == 0 for kind in kinds), where(*kinds)


def test_a_warm_request_counts_no_reference(measured):
    counts, where = measured
    assert counts["retain"] == 0, where("retain")


def assert_interposed(threads):
    """A start allocates, locks and retains: if none of it was seen, seeing none later means nothing."""
    for kind in ("allocate", "release", "lock", "retain"):
        assert sum(thread.total[kind] for thread in threads) > 0, f"the probe sees no {kind} in this binary"
