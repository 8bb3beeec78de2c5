"""Kinds of ONNX models that export_sklearn.py writes, with scikit-learn's own answers."""

import numpy as np
from sklearn import ensemble, impute, linear_model, neural_network, preprocessing, tree

from export_sklearn import to_onnx
from onnx_kinds import TRAINING_ROWS, Case, chain, perceptron, seed


def exported(build, classes=0, missing=True, categories=False, strings=False, targets=0, positive=False):
    def make(rng) -> Case:
        values = rng.normal(size=(TRAINING_ROWS, 5))
        values[:, 0] = np.round(values[:, 0] * 3)
        if categories:
            values[:, 1] = rng.integers(0, 8, TRAINING_ROWS) * 3 - 2
        signal = values[:, 0] / 3 + values[:, 1] * values[:, 2] + rng.normal(size=TRAINING_ROWS) * 0.3
        if missing:
            values[rng.random(values.shape) < 0.1] = np.nan
        label = np.exp(signal / 3) if positive else signal
        if targets:
            label = np.column_stack([signal, -signal])
        if classes:
            label = np.digitize(signal, np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1]))
        if strings:
            label = np.array(["no", "yes", "maybe"])[label]
        model = build(rng).fit(values, label)

        def expected(rows):
            rows = np.array(rows, dtype=np.float64)
            answers = model.predict_proba(rows) if classes else model.predict(rows).reshape(len(rows), -1)
            return answers[:, 1:] if classes == 2 else answers

        return Case(to_onnx(model), values.tolist(), missing=missing, expected=expected)

    return make


def forest(kind):
    return lambda rng: kind(n_estimators=5, max_depth=int(rng.integers(2, 6)), random_state=seed(rng))


def boosting(kind, **named):
    return lambda rng: kind(n_estimators=5, random_state=seed(rng), **named)


def histogram(kind, **named):
    return lambda rng: kind(max_iter=5, max_leaf_nodes=8, min_samples_leaf=5, random_state=seed(rng), **named)


def network(kind, activation):
    return lambda rng: chain(preprocessing.StandardScaler(), perceptron(kind, rng, activation))


def stump(rng):
    """A forest in which trees that learn nothing are one leaf."""
    return ensemble.RandomForestRegressor(4, min_samples_leaf=70, random_state=seed(rng))


EXPORTED = {
    "exported-tree": exported(lambda rng: tree.DecisionTreeClassifier(max_depth=5, random_state=seed(rng)), 2),
    "exported-tree-regression": exported(lambda rng: tree.DecisionTreeRegressor(max_depth=5)),
    "exported-forest": exported(forest(ensemble.RandomForestClassifier), 2),
    "exported-forest-multi": exported(forest(ensemble.RandomForestClassifier), 3, strings=True),
    "exported-forest-regression": exported(forest(ensemble.RandomForestRegressor)),
    "exported-forest-targets": exported(forest(ensemble.RandomForestRegressor), targets=2),
    "exported-forest-stump": exported(stump),
    "exported-extra-trees": exported(forest(ensemble.ExtraTreesClassifier), 3),
    "exported-boosting": exported(boosting(ensemble.GradientBoostingClassifier), 2, missing=False),
    "exported-boosting-exponential": exported(
        boosting(ensemble.GradientBoostingClassifier, loss="exponential"), 2, missing=False
    ),
    "exported-boosting-multi": exported(boosting(ensemble.GradientBoostingClassifier), 3, missing=False),
    "exported-boosting-zero": exported(boosting(ensemble.GradientBoostingRegressor, init="zero"), missing=False),
    "exported-histogram": exported(histogram(ensemble.HistGradientBoostingClassifier), 2),
    "exported-histogram-categories": exported(
        histogram(ensemble.HistGradientBoostingClassifier, categorical_features=[1, 3]), 2, categories=True
    ),
    "exported-histogram-multi": exported(
        histogram(ensemble.HistGradientBoostingClassifier, categorical_features=[1]), 3, categories=True
    ),
    "exported-histogram-poisson": exported(
        histogram(ensemble.HistGradientBoostingRegressor, loss="poisson"), positive=True
    ),
    "exported-logistic": exported(lambda rng: linear_model.LogisticRegression(), 2, missing=False),
    "exported-logistic-multi": exported(
        lambda rng: chain(
            impute.SimpleImputer(), preprocessing.MinMaxScaler(clip=True), linear_model.LogisticRegression()
        ),
        3,
    ),
    "exported-linear": exported(
        lambda rng: chain(preprocessing.RobustScaler(), preprocessing.MaxAbsScaler(), linear_model.Ridge()),
        missing=False,
    ),
    "exported-poisson": exported(lambda rng: linear_model.PoissonRegressor(), missing=False, positive=True),
    "exported-mlp": exported(network(neural_network.MLPClassifier, "tanh"), 2, missing=False),
    "exported-mlp-multi": exported(network(neural_network.MLPClassifier, "relu"), 3, missing=False),
    "exported-mlp-regression": exported(network(neural_network.MLPRegressor, "logistic"), missing=False),
}
