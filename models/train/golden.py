"""Golden rows: inputs that would show a wrong importer, with the trainer's own answers.

    line 1        the README's example, in the model's declared type
    the others    FP32 and FP64 in turn, of each eight:
                    0, 1, 2  training rows, every third one of the positive class
                    3, 4, 5  training rows moved exactly onto thresholds of the model, or one step beside
                    6        training rows with holes
                    7        extremes, and now and then a category code that is not listed

A value is only ever put where a payment service could send it: integers stay whole, booleans 0 or 1, and
a feature whose absence the manifest rejects is always there.
"""

import numpy as np

from digits import row_line
from features import Feature
from oracle import open_oracle, thresholds_by_feature

EXTREMES = [0.0, -0.0, 0.01, 1e-38, -1.0, 99_999.99, 1e6, 1e9, 3e38, -3e38]
UNLISTED_CODE = 40.0


def golden_lines(rng, model_file, features: list[Feature], training: np.ndarray, labels, example, declared, count=256):
    """Lines of golden.ndjson for a model file.

    `training` is float64 [rows][features] with NaN for missing, `example` one such row for line 1,
    `declared` the manifest's datatype.
    """
    thresholds = thresholds_by_feature(model_file)
    types = [declared] + [("FP32", "FP64")[index % 2] for index in range(1, count)]
    rows = np.empty((count, len(features)))
    rows[0] = example
    positives = np.flatnonzero(labels == 1)
    for index in range(1, count):
        pool = positives if index % 3 == 0 else None
        base = rng.choice(pool) if pool is not None else rng.integers(len(training))
        rows[index] = _changed(rng, training[base].copy(), index, features, thresholds, types[index])
    single = np.array([kind == "FP32" for kind in types])
    rows[single] = rows[single].astype(np.float32)
    oracle = open_oracle(model_file)
    lines = [""] * count
    for chosen, values in ((single, rows[single].astype(np.float32)), (~single, rows[~single])):
        margins, scores = oracle.answers(values)
        for index, margin, score in zip(np.flatnonzero(chosen), margins, scores):
            lines[index] = row_line(named(rows[index], features), types[index], margin, score, oracle.score_single)
    return lines


def named(row, features: list[Feature]) -> list:
    """A row of numbers as golden.ndjson has it: listed category codes as strings, missing as None."""
    cells = []
    for value, feature in zip(row, features):
        if np.isnan(value):
            cells.append(None)
        elif feature.kind == "category" and 0 <= value < len(feature.categories):
            cells.append(feature.categories[int(value)])
        else:
            cells.append(float(value))
    return cells


def coded(cells, features: list[Feature]) -> list[float]:
    """The reverse of `named`."""
    return [
        np.nan if cell is None else float(feature.categories.index(cell)) if isinstance(cell, str) else float(cell)
        for cell, feature in zip(cells, features)
    ]


def _changed(rng, row, index, features, thresholds, input_type):
    style = (index // 2) % 8
    if 3 <= style <= 5:
        _onto_thresholds(rng, row, features, thresholds, np.float32 if input_type == "FP32" else np.float64)
    for column, feature in enumerate(features):
        if style == 6 and rng.random() < 0.4 and feature.missing != "reject":
            row[column] = np.nan
        if style == 7 and feature.kind == "number" and rng.random() < 0.5:
            row[column] = rng.choice(EXTREMES)
        if style == 7 and feature.kind == "category" and rng.random() < 0.1:
            row[column] = UNLISTED_CODE
    return row


def _onto_thresholds(rng, row, features, thresholds, number):
    for column, values in thresholds.items():
        if features[column].kind == "category" or rng.random() < 0.3:
            continue
        value = number(rng.choice(values))
        step = rng.choice([0, 0, 1, -1])
        if step:
            value = np.nextafter(value, number(step * np.inf))
        if features[column].kind != "number":
            value = np.clip(np.floor(value), 0, 1 if features[column].kind == "boolean" else np.inf)
        if np.isfinite(value):
            row[column] = value
