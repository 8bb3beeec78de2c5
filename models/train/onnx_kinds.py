"""Kinds of ONNX models that converters write: skl2onnx, onnxmltools and CatBoost.

A kind is a function from a random generator to a `Case`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import catboost
import lightgbm
import numpy as np
import onnx
import pandas as pd
import skl2onnx
import skl2onnx.common._container
import xgboost
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn import (
    calibration,
    compose,
    decomposition,
    ensemble,
    impute,
    linear_model,
    multiclass,
    neural_network,
    preprocessing,
    tree,
)
from sklearn import pipeline as pipelines

TRAINING_ROWS = 160


@dataclass
class Case:
    model: onnx.ModelProto
    # Rows to draw from, each with the model's columns.
    rows: list
    # Whether a missing value has an answer.
    missing: bool = False
    # Whether infinities and extremes of float32 have one.
    extremes: bool = False
    # Whether only whole numbers are compared with ONNX Runtime.
    whole: bool = False
    # Approximations that must be accepted.
    accept: list = field(default_factory=list)
    # The trainer's own answers for rows, in double: then they count, and must be met within 1e-12.
    expected: Callable | None = None


def _python_numbers(make_node):
    """skl2onnx 1.20 hands NumPy's integers to onnx 1.23, which refuses them."""

    def plain(value):
        if isinstance(value, list) and value and isinstance(value[0], (np.generic, bool, int)):
            return [item.item() if isinstance(item, np.generic) else int(item) for item in value]
        return value

    return lambda *arguments, **named: make_node(*arguments, **{key: plain(value) for key, value in named.items()})


skl2onnx.common._container.make_node = _python_numbers(skl2onnx.common._container.make_node)


def table(rng, classes=0):
    """Columns [rows][width] as float32, and a label: classes, or a number."""
    width = int(rng.integers(3, 8))
    values = rng.normal(size=(TRAINING_ROWS, width))
    values[:, 0] = np.round(values[:, 0] * 3)
    values = values.astype(np.float32)
    signal = values[:, 0] / 3 + values[:, 1] * values[:, 2] + rng.normal(size=TRAINING_ROWS) * 0.3
    if not classes:
        return values, signal.astype(np.float64)
    return values, np.digitize(signal, np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1]))


def converted(model, rows, double=False, **options) -> onnx.ModelProto:
    kind = DoubleTensorType if double else FloatTensorType
    return skl2onnx.convert_sklearn(
        model, initial_types=[("X", kind([None, rows.shape[1]]))], target_opset={"": 18, "ai.onnx.ml": 3}, **options
    )


def sklearn_case(build, classes=0, trees=False, double=False, strings=False, zipmap=False, options=None, **named):
    """A kind: an estimator that `build` makes, fitted and converted."""

    def make(rng) -> Case:
        values, label = table(rng, classes)
        if named.get("positive"):
            label = np.exp(label)
        if named.get("targets"):
            label = np.column_stack([label, -label + values[:, 1]])
        if strings:
            label = np.array(["no", "yes", "maybe"])[label]
        rows = values.astype(np.float64) if double else values
        model = build(rng).fit(rows, label)
        chosen = dict(options or {})
        if classes and not zipmap:
            chosen["zipmap"] = False
        proto = converted(model, rows, double, options={id(model): chosen} if chosen else None)
        return Case(proto, rows.tolist(), missing=trees, extremes=trees)

    return make


def seed(rng) -> int:
    return int(rng.integers(1 << 30))


def forest(kind, rng, **named):
    return kind(n_estimators=4, max_depth=int(rng.integers(2, 5)), random_state=seed(rng), **named)


def boosting(kind, rng, **named):
    return kind(n_estimators=4, max_depth=3, random_state=seed(rng), **named)


def histogram(kind, rng, **named):
    return kind(max_iter=4, max_leaf_nodes=6, random_state=seed(rng), **named)


def perceptron(kind, rng, activation):
    return kind(hidden_layer_sizes=(8, 4), activation=activation, max_iter=40, random_state=seed(rng))


def chain(*steps):
    return pipelines.make_pipeline(*steps)


def logistic(**named):
    return linear_model.LogisticRegression(**named)


def calibrated(rng, method):
    return calibration.CalibratedClassifierCV(forest(ensemble.RandomForestClassifier, rng), method=method, cv=2)


def voting(rng):
    return ensemble.VotingClassifier(
        [("linear", logistic()), ("forest", forest(ensemble.RandomForestClassifier, rng))],
        voting="soft",
        flatten_transform=False,
    )


def stacking(rng):
    return ensemble.StackingClassifier(
        [("linear", logistic()), ("tree", tree.DecisionTreeClassifier(max_depth=3, random_state=seed(rng)))]
    )


def column_transformer(encode, text=True):
    """Numbers imputed and scaled, strings and integers encoded, as separate graph inputs."""

    def make(rng) -> Case:
        count = TRAINING_ROWS
        frame = pd.DataFrame(
            {
                "amount": rng.normal(size=count).astype(np.float32),
                "age": rng.normal(size=count).astype(np.float32),
                "country": np.array(["DE", "FR", "größe"])[rng.integers(0, 3, count)],
                "channel": np.array(["web", "shop"])[rng.integers(0, 2, count)],
                "visits": rng.integers(0, 4, count),
            }
        )
        label = (frame["amount"] + (frame["country"] == "DE") + rng.normal(size=count) * 0.2 > 0.3).astype(int)
        numbers = chain(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler())
        unknown = preprocessing.OneHotEncoder(handle_unknown="ignore")
        parts = [("numbers", numbers, ["amount", "age"]), ("visits", unknown, ["visits"])]
        types = [("amount", FloatTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]
        if text:
            parts.insert(1, ("strings", encode(), ["country", "channel"]))
            types += [("country", StringTensorType([None, 1])), ("channel", StringTensorType([None, 1]))]
        else:
            frame = frame.drop(columns=["country", "channel"])
        types.append(("visits", Int64TensorType([None, 1])))
        model = chain(compose.ColumnTransformer(parts), logistic()).fit(frame, label)
        proto = skl2onnx.convert_sklearn(
            model, initial_types=types, options={id(model): {"zipmap": False}}, target_opset={"": 18, "ai.onnx.ml": 3}
        )
        return Case(proto, frame.to_numpy().tolist(), missing=True)

    return make


SKLEARN = {
    "sklearn-logistic": sklearn_case(lambda rng: logistic(), 2),
    "sklearn-logistic-zipmap": sklearn_case(lambda rng: logistic(), 2, zipmap=True),
    "sklearn-logistic-multi": sklearn_case(lambda rng: logistic(), 3),
    "sklearn-logistic-strings": sklearn_case(lambda rng: logistic(), 3, strings=True, zipmap=True),
    "sklearn-logistic-double": sklearn_case(
        lambda rng: chain(preprocessing.StandardScaler(), logistic()), 2, double=True
    ),
    "sklearn-one-vs-rest": sklearn_case(lambda rng: multiclass.OneVsRestClassifier(logistic()), 3),
    "sklearn-linear": sklearn_case(lambda rng: linear_model.LinearRegression()),
    "sklearn-linear-targets": sklearn_case(lambda rng: linear_model.LinearRegression(), targets=True),
    "sklearn-ridge": sklearn_case(lambda rng: linear_model.Ridge()),
    "sklearn-poisson": sklearn_case(lambda rng: linear_model.PoissonRegressor(), positive=True),
    "sklearn-sgd": sklearn_case(lambda rng: linear_model.SGDClassifier(loss="log_loss", random_state=seed(rng)), 2),
    "sklearn-mlp": sklearn_case(lambda rng: perceptron(neural_network.MLPClassifier, rng, "relu"), 2),
    "sklearn-mlp-multi": sklearn_case(lambda rng: perceptron(neural_network.MLPClassifier, rng, "tanh"), 3),
    "sklearn-mlp-regression": sklearn_case(lambda rng: perceptron(neural_network.MLPRegressor, rng, "logistic")),
    "sklearn-tree": sklearn_case(lambda rng: tree.DecisionTreeClassifier(max_depth=4, random_state=seed(rng)), 2, True),
    "sklearn-tree-regression": sklearn_case(lambda rng: tree.DecisionTreeRegressor(max_depth=4), trees=True),
    "sklearn-forest": sklearn_case(lambda rng: forest(ensemble.RandomForestClassifier, rng), 2, True),
    "sklearn-forest-double": sklearn_case(
        lambda rng: forest(ensemble.RandomForestClassifier, rng), 2, True, double=True
    ),
    "sklearn-forest-multi": sklearn_case(lambda rng: forest(ensemble.RandomForestClassifier, rng), 3, True),
    "sklearn-forest-regression": sklearn_case(lambda rng: forest(ensemble.RandomForestRegressor, rng), trees=True),
    "sklearn-forest-targets": sklearn_case(
        lambda rng: forest(ensemble.RandomForestRegressor, rng), trees=True, targets=True
    ),
    "sklearn-extra-trees": sklearn_case(lambda rng: forest(ensemble.ExtraTreesClassifier, rng), 3, True, zipmap=True),
    "sklearn-boosting": sklearn_case(lambda rng: boosting(ensemble.GradientBoostingClassifier, rng), 2, True),
    "sklearn-boosting-multi": sklearn_case(lambda rng: boosting(ensemble.GradientBoostingClassifier, rng), 3, True),
    "sklearn-boosting-regression": sklearn_case(
        lambda rng: boosting(ensemble.GradientBoostingRegressor, rng), trees=True
    ),
    "sklearn-histogram": sklearn_case(lambda rng: histogram(ensemble.HistGradientBoostingClassifier, rng), 2, True),
    "sklearn-histogram-multi": sklearn_case(
        lambda rng: histogram(ensemble.HistGradientBoostingClassifier, rng), 3, True
    ),
    "sklearn-histogram-regression": sklearn_case(
        lambda rng: histogram(ensemble.HistGradientBoostingRegressor, rng), trees=True
    ),
    "sklearn-voting": sklearn_case(voting, 2),
    "sklearn-calibrated": sklearn_case(lambda rng: calibrated(rng, "sigmoid"), 2),
    "sklearn-calibrated-multi": sklearn_case(lambda rng: calibrated(rng, "sigmoid"), 3),
    "sklearn-calibrated-isotonic": sklearn_case(lambda rng: calibrated(rng, "isotonic"), 2),
    "sklearn-adaboost": sklearn_case(
        lambda rng: ensemble.AdaBoostClassifier(n_estimators=3, random_state=seed(rng)), 2
    ),
    "sklearn-bagging": sklearn_case(lambda rng: ensemble.BaggingClassifier(n_estimators=3, random_state=seed(rng)), 3),
    "sklearn-stacking": sklearn_case(stacking, 2),
    "pipeline-scaled-pca": sklearn_case(
        lambda rng: chain(preprocessing.StandardScaler(), decomposition.PCA(2), logistic()), 2
    ),
    "pipeline-imputed": sklearn_case(
        lambda rng: chain(impute.SimpleImputer(), preprocessing.MinMaxScaler(), preprocessing.Normalizer(), logistic()),
        3,
        trees=True,
    ),
    "pipeline-polynomial": sklearn_case(
        lambda rng: chain(
            preprocessing.RobustScaler(),
            preprocessing.MaxAbsScaler(),
            preprocessing.PolynomialFeatures(2),
            linear_model.LinearRegression(),
        )
    ),
    "pipeline-binarized": sklearn_case(
        lambda rng: chain(preprocessing.Normalizer("l1"), preprocessing.Binarizer(threshold=0.1), logistic()), 2
    ),
    "pipeline-power": sklearn_case(lambda rng: chain(preprocessing.PowerTransformer(), logistic()), 2),
    "pipeline-forest": sklearn_case(
        lambda rng: chain(preprocessing.StandardScaler(), forest(ensemble.RandomForestClassifier, rng)), 2
    ),
    "columns-onehot": column_transformer(lambda: preprocessing.OneHotEncoder(handle_unknown="ignore")),
    "columns-ordinal": column_transformer(
        lambda: preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    ),
    "columns-target": column_transformer(preprocessing.TargetEncoder),
    "columns-numbers": column_transformer(None, text=False),
}


def boosted_case(train, classes=0):
    def make(rng) -> Case:
        values, label = table(rng, classes)
        values[rng.random(values.shape) < 0.1] = np.nan
        return Case(train(rng, values, label), values.tolist(), missing=True, extremes=True)

    return make


def from_xgboost(kind, **named):
    def train(rng, values, label):
        if named.get("objective") in ("count:poisson", "reg:gamma", "reg:logistic"):
            label = 1 / (1 + np.exp(-label))
        model = kind(n_estimators=4, max_depth=3, random_state=seed(rng), **named).fit(values, label)
        return convert_xgboost(model, initial_types=[("X", ToolsFloat([None, values.shape[1]]))], target_opset=15)

    return train


def from_lightgbm(kind, **named):
    def train(rng, values, label):
        model = kind(n_estimators=4, num_leaves=6, random_state=seed(rng), verbose=-1, **named).fit(values, label)
        return convert_lightgbm(
            model, initial_types=[("X", ToolsFloat([None, values.shape[1]]))], target_opset=15, zipmap=False
        )

    return train


def from_catboost(kind):
    def train(rng, values, label):
        import tempfile

        model = kind(iterations=4, depth=3, random_seed=seed(rng), verbose=0, allow_writing_files=False, nan_mode="Min")
        model.fit(np.nan_to_num(values), label)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            model.save_model(file.name, format="onnx")
            return onnx.load(file.name)

    return train


BOOSTED = {
    "xgboost-binary": boosted_case(from_xgboost(xgboost.XGBClassifier), 2),
    "xgboost-multi": boosted_case(from_xgboost(xgboost.XGBClassifier), 3),
    "xgboost-regression": boosted_case(from_xgboost(xgboost.XGBRegressor)),
    "xgboost-poisson": boosted_case(from_xgboost(xgboost.XGBRegressor, objective="count:poisson")),
    "lightgbm-binary": boosted_case(from_lightgbm(lightgbm.LGBMClassifier), 2),
    "lightgbm-multi": boosted_case(from_lightgbm(lightgbm.LGBMClassifier), 3),
    "lightgbm-regression": boosted_case(from_lightgbm(lightgbm.LGBMRegressor)),
    "catboost-binary": boosted_case(from_catboost(catboost.CatBoostClassifier), 2),
    "catboost-multi": boosted_case(from_catboost(catboost.CatBoostClassifier), 3),
    "catboost-regression": boosted_case(from_catboost(catboost.CatBoostRegressor)),
}
