"""Writes labels and what scikit-learn says of them, which the gateway's own figures are held against.

    python accuracy.py Tests/Fixtures/accuracy.json

Each case: rows of [score, label, amount, group], and figures.  Scores are floats or doubles, some of them equal; figures
come from scikit-learn on doubles, what it has not (KS, expected calibration error, money, ratios) from numpy.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics

BINS = 15


def rows(seed: int, count: int, digits: int | None, single: bool):
    random = np.random.default_rng(seed)
    truth = (random.random(count) < 0.12).astype(int)
    scores = 1 / (1 + np.exp(-(random.normal(-2.0, 1.6, count) + 2.4 * truth)))
    if digits is not None:
        scores = scores.round(digits)
    if single:
        scores = scores.astype(np.float32).astype(np.float64)
    amounts = random.lognormal(3.5, 1.2, count).round(2)
    groups = random.integers(0, 4, count)
    # The extremes, which a logarithm does not like.
    scores[:2], truth[:2] = (0.0, 1.0), (1, 0)
    return scores, truth, amounts, groups


def calibration_error(scores: np.ndarray, truth: np.ndarray) -> float:
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    found = [places == place for place in range(BINS)]
    return float(sum(abs(scores[bin].sum() - truth[bin].sum()) for bin in found) / len(scores))


def figures(scores, truth, amounts, threshold) -> dict:
    decided = (scores >= threshold).astype(int)
    false, true, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
    money = {
        name: float(np.sum(amounts[(decided == choice) & (truth == fact)], dtype=np.float64))
        for name, choice, fact in [
            ("true_positives", 1, 1), ("false_positives", 1, 0), ("false_negatives", 0, 1), ("true_negatives", 0, 0)]
    }
    return {
        "roc_auc": metrics.roc_auc_score(truth, scores),
        "average_precision": metrics.average_precision_score(truth, scores),
        "ks": float(np.max(np.abs(true - false))),
        "brier": metrics.brier_score_loss(truth, scores),
        "log_loss": metrics.log_loss(truth, scores, labels=[0, 1]),
        "calibration_error": calibration_error(scores, truth),
        "accuracy": metrics.accuracy_score(truth, decided),
        "precision": metrics.precision_score(truth, decided),
        "recall": metrics.recall_score(truth, decided),
        "selection_rate": float(decided.mean()),
        "approval_rate": float(1 - decided.mean()),
        "money": money,
        "money_precision": metrics.precision_score(truth, decided, sample_weight=amounts),
        "money_recall": metrics.recall_score(truth, decided, sample_weight=amounts),
    }


def case(name: str, seed: int, count: int, digits: int | None, single: bool, threshold: float) -> dict:
    scores, truth, amounts, groups = rows(seed, count, digits, single)
    decided = scores >= threshold
    selected = [float(decided[groups == group].mean()) for group in range(4)]
    found = [float(decided[(groups == group) & (truth == 1)].mean()) for group in range(4)]
    return {
        "name": name, "threshold": threshold, "single": single,
        "rows": [list(row) for row in zip(scores.tolist(), truth.tolist(), amounts.tolist(), groups.tolist())],
        "figures": figures(scores, truth, amounts, threshold),
        "selection_rate_ratio": min(selected) / max(selected),
        "true_positive_rate_ratio": min(found) / max(found),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    cases = [
        case("floats", 1, 1200, None, True, 0.5),
        case("doubles", 2, 1000, None, False, 0.3),
        case("ties", 3, 800, 2, False, 0.5),
    ]
    text = json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}, separators=(",", ":"))
    arguments.output.write_text(text.replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
