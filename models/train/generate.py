"""Generates the synthetic card payments that the shipped models are trained on.

    python generate.py payments.npy --seed 2026

population ──► genuine ─┐
           └─► fraud  ──┴► sorted by time ──► features (from the whole history) ──► days 0..119

The file is one float64 array [payments][35], row-major: time (s since day 0), label (1 fraud), pattern
(0 genuine, else fraud.PATTERNS), then the 32 features in the order of features.FEATURES.  The same seed,
number of cards and numpy give the same bytes; nothing in it comes from a real person.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

import population as world
from features import NAMES, feature_matrix
from fraud import PATTERNS, fraudulent_payments
from genuine import genuine_payments
from payments import Payments

SEED = 2026
CARDS = 10_000
COLUMNS = ["time", "label", "pattern"] + NAMES


def simulate(seed: int, card_count: int):
    """All payments of the history, warm-up included, in order of time, and the cards."""
    rng = np.random.default_rng(seed)
    cards = world.make_cards(rng, card_count)
    payments = Payments.joined([genuine_payments(rng, cards), fraudulent_payments(rng, cards)])
    return payments.take(np.argsort(payments.time, kind="stable")), cards


def payment_table(seed: int = SEED, card_count: int = CARDS) -> np.ndarray:
    """float64 [payments][COLUMNS] of days 0..119."""
    payments, cards = simulate(seed, card_count)
    matrix = feature_matrix(payments, cards)
    table = np.column_stack([payments.time, payments.pattern > 0, payments.pattern, matrix])
    return np.ascontiguousarray(table[payments.time >= 0])


def sha256_of(path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(table: np.ndarray):
    label, pattern, late = table[:, 1], table[:, 2], table[:, 0] >= world.CHANGE_DAY * world.DAY
    print(f"{len(table)} payments, {label.mean():.2%} fraud, missing {np.isnan(table).mean():.2%}")
    for name, period in (("days 0-89", ~late), ("days 90-119", late)):
        shares = ", ".join(f"{p.number}: {(pattern[period] == p.number).sum()}" for p in PATTERNS)
        print(f"{name}: {period.sum()} payments, {label[period].mean():.2%} fraud; by pattern {shares}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--cards", type=int, default=CARDS)
    arguments = parser.parse_args()
    table = payment_table(arguments.seed, arguments.cards)
    np.save(arguments.output, table)
    describe(table)
    print(f"sha256 {sha256_of(arguments.output)}", file=sys.stderr)


if __name__ == "__main__":
    main()
