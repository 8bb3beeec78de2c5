"""model.onnx of every model, for ONNX Runtime: probabilities as a plain tensor, without the map of names (ZipMap)
that exporters add and that costs more than a small model."""

import pickle
from pathlib import Path

import numpy as np
import onnx
import onnx.utils
from onnx import TensorProto, helper

SOURCES = ("model.pickle", "model.txt", "model.json")


def export(folder: Path, width: int):
    """Writes folder/model.onnx; CatBoost's own export only loses its ZipMap, Serin's file of a forest its labels."""
    if (folder / "model.cbm").exists():
        return without_zipmap(folder / "model.onnx")
    if (folder / "forest.onnx").exists():
        return probabilities_of_floats(folder / "forest.onnx", folder / "model.onnx")
    model = convert(folder, width)
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def convert(folder: Path, width: int) -> onnx.ModelProto:
    if (folder / "model.pickle").exists():
        import skl2onnx
        from skl2onnx.common.data_types import FloatTensorType

        model = pickle.loads((folder / "model.pickle").read_bytes())
        return skl2onnx.convert_sklearn(
            model, initial_types=[("x", FloatTensorType([None, width]))], options={id(model): {"zipmap": False}}
        )
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    inputs = [("x", FloatTensorType([None, width]))]
    if (folder / "model.txt").exists():
        import lightgbm

        booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
        return onnxmltools.convert_lightgbm(booster, initial_types=inputs, zipmap=False)
    import xgboost

    classifier = xgboost.XGBClassifier()
    classifier.load_model(folder / "model.json")
    classifier.n_classes_ = 2
    return onnxmltools.convert_xgboost(classifier, initial_types=inputs)


def without_zipmap(path: Path):
    model = onnx.load(path)
    graph = model.graph
    for node in list(graph.node):
        if node.op_type == "ZipMap":
            graph.node.remove(node)
            kept = [output for output in graph.output if output.name not in node.output]
            del graph.output[:]
            graph.output.extend(kept)
            graph.output.append(helper.make_tensor_value_info(node.input[0], TensorProto.FLOAT, [None, 2]))
    onnx.save(model, path)


def probabilities_of_floats(source: Path, target: Path):
    """A forest in double, with where missing values go, which skl2onnx's has lost, that takes and gives float32."""
    model = onnx.utils.Extractor(onnx.load(source)).extract_model(["X"], ["probabilities"])
    graph = model.graph
    graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    graph.node.append(helper.make_node("Cast", ["probabilities"], ["answers"], to=TensorProto.FLOAT))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("answers", TensorProto.FLOAT, [None, 2]))
    onnx.save(model, target)


def check(folder: Path, width: int):
    """Fails unless ONNX Runtime loads the file and gives probabilities or margins for a few rows."""
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    rows = np.fromfile(folder / "rows.f32", np.float32, 8 * width).reshape(8, width)
    answers = session.run(None, {session.get_inputs()[0].name: rows})[-1]
    if not isinstance(answers, np.ndarray) or answers.size not in (8, 16):
        raise SystemExit(f"{folder.name}: model.onnx gives {type(answers).__name__}, not one or two numbers a row")
