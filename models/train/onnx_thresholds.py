"""The numbers that an ONNX model's trees compare its input's columns with."""

import onnx
from onnx import numpy_helper


def thresholds(model: onnx.ModelProto) -> dict[int, list[float]]:
    """Thresholds by column, of tree ensembles that look at the graph's input itself (or its Cast)."""
    inputs = {value.name for value in model.graph.input}
    found: dict[int, set[float]] = {}
    for node in model.graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in inputs:
            inputs.update(node.output)
        if not node.op_type.startswith("TreeEnsemble") or node.input[0] not in inputs:
            continue
        lists = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        values = lists.get("nodes_values")
        for name in ("nodes_values_as_tensor", "nodes_splits"):
            if values is None and name in lists:
                values = numpy_helper.to_array(lists[name])
        modes = lists["nodes_modes"]
        modes = numpy_helper.to_array(modes) if isinstance(modes, onnx.TensorProto) else modes
        for feature, value, mode in zip(lists["nodes_featureids"], values, modes):
            if mode != b"LEAF":
                found.setdefault(feature, set()).add(float(value))
    return {feature: sorted(values) for feature, values in found.items()}
