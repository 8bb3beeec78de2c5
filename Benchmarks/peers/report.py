"""What was measured, as a table and as a document.

Figures are medians of the rounds; the worst answer of all rounds where it says so.  A ratio is that of the two servers' rates in the
same round, the median of the rounds with its 95% bootstrap interval, so what disturbs a round disturbs both sides.
"""

import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from peer import Peer, serving
from reloading import Reloading
from steady import Steady


@dataclass
class Round:
    cold_start_seconds: float
    steady: Steady
    reloading: Reloading | None


@dataclass
class Entry:
    """One row."""

    kind: type[Peer]
    rounds: dict[int, Round] = field(default_factory=dict)
    #: Why there is nothing, or no more than these rounds.
    problem: str = ""

    @property
    def title(self) -> str:
        return f"{self.kind.title} ({self.version})" if self.version else self.kind.title

    @property
    def version(self) -> str:
        """The first package that its environment pins: the peer itself."""
        file = self.kind.folder / "requirements.txt"
        pin = re.search(r"^([\w.\[\]-]+)==(\S+)", file.read_text(), re.MULTILINE) if file.exists() else None
        return f"{pin[1].partition('[')[0]} {pin[2]}" if pin else ""

    def median(self, value) -> float:
        return statistics.median(value(entry) for entry in self.rounds.values())

    def figures(self) -> dict[str, float]:
        """Milliseconds, microseconds, MiB and seconds."""
        return {
            "alone_p50": self.median(lambda entry: entry.steady.alone.p50),
            "alone_p99": self.median(lambda entry: entry.steady.alone.p99),
            "rate": self.median(lambda entry: entry.steady.full.rate),
            "full_p50": self.median(lambda entry: entry.steady.full.p50),
            "full_p99": self.median(lambda entry: entry.steady.full.p99),
            "cpu_micros": self.median(lambda entry: entry.steady.cpu_micros),
            "resident_mib": self.median(lambda entry: entry.steady.resident_mib),
            "cold_start": self.median(lambda entry: entry.cold_start_seconds),
            "busy": self.median(lambda entry: entry.steady.full.busy)}

    @property
    def failures(self) -> int:
        return sum(entry.steady.alone.failures + entry.steady.full.failures for entry in self.rounds.values())

    def times_slower(self, other: "Entry") -> tuple[float, float, float] | None:
        """The other's rate by this one's, in the rounds that both have."""
        common = sorted(self.rounds.keys() & other.rounds.keys())
        if not common or other is self:
            return None
        return serving.median_interval(
            [other.rounds[number].steady.full.rate / self.rounds[number].steady.full.rate for number in common])


def line(entry: Round) -> str:
    """A round in a few words, while the others are still to come."""
    steady = entry.steady
    words = (f"start {entry.cold_start_seconds:.2f} s, alone {steady.alone.p50:.2f} / {steady.alone.p99:.2f} ms, "
             f"{steady.full.rate:,.0f}/s, {steady.cpu_micros:.0f} us, {steady.resident_mib:.0f} MiB")
    if entry.reloading:
        words += f", reload max {entry.reloading.during.max:.1f} ms, {entry.reloading.during.failures} failed"
    return words


def number(value: float) -> str:
    """Three figures, no more than are known."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def measured(entries: list[Entry]) -> list[Entry]:
    return sorted((entry for entry in entries if entry.rounds), key=lambda entry: -entry.figures()["rate"])


def table(entries: list[Entry], connections: int) -> str:
    """Markdown: the steady figures, then the reloads, then who is not there and why."""
    by_name = {entry.kind.name: entry for entry in entries}
    head = [
        "server", "1 connection: p50 / p99", f"requests/s at {connections}", f"p50 / p99 at {connections}",
        "Serin answers", "CPU time per request", "resident", "cold start", "failed"]
    rows = [steady_row(entry, by_name) for entry in measured(entries)]
    text = markdown(head, rows)
    reloads = [reload_row(entry) for entry in measured(entries) if entry.kind.reloads]
    if reloads:
        head = ["server", "a reload", "it takes", "p99 / max without", "p99 / max meanwhile", "failed", "reloads"]
        text += "\n" + markdown(head, reloads)
    missing = [f"- {entry.title}: {entry.problem}" for entry in entries if entry.problem]
    if missing:
        text += "\nNot measured, or not in every round:\n\n" + "\n".join(missing) + "\n"
    return text


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def steady_row(entry: Entry, by_name: dict[str, Entry]) -> list[str]:
    figures = entry.figures()
    bound = "≥ " if any(one.steady.is_generator_limited for one in entry.rounds.values()) else ""
    serin = by_name.get("serin" if entry.kind.http == 1 else "serin-http2")
    ratio = entry.times_slower(serin) if serin else None
    times = f"{ratio[0]:.3g} × (95% {ratio[1]:.3g} to {ratio[2]:.3g})" if ratio else ""
    return [
        entry.title, f"{number(figures['alone_p50'])} / {number(figures['alone_p99'])} ms",
        f"{bound}{number(figures['rate'])}", f"{number(figures['full_p50'])} / {number(figures['full_p99'])} ms", times,
        f"{number(figures['cpu_micros'])} µs", f"{number(figures['resident_mib'])} MiB",
        f"{number(figures['cold_start'])} s", str(entry.failures)]


def reload_row(entry: Entry) -> list[str]:
    rounds = [one.reloading for one in entry.rounds.values() if one.reloading]
    took = statistics.median(seconds for one in rounds for seconds in one.seconds)

    def tail(outcomes: list) -> str:
        return f"{number(statistics.median(one.p99 for one in outcomes))} / {number(max(one.max for one in outcomes))} ms"

    return [
        entry.title, entry.kind.reloads, f"{number(took)} s", tail([one.quiet for one in rounds]),
        tail([one.during for one in rounds]), str(sum(one.during.failures for one in rounds)),
        str(sum(len(one.seconds) for one in rounds))]


def document(entries: list[Entry], begin: float, seconds: float, connections: int) -> dict:
    """Everything, round by round."""
    return {
        "schema": 1, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin)), "machine": machine(),
        "seconds": seconds, "connections": connections,
        "servers": [{
            "name": entry.kind.name, "title": entry.title, "problem": entry.problem,
            "figures": entry.figures() if entry.rounds else None,
            "rounds": [
                {"round": key, "cold_start": one.cold_start_seconds, "steady": one.steady.figures(),
                 "reload": one.reloading.figures() if one.reloading else None}
                for key, one in entry.rounds.items()]} for entry in entries]}


def machine() -> dict:
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return {"processor": model[1] if model else "", "processors": len(os.sched_getaffinity(0)), "kernel": os.uname().release}


def reason(error: Exception) -> str:
    """What to say of a peer that failed, in one line."""
    if isinstance(error, subprocess.CalledProcessError):
        output = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        return f"{Path(error.cmd[0]).name} ended with {error.returncode}: {' / '.join(output[-2:])[-300:]}"
    return " ".join(str(error).split())
