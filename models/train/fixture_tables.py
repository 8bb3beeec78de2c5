"""Random training data for one small model, and the rows that it is tested with.

The rows aim where importers go wrong: values exactly on thresholds and one step beside them, missing values, zeros of
both signs, numbers around LightGBM's zero threshold (1e-35), extremes, and category codes that are unseen, negative,
fractional or huge.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fixture_kinds import Kind

TRAINING_ROWS = 200
# Columns whose sums stay exact enough in float32 for a comparison, and what their rows meet instead of extremes.
TAME_COLUMNS = [0, 1, 2, 5, 8]
TAME_EXTREMES = [0.0, -0.0, 1e-45, -1e-45, 1e-35, -1e-35, 9.5, -12.0]
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


@dataclass
class Trained:
    """A model's files, and who answers for it."""

    files: list[Path]
    # Rows [n][features], float32 or float64, NaN missing -> margins and scores, [n][outputs] each.
    answers: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    # Whether answers are float32.
    is_single: bool
    # Sorted distinct thresholds, by feature.
    thresholds: dict[int, np.ndarray] = field(default_factory=dict)
    # Whether rows stay within float32, because the trainer rounds to it or takes nothing else.
    rows_are_single: bool = False
    # The trainer's answers in double, where the library that answers adds up float32 numbers in an order of its own.
    exact: Callable[[np.ndarray], np.ndarray] | None = None
    # How far a score may be from it, relative above 1; None: margins to the bit, scores within one unit.
    tolerance: float | None = None


class Table:
    """Random training data: float64 columns with NaN for missing, and which columns are categories."""

    def __init__(self, rng: np.random.Generator, kind: Kind):
        self.width = int(rng.integers(5, 13))
        self.categories: list[int] = []
        self.is_tame = kind.columns.startswith("tame")
        columns = [_column(rng, self.is_tame) for _ in range(self.width)]
        if kind.columns in ("categories", "named", "tame-categories"):
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
        share = {
            "missing": 0.25,
            "zeros": 0.05,
            "plain": 0.0,
            "tame": 0.0,
            "tame-missing": 0.15,
            "tame-categories": 0.0,
        }.get(kind.columns, float(rng.choice([0, 0, 0.1])))
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

    def labels(self, rng, kind: Kind):
        return draw_labels(rng, kind, self.signal)


class RealTable:
    """One of scikit-learn's own data sets; its labels are of the kind's form already."""

    def __init__(self, name: str):
        import sklearn.datasets

        data = getattr(sklearn.datasets, f"load_{name}")()
        self.values = data.data.astype(float)
        self.target = data.target.astype(float)
        self.categories, self.category_names, self.is_tame = [], None, True
        self.width = self.values.shape[1]
        self.names = [f"f{index}" for index in range(self.width)]

    def labels(self, rng, kind: Kind):
        return self.target, len(np.unique(self.target)) if kind.labels == "classes" else 0


def make_table(rng, kind: Kind):
    return RealTable(kind.data) if kind.data else Table(rng, kind)


def _column(rng, is_tame: bool) -> np.ndarray:
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
    if is_tame:
        return styles[int(rng.choice(TAME_COLUMNS))]()
    return styles[int(rng.integers(len(styles)))]()


def _signal(rng, values, categories) -> np.ndarray:
    """A rough target, about standard normal, from ranks of the columns, one interaction and noise."""
    ranks = values.argsort(axis=0).argsort(axis=0) / TRAINING_ROWS - 0.5
    for index in categories:
        ranks[:, index] = rng.normal(size=128)[values[:, index].astype(int)] * 0.4
    signal = ranks @ rng.normal(size=values.shape[1]) * 2 + ranks[:, 0] * ranks[:, 1] * 6
    return signal + rng.normal(size=TRAINING_ROWS) * 0.3


def draw_labels(rng, kind: Kind, signal: np.ndarray):
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


def test_rows(rng, table: Table | RealTable, trained: Trained, count: int, single: bool):
    """Rows [count][features], all float32 values where `single`.

    Of eight rows in turn two are training rows, three stand on thresholds, one has holes, one has
    extremes, one is all missing or all zero.
    """
    rows = table.values[rng.integers(0, len(table.values), count)].copy()
    number = np.float32 if single or trained.rows_are_single else np.float64
    extremes = EXTREMES if single or trained.rows_are_single else EXTREMES + DOUBLE_EXTREMES
    if table.is_tame:
        extremes = TAME_EXTREMES
    for index, row in enumerate(rows):
        style = index % 8
        if style in (2, 3, 4):
            stand_on_thresholds(rng, row, trained.thresholds, number)
        elif style == 5:
            row[rng.random(table.width) < 0.5] = np.nan
        elif style == 6:
            chosen = rng.random(table.width) < 0.6
            row[chosen] = rng.choice(extremes, table.width)[chosen]
        elif style == 7:
            row[:] = rng.choice([np.nan, 0.0])
        for feature in table.categories:
            if table.category_names is not None:
                row[feature] = table.values[rng.integers(len(table.values)), feature]
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
