"""The ten models that are measured, each trained the same way every time and written in the format Serin imports.

    name              trainer                Serin reads        answers (rows.f32 beside answers.f64)
    xgb100x6, xgb500x8    XGBoost            model.json         margins, float32 widened
    lgb100x31, lgb500x63  LightGBM           model.txt          margins
    lgbcat100x31      LightGBM, 4 category columns
    rf200x10          scikit-learn forest    forest.onnx        probability of class 1
    cat500x6          CatBoost               model.json         margins
    logreg32          scikit-learn           model.onnx         probability of class 1
    mlp32, mlp256     scikit-learn           model.onnx         probability of class 1

Each folder also has model.onnx for ONNX Runtime.  The answers are the trainer's own, by the model read back from the
file where the trainer can read one.  One thread everywhere, so that sums do not depend on the machine.
"""

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import data

SEED = 7
EXPLAINED_ROWS = 256
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "models" / "train"))


@dataclass(frozen=True)
class Model:
    """`train(folder)` writes the files; `width` is the number of features."""

    name: str
    train: Callable[[Path], None]
    width: int = 32


class Rows:
    """Training and test rows of one kind of table."""

    def __init__(self, width: int = 32, missing: bool = True, categories: bool = False, scaled: bool = False):
        values = data.table(SEED, width)
        self.labels = data.labels(SEED, values)
        self.categorical: list[int] = []
        if categories:
            values, self.categorical = data.with_categories(SEED, values)
        if missing:
            values = data.with_missing(SEED, values)
        self.values = data.standardized(values) if scaled else values

    def training(self, count: int = data.TRAINING_ROWS):
        return self.values[:count], self.labels[:count]

    @property
    def test(self) -> np.ndarray:
        return self.values[data.TRAINING_ROWS :]


def write_answers(folder: Path, rows: np.ndarray, answers: np.ndarray):
    """rows.f32: [row][feature]; answers.f64: [row]."""
    np.ascontiguousarray(rows, np.float32).tofile(folder / "rows.f32")
    np.ascontiguousarray(answers, np.float64).reshape(len(rows)).tofile(folder / "answers.f64")


def write_contributions(folder: Path, contributions: np.ndarray):
    """contributions.f64: [row][feature, then the expected margin] of the first rows."""
    np.ascontiguousarray(contributions, np.float64).tofile(folder / "contributions.f64")


def xgboost_model(rounds: int, depth: int, rate: float):
    def train(folder: Path):
        import xgboost

        rows = Rows()
        values, labels = rows.training()
        booster = xgboost.train(
            {
                "objective": "binary:logistic",
                "max_depth": depth,
                "eta": rate,
                "tree_method": "hist",
                "nthread": 1,
                "seed": SEED,
            },
            xgboost.DMatrix(values, labels, nthread=1),
            rounds,
        )
        booster.save_model(folder / "model.json")
        booster = xgboost.Booster({"nthread": 1}, model_file=folder / "model.json")
        write_answers(folder, rows.test, booster.predict(xgboost.DMatrix(rows.test, nthread=1), output_margin=True))
        explained = xgboost.DMatrix(rows.test[:EXPLAINED_ROWS], nthread=1)
        write_contributions(folder, booster.predict(explained, pred_contribs=True))

    return train


def lightgbm_model(rounds: int, leaves: int, rate: float, categories: bool = False):
    def train(folder: Path):
        import lightgbm

        rows = Rows(categories=categories)
        values, labels = rows.training()
        settings = {
            "objective": "binary",
            "num_leaves": leaves,
            "learning_rate": rate,
            "num_threads": 1,
            "seed": SEED,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        dataset = lightgbm.Dataset(values, labels, categorical_feature=rows.categorical or "auto", params=settings)
        lightgbm.train(settings, dataset, rounds).save_model(folder / "model.txt")
        booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
        write_answers(folder, rows.test, booster.predict(rows.test, raw_score=True, num_threads=1))
        write_contributions(folder, booster.predict(rows.test[:EXPLAINED_ROWS], pred_contrib=True, num_threads=1))

    return train


def forest_model(folder: Path):
    from sklearn.ensemble import RandomForestClassifier

    rows = Rows()
    values, labels = rows.training(20_000)
    forest = RandomForestClassifier(200, max_depth=10, min_samples_leaf=5, random_state=SEED, n_jobs=1)
    forest.fit(values, labels)
    (folder / "model.pickle").write_bytes(pickle.dumps(forest))
    # skl2onnx's file would have lost where missing values go.
    import export_sklearn

    (folder / "forest.onnx").write_bytes(export_sklearn.to_onnx(forest).SerializeToString())
    write_answers(folder, rows.test, forest.predict_proba(rows.test)[:, 1])


def catboost_model(folder: Path):
    import catboost

    rows = Rows()
    values, labels = rows.training()
    model = catboost.CatBoostClassifier(
        iterations=500,
        depth=6,
        learning_rate=0.1,
        random_seed=SEED,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
    )
    # Whole numbers: CatBoost's ONNX export takes no other classes.
    model.fit(values, labels.astype(int))
    model.save_model(str(folder / "model.json"), format="json")
    model.save_model(str(folder / "model.cbm"))
    model.save_model(str(folder / "model.onnx"), format="onnx")
    model.save_model(str(folder / "model.cpp"), format="cpp")
    write_answers(folder, rows.test, model.predict(rows.test, prediction_type="RawFormulaVal", thread_count=1))


def logistic_model(folder: Path):
    from sklearn.linear_model import LogisticRegression

    rows = Rows(missing=False, scaled=True)
    values, labels = rows.training()
    model = LogisticRegression(max_iter=1000).fit(values, labels)
    (folder / "model.pickle").write_bytes(pickle.dumps(model))
    write_layers(folder, [(model.coef_.T, model.intercept_)])
    write_answers(folder, rows.test, model.predict_proba(rows.test.astype(np.float64))[:, 1])


def network_model(width: int, hidden: tuple[int, int]):
    def train(folder: Path):
        from sklearn.neural_network import MLPClassifier

        rows = Rows(width, missing=False, scaled=True)
        values, labels = rows.training(20_000)
        model = MLPClassifier(hidden, max_iter=5, random_state=SEED, early_stopping=False, n_iter_no_change=5)
        model.fit(values, labels)
        (folder / "model.pickle").write_bytes(pickle.dumps(model))
        write_layers(folder, list(zip(model.coefs_, model.intercepts_)))
        write_answers(folder, rows.test, _in_double(model, rows.test))

    return train


def _in_double(model, rows: np.ndarray) -> np.ndarray:
    """A trained network's answers with every sum in double: the yardstick for answers in float."""
    values = rows.astype(np.float64)
    for weights, bias in zip(model.coefs_[:-1], model.intercepts_[:-1]):
        values = np.maximum(values @ weights.astype(np.float64) + bias, 0)
    return 1 / (1 + np.exp(-(values @ model.coefs_[-1].astype(np.float64) + model.intercepts_[-1])[:, 0]))


def write_layers(folder: Path, layers):
    """layers.f32 for the plain loop and OpenBLAS: per layer weights [inputs][outputs], then biases; layers.json has
    the widths."""
    widths = [layers[0][0].shape[0]] + [weights.shape[1] for weights, _ in layers]
    (folder / "layers.json").write_text(json.dumps(widths))
    parts = [np.asarray(part, np.float32).ravel() for layer in layers for part in layer]
    np.concatenate(parts).tofile(folder / "layers.f32")


MODELS = [
    Model("xgb100x6", xgboost_model(100, 6, 0.1)),
    Model("xgb500x8", xgboost_model(500, 8, 0.05)),
    Model("lgb100x31", lightgbm_model(100, 31, 0.1)),
    Model("lgb500x63", lightgbm_model(500, 63, 0.05)),
    Model("lgbcat100x31", lightgbm_model(100, 31, 0.1, categories=True)),
    Model("rf200x10", forest_model),
    Model("cat500x6", catboost_model),
    Model("logreg32", logistic_model),
    Model("mlp32", network_model(32, (64, 32))),
    Model("mlp256", network_model(256, (512, 256)), width=256),
]
