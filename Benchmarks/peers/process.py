"""A server as a tree of processes: started, accounted for and ended as a whole.

    this program (takes in orphans) ── root ── workers …
                     └── a worker whose parent has ended: still the server's

CPU time is the kernel's (user and system, of threads and children that have ended too), memory the proportional set size:
a page that five workers share counts once.
"""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 20
#: Children of this program that belong to no server.
own: set[int] = set()


def take_in_orphans():
    """A process below this one whose parent ends becomes this one's child, so none gets lost."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children() -> dict[int, list[int]]:
    by_parent: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := stat(int(name))):
            by_parent.setdefault(int(fields[1]), []).append(int(name))
    return by_parent


class ServerProcess:
    """One server at a time: every orphan is taken for its own."""

    def __init__(self, command: list, log: Path, variables: dict[str, str], place: Path):
        self.log_path = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=variables, cwd=place, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def last_words(self) -> str:
        """The end of its log, in one line."""
        lines = [line.strip() for line in self.log_path.read_text(errors="replace").splitlines() if line.strip()]
        return " / ".join(lines[-3:])[-400:]

    def pids(self) -> list[int]:
        by_parent = children()
        orphans = [pid for pid in by_parent.get(os.getpid(), []) if pid not in own and pid != self.process.pid]
        found, waiting = [], [self.process.pid, *orphans]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            waiting += by_parent.get(pid, [])
        return found

    def cpu_seconds(self) -> float:
        ticks = 0
        for pid in self.pids():
            if fields := stat(pid):
                ticks += sum(int(field) for field in fields[11:15])
        return ticks * TICK_SECONDS

    def resident_bytes(self) -> int:
        total = 0
        for pid in self.pids():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0) * 1024
        return total

    def stop(self):
        """Asks the root to end, then ends whatever is left of the tree, each by its id."""
        if not self.has_ended:
            self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and not (self.has_ended and self.pids() == [self.process.pid]):
            self.reap()
            time.sleep(0.02)
        while left := [pid for pid in self.pids() if stat(pid)]:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.poll()
            self.reap()
            time.sleep(0.02)

    def reap(self):
        for pid in children().get(os.getpid(), []):
            if pid not in own and pid != self.process.pid:
                os.waitpid(pid, os.WNOHANG)
