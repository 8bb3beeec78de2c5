"""The kinds of models that learn scikit-learn's own data sets."""

from fixture_kinds import Kind

DATA = {"iris": "classes", "wine": "classes", "digits": "classes", "breast_cancer": "binary", "diabetes": "real"}


def _real(**params: dict) -> list[Kind]:
    """One kind for each data set, by the parameters of its objective."""
    return [Kind(f"real-{data.replace('_', '-')}", params[labels], labels, data=data) for data, labels in DATA.items()]


REAL_XGBOOST = _real(
    binary={"objective": "binary:logistic"},
    classes={"objective": "multi:softprob"},
    real={"objective": "reg:squarederror"},
)
REAL_LIGHTGBM = _real(
    binary={"objective": "binary"}, classes={"objective": "multiclass"}, real={"objective": "regression"}
)
REAL_CATBOOST = _real(
    binary={"loss_function": "Logloss"}, classes={"loss_function": "MultiClass"}, real={"loss_function": "RMSE"}
)

# For ONNX, by skl2onnx, and for scikit-learn, by export_sklearn.py: a classifier and a regressor of each name.
MODELS = {
    "linear": ("LogisticRegression", "Ridge"),
    "mlp": ("MLPClassifier", "MLPRegressor"),
    "forest": ("RandomForestClassifier", "RandomForestRegressor"),
}


def _learnt(exporter: str) -> list[Kind]:
    return [
        Kind(
            f"real-{data.replace('_', '-')}-{name}",
            {"exporter": exporter, "model": regressor if labels == "real" else classifier},
            labels,
            data=data,
        )
        for data, labels in DATA.items()
        for name, (classifier, regressor) in MODELS.items()
    ]


REAL_ONNX = _learnt("skl2onnx")
REAL_SKLEARN = _learnt("export_sklearn")
