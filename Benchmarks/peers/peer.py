"""What a peer is: a folder below servers/ whose peer.py says how to start it, how to ask it, and how it reloads.

    servers/NAME/peer.py            a subclass of Peer, with the tuning and why
    servers/NAME/requirements.txt   pinned; absent where Python is not needed
    servers/NAME/app.py …           what runs inside the peer's own environment

All of them serve models/fraud/1/model.json (XGBoost, 100 trees x depth 6, 32 features) and are asked for the same golden
row, whose score the trainer has given; one that answers something else is not compared.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "serving"))
import serving  # noqa: E402: the row and its score, as the other benchmarks ask them

MODEL = serving.BUNDLE / "model.json"
#: Processes, threads or replicas that a peer may run: one for each processor.
WORKERS = len(os.sched_getaffinity(0))


class Unusable(Exception):
    """Why a peer cannot be measured; the table says it."""


class Peer:
    """A server: one object for one start."""

    #: On the command line and in the result's file.
    name: str
    #: As the table names it.
    title: str
    #: Where its peer.py is.
    folder: Path
    #: 1 or 2.
    http = 1
    path = serving.INFER
    #: It answers something else than a score, and stands in the table as what HTTP alone costs.
    is_limit = False
    #: What a reload is, in a few words; empty: it has none.
    reloads = ""
    #: Seconds until the first answer, at most.
    start_seconds = 120

    def __init__(self, place: Path, cache: Path, serin: Path):
        #: A folder of this start's own; where Serin is.
        self.place, self.serin = place, serin
        self.environment = environment(self.folder, cache)
        self.port = serving.free_port()

    def tool(self, name: str) -> Path:
        """A program of the peer's environment."""
        return self.environment / "bin" / name

    def installed(self, package: str) -> Path:
        """The folder of a package in it."""
        found = next(self.environment.glob(f"lib/python3.*/site-packages/{package}"), None)
        if found is None:
            raise Unusable(f"its environment has no {package}")
        return found

    def run(self, *command, seconds: float = 120):
        """A step of the preparation."""
        subprocess.run(
            [str(word) for word in command], check=True, capture_output=True, cwd=self.place, timeout=seconds,
            env=self.variables())

    # What a subclass says.

    def prepare(self):
        """Lays out in `place` what the command serves."""

    def command(self) -> list:
        raise NotImplementedError

    def settings(self) -> dict[str, str]:
        """Environment variables beyond those that all peers have."""
        return {}

    def body(self, row: list[float]) -> bytes:
        tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row}
        return compact({"inputs": [tensor]})

    def score(self, answer: bytes) -> float:
        return json.loads(answer)["outputs"][0]["data"][0]

    def reload(self):
        """Loads the model anew while it serves; returns when the peer says it is done."""
        raise NotImplementedError

    # What all of them share.

    def variables(self) -> dict[str, str]:
        """One thread of OpenMP: a row is scored in less time than a second thread takes to wake."""
        shared = {"OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1", "PEERS_MODEL": str(MODEL)}
        return {**os.environ, **shared, **self.settings()}

    def question(self) -> bytes:
        return self.body(serving.row()[0])

    def check(self, answer: bytes):
        wanted = serving.row()[2]
        try:
            found = float(self.score(answer))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise Unusable(f"no score in its answer {answer[:200]!r}") from error
        if abs(found - wanted) > 1e-6:
            raise Unusable(f"scores {found!r}, the trainer {wanted!r}")


def environment(folder: Path, cache: Path) -> Path:
    """The virtual environment of the peers in a folder."""
    return cache / folder.name / "venv"


def compact(value) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def kinds() -> dict[str, type[Peer]]:
    """Every peer by its name: the subclasses that the files servers/*/peer.py define."""
    found = {}
    for path in sorted(HERE.glob("servers/*/peer.py")):
        spec = importlib.util.spec_from_file_location(f"servers_{path.parent.name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Peer) and value.__module__ == module.__name__:
                value.folder = path.parent
                found[value.name] = value
    return found
