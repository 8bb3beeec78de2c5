"""Latency of one connection, throughput of many, and what a request costs the server: CPU time and memory.

Closed loops, as in "at saturation": the next request leaves when the answer is there.  The generator shares the processors
with the server, as far as they let it; a rate at which it was itself busy all the time is a lower bound, and marked.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import generator
from peer import Peer
from process import ServerProcess

#: Of one processor: above it the generator may be what limits.
BUSY = 0.9


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


def measure(serin: Path, peer: Peer, server: ServerProcess, connections: int, seconds: float) -> Steady:
    generator.closed(serin, peer, connections, max(1, seconds / 4))
    alone = generator.closed(serin, peer, 1, seconds)
    before = server.cpu_seconds()
    full = generator.closed(serin, peer, connections, seconds)
    # Each connection is asked once before the clock runs.
    asked = full.answers + full.failures + connections
    cpu = (server.cpu_seconds() - before) / asked
    return Steady(alone, full, cpu * 1e6, server.resident_bytes() / (1 << 20))
