"""What the serving benchmarks share: the two servers, their CPU time, the request. Python's own library only."""

import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "models" / "fraud" / "1"
INFER = "/v2/models/fraud/infer"
CALL = "/inference.GRPCInferenceService/ModelInfer"
CALL_FIELDS = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
START_SECONDS = 30
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
#: Settings for more connections from one address than a gateway takes by itself.
CROWDED = "limits: {connections: 100000, connections_per_address: 0}\n"


def fail(message: str):
    print(f"FAIL: {message}")
    sys.exit(1)


def require(*tools: str):
    for tool in tools:
        if not shutil.which(tool):
            fail(f"{tool} is not installed; run .ci/dependencies test")


class Server:
    """A process that is ended by its own id, whatever happens."""

    def __init__(self, command, log: Path):
        self.log_path = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.port = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            try:
                self.process.wait(25)
            except subprocess.TimeoutExpired:
                os.kill(self.pid, signal.SIGKILL)
                self.process.wait()

    def cpu_nanos(self) -> int:
        """CPU time of all threads; to the nanosecond where the kernel keeps schedstat."""
        total = 0
        try:
            for task in Path(f"/proc/{self.pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            total = 0
        if total:
            return total
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))

    def resident_bytes(self) -> int:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())[1]) * 1024


def certificates(folder: Path) -> Path:
    """The test authority's files, in a folder below `folder`."""
    place = folder / "certs"
    if not place.exists():
        subprocess.run([ROOT / ".ci" / "certs", place], check=True, timeout=60)
    return place


#: The models that are served unless something else is asked for.
PLAIN = """models:
  fraud:
    route: {stable: '1'}
"""


def serin(
    binary: Path, folder: Path, cpu: int | None, reactors: int, wait: bool = True, certs: Path | None = None,
    settings: str = "", models: str = PLAIN,
) -> Server:
    """`serin serve` on free ports, pinned to `cpu`; the cache lies in `folder`. `certs`: the port is the TLS one; `settings`:
    more lines of configuration."""
    if not binary.exists():
        fail(f"no {binary.name} in {binary.parent}; run make release")
    config = folder / "serin.yaml"
    tls = ""
    if certs:
        tls = (f", tls: {{address: 127.0.0.1, port: 0, "
               f"certificates: [{{certificate: {certs / 'server.pem'}, key: {certs / 'server.key'}}}]}}")
    config.write_text(
        f"listen: {{address: 127.0.0.1, port: 0{tls}}}\nmetrics: {{address: 127.0.0.1, port: 0}}\n"
        f"admin: {{address: 127.0.0.1, port: 0}}\nreactors: {reactors}\ncache: {{path: {folder / 'cache'}}}\n{models}{settings}")
    pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
    command = [*pin, binary, "serve", "--config", config, "--models", ROOT / "models"]
    server = Server(command, folder / "serin.log")
    if wait:
        kind = "tls https" if certs else "data http"
        server.port = int(wait_for_log(server, r"ready in [0-9.]+ ms", rf"listening {kind}://127\.0\.0\.1:(\d+)"))
    return server


#: A candidate at next to nothing, which no verdict ends.
PLAN = """horizon: 2h
rate: 10000000/s
max_change: 100
guards: {late: 50%, errors: 50%, scores: off, decisions: off, slower: {p50: pause, p90: off, p95: off, p99: off}}
steps: [{percent: 0.0001, min: 1h, max: 1h, samples: 1}]
bake: 1m
"""


def start_rollout(server: Server):
    """A rollout of fraud/2, until its first step serves."""
    port = re.search(r"listening admin http://127\.0\.0\.1:(\d+)", server.log())[1]
    url = f"http://127.0.0.1:{port}/admin/v1"
    order = json.dumps({"version": "2", "plan": PLAN}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/models/fraud/rollouts", order), timeout=30) as answer:
        rollout = json.load(answer)
    deadline = time.monotonic() + START_SECONDS
    while rollout["state"] != "running":
        if time.monotonic() > deadline:
            fail(f"the rollout does not begin: {rollout}")
        time.sleep(0.1)
        with urllib.request.urlopen(f"{url}/rollouts/{rollout['id']}", timeout=30) as answer:
            rollout = json.load(answer)


def wait_for_log(server: Server, until: str, wanted: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        if re.search(until, server.log()):
            return re.search(wanted, server.log())[1]
        time.sleep(0.001)
    server.__exit__()
    fail(f"serin did not get ready:\n{server.log()}")


def secure_context(certs: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certs / "ca.pem")
    context.set_alpn_protocols(["h2"])
    return context


def open_secure(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection over TLS that has exchanged SETTINGS: the server holds a session for it."""
    plain = socket.create_connection(("127.0.0.1", port), 10)
    connection = context.wrap_socket(plain, server_hostname="localhost")
    connection.sendall(PREFACE)
    if not connection.recv(1024):
        fail("a connection was closed")
    return connection


def nghttpd(folder: Path, cpu: int, certs: Path | None = None) -> Server:
    """nghttpd with one thread and files of 100 bytes where serin's model is; over TLS with the same certificate."""
    site = folder / "site"
    for path in (INFER, CALL):
        file = site / path.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(b"0123456789" * 10)
    port = free_port()
    tls = [port, certs / "server.key", certs / "server.pem"] if certs else ["--no-tls", port]
    server = Server(["taskset", "-c", cpu, "nghttpd", "-n", "1", "-d", site, *tls], folder / "nghttpd.log")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            server.port = port
            return server
        except OSError:
            time.sleep(0.01)
    server.__exit__()
    fail(f"nghttpd did not start: {server.log()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def category_codes() -> list[dict]:
    """For each feature of the manifest: the code of each of its categories."""
    text = (BUNDLE / "manifest.yaml").read_text().split("features:", 1)[1]
    codes = []
    for block in re.split(r"^\s*- \{?\s*name:", text, flags=re.MULTILINE)[1:]:
        inline = re.search(r"categories:\s*\[([^\]]*)\]", block)
        listed = re.search(r"categories:\s*\n((?:\s*- .*\n)+)", block)
        words = inline[1].split(",") if inline else re.findall(r"- (.*)", listed[1]) if listed else []
        codes.append({word.strip().strip("'\""): code for code, word in enumerate(words)})
    return codes


def row() -> tuple[list, str, float]:
    """The numbers of one golden row, the input tensor's name, and the trainer's score.

    Of the rows without missing values the one with the most digits: 32 numbers, about 400 bytes. It is sent as FP32,
    to which XGBoost rounds it in any case.
    """
    rows = [json.loads(line) for line in (BUNDLE / "golden.ndjson").read_text().splitlines()]
    golden = max((row for row in rows if None not in row["row"]), key=lambda row: len(json.dumps(row["row"])))
    codes = category_codes()
    data = [codes[place][value] if isinstance(value, str) else value for place, value in enumerate(golden["row"])]
    name = re.search(r"input:\s*\{?\s*name:\s*([\w.-]+)", (BUNDLE / "manifest.yaml").read_text())
    return data, name[1] if name else "features", golden["score"][0]


def request() -> tuple[bytes, float]:
    """A V2 body of the row, and the trainer's score for it."""
    data, name, score = row()
    tensor = {"name": name, "shape": [1, len(data)], "datatype": "FP32", "data": data}
    return json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode(), score


def call() -> tuple[bytes, float]:
    """The same as a ModelInfer message with raw contents, behind its prefix."""
    data, name, score = row()

    def field(number: int, value: bytes) -> bytes:
        length = len(value)
        assert length < 16384
        return bytes([number << 3 | 2, *([length] if length < 128 else [length & 127 | 128, length >> 7])]) + value

    tensor = field(1, name.encode()) + field(2, b"FP32") + field(3, bytes([1, len(data)]))
    message = field(1, b"fraud") + field(5, tensor) + field(7, struct.pack(f"<{len(data)}f", *data))
    return struct.pack(">BI", 0, len(message)) + message, score


def call_score(port: int, body: Path, certs: Path | None = None) -> float:
    """One call through curl; the score, from the end of the answer's message."""
    trust = ["--http2", "--cacert", certs / "ca.pem"] if certs else ["--http2-prior-knowledge"]
    url = f"{'https' if certs else 'http'}://localhost:{port}{CALL}"
    command = ["curl", "--silent", *trust, *CALL_FIELDS, "--data-binary", f"@{body}", "--output", "-", url]
    answer = subprocess.run([str(word) for word in command], capture_output=True, timeout=20).stdout
    if answer[-6:-4] != bytes([6 << 3 | 2, 4]):
        fail(f"no raw score at the end of the call's answer: {answer!r}")
    return struct.unpack("<f", answer[-4:])[0]


def score(port: int, body: bytes, certs: Path | None = None) -> float:
    """One request over HTTP/1.1; the score, or an exception."""
    head = f"POST {INFER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with connect(port, certs) as connection:
        connection.sendall(head.encode() + body)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    status, _, text = answer.partition(b"\r\n\r\n")
    if b" 200 " not in status.split(b"\r\n")[0]:
        raise OSError(answer.decode(errors="replace"))
    return json.loads(text)["outputs"][0]["data"][0]


def connect(port: int, certs: Path | None = None, protocols=("http/1.1",)):
    """A socket; over TLS, verified, given `certs`."""
    plain = socket.create_connection(("127.0.0.1", port), 10)
    if not certs:
        return plain
    context = ssl.create_default_context(cafile=certs / "ca.pem")
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(plain, server_hostname="localhost")


def check_score(found: float, wanted: float):
    if abs(found - wanted) > 2e-7 * max(1e-3, abs(wanted)):
        fail(f"the score is {found!r}, the trainer's {wanted!r}")


def median_interval(values: list[float], rounds: int = 10_000) -> tuple[float, float, float]:
    """The median and its 95% bootstrap interval; the same numbers give the same interval."""
    generator = random.Random(1)
    medians = sorted(statistics.median(generator.choices(values, k=len(values))) for _ in range(rounds))
    return statistics.median(values), medians[int(0.025 * rounds)], medians[int(0.975 * rounds) - 1]
