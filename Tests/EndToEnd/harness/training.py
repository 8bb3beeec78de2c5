"""The payments that the shipped models were trained on, made anew from their seed: models/train/generate.py."""

import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np

from harness.bundles import bundle
from harness.gateway import ROOT

FILE = ROOT / ".cache" / "payments.npy"
SCRIPT = ROOT / "models" / "train" / "generate.py"
DAY = 86_400
#: Patterns of fraud that begin at day 90, and that fraud/1 has never seen.
NEW_PATTERNS = (5, 6)


@dataclass(frozen=True)
class Payments:
    rows: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.rows)


@cache
def table() -> np.ndarray:
    """[payments][time, label, pattern, features…]; 5 s and 182 MB, once."""
    if not FILE.exists():
        FILE.parent.mkdir(exist_ok=True)
        made = FILE.with_suffix(".new.npy")
        done = subprocess.run(
            [sys.executable, str(SCRIPT), str(made)], cwd=SCRIPT.parent, check=True, timeout=600, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True)
        if bundle("1").manifest["lineage"]["data_sha256"] not in done.stderr:
            print("the payments differ in last bits from those of the manifests: another numpy, or another processor")
        made.rename(FILE)
    return np.load(FILE, mmap_mode="r")


def of_days(first: int, last: int, count: int, new_share: float | None = None, seed: int = 1) -> Payments:
    """So many payments of these days, drawn; `new_share`: so many of them are of the new patterns, as in a campaign."""
    day = np.asarray(table()[:, 0]) // DAY
    places = np.flatnonzero((day >= first) & (day <= last))
    source = np.random.default_rng(seed)
    if new_share is None:
        chosen = source.choice(places, count, replace=False)
    else:
        new = np.isin(np.asarray(table()[places, 2]), NEW_PATTERNS)
        wanted = int(count * new_share)
        # Incidents repeat: there are not so many of them in these days.
        chosen = np.concatenate([
            source.choice(places[new], wanted, replace=True),
            source.choice(places[~new], count - wanted, replace=False)])
        source.shuffle(chosen)
    part = np.asarray(table()[chosen])
    return Payments(part[:, 3:].astype(np.float32), part[:, 1].astype(int))
