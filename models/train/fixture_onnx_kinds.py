"""The kinds of ONNX files that fixture_onnx.py writes node by node; onnx_fixtures.py has those of exporters."""

from fixture_kinds import Kind


def nodes(name: str, columns: str = "missing", **params) -> Kind:
    """Trees written node by node."""
    return Kind(f"nodes-{name}", params, "real", columns)


ALL = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
ONNX = [
    *(nodes(mode.removeprefix("BRANCH_").lower(), modes=[mode], missing=True) for mode in ALL),
    nodes("modes", modes=ALL, missing=True),
    nodes("modes-categories", "categories", modes=ALL),
    nodes("targets", modes=["BRANCH_LT"], targets=3, base=True),
    nodes("average", modes=["BRANCH_GT"], targets=2, aggregate="AVERAGE", missing=True),
    nodes("minimum", modes=["BRANCH_LEQ"], aggregate="MIN"),
    nodes("maximum", modes=["BRANCH_LEQ"], targets=2, aggregate="MAX"),
    nodes("opset-1", modes=["BRANCH_LT"], version=1, missing=True, base=True),
    nodes("classifier", modes=["BRANCH_LEQ"], targets=3, classes=3, base=True),
    nodes("classifier-softmax", modes=["BRANCH_LT"], targets=4, classes=4, transform="SOFTMAX"),
    nodes("classifier-softmax-zero", modes=["BRANCH_LT"], targets=3, classes=3, transform="SOFTMAX_ZERO"),
    nodes("classifier-logistic", modes=["BRANCH_LT"], targets=3, classes=3, transform="LOGISTIC", missing=True),
    nodes("binary-one-id", modes=["BRANCH_LT"], targets=1, classes=2, transform="LOGISTIC"),
    nodes("binary-two-ids", modes=["BRANCH_GTE"], targets=2, classes=2, transform="SOFTMAX"),
    nodes("regressor-logistic", modes=["BRANCH_LEQ"], transform="LOGISTIC", base=True),
    nodes("double", modes=ALL, double=True, missing=True, base=True),
    nodes("double-targets", modes=["BRANCH_LT"], double=True, targets=3),
    nodes("5", modes=["BRANCH_LEQ"], version=5, missing=True),
    nodes("5-modes", modes=ALL, version=5, targets=2, missing=True),
    nodes("5-members", "categories", modes=["BRANCH_EQ"], version=5, members=True),
    nodes("5-members-mixed", "categories", modes=ALL, version=5, members=True, missing=True),
    nodes("5-softmax", modes=["BRANCH_LT"], version=5, targets=3, transform="SOFTMAX"),
    nodes("5-average", modes=["BRANCH_GT"], version=5, targets=2, aggregate="AVERAGE"),
    nodes("5-double", modes=ALL, version=5, double=True, missing=True),
]
