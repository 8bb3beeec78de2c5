"""Small random XGBoost and LightGBM models."""

from pathlib import Path

import lightgbm
import numpy as np
import xgboost

from fixture_kinds import Kind
from fixture_tables import TRAINING_ROWS, Limits, Table, Trained
from oracle import named_frame, open_oracle, thresholds_by_feature


def train_xgboost(rng, kind: Kind, table: Table, path: Path, limits: Limits) -> Trained:
    labels, classes = table.labels(rng, kind)
    params = {
        "nthread": 1,
        "verbosity": 0,
        "seed": int(rng.integers(1 << 30)),
        "eta": float(rng.choice([0.1, 0.3, 1.0])),
        "max_depth": int(rng.integers(1, limits.depth + 1)),
        "min_child_weight": float(rng.choice([0, 1, 5])),
        "lambda": float(rng.choice([0.1, 1])),
        "max_bin": int(rng.choice([8, 64, 256])),
        "subsample": float(rng.choice([0.7, 1])),
        "tree_method": "hist"
        if table.categories or kind.labels == "targets"
        else str(rng.choice(["hist", "exact", "approx"])),
    }
    if kind.shape == "deep":
        params |= {
            "tree_method": "hist",
            "max_depth": 0,
            "max_leaves": int(rng.integers(20, 70)),
            "min_child_weight": 0,
        }
    if kind.shape == "stumps":
        params["max_depth"] = 1
    params |= kind.params
    if params.get("booster") == "gblinear":
        params = kind.params
    if params.get("base_score") == "random":
        params["base_score"] = float(rng.uniform(0.01, 0.99))
    elif params.get("base_score") == "random-real":
        params["base_score"] = float(rng.normal() * 10)
    if classes:
        params["num_class"] = classes
    types = ["c" if index in table.categories else "q" for index in range(table.width)]
    if table.category_names is not None:
        matrix = xgboost.DMatrix(
            named_frame(table.values, table.names, table.category_names),
            label=labels,
            enable_categorical=True,
            nthread=1,
        )
    else:
        matrix = xgboost.DMatrix(
            table.values,
            label=labels,
            missing=np.nan,
            feature_names=table.names,
            feature_types=types if table.categories else None,
            enable_categorical=bool(table.categories),
            nthread=1,
        )
    if kind.labels == "ranks":
        matrix.set_group([20] * (TRAINING_ROWS // 20))
    if kind.name == "aft":
        matrix.set_float_info("label_lower_bound", labels)
        matrix.set_float_info("label_upper_bound", np.where(rng.random(len(labels)) < 0.3, np.inf, labels))
    booster = xgboost.train(params, matrix, num_boost_round=int(rng.integers(3, limits.rounds + 1)))
    files = [path.with_suffix(".json"), path.with_suffix(".ubj")]
    for file in files:
        booster.save_model(file)
    thresholds = {} if kind.params.get("booster") == "gblinear" else thresholds_by_feature(files[0])
    answers = open_oracle(files[0], table.category_names).answers
    return Trained(files, answers, is_single=True, thresholds=thresholds, rows_are_single=True)


def train_lightgbm(rng, kind: Kind, table: Table, path: Path, limits: Limits) -> Trained:
    labels, classes = table.labels(rng, kind)
    params = {
        "num_threads": 1,
        "verbosity": -1,
        "seed": int(rng.integers(1 << 30)),
        "deterministic": True,
        "force_row_wise": True,
        "learning_rate": float(rng.choice([0.1, 0.3])),
        "num_leaves": int(rng.integers(2, 4 * limits.depth + 4)),
        "min_data_in_leaf": int(rng.choice([1, 5, 20])),
        "min_sum_hessian_in_leaf": 1e-3,
        "max_bin": int(rng.choice([8, 63, 255])),
        "min_data_in_bin": int(rng.choice([1, 3])),
        "boost_from_average": bool(rng.random() < 0.7),
        "feature_pre_filter": False,
        "min_data_per_group": 5,
        "cat_smooth": 1.0,
        "extra_trees": bool(rng.random() < 0.2),
    }
    if kind.shape == "deep":
        params |= {"num_leaves": 127, "min_data_in_leaf": 1}
    if kind.shape == "stumps":
        params["num_leaves"] = 2
    params |= kind.params
    if params.get("boosting") == "rf":
        params |= {"bagging_freq": 1, "bagging_fraction": 0.7, "feature_fraction": 0.7}
    if classes:
        params["num_class"] = classes
    if params["objective"] == "custom":
        params["objective"] = lambda scores, data: (scores - data.get_label(), np.ones_like(scores))
    data = table.values
    if table.category_names is not None:
        data = named_frame(data, table.names, table.category_names)
    dataset = lightgbm.Dataset(
        data,
        label=labels,
        feature_name=[name.replace(" ", "_") for name in table.names],
        params=params,
        categorical_feature=table.categories if table.category_names is None else "auto",
        group=[20] * (TRAINING_ROWS // 20) if kind.labels == "ranks" else None,
    )
    booster = lightgbm.train(params, dataset, num_boost_round=int(rng.integers(3, limits.rounds + 1)))
    file = path.with_suffix(".txt")
    booster.save_model(file)
    return Trained([file], open_oracle(file).answers, is_single=False, thresholds=thresholds_by_feature(file))
