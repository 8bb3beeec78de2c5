"""Latency of one connection, throughput of many, and what a request costs the server: CPU time and memory.

Closed loops, as in "at saturation": the next request leaves when the answer is there.  The generator shares the processors
with the server, as far as they let it; a rate at which it was itself busy all the time is a lower bound, and marked.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import generator
from peer import Peer
from process import ServerProcess

#: Of one processor: above it the generator may be what limits.
BUSY = 0.9
#: A server that takes less than this share of a processor without requests has started.
IDLE = 0.25
SETTLE_SECONDS = 20


@dataclass
class Steady:
    alone: generator.Outcome
    full: generator.Outcome
    #: CPU time of all the server's processes, for each request at saturation.
    cpu_micros: float
    resident_mib: float

    @property
    def is_generator_limited(self) -> bool:
        return self.full.busy > BUSY

    def figures(self) -> dict:
        return asdict(self)


def settle(server: ServerProcess):
    """The first answer comes from the first process; the others may still be importing."""
    deadline = time.monotonic() + SETTLE_SECONDS
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        begin, before = time.monotonic(), server.cpu_seconds()
        time.sleep(0.4)
        share = (server.cpu_seconds() - before) / (time.monotonic() - begin)
        quiet = quiet + 1 if share < IDLE else 0


def measure(serin: Path, peer: Peer, server: ServerProcess, connections: int, seconds: float) -> Steady:
    settle(server)
    generator.closed(serin, peer, connections, max(1, seconds / 4))
    alone = generator.closed(serin, peer, 1, seconds)
    before = server.cpu_seconds()
    full = generator.closed(serin, peer, connections, seconds)
    # Each connection is asked once before the clock runs.
    asked = full.answers + full.failures + connections
    cpu = (server.cpu_seconds() - before) / asked
    return Steady(alone, full, cpu * 1e6, server.resident_bytes() / (1 << 20))
