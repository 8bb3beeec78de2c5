"""What the trainers themselves answer: the one source of every golden margin and score.

    file ──► Booster (loaded again from the file) ──► predict(FP32 rows), predict(FP64 rows)

The model is always read back from the file that ships, never taken from the training run, so the
answers belong to those bytes.  XGBoost rounds doubles to float32 and accumulates in float32; LightGBM
converts floats to double and accumulates in double.  Rows are scored on one thread.
"""

import json
from pathlib import Path

import lightgbm
import numpy as np
import pandas
import xgboost

FORMATS = {".json": "xgboost-json", ".ubj": "xgboost-ubj", ".txt": "lightgbm"}


class XGBoostOracle:
    """`category_names`: per feature the list of names for models trained on named categories, else None."""

    score_single = True

    def __init__(self, path, category_names=None):
        self.booster = xgboost.Booster(params={"nthread": 1}, model_file=str(path))
        self.category_names = category_names
        self.features = self.booster.num_features()

    def _matrix(self, rows: np.ndarray) -> xgboost.DMatrix:
        names, types = self.booster.feature_names, self.booster.feature_types
        if self.category_names is None:
            return xgboost.DMatrix(
                rows,
                missing=np.nan,
                feature_names=names,
                feature_types=types,
                enable_categorical=types is not None and "c" in types,
                nthread=1,
            )
        return xgboost.DMatrix(
            named_frame(rows, names, self.category_names), missing=np.nan, enable_categorical=True, nthread=1
        )

    def answers(self, rows: np.ndarray):
        """Margins and scores of rows [n][features], float32 or float64, NaN missing: float32 [n][outputs] each."""
        matrix = self._matrix(rows)
        margins = self.booster.predict(matrix, output_margin=True)
        scores = self.booster.predict(matrix)
        return margins.reshape(len(rows), -1), scores.reshape(len(rows), -1)


class LightGBMOracle:
    score_single = False

    def __init__(self, path, category_names=None):
        self.booster = lightgbm.Booster(model_file=str(path))
        self.category_names = category_names
        self.features = self.booster.num_feature()

    def answers(self, rows: np.ndarray):
        """Margins and scores of rows [n][features], float32 or float64, NaN missing: float64 [n][outputs] each."""
        data = rows.astype(np.float64)
        margins = self.booster.predict(data, raw_score=True, num_threads=1)
        scores = self.booster.predict(data, num_threads=1)
        return margins.reshape(len(rows), -1), scores.reshape(len(rows), -1)


def named_frame(rows: np.ndarray, names, category_names) -> pandas.DataFrame:
    """Codes as pandas categories, which is how trainers learn the names."""
    columns = {}
    for index, name in enumerate(names):
        column = rows[:, index]
        if category_names[index] is not None:
            codes = np.where(np.isnan(column), -1, column).astype(int)
            column = pandas.Categorical.from_codes(codes, categories=category_names[index])
        columns[name] = column
    return pandas.DataFrame(columns)


def open_oracle(path, category_names=None):
    """The oracle for a model file, by its suffix."""
    kind = LightGBMOracle if Path(path).suffix == ".txt" else XGBoostOracle
    return kind(path, category_names)


def thresholds_by_feature(path) -> dict[int, np.ndarray]:
    """Sorted distinct numeric thresholds of an XGBoost JSON or LightGBM text file, by feature index."""
    found: dict[int, set] = {}
    pairs = _lightgbm_splits(path) if Path(path).suffix == ".txt" else _xgboost_splits(path)
    for feature, threshold in pairs:
        found.setdefault(feature, set()).add(threshold)
    return {feature: np.array(sorted(values)) for feature, values in sorted(found.items())}


def _xgboost_splits(path):
    booster = json.loads(Path(path).read_text())["learner"]["gradient_booster"]
    for tree in booster.get("gbtree", booster)["model"]["trees"]:
        for node, left in enumerate(tree["left_children"]):
            if left != -1 and tree["split_type"][node] == 0:
                yield tree["split_indices"][node], float(np.float32(tree["split_conditions"][node]))


def _lightgbm_splits(path):
    features = thresholds = ()
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition("=")
        if key == "split_feature":
            features = [int(word) for word in value.split()]
        elif key == "threshold":
            thresholds = [float(word) for word in value.split()]
        elif key == "decision_type":
            for feature, threshold, kind in zip(features, thresholds, value.split()):
                if int(kind) & 1 == 0:
                    yield feature, threshold
