"""How far two histograms are apart, by numpy, from the formulas alone: the oracle of drift.

    python Tests/EndToEnd/harness/distances.py OUTPUT [--count 500] [--seed 1]

writes random pairs of histograms with their distances as NDJSON: Tests/Fixtures/drift/distances.ndjson.
"""

import argparse
import json
from pathlib import Path

import numpy as np


def psi(live, reference) -> float:
    """The population stability index with half a count more in each bin that either has, less its mean by chance."""
    live, reference = np.asarray(live), np.asarray(reference)
    used = (live > 0) | (reference > 0)
    live, reference = live[used].astype(float), reference[used].astype(float)
    p = (live + 0.5) / (live + 0.5).sum()
    q = (reference + 0.5) / (reference + 0.5).sum()
    bias = (len(p) - 1) * (1 / live.sum() + 1 / reference.sum())
    return max(0.0, float(((p - q) * np.log(p / q)).sum() - bias))


def jensen_shannon(live, reference) -> float:
    """The divergence in bits."""
    p, q = np.asarray(live) / np.sum(live), np.asarray(reference) / np.sum(reference)
    middle = (p + q) / 2

    def divergence(a):
        return float((a[a > 0] * np.log2(a[a > 0] / middle[a > 0])).sum())

    return (divergence(p) + divergence(q)) / 2


def counted(column: np.ndarray, feature: dict, spec: dict) -> tuple[np.ndarray, np.ndarray]:
    """A column's rows by bin, and the training's: from the profile's and the manifest's entry alone."""
    known = column[~np.isnan(column)]
    missing = len(column) - len(known)
    if feature["kind"] == "category":
        names = list(feature["counts"])
        kept = [int((known == spec["categories"].index(name)).sum()) for name in names]
        listed = np.isin(known, np.arange(len(spec["categories"])))
        live = [*kept, int(listed.sum()) - sum(kept), int((~listed).sum()), missing]
        return np.array(live), np.array([*feature["counts"].values(), feature["other"], 0, feature["missing"]])
    edges = np.array(feature["edges"], dtype=np.float32)
    inside, _ = np.histogram(known, edges)
    live = [int((known < edges[0]).sum()), *inside, int((known > edges[-1]).sum()), missing]
    return np.array(live), np.array([feature["underflow"], *feature["counts"], feature["overflow"], feature["missing"]])


def random_counts(source: np.random.Generator, bins: int, total: int) -> np.ndarray:
    """So many rows in bins of very unlike shares, some of them empty."""
    shares = source.dirichlet(np.full(bins, 10 ** source.uniform(-1.5, 1.5)))
    shares[source.random(bins) < source.choice([0, 0.2, 0.6])] = 0
    return source.multinomial(total, shares / shares.sum()) if shares.sum() > 0 else np.eye(1, bins, dtype=int)[0] * total


def random_pair(source: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """From ten rows to a thousand million; in one of four pairs both are drawn from the same shares."""
    bins = int(source.integers(1, 54))
    totals = [int(10 ** source.uniform(1, 9)) for _ in range(2)]
    reference = random_counts(source, bins, totals[1])
    if source.random() < 1 / 4:
        return source.multinomial(totals[0], reference / reference.sum()), reference
    return random_counts(source, bins, totals[0]), reference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source = np.random.default_rng(arguments.seed)
    with arguments.output.open("w") as file:
        for _ in range(arguments.count):
            live, reference = random_pair(source)
            line = {"live": live.tolist(), "reference": reference.tolist(), "psi": psi(live, reference),
                    "jensen_shannon": jensen_shannon(live, reference)}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
