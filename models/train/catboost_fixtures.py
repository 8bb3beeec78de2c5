"""Writes small random CatBoost models of many kinds, with CatBoost's own answers, to test the importer.

    python catboost_fixtures.py DIRECTORY --count 300 --seed 1

For each of `count` models the directory gets

    catboost-ctr-named-0048.json      the model
    catboost-ctr-named-0048.ndjson    rows, margins, scores: golden.ndjson's format, categories as codes
    index.ndjson                      one line a model: name, kind, files, rows, features, outputs, categories
    hashes.ndjson                     CatBoost's hashes of categories of every length to 200 bytes

Kinds take turns.  Model number n depends on the seed and n alone, so a failure is reproduced by
`--only NAME`.  Answers come from the model in memory: CatBoost's JSON reader does not give back the
doubles that its writer wrote (it is off by up to 2 units in the last place in 4% of leaves), and cuts
the sums of target means to whole numbers.

A row carries a category's code: the place of its name in `categories`, or, beyond the list or without
one, the category itself as a whole number; NaN is the category "nan".
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas
from catboost import CatBoost, CatBoostError, Pool, sum_models

from catboost_kinds import CATBOOST, Kind
from digits import row_line

TRAINING_ROWS = 240
EXTREMES = [0.0, -0.0, 1e-45, -1e-45, 1e30, -1e30, 3e38, -3e38]
CODES = [-1.0, 0.0, 1.7, -0.4, 31.0, 300.0, 65535.0, 65536.0, 16777215.0, 3e9, -3e9, -7.0]
NAMES = ["DE", "größe", "", "a b", "国", "nan", "x" * 40, "long name " * 9, "1", "-3", "0.5", "true", "n/a"]


class Table:
    """Random training data: numbers as float64, categories as codes, NaN for missing."""

    def __init__(self, rng: np.random.Generator, kind: Kind):
        self.width = int(rng.integers(4, 10))
        self.categories: list[int] = []
        if kind.columns not in ("numbers", "missing"):
            count = int(rng.integers(1, min(5, self.width)))
            self.categories = sorted(rng.choice(self.width, size=count, replace=False).tolist())
        columns = []
        for index in range(self.width):
            columns.append(self._codes(rng, kind) if index in self.categories else _number_column(rng))
        self.values = np.column_stack(columns)
        self.signal = self._signal(rng)
        holes = [i for i in range(self.width) if i not in self.categories or kind.columns == "holes"]
        share = 0.2 if kind.columns in ("missing", "holes") else float(rng.choice([0, 0.1]))
        if kind.params.get("nan_mode") == "Forbidden":
            share = 0
        for index in holes:
            self.values[rng.random(TRAINING_ROWS) < share * rng.random() * 2, index] = np.nan
        self.lists: list[list[str]] = [[] for _ in range(self.width)]
        if kind.columns == "named":
            for index in self.categories:
                if rng.random() < 0.85:
                    self.lists[index] = _names(rng, int(self.values[:, index].max()) + 1)
        styled = rng.random() < 0.3
        self.names = [f"größe {index}" if styled else f"column{index}" for index in range(self.width)]

    def _codes(self, rng, kind: Kind) -> np.ndarray:
        size = int(rng.choice([8, 12, 40] if kind.name.startswith("ctr") else [2, 5, 12, 40]))
        codes = rng.integers(0, size, TRAINING_ROWS).astype(float)
        codes[:size] = np.arange(size)
        if kind.columns == "negative":
            codes = codes * float(rng.choice([1, 1000, 70001])) - float(rng.integers(1, 10))
        return codes

    def _signal(self, rng) -> np.ndarray:
        ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in self.values.T])
        ranks = ranks / TRAINING_ROWS - 0.5
        for index in self.categories:
            ranks[:, index] = rng.normal(size=64)[np.unique(self.values[:, index], return_inverse=True)[1]] * 0.4
        signal = ranks @ rng.normal(size=self.width) * 2 + ranks[:, 0] * ranks[:, 1] * 6
        return signal + rng.normal(size=TRAINING_ROWS) * 0.3

    def frame(self, rows: np.ndarray) -> pandas.DataFrame:
        """The rows as CatBoost wants them: categories as strings."""
        columns = {}
        for index, name in enumerate(self.names):
            column = rows[:, index]
            if index in self.categories:
                column = [category_name(value, self.lists[index]) for value in column.astype(float)]
            columns[name] = column
        return pandas.DataFrame(columns)


def category_name(code: float, names: list[str]) -> str:
    """The category that a row's code stands for."""
    if np.isnan(code):
        return "nan"
    whole = int(code)
    return names[whole] if 0 <= whole < len(names) else str(whole)


def _names(rng, count: int) -> list[str]:
    chosen = rng.permutation(NAMES).tolist() + [f"name {index}" for index in range(count)]
    return chosen[:count]


def _number_column(rng) -> np.ndarray:
    normal = rng.normal(size=TRAINING_ROWS)
    styles = [
        lambda: normal,
        lambda: np.round(normal * 4) / 2,
        lambda: np.exp(normal * 2),
        lambda: np.where(normal < 0.3, 0.0, normal),
        lambda: normal * 1e-4,
        lambda: normal * 1e9 + 1e8,
        lambda: normal.astype(np.float32).astype(float),
        lambda: 100 + normal * 1e-5,
    ]
    return styles[int(rng.integers(len(styles)))]()


def _labels(rng, kind: Kind, signal: np.ndarray):
    middle = signal > np.quantile(signal, rng.uniform(0.3, 0.9))
    sigmoid = 1 / (1 + np.exp(-signal))
    classes = int(rng.integers(3, 6))
    forms = {
        "binary": lambda: middle.astype(int),
        "unit": lambda: sigmoid,
        "classes": lambda: np.digitize(signal, np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1])),
        "labels": lambda: np.column_stack([middle, signal > 0, signal < -0.5]).astype(int),
        "unit-labels": lambda: np.column_stack([sigmoid, 1 - sigmoid]),
        "real": lambda: signal * rng.choice([0.1, 1, 50]) + rng.choice([0, -3, 100]),
        "positive": lambda: np.exp(signal * 0.5) + 0.01,
        "counts": lambda: rng.poisson(np.exp(np.clip(signal, -3, 2))).astype(float),
        "targets": lambda: np.column_stack([signal, -signal + 2, signal * signal]),
        "ranks": lambda: np.clip(np.round(signal + 1), 0, 4),
        "times": lambda: np.column_stack(
            [np.exp(signal * 0.3), np.where(rng.random(len(signal)) < 0.3, -1, np.exp(signal * 0.3) + 0.5)]
        ),
    }
    return forms[kind.labels]()


def train(rng, kind: Kind, table: Table, rounds: int, depth: int) -> CatBoost:
    params = {
        "iterations": int(rng.integers(2, rounds + 1)),
        "depth": int(rng.integers(1, depth + 1)),
        "learning_rate": float(rng.choice([0.1, 0.3, 1.0])),
        "l2_leaf_reg": float(rng.choice([0.5, 3])),
        "border_count": int(rng.choice([8, 64, 254])),
        "max_ctr_complexity": int(rng.integers(1, 5)),
        "random_seed": int(rng.integers(1 << 30)),
        "one_hot_max_size": 2 if kind.name.startswith("ctr") else int(rng.choice([2, 6])),
        "thread_count": 1,
        "logging_level": "Silent",
        "allow_writing_files": False,
    }
    shapes = {"deep": {"depth": 9, "iterations": 2}, "stumps": {"depth": 1}, "gaps": {"ignored_features": [1, 2]}}
    params |= shapes.get(kind.shape, {}) | kind.params
    labels = _labels(rng, kind, table.signal)
    pool = Pool(
        table.frame(table.values),
        labels,
        cat_features=table.categories,
        group_id=np.repeat(np.arange(TRAINING_ROWS // 20), 20) if kind.labels == "ranks" else None,
    )
    if kind.params["loss_function"] == "PairLogit":
        pool.set_pairs(_pairs(labels))
    model = CatBoost(params)
    model.fit(pool)
    if kind.shape == "sum":
        other = CatBoost(params | {"random_seed": params["random_seed"] + 1, "depth": 2})
        other.fit(pool)
        model = sum_models([model, other], weights=[0.7, 1.9])
    if kind.shape == "scaled":
        bias = rng.normal(size=len(np.unique(labels))).tolist() if kind.labels == "classes" else float(rng.normal())
        model.set_scale_and_bias(float(rng.uniform(0.1, 3)), bias)
    return model


def _pairs(labels: np.ndarray) -> list[tuple[int, int]]:
    groups = range(0, TRAINING_ROWS, 20)
    return [
        (start + i, start + j)
        for start in groups
        for i in range(20)
        for j in range(i + 1, 20, 3)
        if labels[start + i] > labels[start + j]
    ]


def answers(model: CatBoost, kind: Kind, table: Table, rows: np.ndarray):
    """Margins and scores, float64 [n][outputs] each."""
    data = Pool(table.frame(rows), cat_features=table.categories)
    margins = model.predict(data, prediction_type="RawFormulaVal", thread_count=1).reshape(len(rows), -1)
    loss = kind.params["loss_function"].split(":")[0]
    if loss in ("Logloss", "CrossEntropy", "Focal"):
        return margins, model.predict(data, prediction_type="Probability", thread_count=1)[:, 1:]
    if loss.startswith("Multi") and loss not in ("MultiRMSE", "MultiQuantile"):
        return margins, model.predict(data, prediction_type="Probability", thread_count=1)
    form = {"Poisson": "Exponent", "Tweedie": "Exponent", "RMSEWithUncertainty": "RMSEWithUncertainty"}.get(loss)
    if form is None:
        return margins, margins
    return margins, model.predict(data, prediction_type=form, thread_count=1).reshape(len(rows), -1)


def borders_by_column(model: dict) -> dict[int, np.ndarray]:
    features = model["features_info"].get("float_features") or []
    return {feature["flat_feature_index"]: np.float32(feature["borders"] or []) for feature in features}


def test_rows(rng, table: Table, borders: dict[int, np.ndarray], count: int, single: bool) -> np.ndarray:
    """Of six rows in turn two are training rows, two stand on borders, one has holes, one has extremes."""
    rows = table.values[rng.integers(0, TRAINING_ROWS, count)].copy()
    for index, row in enumerate(rows):
        style = index % 6
        for column in range(table.width):
            if column in table.categories:
                if style in (3, 5) and rng.random() < 0.5:
                    row[column] = rng.choice(CODES)
            elif style in (2, 3) and len(borders.get(column, [])) and rng.random() < 0.7:
                border = np.float32(rng.choice(borders[column]))
                step = rng.choice([0, 0, 1, -1]) if abs(border) < 1e38 else 0
                row[column] = np.nextafter(border, np.float32(step * np.inf)) if step else border
            elif style == 5 and rng.random() < 0.5:
                row[column] = rng.choice(EXTREMES)
            if style == 4 and rng.random() < 0.5:
                row[column] = np.nan
    return rows.astype(np.float32) if single else rows


def draw(kind: Kind, number: int, seed: int, limits):
    """Generator, table, model and its JSON.

    Drawn again where CatBoost refuses to train (equal labels, constant columns), and where no split is of
    the type that the kind is there for.
    """
    promised = {"ctr": "OnlineCtr", "onehot": "OneHotFeature"}.get(kind.name.split("-")[0], "")
    reason: Exception = ValueError(f"no model of {kind.name} has a split of type {promised}")
    for attempt in range(20):
        rng = np.random.default_rng([seed, 2, number, attempt])
        table = Table(rng, kind)
        try:
            model = train(rng, kind, table, limits.rounds, limits.depth)
        except CatBoostError as error:
            reason = error
            continue
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            model.save_model(file.name, format="json")
            text = Path(file.name).read_text()
        if promised in text:
            return rng, table, model, json.loads(text)
    raise reason


def write_model(directory: Path, kind: Kind, number: int, seed: int, limits) -> dict:
    name = f"catboost-{kind.name}-{number:04d}"
    rng, table, model, written = draw(kind, number, seed, limits)
    path = directory / f"{name}.json"
    path.write_text(json.dumps(smaller(written), ensure_ascii=False, separators=(",", ":")) + "\n")
    lines, outputs = [], 0
    for single in (True, False):
        rows = test_rows(rng, table, borders_by_column(written), limits.rows // 2, single)
        margins, scores = answers(model, kind, table, rows)
        outputs = margins.shape[1]
        for row, margin, score in zip(rows.astype(float), margins, scores):
            lines.append(row_line(row, "FP32" if single else "FP64", margin, score, False))
    (directory / f"{name}.ndjson").write_text("\n".join(lines) + "\n")
    index = {"name": name, "kind": kind.name, "files": [f"{name}.json"], "rows": f"{name}.ndjson"}
    return index | {"features": table.width, "outputs": outputs, "categories": table.lists}


def smaller(model: dict) -> dict:
    """Without the parts of `model_info` that say nothing about scores: they are most of a small file."""
    info = model["model_info"]
    kept = {key: info[key] for key in ("class_params", "catboost_version_info") if key in info}
    if "params" in info:
        parameters = info["params"]
        kept["params"] = {key: parameters[key] for key in ("loss_function", "cat_feature_params") if key in parameters}
    return model | {"model_info": kept}


def write_hashes(directory: Path, seed: int) -> None:
    """What CatBoost hashes names and whole numbers to, as a model saved with its pool says."""
    rng = np.random.default_rng([seed, 3])
    names = ["".join(rng.choice(list("abcXYZ 019-_/é国"), length)) for length in range(201)]
    names += [str(code) for code in [*range(12), -1, -20, 65535, 16777216, 2**53, -(2**63), 2**63 - 1]]
    rows = [[name, index % 2] for index, name in enumerate(names)]
    pool = Pool(rows, [index % 3 for index in range(len(rows))], cat_features=[0])
    model = CatBoost({"iterations": 1, "max_ctr_complexity": 1, "logging_level": "Silent", "allow_writing_files": False})
    model.fit(pool)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        model.save_model(file.name, format="json", pool=pool)
        pairs = json.loads(Path(file.name).read_text())["features_info"]["cat_features_hash"]
    lines = [json.dumps({"name": pair["value"], "hash": pair["hash"]}, ensure_ascii=False) for pair in pairs]
    (directory / "hashes.ndjson").write_text("\n".join(sorted(lines)) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, default=len(CATBOOST))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--depth", type=int, default=7)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--only", help="the name of one model")
    limits = parser.parse_args()
    limits.directory.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(limits.count):
        kind = CATBOOST[number % len(CATBOOST)]
        if limits.only in (None, f"catboost-{kind.name}-{number:04d}"):
            lines.append(json.dumps(write_model(limits.directory, kind, number, limits.seed, limits)))
    if not lines:
        sys.exit(f"there is no model {limits.only}")
    (limits.directory / "index.ndjson").write_text("\n".join(lines) + "\n")
    write_hashes(limits.directory, limits.seed)


if __name__ == "__main__":
    main()
