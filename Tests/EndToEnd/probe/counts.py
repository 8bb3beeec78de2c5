"""The test's side of probe.c: builds it, arms it, reads the counts of every thread."""

import mmap
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = ("allocate", "release", "map", "lock", "retain", "poll")
THREADS, SITES, FRAMES = 64, 64, 10
SITE = struct.Struct(f"<QQQ{FRAMES}Q")
COUNTS = struct.Struct(f"<Q{len(KINDS)}Q{len(KINDS)}QQ")
SLOT_BYTES = COUNTS.size + SITES * SITE.size
PAGE_BYTES = 16 + THREADS * SLOT_BYTES


@dataclass
class ThreadCounts:
    tid: int
    armed: dict
    total: dict
    #: `(kind, count, return addresses)`: where the calls came from while armed.
    sites: list


class Probe:
    def __init__(self, folder: Path):
        self.library = folder / "probe.so"
        flags = ["-O1", "-g", "-fPIC", "-shared", "-fno-builtin", "-Wall", "-Werror"]
        subprocess.run(["cc", *flags, "-o", self.library, HERE / "probe.c", "-ldl", "-lpthread"], check=True)
        self.file = folder / "probe.page"
        self.file.write_bytes(bytes(PAGE_BYTES))
        self._handle = self.file.open("r+b")
        self._page = mmap.mmap(self._handle.fileno(), PAGE_BYTES)

    @property
    def environment(self) -> dict:
        return {"LD_PRELOAD": str(self.library), "PROBE_FILE": str(self.file)}

    def arm(self, on: bool = True):
        self._page[0:8] = struct.pack("<Q", int(on))

    def threads(self) -> list[ThreadCounts]:
        used = min(struct.unpack_from("<Q", self._page, 8)[0], THREADS)
        return [self._thread(16 + index * SLOT_BYTES) for index in range(used)]

    def _thread(self, start: int) -> ThreadCounts:
        tid, *numbers, site_count = COUNTS.unpack_from(self._page, start)
        sites = []
        for index in range(site_count):
            kind, count, depth, *frames = SITE.unpack_from(self._page, start + COUNTS.size + index * SITE.size)
            sites.append((KINDS[kind], count, frames[:depth]))
        half = len(KINDS)
        return ThreadCounts(tid, dict(zip(KINDS, numbers[:half])), dict(zip(KINDS, numbers[half:])), sites)


def describe(pid: int, thread: ThreadCounts, kinds) -> str:
    """Where the calls came from, the most frequent first; the process must still live."""
    sites = sorted((site for site in thread.sites if site[0] in kinds), key=lambda site: -site[1])
    lines = [f"thread {thread.tid}: {thread.armed}"]
    for kind, count, frames in sites[:20]:
        lines.append(f"  {count} x {kind}")
        lines += [f"      {symbol(pid, address)}" for address in frames[:5]]
    return demangled("\n".join(lines))


def demangled(text: str) -> str:
    try:
        done = subprocess.run(["swift", "demangle", "--simplified"], input=text, capture_output=True, text=True, timeout=30)
        return done.stdout or text
    except (OSError, subprocess.TimeoutExpired):
        return text


def symbol(pid: int, address: int) -> str:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+\s+(/.*)", line)
        if not match or not int(match[1], 16) <= address < int(match[2], 16):
            continue
        offset = address - 1 - int(match[1], 16) + int(match[3], 16)
        place = f"{Path(match[4]).name}+{offset:#x}"
        try:
            # The offset in the file is the address in it, where the segments are laid out so (PIE, shared).
            found = subprocess.run(
                ["addr2line", "-fipC", "-e", match[4], hex(offset)], capture_output=True, text=True, timeout=20)
            return f"{place} {found.stdout.strip().splitlines()[0]}" if found.stdout else place
        except (OSError, IndexError, subprocess.TimeoutExpired):
            return place
    return hex(address)
