"""Writes small random models of many kinds, with the trainers' own answers, to test the importers.

    python fixtures.py DIRECTORY --count 2000 --seed 1

For each of `count` models per trainer the directory gets

    xgboost-dart-0025.json   xgboost-dart-0025.ubj    the same model, twice
    xgboost-dart-0025.ndjson                          rows, margins, scores: golden.ndjson's format,
                                                      categories as codes
    lightgbm-linear-0027.txt lightgbm-linear-0027.ndjson
    index.ndjson                                      one line a model: name, kind, files, features, outputs

Kinds take turns.  Model number n depends on the seed, the trainer and n alone, so a failure is
reproduced by `--only NAME`.  The rows aim where importers go wrong: values exactly on thresholds and
one step beside them, missing values, zeros of both signs, numbers around LightGBM's zero threshold
(1e-35), extremes, and category codes that are unseen, negative, fractional or huge.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
import xgboost

from digits import row_line
from fixture_kinds import LIGHTGBM, ON_REQUEST, XGBOOST, Kind
from oracle import named_frame, open_oracle, thresholds_by_feature

TRAINING_ROWS = 200
TRAINERS = {"xgboost": XGBOOST, "lightgbm": LIGHTGBM}
EXTREMES = [0.0, -0.0, 1e-45, -1e-45, 1e-36, -1e-36, 1e-35, -1e-35, 1e-34, 1e30, -1e30, 3.4028235e38, -3.4028235e38]
DOUBLE_EXTREMES = [1e300, -1e300, 1.0000000180025095e-35, -1.0000000180025095e-35, 5e-324]
CODES = [-1.0, -0.5, 0.0, 0.5, 1.7, 31.0, 32.0, 63.0, 64.0, 1000.0, 16777215.0, 16777216.0, 3e9, -3e9]
FEATURE_NAMES = ["amount", "größe", "Column_7", "hour of day", "a=b", "x_1", "国", "f.5", "lag-24", "n/a", "count", "z"]


@dataclass(frozen=True)
class Limits:
    """How big the drawn models get."""

    rounds: int
    depth: int
    rows: int


class Table:
    """Random training data: float64 columns with NaN for missing, and which columns are categories."""

    def __init__(self, rng: np.random.Generator, kind: Kind):
        self.width = int(rng.integers(5, 13))
        self.categories: list[int] = []
        columns = [_column(rng) for _ in range(self.width)]
        if kind.columns in ("categories", "named"):
            self.categories = sorted(rng.choice(self.width, size=int(rng.integers(1, 4)), replace=False).tolist())
            for index in self.categories:
                size = int(rng.choice([3, 8, 30, 70]))
                columns[index] = rng.integers(0, size, TRAINING_ROWS).astype(float)
                columns[index][:size] = np.arange(size)
        self.values = np.column_stack(columns)
        if kind.columns == "zeros":
            self.values[rng.random(self.values.shape) < 0.3] = 0.0
        # The label's score is taken before values go missing, so missing is learnt, not only noise.
        self.signal = _signal(rng, self.values, self.categories)
        share = {"missing": 0.25, "zeros": 0.05}.get(kind.columns, float(rng.choice([0, 0, 0.1])))
        if share:
            self.values[rng.random(self.values.shape) < share] = np.nan
        self.category_names = None
        if kind.columns == "named":
            self.category_names = [self._names(index) for index in range(self.width)]
        styled = rng.random() < 0.3 and kind.columns != "named"
        self.names = FEATURE_NAMES[: self.width] if styled else [f"f{index}" for index in range(self.width)]

    def _names(self, index):
        if index not in self.categories:
            return None
        return [f"c{code}" for code in range(int(np.nanmax(self.values[:, index])) + 1)]


def _column(rng) -> np.ndarray:
    normal = rng.normal(size=TRAINING_ROWS)
    styles = [
        lambda: normal,
        lambda: np.round(normal * 4) / 2,
        lambda: np.round(normal * 5),
        lambda: np.exp(normal * 2),
        lambda: np.where(normal < 0.3, 0.0, normal),
        lambda: (normal > 0.5).astype(float),
        lambda: normal * 1e-4,
        lambda: normal * 1e9 + 1e8,
        lambda: normal.astype(np.float32).astype(float),
        lambda: 100 + normal * 1e-5,
    ]
    return styles[int(rng.integers(len(styles)))]()


def _signal(rng, values, categories) -> np.ndarray:
    """A rough target, about standard normal, from ranks of the columns, one interaction and noise."""
    ranks = values.argsort(axis=0).argsort(axis=0) / TRAINING_ROWS - 0.5
    for index in categories:
        ranks[:, index] = rng.normal(size=128)[values[:, index].astype(int)] * 0.4
    signal = ranks @ rng.normal(size=values.shape[1]) * 2 + ranks[:, 0] * ranks[:, 1] * 6
    return signal + rng.normal(size=TRAINING_ROWS) * 0.3


def _labels(rng, kind: Kind, signal: np.ndarray):
    """Labels of the form the objective needs, and the number of classes (0: not a classification)."""
    if kind.labels == "classes":
        classes = int(rng.integers(3, 6))
        cuts = np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1])
        return np.digitize(signal, cuts).astype(float), classes
    forms = {
        "binary": lambda: (signal > np.quantile(signal, rng.uniform(0.3, 0.9))).astype(float),
        "real": lambda: signal * rng.choice([0.1, 1, 50]) + rng.choice([0, -3, 100]),
        "positive": lambda: np.exp(signal * 0.5) + 0.01,
        "unit": lambda: 1 / (1 + np.exp(-signal)),
        "counts": lambda: rng.poisson(np.exp(np.clip(signal, -3, 2))).astype(float),
        "ranks": lambda: np.clip(np.round(signal + 1), 0, 4),
        "targets": lambda: np.column_stack([signal, -signal + 2, signal * signal]),
    }
    return forms[kind.labels](), 0


def train_xgboost(rng, kind: Kind, table: Table, path: Path, limits: Limits):
    labels, classes = _labels(rng, kind, table.signal)
    params = {
        "nthread": 1,
        "verbosity": 0,
        "seed": int(rng.integers(1 << 30)),
        "eta": float(rng.choice([0.1, 0.3, 1.0])),
        "max_depth": int(rng.integers(1, limits.depth + 1)),
        "min_child_weight": float(rng.choice([0, 1, 5])),
        "lambda": float(rng.choice([0.1, 1])),
        "max_bin": int(rng.choice([8, 64, 256])),
        "subsample": float(rng.choice([0.7, 1])),
        "tree_method": "hist"
        if table.categories or kind.labels == "targets"
        else str(rng.choice(["hist", "exact", "approx"])),
    }
    if kind.shape == "deep":
        params |= {
            "tree_method": "hist",
            "max_depth": 0,
            "max_leaves": int(rng.integers(20, 70)),
            "min_child_weight": 0,
        }
    if kind.shape == "stumps":
        params["max_depth"] = 1
    params |= kind.params
    if params.get("booster") == "gblinear":
        params = kind.params
    if params.get("base_score") == "random":
        params["base_score"] = float(rng.uniform(0.01, 0.99))
    elif params.get("base_score") == "random-real":
        params["base_score"] = float(rng.normal() * 10)
    if classes:
        params["num_class"] = classes
    types = ["c" if index in table.categories else "q" for index in range(table.width)]
    if table.category_names is not None:
        matrix = xgboost.DMatrix(
            named_frame(table.values, table.names, table.category_names),
            label=labels,
            enable_categorical=True,
            nthread=1,
        )
    else:
        matrix = xgboost.DMatrix(
            table.values,
            label=labels,
            missing=np.nan,
            feature_names=table.names,
            feature_types=types if table.categories else None,
            enable_categorical=bool(table.categories),
            nthread=1,
        )
    if kind.labels == "ranks":
        matrix.set_group([20] * (TRAINING_ROWS // 20))
    if kind.name == "aft":
        matrix.set_float_info("label_lower_bound", labels)
        matrix.set_float_info("label_upper_bound", np.where(rng.random(len(labels)) < 0.3, np.inf, labels))
    booster = xgboost.train(params, matrix, num_boost_round=int(rng.integers(3, limits.rounds + 1)))
    files = [path.with_suffix(".json"), path.with_suffix(".ubj")]
    for file in files:
        booster.save_model(file)
    return files


def train_lightgbm(rng, kind: Kind, table: Table, path: Path, limits: Limits):
    labels, classes = _labels(rng, kind, table.signal)
    params = {
        "num_threads": 1,
        "verbosity": -1,
        "seed": int(rng.integers(1 << 30)),
        "deterministic": True,
        "force_row_wise": True,
        "learning_rate": float(rng.choice([0.1, 0.3])),
        "num_leaves": int(rng.integers(2, 4 * limits.depth + 4)),
        "min_data_in_leaf": int(rng.choice([1, 5, 20])),
        "min_sum_hessian_in_leaf": 1e-3,
        "max_bin": int(rng.choice([8, 63, 255])),
        "min_data_in_bin": int(rng.choice([1, 3])),
        "boost_from_average": bool(rng.random() < 0.7),
        "feature_pre_filter": False,
        "min_data_per_group": 5,
        "cat_smooth": 1.0,
        "extra_trees": bool(rng.random() < 0.2),
    }
    if kind.shape == "deep":
        params |= {"num_leaves": 127, "min_data_in_leaf": 1}
    if kind.shape == "stumps":
        params["num_leaves"] = 2
    params |= kind.params
    if params.get("boosting") == "rf":
        params |= {"bagging_freq": 1, "bagging_fraction": 0.7, "feature_fraction": 0.7}
    if classes:
        params["num_class"] = classes
    if params["objective"] == "custom":
        params["objective"] = lambda scores, data: (scores - data.get_label(), np.ones_like(scores))
    data = table.values
    if table.category_names is not None:
        data = named_frame(data, table.names, table.category_names)
    dataset = lightgbm.Dataset(
        data,
        label=labels,
        feature_name=[name.replace(" ", "_") for name in table.names],
        params=params,
        categorical_feature=table.categories if table.category_names is None else "auto",
        group=[20] * (TRAINING_ROWS // 20) if kind.labels == "ranks" else None,
    )
    booster = lightgbm.train(params, dataset, num_boost_round=int(rng.integers(3, limits.rounds + 1)))
    file = path.with_suffix(".txt")
    booster.save_model(file)
    return [file]


def test_rows(rng, table: Table, thresholds: dict[int, np.ndarray], count: int, single: bool, is_xgboost: bool):
    """Rows [count][features], all float32 values where `single`.

    Of eight rows in turn two are training rows, three stand on thresholds, one has holes, one has
    extremes, one is all missing or all zero.
    """
    rows = table.values[rng.integers(0, TRAINING_ROWS, count)].copy()
    number = np.float32 if single or is_xgboost else np.float64
    extremes = EXTREMES if single or is_xgboost else EXTREMES + DOUBLE_EXTREMES
    for index, row in enumerate(rows):
        style = index % 8
        if style in (2, 3, 4):
            stand_on_thresholds(rng, row, thresholds, number)
        elif style == 5:
            row[rng.random(table.width) < 0.5] = np.nan
        elif style == 6:
            chosen = rng.random(table.width) < 0.6
            row[chosen] = rng.choice(extremes, table.width)[chosen]
        elif style == 7:
            row[:] = rng.choice([np.nan, 0.0])
        for feature in table.categories:
            if table.category_names is not None:
                row[feature] = table.values[rng.integers(TRAINING_ROWS), feature]
            elif style in (3, 4, 6):
                row[feature] = rng.choice(CODES)
    return rows.astype(np.float32) if single else rows


def stand_on_thresholds(rng, row: np.ndarray, thresholds: dict[int, np.ndarray], number):
    """Puts most of the row's values exactly on a threshold of their feature, or one step of `number` beside it."""
    for feature, values in thresholds.items():
        if rng.random() < 0.7:
            value = number(rng.choice(values))
            step = rng.choice([0, 0, 1, -1])
            value = np.nextafter(value, number(step * np.inf)) if step else value
            row[feature] = value if np.isfinite(value) else row[feature]


def write_model(directory: Path, trainer: str, kind: Kind, number: int, seed: int, limits: Limits):
    """Trains one model, writes its files and its rows, and returns its line of the index."""
    name = f"{trainer}-{kind.name}-{number:04d}"
    rng = np.random.default_rng([seed, 0 if trainer == "xgboost" else 1, number])
    table = Table(rng, kind)
    train = train_xgboost if trainer == "xgboost" else train_lightgbm
    files = train(rng, kind, table, directory / name, limits)
    thresholds = {} if kind.params.get("booster") == "gblinear" else thresholds_by_feature(files[0])
    oracle = open_oracle(files[0], table.category_names if trainer == "xgboost" else None)
    lines, outputs = [], 0
    for single in (True, False):
        rows = test_rows(rng, table, thresholds, limits.rows // 2, single, trainer == "xgboost")
        margins, scores = oracle.answers(rows)
        outputs = margins.shape[1]
        for row, margin, score in zip(rows.astype(float), margins, scores):
            if np.isfinite(margin).all() and np.isfinite(score).all():
                lines.append(row_line(row, "FP32" if single else "FP64", margin, score, oracle.score_single))
    if len(lines) < limits.rows // 2:
        raise RuntimeError(f"{name}: only {len(lines)} rows have finite answers")
    rows_file = directory / f"{name}.ndjson"
    rows_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {
        "name": name,
        "kind": f"{trainer}-{kind.name}",
        "files": [file.name for file in files],
        "rows": rows_file.name,
        "features": table.width,
        "outputs": outputs,
    }


def plan(count: int, kinds: list[str] | None):
    """(trainer, kind, number) of every model to make."""
    for trainer, usual in TRAINERS.items():
        pool = (
            usual
            if kinds is None
            else [kind for kind in usual + ON_REQUEST[trainer] if f"{trainer}-{kind.name}" in kinds]
        )
        for number in range(count if pool else 0):
            yield trainer, pool[number % len(pool)], number


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, help="models per trainer (default: one of each kind)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20, help="most boosting rounds of a model (at least 3)")
    parser.add_argument("--depth", type=int, default=7, help="most levels of a usual tree")
    parser.add_argument("--rows", type=int, default=32, help="rows of a model, half FP32, half FP64")
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="such as xgboost-dart; --list-kinds shows all")
    parser.add_argument("--only", metavar="NAME", help="make just this model of the run")
    parser.add_argument("--list-kinds", action="store_true")
    arguments = parser.parse_args()
    if arguments.list_kinds:
        for trainer, usual in TRAINERS.items():
            print(*(f"{trainer}-{kind.name}" for kind in usual + ON_REQUEST[trainer]), sep="\n")
        return
    limits = Limits(arguments.rounds, arguments.depth, arguments.rows)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    count = arguments.count or max(len(kinds) for kinds in TRAINERS.values())
    index = []
    for trainer, kind, number in plan(count, arguments.kinds):
        if arguments.only in (None, f"{trainer}-{kind.name}-{number:04d}"):
            index.append(write_model(arguments.directory, trainer, kind, number, arguments.seed, limits))
            if len(index) % 200 == 0:
                print(f"{len(index)} models", file=sys.stderr)
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in index)
    (arguments.directory / "index.ndjson").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
