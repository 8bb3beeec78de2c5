"""Writes small random ONNX models of many kinds, with ONNX Runtime's answers, to test the importer.

    python onnx_fixtures.py DIRECTORY --count 200 --seed 1

For each of `count` models (default: one of each kind) the directory gets

    sklearn-forest-0012.onnx
    sklearn-forest-0012.ndjson   rows and scores: golden.ndjson's format, null is missing, strings are categories
    index.ndjson                 one line a model: name, kind, files, rows, features, outputs, accept

Kinds take turns; model number n depends on the seed and n alone (`--only NAME` makes just that one).
The score is ONNX Runtime's float output; of two classes it is the second one's.  Rows aim where importers
go wrong: values exactly on thresholds and one step beside them, missing values, infinities, zeros of
both signs, unknown categories.  Rows whose answer is not finite are left out.
"""

import argparse
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from digits import row_line
from onnx_exported import EXPORTED
from onnx_graphs import GRAPHS
from onnx_kinds import BOOSTED, SKLEARN, Case
from onnx_thresholds import thresholds

EXTREMES = [0.0, -0.0, 1e-45, -1e-36, 1e30, -1e30, 3.4028235e38, -3.4028235e38]
KINDS = {**SKLEARN, **EXPORTED, **BOOSTED, **GRAPHS}


@dataclass(frozen=True)
class Answer:
    lines: list[str]
    outputs: int


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """One thread, so that sums have one order; no graph rewriting, so that they are the file's."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model: onnx.ModelProto, feeds: dict) -> np.ndarray:
    """ONNX Runtime's scores, [rows][columns]; of a classifier of two classes the second one's."""
    names = [output.name for output in model.graph.output]
    results = dict(zip(names, session(model).run(names, feeds)))
    score = None
    for output in model.graph.output:
        kind = output.type.tensor_type.elem_type
        if kind in (onnx.TensorProto.INT64, onnx.TensorProto.STRING):
            continue
        score = results[output.name]
        if output.name.startswith("prob"):
            break
    if isinstance(score, list):  # ZipMap
        score = np.array([list(row.values()) for row in score])
    score = np.asarray(score).reshape(len(next(iter(feeds.values()))), -1)
    is_classifier = len(names) > 1
    return score[:, 1:] if is_classifier and score.shape[1] == 2 else score


def columns_of(case: Case) -> list:
    """(column of the row, its feature's input name, position in it, element type)."""
    columns = []
    for value in case.model.graph.input:
        if any(value.name == tensor.name for tensor in case.model.graph.initializer):
            continue
        tensor = value.type.tensor_type
        width = tensor.shape.dim[1].dim_value if len(tensor.shape.dim) > 1 else 1
        columns += [(value.name, index, tensor.elem_type) for index in range(width)]
    return columns


def is_text(kind: int) -> bool:
    return kind == onnx.TensorProto.STRING


def is_whole(kind: int) -> bool:
    return kind in (onnx.TensorProto.INT64, onnx.TensorProto.INT32)


def test_rows(rng, case: Case, count: int) -> list[list]:
    columns = columns_of(case)
    double = any(kind == onnx.TensorProto.DOUBLE for _, _, kind in columns)
    number = np.float64 if double else np.float32
    limits = thresholds(case.model) if len({name for name, _, _ in columns}) == 1 else {}
    rows = []
    for index in range(count):
        row = list(case.rows[int(rng.integers(len(case.rows)))])
        for column, (_, _, kind) in enumerate(columns):
            if is_text(kind):
                if index % 5 == 4:
                    row[column] = "never seen"
                continue
            if is_whole(kind):
                row[column] = int(row[column]) if index % 5 != 4 else int(rng.integers(-3, 1000))
                continue
            style = index % 8
            if style in (2, 3, 4) and column in limits and rng.random() < 0.7:
                value = number(rng.choice(limits[column]))
                step = rng.choice([0, 0, 1, -1])
                value = np.nextafter(value, number(step * np.inf)) if step else value
                row[column] = float(value) if abs(value) < 3e38 else row[column]
            elif style == 5 and case.missing and rng.random() < 0.5:
                row[column] = float("nan")
            elif style == 6 and case.extremes and rng.random() < 0.5:
                row[column] = float(rng.choice(EXTREMES))
            elif style == 7 and case.missing:
                row[column] = float("nan")
            if case.whole and np.isfinite(row[column]):
                row[column] = np.trunc(row[column])
            row[column] = float(number(row[column]))
        rows.append(row)
    return rows


def feeds_of(case: Case, rows: list[list]) -> dict:
    dtypes = {
        onnx.TensorProto.FLOAT: np.float32,
        onnx.TensorProto.DOUBLE: np.float64,
        onnx.TensorProto.INT64: np.int64,
        onnx.TensorProto.INT32: np.int32,
        onnx.TensorProto.STRING: object,
    }
    inputs = {}
    for column, (name, _, kind) in enumerate(columns_of(case)):
        inputs.setdefault(name, (kind, []))[1].append([row[column] for row in rows])
    return {name: np.array(parts, dtype=dtypes[kind]).T for name, (kind, parts) in inputs.items()}


def answers(rng, case: Case, count: int) -> Answer:
    rows = test_rows(rng, case, count)
    scores = run(case.model, feeds_of(case, rows)) if case.expected is None else case.expected(rows)
    is_double = any(kind != onnx.TensorProto.FLOAT and not is_text(kind) for _, _, kind in columns_of(case))
    lines = []
    for row, score in zip(rows, scores):
        if np.isfinite(score).all():
            values = [value if isinstance(value, str) else float(value) for value in row]
            lines.append(row_line(values, "FP64" if is_double else "FP32", score, score, score.dtype == np.float32))
    return Answer(lines, scores.shape[1])


def write_model(directory: Path, kind: str, number: int, seed: int, count: int) -> dict:
    """Makes one model, writes it and its rows, and returns its line of the index."""
    name = f"{kind}-{number:04d}"
    rng = np.random.default_rng([seed, number])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = KINDS[kind](rng)
        answer = answers(rng, case, count)
    if len(answer.lines) < count // 4:
        raise RuntimeError(f"{name}: only {len(answer.lines)} rows have finite answers")
    onnx.save(case.model, directory / f"{name}.onnx")
    (directory / f"{name}.ndjson").write_text("\n".join(answer.lines) + "\n", encoding="utf-8")
    return {
        "name": name,
        "kind": kind,
        "files": [f"{name}.onnx"],
        "rows": f"{name}.ndjson",
        "features": len(columns_of(case)),
        "outputs": answer.outputs,
        "accept": case.accept,
        "tolerance": 1e-6 if case.expected is None else 1e-12,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, help="models in all (default: one of each kind)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--kinds", nargs="+", metavar="KIND")
    parser.add_argument("--only", metavar="NAME", help="make just this model of the run")
    parser.add_argument("--list-kinds", action="store_true")
    arguments = parser.parse_args()
    if arguments.list_kinds:
        print(*KINDS, sep="\n")
        return
    arguments.directory.mkdir(parents=True, exist_ok=True)
    kinds = arguments.kinds or list(KINDS)
    index = []
    for number in range(arguments.count or len(kinds)):
        kind = kinds[number % len(kinds)]
        if arguments.only in (None, f"{kind}-{number:04d}"):
            index.append(write_model(arguments.directory, kind, number, arguments.seed, arguments.rows))
            if len(index) % 50 == 0:
                print(f"{len(index)} models", file=sys.stderr)
    text = "".join(json.dumps(entry) + "\n" for entry in index)
    (arguments.directory / "index.ndjson").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
