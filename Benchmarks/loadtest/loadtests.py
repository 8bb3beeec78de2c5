"""What the benchmarks of `serin loadtest` share: one run of it, the server whose latencies are known, verdicts.

`serving.py` of the serving benchmarks has the other servers. Python's own library only.
"""

import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "serving"))
import serving  # noqa: E402: the servers of the other benchmarks

#: The binary; what names it is none of a gateway's settings, and would be refused as one.
SERIN = Path(os.environ.pop("SERIN_BINARY", serving.ROOT / ".build" / "release" / "serin")).absolute()
GENERATOR_CPU, SERVER_CPU = 0, 1
FAILURES = []


def verdict(name: str, ok: bool, figures: str):
    print(f"{name}: {figures}: {'PASS' if ok else 'FAIL'}", flush=True)
    if not ok:
        FAILURES.append(name)


def finish():
    """The last line, and the exit code."""
    print(f"FAIL: {', '.join(FAILURES)}" if FAILURES else "PASS", flush=True)
    sys.exit(1 if FAILURES else 0)


def pinned(cpu: int | None) -> list[str]:
    return [] if cpu is None else ["taskset", "-c", str(cpu)]


def run(*command) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, timeout=120).stdout


class Run:
    """One `serin loadtest`, begun; `result()` waits for its end and has what `--json` says."""

    def __init__(self, folder: Path, scenario: dict, cpu: int | None = GENERATOR_CPU):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "result.json"
        self.path.unlink(missing_ok=True)
        # JSON is YAML; but a duration, a rate, a share and a factor have no quotes.
        (folder / "scenario.yaml").write_text(re.sub(r'"([0-9.]+(?:ms|s|/s|%|x))"', r"\1", json.dumps(scenario)))
        command = [*pinned(cpu), SERIN, "loadtest", folder / "scenario.yaml", "--json", self.path]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)

    def wait_until_begun(self):
        """The first progress line says that the phase has begun."""
        line = self.process.stderr.readline()
        if self.process.poll() is not None:
            serving.fail(f"serin loadtest ended: {line}{self.process.stderr.read()}")

    def result(self, codes=(0,)) -> dict:
        _, err = self.process.communicate(timeout=600)
        if self.process.returncode not in codes or not self.path.exists():
            serving.fail(f"serin loadtest ended with {self.process.returncode}: {err}")
        return json.loads(self.path.read_text())


def scenario(classes: list[dict], loads: dict, seconds: float, **more) -> dict:
    """One phase. A class has its target's URL as `target`."""
    targets = {entry["name"]: entry["target"] for entry in classes}
    named = [{**entry, "target": entry["name"]} for entry in classes]
    return {"name": "benchmark", "targets": targets, "classes": named,
            "phases": [{"name": "run", "duration": f"{seconds}s", "load": loads}], **more}


# The server whose latencies are known


def compile_c(source: str, folder: Path) -> Path:
    binary = folder / Path(source).stem
    run("gcc", "-O2", "-o", binary, HERE / source)
    return binary


class LatencyServer(serving.Server):
    """latency.c with a table of delays in seconds."""

    def __init__(self, binary: Path, folder: Path, delays: list[float], cpu: int | None = SERVER_CPU):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table").write_text("".join(f"{round(delay * 1e9)}\n" for delay in delays))
        self.told = folder / "told"
        super().__init__([*pinned(cpu), binary, folder / "table", self.told], folder / "port")
        self.port = int(serving.wait_for_log(self, r"\d+\n", r"(\d+)\n"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def delays(self, count: int) -> list[float]:
        """Ends it; the seconds that really passed inside it, of the last `count` requests (the first ones are the
        generator's trial before the run)."""
        self.__exit__()
        return [int(line) / 1e9 for line in self.told.read_text().splitlines()][-count:]


def plain(name: str, url: str, connections: int = 100) -> dict:
    """A class that asks a latency server."""
    return {"name": name, "target": url, "api": "plain", "path": "/", "http": 1, "connections": connections, "streams": 1,
            "timeout": "30s"}


def log_normal(median: float, sigma: float):
    """Its quantile function, in seconds."""
    normal = statistics.NormalDist()
    return lambda share: median * math.exp(sigma * normal.inv_cdf(share))


def even_draw(quantile, count: int, seed: int = 1) -> list[float]:
    """`count` delays whose percentiles are the distribution's own: its quantiles at even distances, in a fixed disorder."""
    delays = [quantile((index + 0.5) / count) for index in range(count)]
    random.Random(seed).shuffle(delays)
    return delays


def independent_draw(quantile, count: int, seed: int) -> list[float]:
    """`count` delays as a service would have them: each drawn for itself, so a percentile of theirs varies from run to run."""
    generator = random.Random(seed)
    return [quantile(generator.uniform(1e-9, 1 - 1e-9)) for _ in range(count)]


def percentile(values: list[float], percent: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100 - 1e-9) - 1)]
