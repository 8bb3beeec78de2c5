"""ONNX files that onnx_fixtures.py has not: trees written node by node with proof, and scikit-learn's data sets.

ONNX Runtime answers.  It adds float32 numbers in an order of its own, and computes some trees wrongly; so a row's line
has, as `exact`, the answer in double of the trainer, or of the trees walked here, where ONNX Runtime is further than
1e-6 from it.  An importer that is near that one and not near ONNX Runtime is right.  Known of version 1.31:

    TreeEnsemble (ai.onnx.ml 5)   post_transform 1, which is SOFTMAX, is done as LOGISTIC, and 2 the other way round
    TreeEnsemble, BRANCH_MEMBER   leads to wrong leaves in some larger trees
    TreeEnsembleRegressor         ignores post_transform where there is one target
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

import fixture_onnx_trees
from fixture_kinds import Kind
from fixture_tables import Limits, RealTable, Table, Trained

# Of a score, or of 1 where the score is smaller.
ONNX_TOLERANCE = 1e-6
FOREST_TOLERANCE = 1e-12
# The newest that skl2onnx writes.
OPSETS = {"": 15, "ai.onnx.ml": 3}


def train_onnx(rng, kind: Kind, table: Table | RealTable, path: Path, limits: Limits) -> Trained:
    is_learnt = kind.data is not None
    model, exact = (_sklearn if is_learnt else fixture_onnx_trees.random_ensemble)(rng, kind, table, limits)
    file = path.with_suffix(".onnx")
    file.write_bytes(model.SerializeToString())
    if kind.params.get("exporter") == "export_sklearn":
        tolerance = FOREST_TOLERANCE if "Forest" in kind.params["model"] else ONNX_TOLERANCE
        return Trained([file], lambda rows: _row_by_row(exact, rows), is_single=False, tolerance=tolerance)
    is_single = not kind.params.get("double", False)
    return Trained(
        [file],
        Answers(model),
        is_single=is_single,
        thresholds=fixture_onnx_trees.thresholds(model),
        rows_are_single=is_single,
        exact=exact,
        tolerance=ONNX_TOLERANCE,
    )


def _row_by_row(exact, rows: np.ndarray):
    """The trainer's answers; NaN for a row that it refuses."""
    found = []
    for row in rows:
        try:
            found.append(exact(row[None])[0])
        except ValueError:
            found.append(None)
    width = max(len(scores) for scores in found if scores is not None)
    scores = np.array([np.full(width, np.nan) if scores is None else scores for scores in found])
    return scores, scores


class Answers:
    """What ONNX Runtime says: of a classifier's two probabilities the second, else all numbers."""

    def __init__(self, model: onnx.ModelProto):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self.input = self.session.get_inputs()[0]
        self.is_classifier = len(self.session.get_outputs()) > 1

    def __call__(self, rows: np.ndarray):
        number = np.float64 if "double" in self.input.type else np.float32
        with np.errstate(over="ignore"):
            rows = rows.astype(number)
        scores = second_class(self.session.run(None, {self.input.name: rows})[-1], self.is_classifier)
        return scores, scores


def second_class(scores: np.ndarray, is_classifier: bool) -> np.ndarray:
    scores = np.asarray(scores).reshape(len(scores), -1)
    return scores[:, 1:] if is_classifier and scores.shape[1] == 2 else scores


def _sklearn(rng, kind: Kind, table: RealTable, limits: Limits):
    """A scaler and a model, exported by skl2onnx or, in double, by export_sklearn.py."""
    model = _pipeline(rng, kind, table, limits)
    is_classifier = kind.labels != "real"
    answer = model.predict_proba if is_classifier else model.predict

    def exact(rows: np.ndarray) -> np.ndarray:
        return second_class(answer(rows.astype(np.float64)), is_classifier)

    if kind.params["exporter"] == "export_sklearn":
        import export_sklearn

        return export_sklearn.to_onnx(model), exact
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    converted = skl2onnx.convert_sklearn(
        model,
        initial_types=[("x", FloatTensorType([None, table.width]))],
        options={id(model): {"zipmap": False}} if is_classifier else None,
        target_opset=OPSETS,
    )
    # A forest behind a scaler sees float32 numbers in one library and doubles in the other.
    return converted, None if "Forest" in kind.params["model"] else exact


def _pipeline(rng, kind: Kind, table: RealTable, limits: Limits):
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.neural_network
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    modules = (sklearn.ensemble, sklearn.linear_model, sklearn.neural_network)
    wanted = next(getattr(module, kind.params["model"]) for module in modules if hasattr(module, kind.params["model"]))
    drawn = {
        "random_state": int(rng.integers(1 << 30)),
        "n_estimators": int(rng.integers(2, limits.rounds + 1)),
        "max_iter": 200,
        "max_depth": int(rng.integers(1, limits.depth + 1)),
        "hidden_layer_sizes": tuple(int(size) for size in rng.integers(2, 20, int(rng.integers(1, 4)))),
    }
    accepted = wanted().get_params()
    model = make_pipeline(StandardScaler(), wanted(**{key: drawn[key] for key in drawn if key in accepted}))
    labels, _ = table.labels(rng, kind)
    number = np.float64 if kind.params["exporter"] == "export_sklearn" else np.float32
    return model.fit(table.values.astype(number), labels if kind.labels == "real" else labels.astype(int))
