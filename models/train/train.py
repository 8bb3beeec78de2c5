"""Trains the two shipped fraud models and writes their bundles.

    python generate.py payments.npy
    python train.py payments.npy --repository ..

    days   0 ──────────── 80 ── 90 ─────── 110 ── 120
           │ training      │held│ training   │held│
    fraud/1 ███████████████             ^ the patterns change at day 90
    fraud/2 ███████████████      ███████████

Both held-out windows are unseen by both models.  Training runs on one thread, so that the same data and
library versions give the same bytes.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import lightgbm
import numpy as np
import xgboost
from sklearn.metrics import average_precision_score, roc_auc_score

from bundle import Bundle, write_bundle
from features import CATEGORICAL, FEATURES, NAMES
from generate import sha256_of
from golden import coded
from oracle import open_oracle
from population import DAY

WINDOWS = {"days_80_89": (80, 90), "days_110_119": (110, 120)}
XGBOOST_ROUNDS, LIGHTGBM_ROUNDS = 100, 500
XGBOOST_PARAMETERS = {
    "objective": "binary:logistic",
    "max_depth": 6,
    "eta": 0.1,
    "min_child_weight": 0.1,
    "lambda": 5,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "tree_method": "hist",
    "seed": 1,
    "nthread": 1,
}
LIGHTGBM_PARAMETERS = {
    "objective": "binary",
    "num_leaves": 63,
    "learning_rate": 0.02,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5,
    "cat_smooth": 20,
    "cat_l2": 20,
    "seed": 2,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,
}

# The README's payment: at night, from a new device, far from home.  All numbers are the same in float32 and double.
# fmt: off
EXAMPLE = [
    129.5, 2.25, 4, "DE", "electronics", "online", "DE", 0, 812.5, 402.5, 0.25, "ios", 1, 0, 0, 2, 9, 30, 0, 48.5,
    362.25, 1554, 2.5, 360, 0, 350, 348, 58, 7, 1, 2, 0.125]
# fmt: on


def train_xgboost(matrix: np.ndarray, labels: np.ndarray, path: Path):
    data = xgboost.DMatrix(matrix.astype(np.float32), label=labels, missing=np.nan, feature_names=NAMES, nthread=1)
    xgboost.train(XGBOOST_PARAMETERS, data, num_boost_round=XGBOOST_ROUNDS).save_model(path)


def train_lightgbm(matrix: np.ndarray, labels: np.ndarray, path: Path):
    parameters = LIGHTGBM_PARAMETERS | {"verbosity": -1}
    data = lightgbm.Dataset(
        matrix, label=labels, feature_name=NAMES, categorical_feature=CATEGORICAL, params=parameters
    )
    lightgbm.train(parameters, data, num_boost_round=LIGHTGBM_ROUNDS).save_model(path)


def window_metrics(model_file: Path, matrix, labels, day) -> dict[str, float]:
    """ROC-AUC and average precision of a model file on the held-out windows."""
    oracle, metrics = open_oracle(model_file), {}
    for name, (first, last) in WINDOWS.items():
        chosen = (day >= first) & (day < last)
        _, scores = oracle.answers(matrix[chosen].astype(np.float32) if oracle.score_single else matrix[chosen])
        metrics[f"roc_auc_{name}"] = round(float(roc_auc_score(labels[chosen], scores[:, 0])), 4)
        metrics[f"average_precision_{name}"] = round(float(average_precision_score(labels[chosen], scores[:, 0])), 4)
    return metrics


def code_commit() -> str:
    """The commit of this folder's code; refuses when the code differs from it."""
    here = Path(__file__).parent

    def git(*words):
        return subprocess.run(["git", "-C", here, *words], capture_output=True, text=True, check=True).stdout.strip()

    if git("status", "--porcelain", "--", "."):
        sys.exit("models/train differs from its commit: commit it first, so that the lineage is true")
    return git("log", "-1", "--format=%H", "--", ".")


def environment(library) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        library.__name__: library.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="written by generate.py")
    parser.add_argument("--repository", type=Path, default=Path(__file__).parent.parent)
    arguments = parser.parse_args()
    commit, table = code_commit(), np.load(arguments.data)
    day, labels, matrix = table[:, 0] // DAY, table[:, 1], table[:, 3:]
    old_days = day < 80
    all_days = old_days | ((day >= 90) & (day < 110))
    recipes = [
        ("1", xgboost, train_xgboost, "model.json", old_days, "0-79", XGBOOST_PARAMETERS, XGBOOST_ROUNDS),
        ("2", lightgbm, train_lightgbm, "model.txt", all_days, "0-79 and 90-109", LIGHTGBM_PARAMETERS, LIGHTGBM_ROUNDS),
    ]
    data_digest = sha256_of(arguments.data)
    for version, library, train, file_name, days, days_text, parameters, rounds in recipes:
        with tempfile.TemporaryDirectory() as folder:
            model_file = Path(folder) / file_name
            train(matrix[days], labels[days], model_file)
            metrics = window_metrics(model_file, matrix, labels, day)
            lineage = {
                "data_sha256": data_digest,
                "code_commit": commit,
                "trained_at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            lineage |= {"parent": "1"} if version == "2" else {}
            lineage |= {
                "parameters": parameters
                | {"rounds": rounds, "training_days": days_text, "training_rows": int(days.sum())},
                "metrics": metrics,
                "environment": environment(library),
            }
            target = write_bundle(
                arguments.repository,
                model_file,
                Bundle(
                    name="fraud",
                    version=version,
                    features=FEATURES,
                    objective=parameters["objective"],
                    training=matrix[days],
                    labels=labels[days],
                    example=np.array(coded(EXAMPLE, FEATURES)),
                    lineage=lineage,
                    classes=("genuine", "fraud"),
                    golden_seed=int(version),
                ),
            )
        print(f"{target.parent.name}/{target.name}: {metrics}")
    with tempfile.TemporaryDirectory() as folder:  # how much of the gain is the days', not the trainer's
        model_file = Path(folder) / "model.json"
        train_xgboost(matrix[all_days], labels[all_days], model_file)
        print(f"for comparison, fraud/1's recipe on fraud/2's days: {window_metrics(model_file, matrix, labels, day)}")


if __name__ == "__main__":
    main()
