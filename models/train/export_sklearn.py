"""Writes a trained scikit-learn model as ONNX and keeps what skl2onnx loses.

    python export_sklearn.py model.joblib model.onnx

Kept are where a forest sends missing values, thresholds, leaves and coefficients in double, and the
categories of HistGradientBoosting.  Scores are predict_proba's or predict's within 1e-12.

Supported: decision trees, random forests, extra trees, gradient boosting, histogram gradient boosting,
logistic regression, linear and generalized linear regression, multi-layer perceptrons; before them, in a
Pipeline, SimpleImputer, StandardScaler, MinMaxScaler, MaxAbsScaler and RobustScaler.

The graph takes one input X of doubles, [rows, features].  scikit-learn's trees round a row to float32
and compare it with double thresholds, and so does the graph: Cast to float and back, then TreeEnsemble
(ai.onnx.ml 5) in double.  Loading a pickle runs code in it: export only models that you trust.
"""

import argparse
from pathlib import Path

import joblib
import numpy as np
import onnx
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn import ensemble, linear_model, neural_network, preprocessing, tree
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

ML = "ai.onnx.ml"
LEQ, MEMBER = 0, 6
FORESTS = (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
)
TREES = (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, tree.ExtraTreeClassifier, tree.ExtraTreeRegressor)
BOOSTING = (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor)
HISTOGRAM = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
LINEAR = (
    linear_model.LinearRegression,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
    linear_model.BayesianRidge,
    linear_model.HuberRegressor,
)
LOG_LINK = (linear_model.PoissonRegressor, linear_model.GammaRegressor)
PERCEPTRONS = (neural_network.MLPClassifier, neural_network.MLPRegressor)
ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "softmax": "Softmax", "identity": None}


class UnsupportedModel(ValueError):
    """The model, or a parameter of it, has no exact form here."""


class Graph:
    """Nodes and constants; `add` gives the name of a new node's output."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def constant(self, values) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes) -> str:
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, domain=domain, **attributes))
        return name


class Trees:
    """The lists of one TreeEnsemble: `split` and `leaf` add to them, children may be set later."""

    def __init__(self, targets: int):
        self.targets = targets
        self.roots, self.modes, self.splits, self.members = [], [], [], []
        self.leaf_targets, self.leaf_weights = [], []
        self.lists = {
            f"nodes_{name}": []
            for name in (
                "featureids",
                "truenodeids",
                "trueleafs",
                "falsenodeids",
                "falseleafs",
                "missing_value_tracks_true",
            )
        }

    def leaf(self, target: int, weight: float) -> tuple[int, int]:
        self.leaf_targets.append(target)
        self.leaf_weights.append(float(weight))
        return len(self.leaf_weights) - 1, 1

    def split(self, feature: int, threshold: float, missing_is_true: bool, members=None) -> int:
        self.modes.append(LEQ if members is None else MEMBER)
        self.splits.append(float(threshold))
        if members is not None:
            self.members += [*map(float, members), float("nan")]
        for name, values in self.lists.items():
            values.append({"nodes_featureids": int(feature)}.get(name, 0))
        self.lists["nodes_missing_value_tracks_true"][-1] = int(missing_is_true)
        return len(self.modes) - 1

    def connect(self, node: int, when_true: tuple[int, int], when_false: tuple[int, int]):
        for side, (child, is_leaf) in (("true", when_true), ("false", when_false)):
            self.lists[f"nodes_{side}nodeids"][node] = child
            self.lists[f"nodes_{side}leafs"][node] = is_leaf

    def tree(self, target: int, is_leaf, weight, split, children, root: int = 0):
        """A tree by its node's functions, in preorder without recursion: forests are deep.

        `split(node)` gives feature, threshold, whether missing is true, and members or None;
        `children(node)` the nodes when the comparison is true and when it is false.
        """
        if is_leaf(root):
            child = self.leaf(target, weight(root))
            node = self.split(0, 0.0, False)
            self.connect(node, child, child)
            self.roots.append(node)
            return
        made = {}
        order, open_nodes = [], [root]
        while open_nodes:
            node = open_nodes.pop()
            if is_leaf(node):
                made[node] = self.leaf(target, weight(node))
                continue
            made[node] = self.split(*split(node)), 0
            order.append(node)
            open_nodes += reversed(children(node))
        for node in order:
            when_true, when_false = children(node)
            self.connect(made[node][0], made[when_true], made[when_false])
        self.roots.append(made[root][0])

    def add_to(self, graph: Graph, rows: str) -> str:
        attributes = {"membership_values": double_tensor(self.members)} if self.members else {}
        return graph.add(
            "TreeEnsemble",
            rows,
            domain=ML,
            n_targets=self.targets,
            aggregate_function=1,
            post_transform=0,
            tree_roots=self.roots,
            nodes_modes=numpy_helper.from_array(np.array(self.modes, dtype=np.uint8)),
            nodes_splits=double_tensor(self.splits),
            leaf_targetids=self.leaf_targets,
            leaf_weights=double_tensor(self.leaf_weights),
            **self.lists,
            **attributes,
        )


def double_tensor(values) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.float64))


def add_sklearn_tree(trees: Trees, fitted, value, target: int, scale: float = 1.0):
    """`value(tree, node)` is a leaf's; NaN follows missing_go_to_left."""
    inner = fitted.tree_
    missing = inner.missing_go_to_left.astype(bool)
    trees.tree(
        target,
        is_leaf=lambda node: inner.children_left[node] == -1,
        weight=lambda node: scale * value(inner, node),
        split=lambda node: (inner.feature[node], inner.threshold[node], missing[node], None),
        children=lambda node: (inner.children_left[node], inner.children_right[node]),
    )


def forest_scores(model, graph: Graph, rows: str) -> str:
    """Class fractions or values, averaged over the trees; of two classes the second one's."""
    members = [model] if isinstance(model, TREES) else model.estimators_
    if hasattr(model, "classes_"):
        if model.n_outputs_ != 1:
            raise UnsupportedModel("a classifier of several outputs")
        classes = len(model.classes_)
        picked = [1] if classes == 2 else list(range(classes))
        trees = Trees(len(picked))
        for member in members:
            for target, index in enumerate(picked):
                add_sklearn_tree(trees, member, lambda inner, node, k=index: inner.value[node, 0, k], target)
    else:
        trees = Trees(model.n_outputs_)
        for member in members:
            for target in range(model.n_outputs_):
                add_sklearn_tree(trees, member, lambda inner, node, k=target: inner.value[node, k, 0], target)
    scores = trees.add_to(graph, as_float32(graph, rows))
    return scores if len(members) == 1 else graph.add("Div", scores, graph.constant(np.float64(len(members))))


def as_float32(graph: Graph, rows: str) -> str:
    return graph.add("Cast", graph.add("Cast", rows, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)


def boosting_scores(model, graph: Graph, rows: str) -> str:
    if not isinstance(model.init_, (DummyClassifier, DummyRegressor, str)):
        raise UnsupportedModel(f"gradient boosting that begins with a {type(model.init_).__name__}")
    count = model.estimators_.shape[1]
    trees = Trees(count)
    for stage in model.estimators_:
        for target, member in enumerate(stage):
            add_sklearn_tree(trees, member, lambda inner, node: inner.value[node, 0, 0], target, model.learning_rate)
    begin = model._raw_predict_init(np.zeros((1, model.n_features_in_)))[0]
    scores = graph.add("Add", trees.add_to(graph, as_float32(graph, rows)), graph.constant(begin))
    if model.loss == "exponential":
        scores = graph.add("Mul", scores, graph.constant(np.float64(2)))
    return link(graph, scores, count, hasattr(model, "classes_"))


def histogram_scores(model, graph: Graph, rows: str) -> str:
    """Missing values and unknown categories go where missing_go_to_left says."""
    count = model.n_trees_per_iteration_
    columns, categories = histogram_columns(model)
    trees = Trees(count)
    for stage in model._predictors:
        for target, predictor in enumerate(stage):
            add_histogram_tree(trees, predictor, target, columns, categories)
    begin = np.asarray(model._baseline_prediction).reshape(-1)
    scores = graph.add("Add", trees.add_to(graph, rows), graph.constant(begin))
    if hasattr(model, "classes_"):
        return link(graph, scores, count, True)
    return graph.add("Exp", scores) if model.loss in ("poisson", "gamma") else scores


def histogram_columns(model):
    """The row's column of each of the trees' features, and the categories by such a feature."""
    if model._preprocessor is None:
        return list(range(model.n_features_in_)), {}
    is_categorical = np.asarray(model.is_categorical_)
    columns = [*np.flatnonzero(is_categorical), *np.flatnonzero(~is_categorical)]
    encoder = model._preprocessor.named_transformers_["encoder"]
    categories = {}
    for feature, listed in enumerate(encoder.categories_):
        try:
            categories[feature] = np.asarray(listed, dtype=np.float64)
        except ValueError:
            raise UnsupportedModel("categories that are no numbers; encode them before the model") from None
    return columns, categories


def add_histogram_tree(trees: Trees, predictor, target: int, columns, categories):
    nodes = predictor.nodes

    def members(node):
        """Categories on the left side, or, where missing goes left, those on the right side."""
        words = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
        goes_left = [
            bool(words[code // 32] >> np.uint32(code % 32) & np.uint32(1))
            for code in range(len(categories[node["feature_idx"]]))
        ]
        listed = categories[node["feature_idx"]]
        wanted = not node["missing_go_to_left"]
        return [value for value, left in zip(listed, goes_left) if left == wanted and not np.isnan(value)]

    def split(index):
        node = nodes[index]
        column = columns[node["feature_idx"]]
        if node["is_categorical"]:
            return column, 0.0, False, members(node)
        return column, node["num_threshold"], bool(node["missing_go_to_left"]), None

    def children(index):
        node = nodes[index]
        left, right = int(node["left"]), int(node["right"])
        return (right, left) if node["is_categorical"] and node["missing_go_to_left"] else (left, right)

    trees.tree(
        target,
        is_leaf=lambda index: bool(nodes[index]["is_leaf"]),
        weight=lambda index: nodes[index]["value"],
        split=split,
        children=children,
    )


def link(graph: Graph, scores: str, count: int, is_classifier: bool) -> str:
    """A classifier's margins as probabilities."""
    if not is_classifier:
        return scores
    return graph.add("Sigmoid", scores) if count == 1 else graph.add("Softmax", scores, axis=1)


def linear_scores(model, graph: Graph, rows: str) -> str:
    weights = np.atleast_2d(model.coef_).astype(np.float64)
    bias = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64), (len(weights),))
    scores = graph.add("Gemm", rows, graph.constant(weights), graph.constant(bias), transB=1)
    if isinstance(model, LOG_LINK):
        return graph.add("Exp", scores)
    return link(graph, scores, len(weights), hasattr(model, "classes_"))


def perceptron_scores(model, graph: Graph, rows: str) -> str:
    for layer, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_)):
        is_last = layer == len(model.coefs_) - 1
        activation = ACTIVATIONS[model.out_activation_ if is_last else model.activation]
        constants = [graph.constant(np.asarray(part, dtype=np.float64)) for part in (weights, bias)]
        rows = graph.add("Gemm", rows, *constants)
        if activation:
            rows = graph.add(activation, rows)
    return rows


def prepare(step, graph: Graph, rows: str) -> str:
    """A step of a pipeline before its model."""
    if isinstance(step, SimpleImputer):
        values = np.asarray(step.statistics_, dtype=np.float64)
        if step.add_indicator or np.isnan(values).any() or not np.isnan(step.missing_values):
            raise UnsupportedModel("SimpleImputer with an indicator, without a value, or for a marker other than NaN")
        return graph.add("Where", graph.add("IsNaN", rows), graph.constant(values), rows)
    if isinstance(step, preprocessing.MinMaxScaler):
        scaled = graph.add("Add", graph.add("Mul", rows, graph.constant(step.scale_)), graph.constant(step.min_))
        low, high = (np.float64(value) for value in step.feature_range)
        return graph.add("Clip", scaled, graph.constant(low), graph.constant(high)) if step.clip else scaled
    if isinstance(step, preprocessing.MaxAbsScaler):
        return graph.add("Div", rows, graph.constant(step.scale_))
    if isinstance(step, (preprocessing.StandardScaler, preprocessing.RobustScaler)):
        center = getattr(step, "center_", None) if isinstance(step, preprocessing.RobustScaler) else step.mean_
        is_centered = step.with_centering if isinstance(step, preprocessing.RobustScaler) else step.with_mean
        if center is not None and is_centered:
            rows = graph.add("Sub", rows, graph.constant(center))
        return rows if step.scale_ is None else graph.add("Div", rows, graph.constant(step.scale_))
    raise UnsupportedModel(f"{type(step).__name__} in a pipeline")


def scores_of(model, graph: Graph, rows: str) -> str:
    if isinstance(model, TREES + FORESTS):
        return forest_scores(model, graph, rows)
    if isinstance(model, BOOSTING):
        return boosting_scores(model, graph, rows)
    if isinstance(model, HISTOGRAM):
        return histogram_scores(model, graph, rows)
    if isinstance(model, LINEAR + LOG_LINK):
        return linear_scores(model, graph, rows)
    if isinstance(model, linear_model.LogisticRegression):
        return linear_scores(model, graph, rows)
    if isinstance(model, PERCEPTRONS):
        return perceptron_scores(model, graph, rows)
    raise UnsupportedModel(type(model).__name__)


def to_onnx(model) -> onnx.ModelProto:
    """The model as ONNX; raises `UnsupportedModel`."""
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    graph, rows = Graph(), "X"
    for step in steps[:-1]:
        if step not in ("passthrough", None):
            rows = prepare(step, graph, rows)
    model = steps[-1]
    scores = scores_of(model, graph, rows)
    outputs = []
    if hasattr(model, "classes_"):
        if len(model.classes_) == 2:
            other = graph.add("Sub", graph.constant(np.float64(1)), scores)
            scores = graph.add("Concat", other, scores, axis=1)
        index = graph.add("ArgMax", scores, axis=1, keepdims=0)
        classes = np.asarray(model.classes_)
        classes = classes.astype(np.int64) if classes.dtype.kind in "iub" else classes.astype(str).astype(object)
        graph.nodes.append(helper.make_node("Gather", [graph.constant(classes), index], ["label"]))
        kind = TensorProto.STRING if classes.dtype == object else TensorProto.INT64
        outputs.append(helper.make_tensor_value_info("label", kind, [None]))
    name = "probabilities" if outputs else "variable"
    graph.nodes.append(helper.make_node("Identity", [scores], [name]))
    outputs.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, None]))
    width = steps[0].n_features_in_
    inputs = [helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, width])]
    proto = helper.make_graph(graph.nodes, "sklearn", inputs, outputs, graph.constants)
    return helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(ML, 5)],
        ir_version=10,
        producer_name="scikit-learn",
        producer_version=sklearn.__version__,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a fitted estimator or Pipeline, as pickle or joblib wrote it")
    parser.add_argument("output", type=Path, help="the .onnx file to write")
    arguments = parser.parse_args()
    try:
        onnx.save(to_onnx(joblib.load(arguments.model)), arguments.output)
    except UnsupportedModel as error:
        parser.exit(1, f"export_sklearn: not supported: {error}\n")


if __name__ == "__main__":
    main()
