"""Small random models and pipelines as ONNX files, answered for by ONNX Runtime.

    scikit-learn ── skl2onnx ───────────────┐
    XGBoost, LightGBM ── onnxmltools ───────┼─► model.onnx ─► ONNX Runtime ─► scores
    CatBoost ── its own export ─────────────┘        │
                                                 trainer in double ─► `exact`, where it has one

ONNX Runtime adds float32 numbers in an order of its own.  Where the trainer computes in double and ONNX Runtime is
further than 1e-6 from it, the row's line has the trainer's answer as `exact`: an importer that is near that one and
not near ONNX Runtime is right, and ONNX Runtime is wrong.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

import fixture_onnx_trees
from fixture_kinds import Kind
from fixture_tables import Limits, Table, Trained

RuntimeErrors = (
    onnxruntime.capi.onnxruntime_pybind11_state.Fail,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument,
)
# The newest that skl2onnx and onnxmltools both write.
OPSETS = {"": 15, "ai.onnx.ml": 3}


def train_onnx(rng, kind: Kind, table: Table, path: Path, limits: Limits) -> Trained:
    build = {
        "sklearn": _sklearn,
        "xgboost": _xgboost,
        "lightgbm": _lightgbm,
        "catboost": _catboost,
        "nodes": fixture_onnx_trees.random_ensemble,
    }[kind.params["exporter"]]
    model, exact = build(rng, kind, table, limits)
    file = path.with_suffix(".onnx")
    file.write_bytes(model.SerializeToString())
    return Trained(
        [file],
        Answers(model),
        is_single=not kind.params.get("double", False),
        thresholds=fixture_onnx_trees.thresholds(model),
        rows_are_single=not kind.params.get("double", False),
        exact=exact,
    )


class Answers:
    """What ONNX Runtime says: the probabilities of a classifier, the values of anything else."""

    def __init__(self, model: onnx.ModelProto):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self.input = self.session.get_inputs()[0]

    def __call__(self, rows: np.ndarray):
        number = np.float64 if "double" in self.input.type else np.float32
        with np.errstate(over="ignore"):
            rows = rows.astype(number)
        try:
            scores = self._run(rows)
        except RuntimeErrors:  # one row spoils the rest, such as a NaN that an operator refuses
            found = [self._run_one(row) for row in rows]
            width = max(len(scores) for scores in found)
            scores = np.array([scores if len(scores) else np.full(width, np.nan) for scores in found])
        return scores, scores

    def _run_one(self, row: np.ndarray) -> np.ndarray:
        try:
            return self._run(row[None])[0]
        except RuntimeErrors:
            return np.empty(0)

    def _run(self, rows: np.ndarray) -> np.ndarray:
        scores = self.session.run(None, {self.input.name: rows})[-1]
        if isinstance(scores, list):  # maps of class names, from ZipMap
            scores = np.array([list(row.values()) for row in scores])
        return scores.reshape(len(rows), -1)


def _estimator(rng, kind: Kind, table: Table, limits: Limits):
    """A scikit-learn model as the kind says, random where it does not."""
    import sklearn.calibration
    import sklearn.compose
    import sklearn.ensemble
    import sklearn.impute
    import sklearn.linear_model
    import sklearn.neural_network
    import sklearn.pipeline
    import sklearn.preprocessing
    import sklearn.svm
    import sklearn.tree

    modules = {
        name: value
        for module in (
            sklearn.calibration, sklearn.ensemble, sklearn.impute, sklearn.linear_model, sklearn.neural_network,
            sklearn.preprocessing, sklearn.svm, sklearn.tree,
        )
        for name, value in vars(module).items()
    }  # fmt: skip
    name, *settings = kind.params["model"]
    settings = dict(settings[0]) if settings else {}
    accepted = modules[name]().get_params()
    drawn = {
        "random_state": int(rng.integers(1 << 30)),
        "n_estimators": int(rng.integers(2, limits.rounds + 1)),
        "max_iter": 200,
        "max_depth": int(rng.integers(1, limits.depth + 1)),
        "hidden_layer_sizes": tuple(int(size) for size in rng.integers(2, 20, int(rng.integers(1, 4)))),
    }
    if "Hist" in name:
        drawn["max_iter"] = drawn["n_estimators"]
        if table.categories:
            drawn["categorical_features"] = list(table.categories)
    model = modules[name](**{key: value for key, value in drawn.items() if key in accepted} | settings)
    steps = [
        modules[step](**dict(options)) for step, *rest in kind.params.get("before", []) for options in [*rest, {}][:1]
    ]
    if table.categories and "encoder" in kind.params:
        encoder, *rest = kind.params["encoder"]
        numbers = [index for index in range(table.width) if index not in table.categories]
        columns = sklearn.compose.ColumnTransformer(
            [
                ("numbers", sklearn.pipeline.make_pipeline(*steps) if steps else "passthrough", numbers),
                ("codes", modules[encoder](**dict(*rest)), list(table.categories)),
            ]
        )
        steps = [columns]
    return sklearn.pipeline.make_pipeline(*steps, model) if steps else model


def _sklearn(rng, kind: Kind, table: Table, limits: Limits):
    import skl2onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    labels, _ = table.labels(rng, kind)
    if kind.labels in ("binary", "classes"):
        labels = labels.astype(int)
    model = _estimator(rng, kind, table, limits)
    number = np.float64 if kind.params.get("double") else np.float32
    values = table.values.astype(number)
    model.fit(values, labels)
    shape = [None, table.width]
    options = {"zipmap": kind.params.get("zipmap", False)} if hasattr(model, "predict_proba") else {}
    if kind.params.get("raw"):
        options = {"raw_scores": True}
    with plain_attributes():
        converted = skl2onnx.convert_sklearn(
            model,
            initial_types=[("x", (DoubleTensorType if kind.params.get("double") else FloatTensorType)(shape))],
            options={id(model): options} if options else None,
            target_opset=OPSETS | kind.params.get("opsets", {}),
        )
    return converted, _exact(model, kind)


def _exact(model, kind: Kind):
    """The trainer's answers in double, for models that skl2onnx loses nothing of."""
    if kind.params.get("is_lossy"):
        return None
    answer = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    return lambda rows: np.asarray(answer(rows.astype(np.float64))).reshape(len(rows), -1)


def _boosted(kind: Kind, model, table: Table, convert) -> onnx.ModelProto:
    from onnxmltools.convert.common.data_types import FloatTensorType

    with quiet():
        return convert(model, initial_types=[("x", FloatTensorType([None, table.width]))], target_opset=OPSETS[""])


def _xgboost(rng, kind: Kind, table: Table, limits: Limits):
    import onnxmltools
    import xgboost

    labels, _ = table.labels(rng, kind)
    wrapper = xgboost.XGBRegressor if kind.labels not in ("binary", "classes") else xgboost.XGBClassifier
    model = wrapper(
        n_estimators=int(rng.integers(3, limits.rounds + 1)),
        max_depth=int(rng.integers(1, limits.depth + 1)),
        n_jobs=1,
        random_state=int(rng.integers(1 << 30)),
        **kind.params.get("options", {}),
    )
    model.fit(table.values, labels)
    return _boosted(kind, model, table, onnxmltools.convert_xgboost), None


def _lightgbm(rng, kind: Kind, table: Table, limits: Limits):
    import lightgbm
    import onnxmltools

    labels, _ = table.labels(rng, kind)
    wrapper = lightgbm.LGBMRegressor if kind.labels not in ("binary", "classes") else lightgbm.LGBMClassifier
    model = wrapper(
        n_estimators=int(rng.integers(3, limits.rounds + 1)),
        num_leaves=int(rng.integers(2, 4 * limits.depth + 4)),
        min_child_samples=int(rng.choice([1, 5, 20])),
        n_jobs=1,
        random_state=int(rng.integers(1 << 30)),
        verbosity=-1,
        **kind.params.get("options", {}),
    )
    model.fit(table.values, labels, categorical_feature=table.categories or "auto")

    def convert(*arguments, **settings):
        return onnxmltools.convert_lightgbm(*arguments, **settings, zipmap=kind.params.get("zipmap", False))

    return _boosted(
        kind, model, table, convert if kind.labels in ("binary", "classes") else onnxmltools.convert_lightgbm
    ), None


def _catboost(rng, kind: Kind, table: Table, limits: Limits):
    import catboost

    labels, _ = table.labels(rng, kind)
    is_classifier = kind.labels in ("binary", "classes")
    model = catboost.CatBoost(
        {
            "iterations": int(rng.integers(3, limits.rounds + 1)),
            "depth": int(rng.integers(1, min(limits.depth, 6) + 1)),
            "random_seed": int(rng.integers(1 << 30)),
            "thread_count": 1,
            "logging_level": "Silent",
            "allow_writing_files": False,
            **kind.params.get("options", {}),
        }
    )
    model.fit(table.values, labels.astype(int) if is_classifier else labels)
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        model.save_model(file.name, format="onnx")
        return onnx.load(file.name), None


@contextlib.contextmanager
def plain_attributes():
    """Lets skl2onnx 1.20 hand booleans and NumPy's numbers to onnx, which takes only Python's integers and floats."""
    make = onnx.helper.make_attribute

    def make_plain(key, value, *rest, **more):
        if isinstance(value, list):
            value = [item.item() if isinstance(item, np.generic) else item for item in value]
            value = [int(item) if isinstance(item, bool) else item for item in value]
        return make(key, value, *rest, **more)

    onnx.helper.make_attribute = make_plain
    try:
        yield
    finally:
        onnx.helper.make_attribute = make


@contextlib.contextmanager
def quiet():
    """Without what the converters print."""
    with open(os.devnull, "w", encoding="utf-8") as sink, contextlib.redirect_stdout(sink):
        yield
