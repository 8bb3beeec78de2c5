"""One `serin serve` process: started on free ports, read through its log, ended by SIGTERM.

    Gateway(...).start() ── waits for `ready in N ms` ──► requests ──► stop(): SIGTERM, exit code 0
"""

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("SERIN_BINARY", ROOT / ".build" / "release" / "serin")).absolute()
#: The binary is instrumented (`make sanitize-serving`): slower, and with memory of its own that says nothing.
IS_SANITIZED = "SERIN_SANITIZED" in os.environ
MODELS = ROOT / "models"
#: What says how long tests run is none of the gateway's settings, and would be refused as one.
SURROUNDINGS = {name: value for name, value in os.environ.items() if not name.startswith("SERIN_")}
START_SECONDS = 120 if IS_SANITIZED else 30
STOP_SECONDS = 30

#: How a sanitizer's report begins.
SANITIZER = "Sanitizer: "
LISTENING = re.compile(r"listening (data|tls|metrics|admin) https?://(\[[^]]+\]|[^:\s]+):(\d+)")
READY = re.compile(r"ready in ([0-9.]+) ms")


def configuration(folder: Path, **changes) -> dict:
    """What the tests serve with, `changes` put over it section by section."""
    settings = {
        "listen": {"address": "127.0.0.1", "port": 0},
        "metrics": {"address": "127.0.0.1", "port": 0},
        "admin": {"address": "127.0.0.1", "port": 0},
        "reactors": 2,
        "cache": {"path": str(folder / "cache")},
        "log": {"level": "info"},
        "models": {"fraud": {"require": ["golden"]}},
    }
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(settings.get(key), dict) and key != "models":
            settings[key] = {**settings[key], **value}
        else:
            settings[key] = value
    return settings


class Gateway:
    def __init__(self, folder: Path, repository: Path = MODELS, environment=None, prefix=(), **changes):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / "serin.yaml"
        self.config.write_text(yaml.safe_dump(configuration(folder, **changes)))
        self.log_path = folder / "serin.log"
        self.command = [*prefix, str(BINARY), "serve", "--config", str(self.config), "--models", str(repository)]
        self.environment = {**SURROUNDINGS, **(environment or {})}
        self.process = None
        self.ports = {}

    # Starting and ending

    def spawn(self):
        """Starts the process and returns at once."""
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=self.environment
            )
        return self

    def start(self):
        """Starts the process and waits until it says that it is ready."""
        self.spawn()
        self.wait_for_log(READY, START_SECONDS)
        for kind, _, port in LISTENING.findall(self.log()):
            self.ports[kind] = int(port)
        assert {"data", "metrics"} <= set(self.ports), self.log()
        return self

    def wait_for_log(self, pattern, seconds: float):
        """The match of `pattern` in the log; fails when the process ends or the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            running = self.process.poll() is None
            if match := re.search(pattern, self.log()):
                return match
            assert running, f"serin ended with {self.process.returncode}:\n{self.log()}"
            time.sleep(0.005)
        raise AssertionError(f"no {pattern!r} in the log after {seconds} s:\n{self.log()}")

    def signal(self, number=signal.SIGTERM):
        os.kill(self.process.pid, number)

    @contextmanager
    def stopped(self):
        """SIGSTOP until the end of the block, which begins when no thread runs any more: that may take a while."""
        self.signal(signal.SIGSTOP)
        try:
            deadline = time.monotonic() + STOP_SECONDS
            while set(self.thread_states()) - {"T"}:
                assert time.monotonic() < deadline, "SIGSTOP has not stopped every thread"
                time.sleep(0.001)
            yield
        finally:
            self.signal(signal.SIGCONT)

    def thread_states(self) -> list[str]:
        """The state of each thread, a letter of proc(5)."""
        stats = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return [stat.read_text().rpartition(")")[2].split()[0] for stat in stats]

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM, then the exit code; a process that stays is killed, which fails the test."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"serin did not end within {seconds} s:\n{self.log()}") from None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        code = self.stop()
        # A sanitizer's finding is worth more than whatever failed because of it.
        assert SANITIZER not in self.log(), self.log()
        assert kind is not None or code == 0, f"exit code {code}:\n{self.log()}"

    # What it says and what it uses

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def port(self) -> int:
        return self.ports["data"]

    @property
    def tls_port(self) -> int:
        return self.ports["tls"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['metrics']}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['admin']}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def connections(self) -> int:
        """TCP connections that it has not closed, whatever their clients have done."""
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        listening = "0A"
        sockets = {f"socket:[{row[9]}]" for row in rows if row[3] != listening}
        count = 0
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                count += os.readlink(descriptor) in sockets
            except FileNotFoundError:  # closed since it was listed
                pass
        return count


def run_serin(*arguments, seconds: float = 60) -> subprocess.CompletedProcess:
    """One command of serin, to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
    )
