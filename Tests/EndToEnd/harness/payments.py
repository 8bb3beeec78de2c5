"""Healthy payments, as the generator of the shipped models' data makes them (models/train), of people no model has seen.

    python Tests/EndToEnd/harness/payments.py OUTPUT [--seed 7] [--days 60] [--rows N]

writes them for the drift tests of Sources/Monitoring: float32, little endian, [rows][33]: the day, then the features in the
manifest's order. `--rows`: so many, drawn from all days and all called day 0 (Tests/Fixtures/drift/payments.f32 has 2,000);
without it all of them, some 5,000 a day.
"""

import argparse
import csv
import sys
from functools import cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "models" / "train"))

from features import NAMES
from generate import payment_table
from population import CHANGE_DAY, DAY

#: Not the one of the training.
SEED = 7
DAYS = 60
DTYPE = "<f4"


@cache
def healthy(seed: int = SEED, days: int = DAYS) -> tuple[np.ndarray, np.ndarray]:
    """The day of each payment, and its features: float32, NaN missing, categories as codes. Before the patterns change."""
    assert days <= CHANGE_DAY, "the patterns change then"
    table = payment_table(seed)
    table = table[table[:, 0] < days * DAY]
    return (table[:, 0] // DAY).astype(int), table[:, 3:].astype(np.float32)


def drawn(rows: int, seed: int, days: int = DAYS) -> np.ndarray:
    """So many of them, from all days."""
    _, matrix = healthy(days=days)
    return matrix[np.random.default_rng(seed).integers(0, len(matrix), rows)]


def write_csv(path: Path, matrix: np.ndarray) -> Path:
    """As `serin loadtest` and `serin score` read them."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows([["" if np.isnan(value) else repr(float(value)) for value in row] for row in matrix])
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--rows", type=int)
    arguments = parser.parse_args()
    day, matrix = healthy(arguments.seed, arguments.days)
    if arguments.rows:
        chosen = np.random.default_rng(arguments.seed).choice(len(matrix), arguments.rows, replace=False)
        day, matrix = np.zeros(arguments.rows), matrix[chosen]
    np.column_stack([day, matrix]).astype(DTYPE).tofile(arguments.output)


if __name__ == "__main__":
    main()
