"""The kinds of ONNX files that the importer is tested with: fixture_onnx.py builds them."""

from fixture_kinds import Kind

SCALER, IMPUTER = ("StandardScaler",), ("SimpleImputer",)
ONE_HOT = ("OneHotEncoder", {"handle_unknown": "ignore", "sparse_output": False})
ORDINAL = ("OrdinalEncoder", {"handle_unknown": "use_encoded_value", "unknown_value": -1})
OPSET_1 = {"ai.onnx.ml": 1}
LABELS = {"regression": "real", "binary": "binary", "classes": "classes"}


def learn(name: str, model: str, labels: str, columns: str = "tame", *, options=None, before=(), **more) -> Kind:
    """scikit-learn, exported by skl2onnx."""
    params = {"exporter": "sklearn", "model": (model, options or {}), "before": list(before)} | more
    return Kind(name, params, labels, columns)


def boost(name: str, exporter: str, labels: str, columns: str = "any", *, zipmap=False, **options) -> Kind:
    return Kind(name, {"exporter": exporter, "options": options, "zipmap": zipmap}, labels, columns)


def nodes(name: str, columns: str = "missing", **params) -> Kind:
    """Trees written node by node."""
    return Kind(f"nodes-{name}", {"exporter": "nodes"} | params, "real", columns)


LINEAR = [
    learn("logistic", "LogisticRegression", "binary"),
    learn("logistic-zipmap", "LogisticRegression", "binary", zipmap=True),
    learn("logistic-multi", "LogisticRegression", "classes"),
    learn("linear", "LinearRegression", "real"),
    learn("linear-targets", "LinearRegression", "targets"),
    learn("ridge", "Ridge", "real", before=[SCALER]),
    learn("lasso", "Lasso", "real", options={"alpha": 0.01}),
    learn("elastic-net", "ElasticNet", "real", options={"alpha": 0.01}, before=[SCALER]),
    learn("huber", "HuberRegressor", "real", before=[SCALER]),
    learn("bayesian-ridge", "BayesianRidge", "real", before=[SCALER]),
    learn("poisson", "PoissonRegressor", "counts", before=[SCALER]),
    learn("sgd-log", "SGDClassifier", "binary", options={"loss": "log_loss"}, before=[SCALER]),
    learn("sgd-log-multi", "SGDClassifier", "classes", options={"loss": "log_loss"}, before=[SCALER]),
    learn("sgd-hinge", "SGDClassifier", "binary", before=[SCALER], raw=True, is_lossy=True),
    learn("sgd-regressor", "SGDRegressor", "real", before=[SCALER]),
    learn("linear-svc", "LinearSVC", "classes", is_lossy=True),
    learn("linear-svr", "LinearSVR", "real", before=[SCALER]),
    learn("ridge-classifier", "RidgeClassifier", "binary", before=[SCALER], raw=True, is_lossy=True),
    learn("perceptron", "Perceptron", "binary", before=[SCALER], raw=True, is_lossy=True),
    learn("double-logistic", "LogisticRegression", "binary", double=True),
    learn("double-linear", "LinearRegression", "real", double=True),
]

NETWORKS = [
    learn("mlp", "MLPClassifier", "binary", before=[SCALER]),
    learn("mlp-multi", "MLPClassifier", "classes", before=[SCALER]),
    learn("mlp-tanh", "MLPClassifier", "binary", options={"activation": "tanh"}, before=[SCALER]),
    learn("mlp-logistic", "MLPClassifier", "classes", options={"activation": "logistic"}, before=[SCALER]),
    learn("mlp-identity", "MLPClassifier", "binary", options={"activation": "identity"}, before=[SCALER]),
    learn("mlp-regressor", "MLPRegressor", "real", before=[SCALER]),
    learn("mlp-regressor-targets", "MLPRegressor", "targets", before=[SCALER]),
    learn("double-mlp", "MLPRegressor", "real", before=[SCALER], double=True),
]

STEPS = [
    learn("min-max", "LogisticRegression", "binary", before=[("MinMaxScaler",)]),
    learn("min-max-clip", "LogisticRegression", "binary", before=[("MinMaxScaler", {"clip": True})]),
    learn("max-abs", "LogisticRegression", "binary", before=[("MaxAbsScaler",)]),
    learn("robust", "LogisticRegression", "binary", before=[("RobustScaler",)]),
    learn("normalizer-l1", "LogisticRegression", "binary", before=[("Normalizer", {"norm": "l1"})]),
    learn("normalizer-l2", "LogisticRegression", "classes", before=[("Normalizer", {"norm": "l2"})]),
    # ONNX divides by the largest value, scikit-learn by the largest magnitude.
    learn("normalizer-max", "LogisticRegression", "binary", before=[("Normalizer", {"norm": "max"})], is_lossy=True),
    learn("binarizer", "LogisticRegression", "binary", before=[("Binarizer", {"threshold": 0.25})]),
    learn("imputer", "LogisticRegression", "binary", "tame-missing", before=[IMPUTER, SCALER]),
    learn(
        "imputer-median", "MLPClassifier", "classes", "tame-missing",
        before=[("SimpleImputer", {"strategy": "median"}), SCALER],
    ),
    learn(
        "imputer-constant", "Ridge", "real", "tame-missing",
        before=[("SimpleImputer", {"strategy": "constant", "fill_value": -1.0}), SCALER],
    ),
    # skl2onnx cuts fractions off codes.
    learn(
        "one-hot", "LogisticRegression", "binary", "tame-categories", before=[SCALER], encoder=ONE_HOT, is_lossy=True
    ),
    learn(
        "one-hot-mlp", "MLPClassifier", "classes", "tame-categories", before=[IMPUTER, SCALER], encoder=ONE_HOT,
        is_lossy=True,
    ),
    learn(
        "one-hot-forest", "RandomForestClassifier", "binary", "tame-categories", encoder=ONE_HOT, is_lossy=True
    ),
    learn("ordinal", "LogisticRegression", "binary", "tame-categories", encoder=ORDINAL),
    learn("ordinal-boosting", "GradientBoostingClassifier", "binary", "tame-categories", encoder=ORDINAL, is_lossy=True),
    learn("polynomial", "Ridge", "real", before=[SCALER, ("PolynomialFeatures", {"degree": 2})]),
    learn("bins", "LogisticRegression", "binary", before=[("KBinsDiscretizer", {"encode": "ordinal", "n_bins": 4})]),
]  # fmt: skip

FORESTS = [
    learn("tree", "DecisionTreeClassifier", "classes", "plain", is_lossy=True),
    learn("tree-regressor", "DecisionTreeRegressor", "real", "plain", is_lossy=True),
    learn("forest", "RandomForestClassifier", "binary", "plain", is_lossy=True),
    learn("forest-multi", "RandomForestClassifier", "classes", "plain", is_lossy=True),
    learn("forest-zipmap", "RandomForestClassifier", "classes", "plain", zipmap=True, is_lossy=True),
    learn("forest-opset-1", "RandomForestClassifier", "binary", "plain", opsets=OPSET_1, is_lossy=True),
    learn("forest-regressor", "RandomForestRegressor", "real", "plain", is_lossy=True),
    learn("forest-targets", "RandomForestRegressor", "targets", "plain", is_lossy=True),
    learn("forest-missing", "RandomForestClassifier", "binary", "missing", is_lossy=True),
    learn("extra", "ExtraTreesClassifier", "binary", "plain", is_lossy=True),
    learn("extra-regressor", "ExtraTreesRegressor", "real", "plain", is_lossy=True),
    learn("gradient", "GradientBoostingClassifier", "binary", "plain", is_lossy=True),
    learn("gradient-multi", "GradientBoostingClassifier", "classes", "plain", is_lossy=True),
    learn("gradient-regressor", "GradientBoostingRegressor", "real", "plain", is_lossy=True),
    learn("hist", "HistGradientBoostingClassifier", "binary", "missing", is_lossy=True),
    learn("hist-multi", "HistGradientBoostingClassifier", "classes", "missing", is_lossy=True),
    learn("hist-regressor", "HistGradientBoostingRegressor", "real", "missing", is_lossy=True),
    learn("scaled-forest", "RandomForestClassifier", "binary", "tame", before=[SCALER], is_lossy=True),
    learn("imputed-forest", "RandomForestClassifier", "binary", "tame-missing", before=[IMPUTER], is_lossy=True),
]

BOOSTED = [
    boost("xgboost", "xgboost", "binary", "missing"),
    boost("xgboost-multi", "xgboost", "classes"),
    boost("xgboost-real", "xgboost", "real"),
    boost("xgboost-poisson", "xgboost", "counts", objective="count:poisson"),
    boost("lightgbm", "lightgbm", "binary", "missing"),
    boost("lightgbm-zipmap", "lightgbm", "binary", zipmap=True),
    boost("lightgbm-multi", "lightgbm", "classes"),
    boost("lightgbm-real", "lightgbm", "real"),
    boost("lightgbm-categories", "lightgbm", "binary", "categories"),
    boost("catboost", "catboost", "binary", "missing", loss_function="Logloss"),
    boost("catboost-multi", "catboost", "classes", loss_function="MultiClass"),
    boost("catboost-real", "catboost", "real", loss_function="RMSE"),
]

ALL = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
NODES = [
    *(nodes(mode.removeprefix("BRANCH_").lower(), modes=[mode], missing=True) for mode in ALL),
    nodes("modes", modes=ALL, missing=True),
    nodes("modes-categories", "categories", modes=ALL),
    nodes("targets", modes=["BRANCH_LT"], targets=3, base=True),
    nodes("average", modes=["BRANCH_GT"], targets=2, aggregate="AVERAGE", missing=True),
    nodes("minimum", modes=["BRANCH_LEQ"], aggregate="MIN"),
    nodes("maximum", modes=["BRANCH_LEQ"], targets=2, aggregate="MAX"),
    nodes("opset-1", modes=["BRANCH_LT"], version=1, missing=True, base=True),
    nodes("classifier", modes=["BRANCH_LEQ"], targets=3, classes=3, base=True),
    nodes("classifier-softmax", modes=["BRANCH_LT"], targets=4, classes=4, transform="SOFTMAX"),
    nodes("classifier-softmax-zero", modes=["BRANCH_LT"], targets=3, classes=3, transform="SOFTMAX_ZERO"),
    nodes("classifier-logistic", modes=["BRANCH_LT"], targets=3, classes=3, transform="LOGISTIC", missing=True),
    nodes("binary-one-id", modes=["BRANCH_LT"], targets=1, classes=2, transform="LOGISTIC"),
    nodes("binary-two-ids", modes=["BRANCH_GTE"], targets=2, classes=2, transform="SOFTMAX"),
    nodes("regressor-logistic", modes=["BRANCH_LEQ"], transform="LOGISTIC", base=True),
    nodes("double", modes=ALL, double=True, missing=True, base=True),
    nodes("double-targets", modes=["BRANCH_LT"], double=True, targets=3),
    nodes("5", modes=["BRANCH_LEQ"], version=5, missing=True),
    nodes("5-modes", modes=ALL, version=5, targets=2, missing=True),
    nodes("5-members", "categories", modes=["BRANCH_EQ"], version=5, members=True),
    nodes("5-members-mixed", "categories", modes=ALL, version=5, members=True, missing=True),
    nodes("5-softmax", modes=["BRANCH_LT"], version=5, targets=3, transform="SOFTMAX"),
    nodes("5-average", modes=["BRANCH_GT"], version=5, targets=2, aggregate="AVERAGE"),
    nodes("5-double", modes=ALL, version=5, double=True, missing=True),
]

ONNX = LINEAR + NETWORKS + STEPS + FORESTS + BOOSTED + NODES

REAL_ONNX = [
    Kind(f"real-{data.replace('_', '-')}-{name}", kind.params, kind.labels, data=data)
    for data, labels in [
        ("iris", "classes"), ("wine", "classes"), ("digits", "classes"), ("breast_cancer", "binary"),
        ("diabetes", "real"),
    ]
    for name, model in [
        ("linear", "Ridge" if labels == "real" else "LogisticRegression"),
        ("mlp", "MLPRegressor" if labels == "real" else "MLPClassifier"),
        ("forest", "RandomForestRegressor" if labels == "real" else "RandomForestClassifier"),
    ]
    for kind in [learn(name, model, labels, before=[SCALER], is_lossy=name == "forest")]
]  # fmt: skip
