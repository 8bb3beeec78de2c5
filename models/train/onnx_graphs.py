"""Kinds of ONNX models made by hand: every mode, aggregate and transform, and operators alone."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from onnx_kinds import Case

ML = "ai.onnx.ml"
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def model_of(nodes, outputs, inputs, constants=(), opset=18, ml=3):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(ML, ml)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10, producer_name="handmade")


def random_tree(rng, width, modes, depth):
    """Nodes of a tree as dictionaries, in preorder; node ids are shuffled but for the root's."""
    nodes = []

    def grow(level):
        index = len(nodes)
        nodes.append({})
        if level == depth or (level > 0 and rng.random() < 0.2):
            nodes[index] = {"mode": "LEAF"}
        else:
            # Halves, so that equality and ties happen; equality with whole numbers, as ONNX Runtime needs.
            mode = str(rng.choice(modes))
            node = {
                "mode": mode,
                "feature": int(rng.integers(width)),
                "value": float(rng.integers(-4, 5)) / (1 if mode in ("BRANCH_EQ", "BRANCH_NEQ") else 2),
                "missing": int(rng.integers(2)),
            }
            node["true"] = grow(level + 1)
            node["false"] = grow(level + 1)
            nodes[index] = node
        return index

    grow(0)
    return nodes


def ensemble_lists(rng, trees, missing):
    """The parallel lists of versions 1 and 3, and (tree, node) of every leaf."""
    names = ["treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids"]
    lists = {f"nodes_{name}": [] for name in names}
    if missing:
        lists["nodes_missing_value_tracks_true"] = []
    leaves = []
    for tree, nodes in enumerate(trees):
        ids = [0, *(1 + rng.permutation(len(nodes) - 1)).tolist()]
        for index, node in enumerate(nodes):
            lists["nodes_treeids"].append(tree)
            lists["nodes_nodeids"].append(ids[index])
            lists["nodes_featureids"].append(node.get("feature", 0))
            lists["nodes_modes"].append(node["mode"])
            lists["nodes_values"].append(node.get("value", 0.0))
            lists["nodes_truenodeids"].append(ids[node["true"]] if "true" in node else 0)
            lists["nodes_falsenodeids"].append(ids[node["false"]] if "false" in node else 0)
            if missing:
                lists["nodes_missing_value_tracks_true"].append(node.get("missing", 0))
            if node["mode"] == "LEAF":
                leaves.append((tree, ids[index]))
    return lists, leaves


def rows_of(rng, width, double=False):
    rows = rng.integers(-6, 7, size=(80, width)) / 2 + (rng.random((80, width)) < 0.3) * rng.normal(size=(80, width))
    return (rows if double else rows.astype(np.float32)).tolist()


def weights(rng, count, positive):
    values = rng.normal(size=count)
    return (np.abs(values) if positive else values).astype(np.float32)


def regressor(modes, targets=1, aggregate="SUM", base=False, missing=True, transform="NONE", double=False, depth=3):
    def make(rng):
        width = 4
        trees = [random_tree(rng, width, modes, depth if index else 0) for index in range(5)]
        lists, leaves = ensemble_lists(rng, trees, missing)
        listed = [(tree, node, target) for tree, node in leaves for target in range(targets)]
        values = weights(rng, len(listed), transform == "PROBIT") * (0.1 if transform == "PROBIT" else 1)
        kind = TensorProto.FLOAT
        if double:
            kind = TensorProto.DOUBLE
            values = rng.normal(size=len(listed))
            splits = np.array(lists.pop("nodes_values"))
            lists["nodes_values_as_tensor"] = numpy_helper.from_array(splits)
            lists["target_weights_as_tensor"] = numpy_helper.from_array(values)
        else:
            lists["target_weights"] = values.tolist()
        if base:
            lists["base_values"] = rng.normal(size=targets).astype(np.float32).tolist()
        node = helper.make_node(
            "TreeEnsembleRegressor",
            ["X"],
            ["Y"],
            domain=ML,
            n_targets=targets,
            aggregate_function=aggregate,
            post_transform=transform,
            target_treeids=[tree for tree, _, _ in listed],
            target_nodeids=[node for _, node, _ in listed],
            target_ids=[target for _, _, target in listed],
            **lists,
        )
        outputs = [("Y", TensorProto.FLOAT, [None, targets])]
        model = model_of([node], outputs, [("X", kind, [None, width])])
        accept = ["probit"] if transform == "PROBIT" else []
        return Case(model, rows_of(rng, width, double), missing=True, extremes=True, accept=accept)

    return make


def classifier(classes, transform, positive=False, base=False, single=False, modes=("BRANCH_LEQ",)):
    def make(rng):
        width = 4
        trees = [random_tree(rng, width, list(modes), 3) for _ in range(4)]
        lists, leaves = ensemble_lists(rng, trees, True)
        scored = [0] if single else range(classes)
        listed = [(tree, node, target) for tree, node in leaves for target in scored]
        values = weights(rng, len(listed), positive) / (4 if positive else 1)
        if base:
            lists["base_values"] = rng.normal(size=len(scored)).astype(np.float32).tolist()
        node = helper.make_node(
            "TreeEnsembleClassifier",
            ["X"],
            ["label", "probabilities"],
            domain=ML,
            classlabels_strings=[f"class {index}" for index in range(classes)],
            post_transform=transform,
            class_treeids=[tree for tree, _, _ in listed],
            class_nodeids=[node for _, node, _ in listed],
            class_ids=[target for _, _, target in listed],
            class_weights=values.tolist(),
            **lists,
        )
        outputs = [("label", TensorProto.STRING, [None]), ("probabilities", TensorProto.FLOAT, [None, classes])]
        return Case(
            model_of([node], outputs, [("X", TensorProto.FLOAT, [None, width])]),
            rows_of(rng, width),
            missing=True,
            extremes=True,
            accept=["probit"] if transform == "PROBIT" else [],
        )

    return make


def version5(double, aggregate=1, targets=1, transform=0):
    """TreeEnsemble with every mode, BRANCH_MEMBER among them."""

    def make(rng):
        width, number = 4, np.float64 if double else np.float32
        lists = {
            f"nodes_{name}": [] for name in ("featureids", "truenodeids", "falsenodeids", "trueleafs", "falseleafs")
        }
        lists["nodes_missing_value_tracks_true"] = []
        modes, splits, members, roots, leaf_targets, leaf_weights = [], [], [], [], [], []

        def leaf(target):
            leaf_targets.append(target)
            leaf_weights.append(rng.normal())
            return len(leaf_weights) - 1

        def grow(level, target):
            index = len(modes)
            mode = int(rng.integers(7))
            modes.append(mode)
            # A BRANCH_MEMBER node's split is not used.
            splits.append(0.0 if mode == 6 else float(rng.integers(-4, 5)) / (2 if mode < 4 else 1))
            if mode == 6:
                chosen = rng.choice(np.arange(-3, 4), size=int(rng.integers(1, 4)), replace=False)
                members.extend([*chosen.tolist(), np.nan])
            for values in lists.values():
                values.append(0)
            lists["nodes_featureids"][index] = int(rng.integers(width))
            lists["nodes_missing_value_tracks_true"][index] = int(rng.integers(2))
            for side in ("true", "false"):
                is_leaf = level == 2 or rng.random() < 0.3
                child = leaf(target) if is_leaf else grow(level + 1, target)
                lists[f"nodes_{side}leafs"][index] = int(is_leaf)
                lists[f"nodes_{side}nodeids"][index] = child
            return index

        for tree in range(4 * targets):
            roots.append(grow(0, tree % targets))
        node = helper.make_node(
            "TreeEnsemble",
            ["X"],
            ["Y"],
            domain=ML,
            n_targets=targets,
            aggregate_function=aggregate,
            post_transform=transform,
            tree_roots=roots,
            nodes_modes=numpy_helper.from_array(np.array(modes, dtype=np.uint8)),
            nodes_splits=numpy_helper.from_array(np.array(splits, dtype=number)),
            leaf_targetids=leaf_targets,
            leaf_weights=numpy_helper.from_array(np.array(leaf_weights, dtype=number)),
            **({"membership_values": numpy_helper.from_array(np.array(members, dtype=number))} if members else {}),
            **lists,
        )
        kind = TensorProto.DOUBLE if double else TensorProto.FLOAT
        model = model_of([node], [("Y", kind, [None, targets])], [("X", kind, [None, width])], ml=5)
        # ONNX Runtime cuts fractions off before it looks into a set.
        return Case(model, rows_of(rng, width, double), missing=True, whole=True)

    return make


def operators(make_nodes, width=4, outputs=None, missing=False, kind=TensorProto.FLOAT, opset=18):
    """A graph from X to Y; `make_nodes` gives nodes and constants."""

    def make(rng):
        nodes, constants = make_nodes(rng)
        model = model_of(nodes, [("Y", kind, [None, outputs or width])], [("X", kind, [None, width])], constants, opset)
        rows = rng.normal(size=(60, width))
        rows[:, 0] = np.round(rows[:, 0])
        double = kind == TensorProto.DOUBLE
        return Case(model, (rows if double else rows.astype(np.float32)).tolist(), missing=missing)

    return make


def node(name, inputs, output, **attributes):
    return helper.make_node(name, inputs, [output], **attributes)


def integers(*values):
    return np.array(values, dtype=np.int64)


def pointwise(rng):
    nodes = [
        node("Neg", ["X"], "a"),
        node("Exp", ["a"], "b"),
        node("Abs", ["X"], "c"),
        node("Sqrt", ["c"], "d"),
        node("Add", ["b", "d"], "e"),
        node("Log", ["e"], "f"),
        node("Reciprocal", ["e"], "g"),
        node("Max", ["f", "g", "half"], "h"),
        node("Tanh", ["h"], "i"),
        node("Sigmoid", ["i"], "j"),
        node("Div", ["two", "e"], "k"),
        node("Sub", ["one", "k"], "l"),
        node("Mean", ["j", "l", "X"], "m"),
        node("Min", ["m", "c"], "n"),
        node("Floor", ["X"], "o"),
        node("Pow", ["c", "two"], "p"),
        node("Sum", ["n", "o", "p"], "Y"),
    ]
    number = {"half": 0.5, "one": 1, "two": 2}
    return nodes, [(name, np.array([value], dtype=np.float32)) for name, value in number.items()]


def columns(rng):
    nodes = [
        node("Slice", ["X", "starts", "ends", "axes", "steps"], "a"),
        node("Gather", ["X", "indices"], "b", axis=1),
        node("Concat", ["a", "b"], "c", axis=-1),
        node("Unsqueeze", ["c", "axes"], "d"),
        node("Transpose", ["d"], "e", perm=[0, 2, 1]),
        node("Squeeze", ["e", "last"], "f"),
        helper.make_node("Split", ["f"], ["g", "h"], axis=1, num_outputs=2),
        node("Reshape", ["g", "square"], "i"),
        node("ReduceSum", ["i", "last"], "j", keepdims=0),
        node("Flatten", ["h"], "k", axis=1),
        node("Concat", ["j", "k"], "Y", axis=1),
    ]
    constants = {
        "starts": integers(-1),
        "ends": integers(-100),
        "axes": integers(1),
        "steps": integers(-1),
        "indices": integers(2, 0, -1, 1),
        "last": integers(2),
        "square": integers(-1, 2, 2),
    }
    return nodes, list(constants.items())


def choices(rng):
    nodes = [
        node("IsNaN", ["X"], "a"),
        node("Where", ["a", "fill", "X"], "b"),
        node("Greater", ["b", "zero"], "c"),
        node("LessOrEqual", ["b", "limits"], "d"),
        node("And", ["c", "d"], "e"),
        node("Equal", ["b", "zero"], "f"),
        node("Or", ["e", "f"], "g"),
        node("Not", ["g"], "h"),
        node("Cast", ["h"], "i", to=TensorProto.FLOAT),
        node("Clip", ["b", "low", "high"], "j"),
        node("ArgMax", ["b"], "k", axis=1, keepdims=1),
        node("Cast", ["k"], "l", to=TensorProto.FLOAT),
        node("Add", ["i", "j"], "m"),
        node("Mul", ["m", "l"], "n"),
        node("ReduceMax", ["b", "axes"], "o", keepdims=1),
        node("Sub", ["n", "o"], "p"),
        node("LpNormalization", ["p"], "q", axis=1, p=2),
        node("Softmax", ["q"], "Y", axis=-1),
    ]
    constants = [
        ("fill", rng.normal(size=(1, 4)).astype(np.float32)),
        ("zero", np.array(0, dtype=np.float32)),
        ("limits", np.array([0.5, 1, 1.5, 2], dtype=np.float32)),
        ("low", np.array(-1, dtype=np.float32)),
        ("high", np.array(1, dtype=np.float32)),
        ("axes", integers(1)),
    ]
    return nodes, constants


def gemm(double):
    def make(rng):
        number = np.float64 if double else np.float32
        nodes = [
            node("Gemm", ["X", "w1", "b1"], "a", transB=1, alpha=0.5, beta=2.0),
            node("Relu", ["a"], "b"),
            node("Gemm", ["b", "w2"], "c"),
            node("Softmax", ["c"], "Y"),
        ]
        shapes = {"w1": (6, 4), "b1": (6,), "w2": (6, 3)}
        return nodes, [(name, rng.normal(size=shape).astype(number)) for name, shape in shapes.items()]

    return make


GRAPHS = {
    **{f"trees-{mode[7:].lower()}": regressor([mode]) for mode in MODES},
    "trees-mixed": regressor(MODES, base=True),
    "trees-mixed-double": regressor(MODES, double=True),
    "trees-untracked": regressor(MODES, missing=False),
    "trees-average": regressor(["BRANCH_LEQ"], targets=2, aggregate="AVERAGE", base=True),
    "trees-minimum": regressor(["BRANCH_LT"], aggregate="MIN", base=True),
    "trees-maximum": regressor(["BRANCH_GTE"], targets=2, aggregate="MAX"),
    "trees-softmax": regressor(["BRANCH_LEQ"], targets=3, transform="SOFTMAX", base=True),
    "trees-logistic": regressor(["BRANCH_LEQ"], targets=2, transform="LOGISTIC"),
    "trees-probit": regressor(["BRANCH_LEQ"], transform="PROBIT"),
    "classes-single": classifier(2, "NONE", positive=True, single=True),
    "classes-single-mixed": classifier(2, "NONE", single=True),
    "classes-single-logistic": classifier(2, "LOGISTIC", single=True, base=True),
    "classes-both": classifier(2, "NONE", positive=True),
    "classes-both-softmax": classifier(2, "SOFTMAX"),
    "classes-softmax": classifier(4, "SOFTMAX", base=True, modes=MODES),
    "classes-softmax-zero": classifier(3, "SOFTMAX_ZERO"),
    "classes-logistic": classifier(3, "LOGISTIC"),
    "version5": version5(False),
    "version5-double": version5(True),
    "version5-average": version5(True, aggregate=0),
    "version5-softmax-zero": version5(False, targets=3, transform=3),
    "operators-pointwise": operators(pointwise),
    "operators-columns": operators(columns, outputs=6),
    "operators-choices": operators(choices, missing=True),
    "operators-gemm": operators(gemm(False), outputs=3),
    "operators-gemm-double": operators(gemm(True), outputs=3, kind=TensorProto.DOUBLE),
}
