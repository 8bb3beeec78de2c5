"""What callers notice while the model is loaded anew: the same open loop without reloads, then with one after another.

    quiet   ├── RATE requests a second, on time ──┤
    reload  ├──┤ 0.5 s │ load │ 0.5 s │ load │ …  ├──┤

The loop is open, so a server that stops for a second makes RATE requests late, and that is what is reported.
"""

import subprocess
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import generator
from peer import Peer, Unusable

RATE = 200
CONNECTIONS = 32
PAUSE_SECONDS = 0.5


@dataclass
class Reloading:
    quiet: generator.Outcome
    during: generator.Outcome
    #: Of each reload, until the server said it was done.
    seconds: list[float]

    def figures(self) -> dict:
        return asdict(self)


class Operator(threading.Thread):
    """Reloads again and again until it is time to stop."""

    def __init__(self, peer: Peer, until: float):
        super().__init__(daemon=True)
        self.peer, self.until = peer, until
        self.seconds: list[float] = []
        self.problem: Exception | None = None

    def run(self):
        try:
            while True:
                time.sleep(PAUSE_SECONDS)
                begin = time.monotonic()
                if begin > self.until:
                    return
                self.peer.reload()
                self.seconds.append(time.monotonic() - begin)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.problem = error


def measure(serin: Path, peer: Peer, seconds: float) -> Reloading:
    load = f"{{constant: {RATE}/s}}"
    quiet = generator.finish(generator.start(serin, peer, load, CONNECTIONS, seconds), seconds)
    running = generator.start(serin, peer, load, CONNECTIONS, 2 * seconds)
    operator = Operator(peer, time.monotonic() + 2 * seconds - 2 * PAUSE_SECONDS)
    operator.start()
    during = generator.finish(running, 2 * seconds)
    operator.join(60)
    if operator.problem or operator.is_alive() or not operator.seconds:
        raise Unusable(f"its reload failed: {operator.problem or 'it did not end'}")
    return Reloading(quiet, during, operator.seconds)
