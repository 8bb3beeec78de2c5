"""Writes small random models of many kinds, with the trainers' own answers, to test the importers.

    python fixtures.py DIRECTORY --count 2000 --seed 1

For each of `count` models per trainer the directory gets

    xgboost-dart-0025.json   xgboost-dart-0025.ubj    the same model, twice
    xgboost-dart-0025.ndjson                          rows, margins, scores: golden.ndjson's format,
                                                      categories as codes
    lightgbm-linear-0027.txt lightgbm-linear-0027.ndjson
    index.ndjson                                      one line a model: name, kind, files, features, outputs, and
                                                      how far scores may be off where that is not a unit

Kinds take turns; random CatBoost models, exporters' ONNX files and scikit-learn models are made by
catboost_fixtures.py and onnx_fixtures.py.  Model number n depends on the seed, the trainer and n alone, so a failure is
reproduced by `--only NAME`.  With `--real` each trainer also learns scikit-learn's own data sets.
What the rows aim at stands in fixture_tables.py.
"""

import argparse
import importlib
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import fixture_kinds
import fixture_onnx_kinds
import fixture_real
from digits import double_text, row_line
from fixture_kinds import Kind
from fixture_tables import Limits, Trained, make_table, test_rows


@dataclass(frozen=True)
class Trainer:
    """A library: `function` of `module` trains one model of a kind."""

    # Of the random numbers: fixed for ever, so that a name keeps its model.
    number: int
    module: str
    function: str
    # Of random data; catboost_fixtures.py has CatBoost's, onnx_fixtures.py scikit-learn's.
    kinds: list[Kind]
    real: list[Kind]

    def train(self, *arguments):
        return getattr(importlib.import_module(self.module), self.function)(*arguments)


TRAINERS = {
    "xgboost": Trainer(0, "fixture_boosters", "train_xgboost", fixture_kinds.XGBOOST, fixture_real.REAL_XGBOOST),
    "lightgbm": Trainer(1, "fixture_boosters", "train_lightgbm", fixture_kinds.LIGHTGBM, fixture_real.REAL_LIGHTGBM),
    "catboost": Trainer(2, "fixture_catboost", "train_catboost", [], fixture_real.REAL_CATBOOST),
    "sklearn": Trainer(3, "fixture_onnx", "train_onnx", [], fixture_real.REAL_SKLEARN),
    "onnx": Trainer(4, "fixture_onnx", "train_onnx", fixture_onnx_kinds.ONNX, fixture_real.REAL_ONNX),
}


def write_model(directory: Path, trainer: str, kind: Kind, number: int, seed: int, limits: Limits):
    """Trains one model, writes its files and its rows, and returns its line of the index."""
    name = f"{trainer}-{kind.name}-{number:04d}"
    rng = np.random.default_rng([seed, TRAINERS[trainer].number, number])
    table = make_table(rng, kind)
    trained = TRAINERS[trainer].train(rng, kind, table, directory / name, limits)
    lines, outputs = [], 0
    for single in (True, False):
        rows = test_rows(rng, table, trained, limits.rows // 2, single)
        margins, scores = trained.answers(rows)
        outputs = margins.shape[1]
        for row, margin, score in zip(rows.astype(float), margins, scores):
            if np.isfinite(margin).all() and np.isfinite(score).all():
                line = row_line(row, "FP32" if single else "FP64", margin, score, trained.is_single)
                lines.append(line[:-1] + exact_part(trained, row, score) + "}")
    if len(lines) < limits.rows // 2:
        raise RuntimeError(f"{name}: only {len(lines)} rows have finite answers")
    rows_file = directory / f"{name}.ndjson"
    rows_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    entry = {
        "name": name,
        "kind": f"{trainer}-{kind.name}",
        "files": [file.name for file in trained.files],
        "rows": rows_file.name,
        "features": table.width,
        "outputs": outputs,
    }
    return entry | ({} if trained.tolerance is None else {"tolerance": trained.tolerance})


def exact_part(trained: Trained, row: np.ndarray, score: np.ndarray) -> str:
    """`,"exact":[…]`: the trainer's answer in double, where the library that answers is far from it."""
    if trained.exact is None:
        return ""
    try:
        exact = trained.exact(row[None])[0]
    except ValueError:  # the trainer takes no such row
        return ""
    if (
        not np.isfinite(exact).all()
        or (np.abs(exact - score) <= trained.tolerance * np.maximum(1, np.abs(exact))).all()
    ):
        return ""
    return f',"exact":[{",".join(double_text(value) for value in exact)}]'


def plan(count: int, kinds: list[str] | None, trainers: list[str], real: bool):
    """(trainer, kind, number) of every model to make."""
    for name in trainers:
        trainer = TRAINERS[name]
        known = trainer.kinds + trainer.real
        pool = trainer.kinds if kinds is None else [kind for kind in known if f"{name}-{kind.name}" in kinds]
        for number in range((count or len(trainer.kinds)) if pool else 0):
            yield name, pool[number % len(pool)], number
        if real and kinds is None:
            for number, kind in enumerate(trainer.real):
                yield name, kind, number


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, help="models per trainer (default: one of each kind)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20, help="most boosting rounds of a model (at least 3)")
    parser.add_argument("--depth", type=int, default=7, help="most levels of a usual tree")
    parser.add_argument("--rows", type=int, default=32, help="rows of a model, half FP32, half FP64")
    parser.add_argument("--trainers", nargs="+", choices=list(TRAINERS), default=list(TRAINERS), metavar="TRAINER")
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="such as xgboost-dart; --list-kinds shows all")
    parser.add_argument("--only", metavar="NAME", help="make just this model of the run")
    parser.add_argument("--real", action="store_true", help="models of scikit-learn's data sets too")
    parser.add_argument("--append", action="store_true", help="keep the directory's index and add to it")
    parser.add_argument("--list-kinds", action="store_true")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.list_kinds:
        for name, trainer in TRAINERS.items():
            print(*(f"{name}-{kind.name}" for kind in trainer.kinds + trainer.real), sep="\n")
        return
    warnings.simplefilter("ignore")
    limits = Limits(arguments.rounds, arguments.depth, arguments.rows)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    index = []
    for trainer, kind, number in plan(arguments.count, arguments.kinds, arguments.trainers, arguments.real):
        if arguments.only in (None, f"{trainer}-{kind.name}-{number:04d}"):
            index.append(write_model(arguments.directory, trainer, kind, number, arguments.seed, limits))
            if len(index) % 200 == 0:
                print(f"{len(index)} models", file=sys.stderr)
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in index)
    with (arguments.directory / "index.ndjson").open("a" if arguments.append else "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
