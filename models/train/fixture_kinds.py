"""The kinds of small random models that the importers are tested with.

A kind is a name, the trainer's parameters that make it what it is, and which labels and columns it
needs; everything else (depth, bins, rates, sampling) is drawn at random for each model.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    name: str
    params: dict = field(default_factory=dict)
    # binary, classes, real, positive, unit, counts, ranks, targets
    labels: str = "binary"
    # plain, missing, zeros, categories, named
    columns: str = "any"
    # Random parameters that this kind fixes itself are left out of the draw.
    shape: str = "any"
    # One of scikit-learn's data sets instead of random data.
    data: str | None = None


# One tree for all outputs.
VECTOR = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
# The usual updater's answers differ from run to run.
LINEAR = {"booster": "gblinear", "updater": "coord_descent"}

XGBOOST = [
    Kind("binary", {"objective": "binary:logistic"}),
    Kind("binary-missing", {"objective": "binary:logistic"}, columns="missing"),
    Kind("logitraw", {"objective": "binary:logitraw"}),
    Kind("hinge", {"objective": "binary:hinge"}),
    Kind("squarederror", {"objective": "reg:squarederror"}, "real"),
    Kind("squaredlogerror", {"objective": "reg:squaredlogerror"}, "positive"),
    Kind("absoluteerror", {"objective": "reg:absoluteerror"}, "real"),
    Kind("pseudohuber", {"objective": "reg:pseudohubererror"}, "real"),
    Kind("logistic", {"objective": "reg:logistic"}, "unit"),
    Kind("poisson", {"objective": "count:poisson"}, "counts"),
    Kind("gamma", {"objective": "reg:gamma"}, "positive"),
    Kind("tweedie", {"objective": "reg:tweedie", "tweedie_variance_power": 1.4}, "counts"),
    Kind("cox", {"objective": "survival:cox", "eta": 0.1, "min_child_weight": 1}, "positive"),
    Kind("aft", {"objective": "survival:aft"}, "positive"),
    Kind("quantile", {"objective": "reg:quantileerror", "quantile_alpha": 0.7}, "real"),
    Kind("quantiles", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, "real"),
    Kind("ranking", {"objective": "rank:ndcg"}, "ranks"),
    Kind("softprob", {"objective": "multi:softprob"}, "classes"),
    Kind("softprob-missing", {"objective": "multi:softprob"}, "classes", "missing"),
    Kind("softmax", {"objective": "multi:softmax"}, "classes"),
    Kind("multitarget", {"objective": "reg:squarederror"}, "targets"),
    Kind("onehot", {"objective": "binary:logistic", "max_cat_to_onehot": 64}, columns="categories"),
    Kind("partition", {"objective": "binary:logistic", "max_cat_to_onehot": 1}, columns="categories"),
    Kind("partition-softprob", {"objective": "multi:softprob", "max_cat_to_onehot": 1}, "classes", "categories"),
    Kind("named-categories", {"objective": "reg:squarederror", "max_cat_to_onehot": 3}, "real", "named"),
    Kind("dart", {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.4, "one_drop": 1}),
    Kind("dart-softprob", {"objective": "multi:softprob", "booster": "dart", "rate_drop": 0.4}, "classes"),
    Kind("parallel", {"objective": "binary:logistic", "num_parallel_tree": 3}),
    Kind("parallel-softprob", {"objective": "multi:softprob", "num_parallel_tree": 2}, "classes"),
    Kind("base-score", {"objective": "binary:logistic", "base_score": "random"}),
    Kind("base-score-real", {"objective": "reg:squarederror", "base_score": "random-real"}, "real"),
    Kind("base-score-poisson", {"objective": "count:poisson", "base_score": "random"}, "counts"),
    Kind("lossguide", {"objective": "binary:logistic", "grow_policy": "lossguide"}, shape="deep"),
    Kind("stumps", {"objective": "binary:logistic"}, shape="stumps"),
    Kind("constant", {"objective": "binary:logistic", "gamma": 1e6}),
    Kind("vector", {"objective": "reg:squarederror"} | VECTOR, "targets"),
    Kind("vector-missing", {"objective": "reg:squarederror"} | VECTOR, "targets", "missing"),
    Kind("vector-softprob", {"objective": "multi:softprob"} | VECTOR, "classes"),
    Kind("linear", {"objective": "reg:squarederror"} | LINEAR, "real"),
    Kind("linear-missing", {"objective": "binary:logistic"} | LINEAR, columns="missing"),
    Kind("linear-softprob", {"objective": "multi:softprob"} | LINEAR, "classes"),
    Kind("linear-multitarget", {"objective": "reg:squarederror"} | LINEAR, "targets", "missing"),
    Kind("rank-pairwise", {"objective": "rank:pairwise"}, "ranks"),
    Kind("rank-map", {"objective": "rank:map"}),
    Kind("dart-multitarget", {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.4}, "targets"),
    Kind("multitarget-parallel", {"objective": "reg:absoluteerror", "num_parallel_tree": 2}, "targets"),
]

LIGHTGBM = [
    Kind("binary", {"objective": "binary"}),
    Kind("binary-missing", {"objective": "binary"}, columns="missing"),
    Kind("binary-sigmoid", {"objective": "binary", "sigmoid": 0.7, "is_unbalance": True}),
    Kind("regression", {"objective": "regression"}, "real"),
    Kind("regression-sqrt", {"objective": "regression", "reg_sqrt": True}, "real"),
    Kind("l1", {"objective": "regression_l1"}, "real"),
    Kind("huber", {"objective": "huber"}, "real"),
    Kind("fair", {"objective": "fair"}, "real"),
    Kind("quantile", {"objective": "quantile", "alpha": 0.7}, "real"),
    Kind("mape", {"objective": "mape"}, "positive"),
    Kind("poisson", {"objective": "poisson"}, "counts"),
    Kind("gamma", {"objective": "gamma"}, "positive"),
    Kind("tweedie", {"objective": "tweedie", "tweedie_variance_power": 1.4}, "counts"),
    Kind("cross-entropy", {"objective": "cross_entropy"}, "unit"),
    Kind("cross-entropy-lambda", {"objective": "cross_entropy_lambda"}, "unit"),
    Kind("multiclass", {"objective": "multiclass"}, "classes"),
    Kind("multiclass-missing", {"objective": "multiclass"}, "classes", "missing"),
    Kind("multiclassova", {"objective": "multiclassova", "sigmoid": 1.3}, "classes"),
    Kind("categorical", {"objective": "binary"}, columns="categories"),
    Kind("categorical-onehot", {"objective": "binary", "max_cat_to_onehot": 64}, columns="categories"),
    Kind("categorical-multiclass", {"objective": "multiclass"}, "classes", "categories"),
    Kind("named-categories", {"objective": "regression"}, "real", "named"),
    Kind("zero-as-missing", {"objective": "binary", "zero_as_missing": True}, columns="zeros"),
    Kind("no-missing", {"objective": "binary", "use_missing": False}, columns="missing"),
    Kind("forest", {"objective": "binary", "boosting": "rf"}),
    Kind("forest-regression", {"objective": "regression", "boosting": "rf"}, "real"),
    Kind("forest-multiclass", {"objective": "multiclass", "boosting": "rf"}, "classes"),
    Kind("linear", {"objective": "regression", "linear_tree": True}, "real"),
    Kind("linear-missing", {"objective": "binary", "linear_tree": True}, columns="missing"),
    Kind("dart", {"objective": "binary", "boosting": "dart", "drop_rate": 0.5}),
    Kind("lambdarank", {"objective": "lambdarank"}, "ranks"),
    Kind("xendcg", {"objective": "rank_xendcg"}, "ranks"),
    Kind("custom", {"objective": "custom"}, "real"),
    Kind("deep", {"objective": "binary"}, shape="deep"),
    Kind("stumps", {"objective": "regression"}, "real", shape="stumps"),
    Kind("constant", {"objective": "binary", "min_gain_to_split": 1e9}),
    Kind("linear-multiclass", {"objective": "multiclass", "linear_tree": True}, "classes", "missing"),
    Kind("linear-zeros", {"objective": "regression", "linear_tree": True}, "real", "zeros"),
    Kind("linear-categorical", {"objective": "regression", "linear_tree": True}, "real", "categories"),
    Kind("forest-linear", {"objective": "regression", "boosting": "rf", "linear_tree": True}, "real"),
    Kind("forest-poisson", {"objective": "poisson", "boosting": "rf"}, "counts"),
    Kind("multiclassova-categorical", {"objective": "multiclassova"}, "classes", "categories"),
    Kind("dart-multiclass", {"objective": "multiclass", "boosting": "dart", "drop_rate": 0.5}, "classes", "zeros"),
    Kind("goss", {"objective": "binary", "data_sample_strategy": "goss"}, columns="missing"),
]
