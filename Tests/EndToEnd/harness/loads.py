"""Clients that keep asking while the gateways behind a port come and go, and remember every request that was lost.

    load = H2load(port, …); load.start() ── upgrades, SIGTERMs ──► load.end() ──► load.answered, load.problems

What a client does at GOAWAY decides what can be asked of it:

- h2load does not connect again over HTTP/2: its library refuses whatever h2load still wants to send, at once, and all
  of it counts as failed though none was sent (a relay that counts frames between the two: 43,120 requests sent, 43,120
  answered, the rest "failed"). So each of its connections sends its ten requests with its first bytes, and many of them
  come and go a second. Over HTTP/1.1 it connects again.
- grpcio asks again by itself what it has not sent. Without that (grpc.enable_retries=0) one call in some thousand fails
  inside the client, "Stream removed (GOAWAY received)": the same relay saw 43,411 calls in 20 upgrades, all answered, and
  none of the five that failed.
- The raw clients below never ask twice: for them every request that was sent has an answer.
"""

import collections
import re
import subprocess
import threading
import time
from pathlib import Path

import grpc
import httpx

from harness import calls
from harness.http1 import Closed, Http1, request_bytes
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
#: No answer takes so long, however loaded the machine is.
SECONDS = 30


class Load(threading.Thread):
    """Asks again and again until told to stop, or until something went wrong."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port = port
        self.answered, self.problems, self.is_over, self.seconds = 0, [], False, 0.0

    def run(self):
        begin = time.monotonic()
        while not self.is_over and not self.problems:
            try:
                self.converse()
            except Exception as error:  # noqa: BLE001  the test wants to see it, not the thread
                self.problems.append(repr(error))
        self.seconds = time.monotonic() - begin

    def end(self):
        self.is_over = True
        self.join(2 * SECONDS)
        assert not self.is_alive(), f"{self.title} hangs"

    @property
    def title(self) -> str:
        return type(self).__name__

    def report(self) -> str:
        return f"{self.title:<16} {self.answered:>8} requests, {self.answered / max(self.seconds, 0.001):7.0f}/s"


class RawHttp1(Load):
    """One request after another; a connection ends only with an answer that says so."""

    def __init__(self, port: int, body: bytes):
        super().__init__(port)
        self.body, self.closed = body, 0

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


class RawHttp2(Load):
    """Twenty streams at a time until a GOAWAY; every stream that was opened gets its answer."""

    def __init__(self, port: int, body: bytes):
        super().__init__(port)
        self.body, self.closed = body, 0

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
                    self.problems += [f"stream {stream} lost, {connection.goaways}" for stream in sorted(running)]
                    return


class Curl(Load):
    """A connection a request, HTTP/1.1 and HTTP/2 in turn: each finds somebody who listens."""

    def __init__(self, port: int, body: bytes):
        super().__init__(port)
        self.body = body

    def converse(self):
        version = ["--http1.1", "--http2-prior-knowledge"][self.answered % 2]
        flags = ["--silent", "--show-error", "--fail", "--max-time", str(SECONDS), version, "--data-binary", "@-"]
        done = subprocess.run(
            ["curl", *flags, f"http://127.0.0.1:{self.port}{PATH}"], input=self.body, capture_output=True, timeout=2 * SECONDS)
        if done.returncode or b'"outputs"' not in done.stdout:
            self.problems.append((done.returncode, done.stderr, done.stdout[:200]))
        self.answered += 1


class Httpx(Load):
    """A pool of kept connections."""

    def __init__(self, port: int, body: bytes):
        super().__init__(port)
        self.body = body

    def converse(self):
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=SECONDS) as client:
            while not self.is_over and not self.problems:
                answer = client.post(PATH, content=self.body)
                if answer.status_code != 200:
                    self.problems.append(answer.text)
                self.answered += 1


class Grpcio(Load):
    """Eight calls at a time on one channel, with nothing configured but a deadline that nobody should reach."""

    def __init__(self, port: int, request, pause: float = 0):
        super().__init__(port)
        self.request, self.pause = request, pause

    def converse(self):
        # A pool of its own, or the channels of all loads share a connection.
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub, running = calls.stub(channel), collections.deque()
            while running or not self.is_over:
                while len(running) < 8 and not self.is_over:
                    running.append(stub.ModelInfer.future(self.request, timeout=SECONDS))
                try:
                    running.popleft().result()
                    self.answered += 1
                except grpc.RpcError as error:
                    self.problems.append((error.code(), error.details()))
                    return
                time.sleep(self.pause)


class H2load(Load):
    """h2load, `rate` requests a second in runs of one second; see above for why a connection sends only ten."""

    #: How often it opens its next connections.
    PERIODS = 50

    def __init__(self, port: int, body: Path, rate: int, scheme: str = "http", http1: bool = False):
        super().__init__(port)
        self.url, self.body, self.http1 = f"{scheme}://127.0.0.1:{port}{PATH}", body, http1
        self.rate, self.longest_millis = rate, 0.0

    @property
    def title(self) -> str:
        return f"h2load {self.url.partition(':')[0]} {'1.1' if self.http1 else '2'}"

    def flags(self) -> list[str]:
        if self.http1:  # kept connections: h2load opens another where one ends
            return ["--h1", "-c", "4", "-n", str(self.rate)]
        at_once = max(1, self.rate // self.PERIODS // 10)
        connections = at_once * self.PERIODS
        return ["-r", str(at_once), f"--rate-period={1000 // self.PERIODS}ms", "-c", str(connections),
                "-n", str(10 * connections), "-m", "10"]

    def converse(self):
        begin = time.monotonic()
        done = subprocess.run(
            ["h2load", *self.flags(), "-d", str(self.body), self.url], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=2 * SECONDS)
        found = re.search(r"requests: (\d+) total, .* (\d+) failed", done.stdout)
        answered = re.search(r"status codes: (\d+) 2xx", done.stdout)
        if done.returncode or not found or found[2] != "0" or answered[1] != found[1]:
            self.problems.append(done.stdout + done.stderr)
            return
        self.answered += int(answered[1])
        longest = re.search(r"time for request:\s+\S+\s+([0-9.]+)(us|ms|s)", done.stdout)
        self.longest_millis = max(self.longest_millis, float(longest[1]) * {"us": 0.001, "ms": 1, "s": 1000}[longest[2]])
        if self.http1:
            time.sleep(max(0.0, begin + 1 - time.monotonic()))

    def report(self) -> str:
        return f"{super().report()}, longest {self.longest_millis:.0f} ms"
