"""Hot upgrade: a successor takes the listening sockets and the lock, under load, again and again; and what goes wrong."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import httpx
import pytest

from harness.gateway import BINARY, READY, Gateway
from harness.http1 import Closed, Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
#: How often the gateway is replaced; the issue's measurement is ten times at 5,000 requests/s (UPGRADES=10).
UPGRADES = int(os.environ.get("UPGRADES", "3"))


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


class Load(threading.Thread):
    """Sends requests one after another on connections it replaces when the server says so, until told to stop."""

    def __init__(self, port: int, body: bytes):
        super().__init__()
        self.port, self.body = port, body
        self.answered, self.closed, self.problems, self.is_over = 0, 0, [], False

    def run(self):
        while not self.is_over and not self.problems:
            try:
                self.converse()
            except Exception as error:  # noqa: BLE001  the test wants to see it, not the thread
                self.problems.append(repr(error))


class Http1Load(Load):
    def converse(self):
        with Http1(self.port) as connection:
            while not self.is_over:
                connection.send(request_bytes("POST", PATH, self.body))
                try:
                    answer = connection.read()
                except Closed as closed:
                    self.problems.append(f"closed instead of an answer, {closed}")
                    return
                if answer.status != 200:
                    self.problems.append(answer)
                    return
                self.answered += 1
                if answer.headers.get("connection") == "close":
                    self.closed += 1
                    return


class Http2Load(Load):
    """Twenty streams at a time; a GOAWAY ends what is begun, and nothing else may."""

    def converse(self):
        with Http2(self.port) as connection:
            running = set()
            while True:
                while not connection.goaways and not self.is_over and len(running) < 20:
                    running.add(connection.open(PATH, self.body))
                if not running:
                    self.closed += bool(connection.goaways)
                    return
                connection.poll(1)
                for stream in [stream for stream in running if connection.streams[stream].ended]:
                    running.remove(stream)
                    answer = connection.streams.pop(stream)
                    self.answered += answer.status == 200
                    if answer.status != 200:
                        self.problems.append((stream, answer.status, answer.reset))
                if connection.is_closed and running:
                    last = connection.goaways[-1][0] if connection.goaways else 0
                    # A stream above the last GOAWAY was not taken: the client knows, and sends it again.
                    self.problems += [f"stream {stream} lost" for stream in running if stream <= last or not last]
                    return


class CurlLoad(Load):
    """A connection a request: each finds somebody who listens."""

    def converse(self):
        flags = ["--http1.1", "--http2-prior-knowledge"][self.answered % 2]
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", flags, "--data-binary", "@-", f"http://127.0.0.1:{self.port}{PATH}"],
            input=self.body, capture_output=True, timeout=30)
        if done.returncode or b'"outputs"' not in done.stdout:
            self.problems.append((done.returncode, done.stderr, done.stdout[:200]))
        self.answered += 1


class HttpxLoad(Load):
    def converse(self):
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            while not self.is_over and not self.problems:
                answer = client.post(PATH, content=self.body)
                if answer.status_code != 200:
                    self.problems.append(answer.text)
                self.answered += 1


def test_upgrades_under_load_lose_no_request(family, body):
    start, succeed = family
    gateway = start()
    loads = [kind(gateway.port, body) for kind in (Http1Load, Http1Load, Http2Load, Http2Load, CurlLoad, HttpxLoad)]
    for load in loads:
        load.start()
    began = time.monotonic()
    try:
        for _ in range(UPGRADES):
            time.sleep(0.3)
            heir = succeed(gateway)
            assert gateway.wait(25) == 0, gateway.log()
            assert "connections reset: 0" in gateway.log()
            gateway = heir
        time.sleep(0.3)
    finally:
        for load in loads:
            load.is_over = True
        for load in loads:
            load.join(30)
    seconds = time.monotonic() - began
    assert [load.problems for load in loads] == [[]] * len(loads)
    assert all(load.answered > UPGRADES for load in loads)
    answered = sum(load.answered for load in loads)
    print(f"{UPGRADES} upgrades, {answered} requests at {answered / seconds:.0f} a second, none failed")
    assert all(load.closed >= UPGRADES for load in loads[:4]), "the loads' connections have survived every upgrade"


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
