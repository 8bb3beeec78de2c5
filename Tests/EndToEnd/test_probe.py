"""After warm-up a request allocates nothing, takes no lock and counts no reference: counted, not believed."""

import json
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from harness import calls
from harness.admin import Admin, await_explanations
from harness.collector import Collector
from harness.exposition import Exposition
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
                opened.append((connection, connection.open(path, body, headers=fields(path))))
                left -= 1
        for connection, stream in opened:
            assert_answered(connection.wait(stream))
            del connection.streams[stream]


def fields(path: str):
    return calls.FIELDS if path == calls.INFER else ()


def assert_answered(stream):
    assert stream.status == 200 and stream.headers.get("grpc-status", "0") == "0", stream.headers
    assert len(stream.headers["serin-prediction-id"]) in (40, 46), "of a float, of a double"


def deepen(connection: Http2, path: str, body: bytes):
    """Uses more slots at once than the counted requests will, so that each of those is warm."""
    for stream in connection.open_at_once(80, path, body, fields(path)):
        assert_answered(connection.wait(stream))
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
        "explain": ("/v1/models/fraud/versions/1:explain", {"instances": fraud.objects(rows)}),
        "call": (calls.INFER, calls.frame(calls.infer_request(fraud, rows).SerializeToString())),
        "typed call": (calls.INFER, calls.frame(calls.infer_request(fraud, rows, raw=False).SerializeToString())),
    }


CASES = [(2, "v2"), (2, "v2 lightgbm"), (2, "v1"), (2, "call"), (2, "typed call"), (1, "v2"), (1, "v1")]


@contextmanager
def counted(folder, protocol: int, shape: str, fraud, certs=None, prepare=None, others=None, **changes):
    """A gateway and its reactor's counts over 10,000 warm requests; over TLS, given `certs`. `prepare`: what is done to
    the gateway before, and the path that is asked then. `others`: gets the counts of all other threads."""
    path, document = bodies(fraud)[shape]
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    probe = Probe(folder)
    connect, send = (Http2, send_http2) if protocol == 2 else (Http1, send_http1)
    tls = certs.client(protocols=("h2",) if protocol == 2 else ("http/1.1",)) if certs else None
    listen = {"tls": certs.listener()} if certs else {}
    # Every request has a deadline.
    models = {"fraud": {"timeout": {"default": "20s", "max": "20s"}}}
    settings = {"reactors": 1, "environment": probe.environment, "listen": listen, "models": models, **changes}
    with Gateway(folder / "gateway", **settings) as gateway:
        port = gateway.tls_port if certs else gateway.port
        # A version that has become ready to explain is published to the reactor: not what is counted.
        await_explanations(gateway)
        path = prepare(gateway) if prepare else path
        connections = [connect(port, tls=tls) for _ in range(CONNECTIONS)]
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
        if others is not None:
            others.extend(thread for thread in threads if thread is not reactors[0])
        yield gateway, reactors[0]
        for connection in connections:
            connection.__exit__()


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"http{case[0]} {case[1]}")
def measured(request, installed, tmp_path_factory, fraud):
    """The reactor's counts, and a text that says where the calls came from."""
    with counted(tmp_path_factory.mktemp("probe"), *request.param, fraud) as (gateway, reactor):
        yield reactor.armed, lambda *kinds: describe(gateway.pid, reactor, kinds)


def test_a_warm_request_allocates_and_locks_nothing(measured):
    counts, where = measured
    kinds = ("allocate", "release", "map", "lock")
    assert all(counts[kind] == 0 for kind in kinds), where(*kinds)


def test_a_warm_request_counts_no_reference(measured):
    counts, where = measured
    assert counts["retain"] == 0, where("retain")


def test_under_a_guard_it_is_the_same(installed, tmp_path, fraud):
    """Half of the requests are a candidate's, all of them are counted."""
    guards = "{late: 50%, errors: 50%, scores: off, decisions: off}"
    plan = f"horizon: 1h\nrate: 10000/s\nguards: {guards}\nsteps: [{{percent: 50, max: 10m, min: 10m}}]\nbake: 1m\n"

    def prepare(gateway):
        with Admin(gateway) as admin:
            answer = admin.act("/models/fraud/rollouts", {"version": "1", "plan": plan})
            assert answer.status_code == 200, answer.text
            deadline = time.monotonic() + 20
            while admin.route().get("canary", {}).get("percent") != 50:
                assert time.monotonic() < deadline, admin.client.get("/rollouts").text
                time.sleep(0.05)
        return "/v2/models/fraud/infer"

    with counted(tmp_path, 2, "v2", fraud, prepare=prepare) as (gateway, reactor):
        kinds = ("allocate", "release", "map", "lock", "retain")
        assert all(reactor.armed[kind] == 0 for kind in kinds), describe(gateway.pid, reactor, kinds)
        time.sleep(0.5)
        with Admin(gateway) as admin:
            total = admin.client.get("/rollouts").json()["rollouts"][0]["total"]
        assert total["stable"]["requests"] + total["candidate"]["requests"] >= REQUESTS
        assert 0.4 < total["candidate"]["requests"] / (REQUESTS + WARM) < 0.6


def test_with_the_decision_log_and_drift_it_is_the_same(installed, tmp_path, fraud):
    """Every request is in the log, and every row is counted for drift."""
    models = {"fraud": {"decisions": {"log": "full"}, "timeout": {"default": "20s", "max": "20s"}}}
    folder = tmp_path / "decisions"
    log = {"path": str(folder), "buffer_bytes": "64MiB"}

    def prepare(gateway):
        return "/v2/models/fraud/infer"

    with counted(tmp_path, 2, "v2", fraud, prepare=prepare, models=models, decisions=log) as (gateway, reactor):
        kinds = ("allocate", "release", "map", "lock", "retain")
        assert all(reactor.armed[kind] == 0 for kind in kinds), describe(gateway.pid, reactor, kinds)
        deadline = time.monotonic() + 60
        with Admin(gateway) as admin:
            while True:
                version = max(admin.states())
                drift = admin.client.get(f"/models/fraud/versions/{version}/drift").json()["windows"][0]["rows"]
                metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
                logged = metrics.total("serin_decision_log_rows_total")
                if min(drift, logged) >= REQUESTS + WARM:
                    break
                assert time.monotonic() < deadline, (drift, logged)
                time.sleep(0.2)
        assert metrics.total("serin_decision_log_dropped_total") == 0


@pytest.mark.parametrize("protocol, shape", [(2, "v2"), (1, "v2"), (2, "call")])
def test_with_every_request_traced_it_is_the_same(installed, tmp_path, fraud, protocol, shape):
    """Every request's spans go to a collector, and each is the exemplar of its bucket."""
    with Collector() as collector:
        traces = {"endpoint": collector.url, "ratio": 1, "buffer": 65536, "batch": 8192}
        with counted(tmp_path, protocol, shape, fraud, traces=traces) as (gateway, reactor):
            kinds = ("allocate", "release", "map", "lock", "retain")
            assert all(reactor.armed[kind] == 0 for kind in kinds), describe(gateway.pid, reactor, kinds)
            collector.wait_for(lambda spans: len(spans) >= 4 * (REQUESTS + WARM), seconds=90)
            page = httpx.get(gateway.metrics_url + "/metrics", headers={"accept": "application/openmetrics-text"}).text
            assert "trace_id" in page


@pytest.mark.parametrize("protocol", [2, 1])
def test_an_explanation_allocates_nothing(installed, tmp_path, fraud, protocol):
    """Neither the reactor, which reads the request and writes names, numbers and reasons, nor the executor that explains."""
    def prepare(_):
        return "/v1/models/fraud/versions/1:explain"

    others = []
    with counted(tmp_path, protocol, "explain", fraud, prepare=prepare, others=others) as (gateway, reactor):
        kinds = ("allocate", "release", "map")
        assert all(reactor.armed[kind] == 0 for kind in kinds), describe(gateway.pid, reactor, kinds)
        print(f"HTTP/{protocol} explain, reactor:", reactor.armed, "others:", [thread.armed for thread in others])
        metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
        assert metrics.total("serin_explanations_total", outcome="full") >= REQUESTS + WARM


@pytest.mark.parametrize("protocol", [2, 1])
def test_over_tls_only_openssl_allocates(installed, tmp_path, fraud, certs, protocol):
    """OpenSSL 3.0 allocates for a record in (one small object) and for a record out (three), and for each a buffer,
    which it gives back when nothing is left in it (SSL_MODE_RELEASE_BUFFERS; that is why an idle connection holds none).
    A client may send head and body in two records, and they may arrive apart; the answer is one record at the most."""
    with counted(tmp_path, protocol, "v2", fraud, certs) as (gateway, reactor):
        places = mappings(gateway.pid)
        ours = [site for site in reactor.sites if not is_openssl(site, places)]
        assert ours == [], describe(gateway.pid, reactor, ("allocate", "release", "map", "lock", "retain"))
        counts = {kind: reactor.armed[kind] / REQUESTS for kind in ("allocate", "release", "map", "lock", "retain")}
        print(f"HTTP/{protocol} over TLS, a request:", counts)
        assert sum(count for _, count, _ in reactor.sites) == sum(reactor.armed[kind] for kind in counts)
        assert counts["map"] == counts["retain"] == counts["lock"] == 0, describe(gateway.pid, reactor, ("lock", "retain"))
        in_two_records, out = 2 * (1 + 1), 3 + 1
        bound = (in_two_records + out) * REQUESTS
        assert reactor.armed["allocate"] == reactor.armed["release"] <= bound, describe(gateway.pid, reactor, ("allocate",))


def mappings(pid: int) -> list:
    """Start, end and file of everything the process has mapped."""
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, _, _, _, _, *name = line.split(maxsplit=5)
        start, end = (int(part, 16) for part in span.split("-"))
        found.append((start, end, name[0] if name else ""))
    return found


def is_openssl(site, places) -> bool:
    """Whether the call came out of libcrypto or libssl."""
    caller = site[2][0]
    return any(start <= caller < end and ("libcrypto" in name or "libssl" in name) for start, end, name in places)


def assert_interposed(threads):
    """A start allocates, locks and retains: if none of it was seen, seeing none later means nothing."""
    for kind in ("allocate", "release", "lock", "retain"):
        assert sum(thread.total[kind] for thread in threads) > 0, f"the probe sees no {kind} in this binary"
