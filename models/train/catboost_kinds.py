"""The kinds of small random CatBoost models that the importer is tested with.

A kind is a name, CatBoost's parameters that make it what it is, and which labels and columns it needs;
everything else (depth, borders, rates, priors) is drawn at random for each model.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    name: str
    params: dict = field(default_factory=dict)
    # binary, unit, classes, labels, unit-labels, real, positive, counts, targets, ranks, times
    labels: str = "real"
    # numbers, missing, integers (codes are categories), named, negative, holes (missing categories)
    columns: str = "numbers"
    # plain, deep, wide (more than 254 borders), stumps, constant, scaled, sum, gaps
    shape: str = "plain"


def _counters(kind: str, borders: int = 0) -> dict:
    text = kind + (f":TargetBorderCount={borders}" if borders else "")
    return {"simple_ctr": [text], "combinations_ctr": [text], "one_hot_max_size": 1}


CATBOOST = [
    Kind("logloss", {"loss_function": "Logloss"}, "binary"),
    Kind("crossentropy", {"loss_function": "CrossEntropy"}, "unit"),
    Kind("focal", {"loss_function": "Focal:focal_alpha=0.3;focal_gamma=1.5"}, "binary"),
    Kind("multiclass", {"loss_function": "MultiClass"}, "classes"),
    Kind("onevsall", {"loss_function": "MultiClassOneVsAll"}, "classes"),
    Kind("multilogloss", {"loss_function": "MultiLogloss"}, "labels"),
    Kind("multicrossentropy", {"loss_function": "MultiCrossEntropy"}, "unit-labels"),
    Kind("rmse", {"loss_function": "RMSE"}),
    Kind("mae", {"loss_function": "MAE"}),
    Kind("quantile", {"loss_function": "Quantile:alpha=0.7"}),
    Kind("multiquantile", {"loss_function": "MultiQuantile:alpha=0.1,0.5,0.9"}),
    Kind("expectile", {"loss_function": "Expectile:alpha=0.3"}),
    Kind("loglinquantile", {"loss_function": "LogLinQuantile:alpha=0.6"}, "positive"),
    Kind("lq", {"loss_function": "Lq:q=1.5"}),
    Kind("mape", {"loss_function": "MAPE"}, "positive"),
    Kind("huber", {"loss_function": "Huber:delta=1.5"}),
    Kind("logcosh", {"loss_function": "LogCosh"}),
    Kind("poisson", {"loss_function": "Poisson"}, "counts"),
    Kind("tweedie", {"loss_function": "Tweedie:variance_power=1.4"}, "counts"),
    Kind("uncertainty", {"loss_function": "RMSEWithUncertainty"}),
    Kind("multirmse", {"loss_function": "MultiRMSE"}, "targets"),
    Kind("aft", {"loss_function": "SurvivalAft"}, "times"),
    Kind("cox", {"loss_function": "Cox"}, "positive"),
    Kind("pairlogit", {"loss_function": "PairLogit"}, "ranks"),
    Kind("yetirank", {"loss_function": "YetiRank"}, "ranks"),
    Kind("queryrmse", {"loss_function": "QueryRMSE"}, "ranks"),
    Kind("querysoftmax", {"loss_function": "QuerySoftMax"}, "ranks"),
    Kind("lambdamart", {"loss_function": "LambdaMart"}, "ranks"),
    Kind("nan-min", {"loss_function": "Logloss", "nan_mode": "Min"}, "binary", "missing"),
    Kind("nan-max", {"loss_function": "Logloss", "nan_mode": "Max"}, "binary", "missing"),
    Kind("nan-forbidden", {"loss_function": "RMSE", "nan_mode": "Forbidden"}),
    Kind("depthwise", {"loss_function": "Logloss", "grow_policy": "Depthwise"}, "binary", "missing"),
    Kind("lossguide", {"loss_function": "RMSE", "grow_policy": "Lossguide", "max_leaves": 20}, "real", "missing"),
    Kind("depthwise-multiclass", {"loss_function": "MultiClass", "grow_policy": "Depthwise"}, "classes"),
    Kind("deep", {"loss_function": "RMSE"}, shape="deep"),
    Kind("wide", {"loss_function": "RMSE", "border_count": 700}, shape="wide"),
    Kind("stumps", {"loss_function": "Logloss"}, "binary", shape="stumps"),
    Kind("constant", {"loss_function": "Logloss", "l2_leaf_reg": 1e9}, "binary"),
    Kind("scaled", {"loss_function": "RMSE"}, shape="scaled"),
    Kind("scaled-multiclass", {"loss_function": "MultiClass"}, "classes", shape="scaled"),
    Kind("sum", {"loss_function": "RMSE"}, shape="sum"),
    Kind("gaps", {"loss_function": "RMSE"}, "real", "missing", "gaps"),
    Kind("onehot-integers", {"loss_function": "Logloss", "one_hot_max_size": 255, "max_ctr_complexity": 1},
         "binary", "integers"),
    Kind("onehot-named", {"loss_function": "RMSE", "one_hot_max_size": 255}, "real", "named"),
    Kind("onehot-holes", {"loss_function": "Logloss", "one_hot_max_size": 255}, "binary", "holes"),
    Kind("onehot-negative", {"loss_function": "Logloss", "one_hot_max_size": 255}, "binary", "negative"),
    Kind("onehot-multiclass", {"loss_function": "MultiClass", "one_hot_max_size": 255}, "classes", "named"),
    Kind("onehot-lossguide", {"loss_function": "RMSE", "one_hot_max_size": 255, "grow_policy": "Lossguide"},
         "real", "integers"),
    Kind("ctr-default", {"loss_function": "Logloss"}, "binary", "integers"),
    Kind("ctr-named", {"loss_function": "Logloss"}, "binary", "named"),
    Kind("ctr-holes", {"loss_function": "RMSE"}, "real", "holes"),
    Kind("ctr-negative", {"loss_function": "RMSE"}, "real", "negative"),
    Kind("ctr-mixed", {"loss_function": "Logloss", "one_hot_max_size": 8}, "binary", "named"),
    Kind("ctr-borders", {"loss_function": "RMSE", **_counters("Borders", 4)}, "real", "integers"),
    Kind("ctr-buckets", {"loss_function": "RMSE", **_counters("Buckets", 3)}, "real", "named"),
    Kind("ctr-means", {"loss_function": "RMSE", **_counters("BinarizedTargetMeanValue", 6)}, "real", "integers"),
    Kind("ctr-counter", {"loss_function": "Logloss", **_counters("Counter")}, "binary", "integers"),
    Kind("ctr-full-counter", {"loss_function": "Logloss", "counter_calc_method": "Full", **_counters("Counter")},
         "binary", "named"),
    Kind("ctr-multiclass", {"loss_function": "MultiClass"}, "classes", "named"),
    Kind("ctr-depthwise", {"loss_function": "Logloss", "grow_policy": "Depthwise"}, "binary", "named"),
    Kind("ctr-limit", {"loss_function": "Logloss", "ctr_leaf_count_limit": 5}, "binary", "integers"),
    Kind("ctr-uncertainty", {"loss_function": "RMSEWithUncertainty"}, "real", "integers"),
]
