"""Tree ensembles of ONNX written node by node: every mode, aggregate and transform that the operators have, which no
exporter uses all of.

    ai.onnx.ml 1, 3   TreeEnsembleClassifier, TreeEnsembleRegressor; 3 also with doubles
    ai.onnx.ml 5      TreeEnsemble: interior nodes and leaves apart, BRANCH_MEMBER
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from fixture_kinds import Kind
from fixture_tables import Limits, Table

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
MEMBER = 6
AGGREGATES = ["AVERAGE", "SUM", "MIN", "MAX"]


class Nodes:
    """The attributes of random trees, node for node."""

    def __init__(self, rng, kind: Kind, table: Table, limits: Limits, targets: int):
        self.rng, self.table, self.targets = rng, table, targets
        self.modes = kind.params.get("modes", ["BRANCH_LEQ"])
        self.rows: list[dict] = []
        self.leaves: list[tuple[int, int, int, float]] = []
        self.missing = bool(kind.params.get("missing"))
        self.aggregate = kind.params.get("aggregate", "SUM")
        self.transform = kind.params.get("transform", "NONE")
        self.base = np.zeros(targets)
        self.number = np.float64 if kind.params.get("double") else np.float32
        self.trees = int(rng.integers(1, limits.rounds + 1))
        for tree in range(self.trees):
            self.count = 0
            self._grow(tree, int(rng.integers(0, limits.depth + 1)))

    def _grow(self, tree: int, depth: int) -> int:
        node, self.count = self.count, self.count + 1
        row = {"tree": tree, "node": node, "mode": "LEAF", "feature": 0, "value": 0.0, "true": 0, "false": 0, "nan": 0}
        self.rows.append(row)
        if depth == 0 or self.rng.random() < 0.15:
            for target in self._targets():
                self.leaves.append((tree, node, target, float(self.number(self.rng.normal()))))
            return node
        feature = int(self.rng.integers(self.table.width))
        column = self.table.values[:, feature]
        value = float(self.number(self.rng.choice(column[~np.isnan(column)])))
        row |= {
            "mode": str(self.rng.choice(self.modes)),
            "feature": feature,
            "value": value,
            "nan": int(self.missing and self.rng.random() < 0.5),
        }
        row["true"] = self._grow(tree, depth - 1)
        row["false"] = self._grow(tree, depth - 1)
        return node

    def _targets(self):
        """A leaf may speak of one target or of several; for a smallest or largest, of all."""
        if self.aggregate in ("MIN", "MAX"):
            return list(range(self.targets))
        if self.targets == 1 or self.rng.random() < 0.5:
            return [int(self.rng.integers(self.targets))]
        return sorted(int(target) for target in self.rng.choice(self.targets, 2, replace=False))

    def column(self, key: str) -> list:
        return [row[key] for row in self.rows]

    def exact(self, rows: np.ndarray) -> np.ndarray:
        """The answers, walked node by node and added in double."""
        nodes = {(row["tree"], row["node"]): row for row in self.rows}
        weights: dict[tuple[int, int], list] = {}
        for tree, node, target, weight in self.leaves:
            weights.setdefault((tree, node), []).append((target, weight))
        answers = []
        for values in rows.astype(self.number):
            scores = [[] for _ in range(self.targets)]
            for tree in range(self.trees):
                row = nodes[tree, 0]
                while row["mode"] != "LEAF":
                    row = nodes[tree, row["true" if self._passes(row, values[row["feature"]]) else "false"]]
                for target, weight in weights[tree, row["node"]]:
                    scores[target].append(weight)
            answers.append(self._aggregated(scores))
        return np.array(answers)

    def _passes(self, row: dict, value) -> bool:
        # As ONNX Runtime has it: a missing value is unequal to every split.
        if np.isnan(value):
            return bool(row["nan"]) or row["mode"] == "BRANCH_NEQ"
        if "members" in row:
            return float(value) in row["members"]
        split = self.number(row["value"])
        return {
            "BRANCH_LEQ": value <= split,
            "BRANCH_LT": value < split,
            "BRANCH_GTE": value >= split,
            "BRANCH_GT": value > split,
            "BRANCH_EQ": value == split,
            "BRANCH_NEQ": value != split,
        }[row["mode"]]

    def _aggregated(self, scores: list[list[float]]) -> np.ndarray:
        join = {"SUM": sum, "AVERAGE": lambda parts: sum(parts) / self.trees, "MIN": min, "MAX": max}[self.aggregate]
        sums = np.array([join(parts) for parts in scores], float) + self.base
        if self.transform == "LOGISTIC":
            return 1 / (1 + np.exp(-sums))
        if self.transform == "SOFTMAX":
            powers = np.exp(sums - sums.max())
            return powers / powers.sum()
        return sums


def random_ensemble(rng, kind: Kind, table: Table, limits: Limits):
    """A model of one node, and what answers for it in double; a classifier's ways with one score are its own."""
    targets = int(kind.params.get("targets", 1))
    classes = int(kind.params.get("classes", 0))
    build = _ensemble if kind.params.get("version") == 5 else _attributes
    nodes = Nodes(rng, kind, table, limits, targets)
    while len({leaf[2] for leaf in nodes.leaves}) < targets and classes:  # else a class would have no score at all
        nodes = Nodes(rng, kind, table, limits, targets)
    node, outputs = build(rng, kind, nodes, targets)
    number = TensorProto.DOUBLE if kind.params.get("double") else TensorProto.FLOAT
    # A classifier's scores are float32 whatever its input.
    answer = TensorProto.FLOAT if node.op_type != "TreeEnsemble" else number
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("x", number, [None, table.width])],
        [
            helper.make_tensor_value_info(name, TensorProto.INT64 if name == "label" else answer, None)
            for name in outputs
        ],
    )
    version = int(kind.params.get("version", 3))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", version)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    if classes == targets == 2:  # ONNX Runtime has [-s, s] for a row without a weight of class 1
        return model, lambda rows: nodes.exact(rows)[:, 1:]
    return model, None if classes else nodes.exact


def _numbers(kind: Kind, nodes: Nodes, name: str, values):
    """An attribute of numbers: floats, or from version 3 on a tensor of doubles."""
    if kind.params.get("double"):
        return {f"{name}_as_tensor": helper.make_tensor(name, TensorProto.DOUBLE, [len(values)], values)}
    return {name: values}


def _attributes(rng, kind: Kind, nodes: Nodes, targets: int):
    is_classifier = bool(kind.params.get("classes"))
    word = "class" if is_classifier else "target"
    attributes = {
        "nodes_treeids": nodes.column("tree"),
        "nodes_nodeids": nodes.column("node"),
        "nodes_featureids": nodes.column("feature"),
        "nodes_modes": nodes.column("mode"),
        "nodes_truenodeids": nodes.column("true"),
        "nodes_falsenodeids": nodes.column("false"),
        f"{word}_treeids": [leaf[0] for leaf in nodes.leaves],
        f"{word}_nodeids": [leaf[1] for leaf in nodes.leaves],
        f"{word}_ids": [leaf[2] for leaf in nodes.leaves],
        "post_transform": nodes.transform,
        **_numbers(kind, nodes, "nodes_values", nodes.column("value")),
        **_numbers(kind, nodes, f"{word}_weights", [leaf[3] for leaf in nodes.leaves]),
    }
    if nodes.missing:
        attributes["nodes_missing_value_tracks_true"] = nodes.column("nan")
    if kind.params.get("base"):
        base = [float(nodes.number(value)) for value in rng.normal(size=targets)]
        nodes.base = np.array(base)
        attributes |= _numbers(kind, nodes, "base_values", base)
    if is_classifier:
        attributes["classlabels_int64s"] = list(range(int(kind.params["classes"])))
        node = helper.make_node("TreeEnsembleClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", **attributes)
        return node, ["label", "scores"]
    attributes |= {"n_targets": targets, "aggregate_function": nodes.aggregate}
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["scores"], domain="ai.onnx.ml", **attributes)
    return node, ["scores"]


def _ensemble(rng, kind: Kind, nodes: Nodes, targets: int):
    """ai.onnx.ml 5: a leaf speaks of one target, interior nodes are numbered through all trees."""
    number = TensorProto.DOUBLE if kind.params.get("double") else TensorProto.FLOAT
    interior = [row for row in nodes.rows if row["mode"] != "LEAF"]
    place = {(row["tree"], row["node"]): index for index, row in enumerate(interior)}
    first_leaf: dict[tuple[int, int], int] = {}
    leaves = []
    for tree, node, target, weight in nodes.leaves:
        if (tree, node) not in first_leaf:
            first_leaf[tree, node] = len(leaves)
            leaves.append((target, weight))
    # What the older operators say of further targets has no place here.
    nodes.leaves = [(*place, *leaves[index]) for place, index in first_leaf.items()]
    roots = []
    for tree in range(nodes.trees):
        if (tree, 0) not in place:  # a tree of one leaf: a node whose branches both end there
            leaf = first_leaf[tree, 0]
            place[tree, 0] = len(interior)
            interior.append({"tree": tree, "mode": "BRANCH_LEQ", "feature": 0, "value": 0.0, "nan": 0, "leaf": leaf})
        roots.append(place[tree, 0])
    modes, splits, members = [], [], []
    for row in interior:
        if row["mode"] == "BRANCH_EQ" and kind.params.get("members") and rng.random() < 0.7:
            # ONNX Runtime knows only members that are whole and fit 32 bits.
            row["members"] = {float(code) for code in rng.integers(-1, 40, 6)}
            members += [*sorted(row["members"]), float("nan")]
            modes.append(MEMBER)
        else:
            modes.append(MODES.index(row["mode"]))
        splits.append(row["value"])

    def branch(row, key):
        if "leaf" in row:
            return row["leaf"], 1
        child = (row["tree"], row[key])
        return (place[child], 0) if child in place else (first_leaf[child], 1)

    def tensor(name, type, values):
        return helper.make_tensor(name, type, [len(values)], values)

    attributes = {
        "tree_roots": roots,
        "n_targets": targets,
        "aggregate_function": AGGREGATES.index(nodes.aggregate),
        "post_transform": ["NONE", "SOFTMAX", "LOGISTIC"].index(nodes.transform),
        "nodes_modes": tensor("modes", TensorProto.UINT8, modes),
        "nodes_splits": tensor("splits", number, splits),
        "nodes_featureids": [row["feature"] for row in interior],
        "nodes_truenodeids": [branch(row, "true")[0] for row in interior],
        "nodes_trueleafs": [branch(row, "true")[1] for row in interior],
        "nodes_falsenodeids": [branch(row, "false")[0] for row in interior],
        "nodes_falseleafs": [branch(row, "false")[1] for row in interior],
        "leaf_targetids": [target for target, _ in leaves],
        "leaf_weights": tensor("weights", number, [weight for _, weight in leaves]),
    }
    if nodes.missing:
        attributes["nodes_missing_value_tracks_true"] = [row["nan"] for row in interior]
    if members:
        attributes["membership_values"] = tensor("members", number, members)
    return helper.make_node("TreeEnsemble", ["x"], ["scores"], domain="ai.onnx.ml", **attributes), ["scores"]


def thresholds(model: onnx.ModelProto) -> dict[int, np.ndarray]:
    """Sorted distinct split values by feature, of a model whose trees see the row itself; else none."""
    found: dict[int, set] = {}
    inputs = {value.name for value in model.graph.input}
    for node in model.graph.node:
        if not node.op_type.startswith("TreeEnsemble") or node.input[0] not in inputs:
            continue
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        values = (
            attributes.get("nodes_values") or attributes.get("nodes_splits") or attributes["nodes_values_as_tensor"]
        )
        if isinstance(values, onnx.TensorProto):
            values = onnx.numpy_helper.to_array(values)
        modes = attributes["nodes_modes"]
        is_leaf = [mode == b"LEAF" for mode in modes] if isinstance(modes, list) else [False] * len(values)
        for feature, value, leaf in zip(attributes["nodes_featureids"], values, is_leaf):
            if not leaf:
                found.setdefault(int(feature), set()).add(float(value))
    return {feature: np.array(sorted(values)) for feature, values in sorted(found.items())}
