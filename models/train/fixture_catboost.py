"""CatBoost models of scikit-learn's data sets; catboost_fixtures.py makes the random ones.

The trained model in memory answers: CatBoost's own reader of its JSON loses the last bits of some leaves.
"""

from pathlib import Path

import catboost
import numpy as np

from fixture_kinds import Kind
from fixture_tables import Limits, RealTable, Trained


def train_catboost(rng, kind: Kind, table: RealTable, path: Path, limits: Limits) -> Trained:
    labels, _ = table.labels(rng, kind)
    params = {
        "loss_function": "Logloss",
        "iterations": int(rng.integers(3, limits.rounds + 1)),
        "depth": int(rng.integers(1, min(limits.depth, 8) + 1)),
        "learning_rate": float(rng.choice([0.1, 0.3, 1.0])),
        "random_seed": int(rng.integers(1 << 30)),
        "thread_count": 1,
        "logging_level": "Silent",
        "allow_writing_files": False,
    }
    model = catboost.CatBoost(params | kind.params)
    model.fit(table.values, labels if kind.labels == "real" else labels.astype(int))
    file = path.with_suffix(".json")
    model.save_model(str(file), format="json")
    borders = {column: np.array(sorted(found)) for column, found in model.get_borders().items() if len(found)}
    return Trained(
        [file],
        lambda rows: _answers(model, kind, rows),
        is_single=False,
        thresholds=borders,
        rows_are_single=True,
    )


def _answers(model: catboost.CatBoost, kind: Kind, rows: np.ndarray):
    margins = model.predict(rows, prediction_type="RawFormulaVal", thread_count=1).reshape(len(rows), -1)
    if kind.labels == "real":
        return margins, margins
    scores = model.predict(rows, prediction_type="Probability", thread_count=1)
    # A binary model gives the probabilities of both classes.
    return margins, scores[:, 1:] if margins.shape[1] == 1 else scores
