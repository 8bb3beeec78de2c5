"""Writes the trainers' own contributions for rows of the fixtures.

    python contributions.py Tests/Fixtures/models Tests/Fixtures/contributions.ndjson

One line a row: model, row, input (as in golden.ndjson) and contributions, [outputs][features + 1] one behind
the other, the last of each output the expected margin.  Models that their trainers do not explain (vector
leaves, linear leaves) and models of named categories (which need a data frame) are left out.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from digits import number_text
from oracle import LightGBMOracle, open_oracle

LEFT_OUT = ("xgboost-vector", "lightgbm-linear", "lightgbm-forest-linear", "named-categories")


def contributions(oracle, rows: np.ndarray) -> np.ndarray:
    """[rows][outputs × (features + 1)]."""
    if isinstance(oracle, LightGBMOracle):
        found = oracle.booster.predict(rows.astype(np.float64), pred_contrib=True, num_threads=1)
    else:
        found = oracle.booster.predict(oracle._matrix(rows), pred_contribs=True)
    return found.reshape(len(rows), -1)


def model_lines(entry: dict, directory: Path, count: int):
    oracle = open_oracle(directory / entry["files"][0])
    single = oracle.score_single
    golden = [json.loads(line) for line in (directory / entry["rows"]).read_text(encoding="utf-8").splitlines()]
    chosen = [golden[index] for index in np.unique(np.linspace(0, len(golden) - 1, count).astype(int))]
    for line in chosen:
        number = np.float32 if line["input"] == "FP32" else np.float64
        row = np.array([[np.nan if cell is None else cell for cell in line["row"]]], dtype=number)
        found = contributions(oracle, row)[0]
        if not np.isfinite(found).all():
            continue
        cells = ",".join(number_text(value, single) for value in found)
        row_text = json.dumps(line["row"])
        yield f'{{"model":"{entry["name"]}","row":{row_text},"input":"{line["input"]}","contributions":[{cells}]}}'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--rows", type=int, default=4, help="rows of a model")
    arguments = parser.parse_args()
    lines = []
    for text in (arguments.models / "index.ndjson").read_text(encoding="utf-8").splitlines():
        entry = json.loads(text)
        trainer = entry["name"].split("-")[0]
        if trainer in ("xgboost", "lightgbm") and not any(part in entry["name"] for part in LEFT_OUT):
            lines += model_lines(entry, arguments.models, arguments.rows)
    arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
