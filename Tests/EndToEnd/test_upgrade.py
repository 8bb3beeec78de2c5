"""Hot upgrade: a successor takes the listening sockets and the lock, under load, again and again; rolling restarts; and
what goes wrong."""

import json
import os
import signal
import socket
import subprocess
import time

import httpx
import pytest

from harness import calls
from harness.gateway import BINARY, READY, Gateway
from harness.http1 import Http1, request_bytes
from harness.http2 import Http2
from harness.loads import PATH, Curl, Grpcio, H2load, Httpx, Load, RawHttp1, RawHttp2

#: How often a gateway is replaced, and the requests a second that h2load sends meanwhile, besides everybody else's;
#: `make upgrades` takes ten and 5,000.
UPGRADES = int(os.environ.get("UPGRADES", "3"))
RATE = int(os.environ.get("UPGRADE_RATE", "500"))
#: Between two of them, for the load to be steady.
PAUSE = 1 if UPGRADES >= 10 else 0.3


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


@pytest.fixture
def family(start_gateway, tmp_path):
    """A gateway with a state, and its successors; whoever still runs is ended after the test."""
    successors = []

    def start(**settings):
        return start_gateway(state={"path": str(tmp_path / "state")}, **settings)

    def succeed(gateway: Gateway, seconds: float = 30) -> Gateway:
        heir = Gateway(gateway.folder / f"heir-{len(successors)}")
        heir.command = [*gateway.command, "--upgrade"] if "--upgrade" not in gateway.command else gateway.command
        successors.append(heir)
        heir.spawn()
        heir.wait_for_log(READY, seconds)
        heir.ports = gateway.ports
        return heir

    yield start, succeed
    for heir in successors:
        assert heir.stop() == 0, heir.log()


@pytest.fixture
def loads(fraud, body, tmp_path):
    """Makes one load of each kind for a gateway's ports, starts them, and has them report at the end."""
    path = tmp_path / "body.json"
    path.write_bytes(body)
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    started = []

    def start(gateway: Gateway) -> list[Load]:
        port = gateway.port
        kinds = [
            RawHttp1(port, body), RawHttp2(port, body), Curl(port, body), Httpx(port, body),
            Grpcio(port, request, pause=0 if RATE >= 5000 else 0.002), H2load(port, path, RATE),
            H2load(port, path, RATE // 10, http1=True), H2load(gateway.tls_port, path, RATE // 10, scheme="https"),
        ]
        for load in kinds:
            started.append(load)
            load.start()
        return kinds

    yield start
    for load in started:
        load.is_over = True


def judge(loads: list[Load], title: str):
    """No load has lost a request, and each has asked throughout."""
    for load in loads:
        load.end()
    answered, seconds = sum(load.answered for load in loads), max(load.seconds for load in loads)
    print(f"\n{title}: {answered} requests in {seconds:.1f} s, {answered / seconds:.0f} a second")
    for load in loads:
        print(f"  {load.report()}, {len(load.problems)} lost")
    assert [load.problems for load in loads] == [[]] * len(loads)
    assert all(load.answered > UPGRADES for load in loads)


def test_upgrades_under_load_lose_no_request(family, loads, certs):
    start, succeed = family
    gateway = start(listen={"tls": certs.listener()})
    running = loads(gateway)
    for _ in range(UPGRADES):
        time.sleep(PAUSE)
        heir = succeed(gateway)
        assert gateway.wait(25) == 0, gateway.log()
        assert "connections reset: 0" in gateway.log()
        gateway = heir
    time.sleep(PAUSE)
    judge(running, f"{UPGRADES} upgrades")
    for load in running:
        if isinstance(load, (RawHttp1, RawHttp2)):
            assert load.closed >= UPGRADES, "a connection has survived every upgrade"


def test_two_gateways_on_one_port_end_in_turn_and_lose_no_request(start_gateway, loads, certs):
    """SIGTERM to one of two, whose place another takes, and so on: a rolling restart on one machine."""
    first = start_gateway(listen={"tls": certs.listener()})
    ports = {"port": first.port, "tls": {**certs.listener(), "port": first.tls_port}}
    pair = [first, start_gateway(listen=ports)]
    running = loads(first)
    for _ in range(UPGRADES):
        time.sleep(PAUSE)
        ending = pair.pop(0)
        ending.signal(signal.SIGTERM)
        assert ending.wait(25) == 0, ending.log()
        assert "connections reset: 0" in ending.log()
        pair.append(start_gateway(listen=ports))
    time.sleep(PAUSE)
    judge(running, f"{UPGRADES} restarts of one of two")


def test_requests_in_flight_are_answered_by_who_took_them(family, body):
    start, succeed = family
    gateway = start()
    with Http1(gateway.port) as first, Http2(gateway.port) as second:
        first.send(request_bytes("POST", PATH, body)[:-10])
        stream = second.open(PATH, body[:-10], end=False)
        time.sleep(0.2)
        heir = succeed(gateway)
        with Http1(gateway.port) as third:
            assert third.request("GET", "/v2/health/ready").status == 200
        assert gateway.process.poll() is None
        first.send(body[-10:])
        answer = first.read()
        assert answer.status == 200 and answer.headers["connection"] == "close"
        second.send(stream, body[-10:])
        assert second.wait(stream).status == 200
    assert gateway.wait(10) == 0
    assert heir.process.poll() is None
    assert httpx.get(heir.metrics_url + "/health/ready").status_code == 200


def test_what_hangs_is_ended_at_the_drains_limit(family, body):
    start, succeed = family
    gateway = start(drain={"timeout": "700ms"})
    with Http1(gateway.port) as held:
        held.send(request_bytes("POST", PATH, body)[:-10])
        time.sleep(0.2)
        succeed(gateway)
        assert gateway.wait(10) == 0
        assert "connections reset: 1" in gateway.log()


def test_a_second_process_ends_with_code_3(family):
    start, _ = family
    gateway = start()
    second = subprocess.run([str(word) for word in gateway.command], capture_output=True, text=True, timeout=60)
    assert second.returncode == 3 and f"in use by process {gateway.pid}" in second.stderr, second.stderr
    assert httpx.get(gateway.url + "/v2/health/ready").status_code == 200


def test_without_anybody_there_an_upgrade_is_a_start(family):
    start, succeed = family
    gateway = start()
    assert gateway.stop() == 0
    heir = Gateway(gateway.folder / "alone")
    heir.command = [*gateway.command, "--upgrade"]
    heir.start()
    assert httpx.get(heir.url + "/v2/health/ready").status_code == 200
    assert heir.stop() == 0


def test_a_killed_process_leaves_no_lock(family):
    start, _ = family
    gateway = start()
    os.kill(gateway.pid, signal.SIGKILL)
    gateway.process.wait()
    gateway.process.returncode = 0
    again = Gateway(gateway.folder / "again")
    again.command = gateway.command
    with again:
        assert httpx.get(again.url + "/v2/health/ready").status_code == 200


def test_a_successor_that_fails_changes_nothing(family, body, tmp_path):
    start, succeed = family
    gateway = start()
    wrong = subprocess.run(
        [str(BINARY), "serve", "--upgrade", "--config", str(gateway.config), "--models", str(tmp_path)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "SERIN_REACTORS": "3"})
    assert wrong.returncode != 0
    # One that takes the sockets and is gone before it serves.
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as thief:
        thief.connect(str(tmp_path / "state" / "upgrade.sock"))
        message, descriptors, _, _ = socket.recv_fds(thief, 512, 128)
        assert message.startswith(b"port data ") and len(descriptors) == 2
        for descriptor in descriptors:
            os.close(descriptor)
    for _ in range(20):
        assert httpx.post(gateway.url + PATH, content=body).status_code == 200
    heir = succeed(gateway)
    assert gateway.wait(10) == 0
    assert httpx.post(heir.url + PATH, content=body).status_code == 200


def test_another_number_of_reactors_is_refused(family):
    start, _ = family
    gateway = start()
    done = subprocess.run(
        [*gateway.command, "--upgrade"], capture_output=True, text=True, timeout=60,
        env={**os.environ, "SERIN_REACTORS": "3"})
    assert done.returncode == 3 and "reactors" in done.stderr, done.stderr
    assert httpx.get(gateway.url + "/v2/health/ready").status_code == 200


def test_sigusr2_starts_the_successor(family):
    start, _ = family
    gateway = start()
    gateway.signal(signal.SIGUSR2)
    assert gateway.wait(30) == 0
    lock = gateway.folder.parent / "state" / "lock"
    successor = int(lock.read_text())
    try:
        assert successor != gateway.pid
        assert httpx.get(gateway.url + "/v2/health/ready").status_code == 200
    finally:
        os.kill(successor, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while os.path.exists(f"/proc/{successor}/exe") and time.monotonic() < deadline:
            time.sleep(0.02)


class Manager:
    """Stands in for systemd: the socket that NOTIFY_SOCKET names."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(10)

    def next(self) -> dict:
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))

    def until(self, key: str) -> dict:
        while key not in (message := self.next()):
            pass
        return message


def test_systemd_is_told(start_gateway, tmp_path):
    manager = Manager(tmp_path / "notify")
    gateway = start_gateway(environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert manager.until("READY")["READY"] == "1"
    before = time.monotonic_ns() // 1000
    gateway.signal(signal.SIGHUP)
    reloading = manager.until("RELOADING")
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.until("READY")["READY"] == "1"
    gateway.signal()
    assert manager.until("STOPPING")["STOPPING"] == "1"


def test_the_watchdog_is_fed(start_gateway, tmp_path):
    manager = Manager(tmp_path / "notify")
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    start_gateway(environment=environment)
    manager.until("READY")
    begin = time.monotonic()
    for _ in range(6):
        manager.until("WATCHDOG")
    assert 0.3 < time.monotonic() - begin < 3
