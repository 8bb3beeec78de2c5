"""export_sklearn.py against scikit-learn itself, through ONNX Runtime; and what it refuses."""

import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn import ensemble, linear_model, neighbors, preprocessing
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
for package in ("catboost", "onnxmltools", "skl2onnx"):
    pytest.importorskip(package)

from export_sklearn import UnsupportedModel, to_onnx  # noqa: E402
from onnx_exported import EXPORTED  # noqa: E402
from onnx_fixtures import run, test_rows  # noqa: E402

test_rows.__test__ = False


@pytest.mark.parametrize("kind", EXPORTED)
@pytest.mark.parametrize("seed", [1, 2])
def test_answers_as_scikit_learn(kind, seed):
    rng = np.random.default_rng(seed)
    case = EXPORTED[kind](rng)
    rows = test_rows(rng, case, 40)
    scores = run(case.model, {"X": np.array(rows, dtype=np.float64)})
    np.testing.assert_allclose(scores, case.expected(rows), rtol=1e-12, atol=1e-12)


def test_labels_are_the_classes():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(100, 3))
    label = np.array(["low", "high"])[(rows[:, 0] > 0).astype(int)]
    model = ensemble.RandomForestClassifier(5, random_state=0).fit(rows, label)
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(["label"], {"X": rows})[0].tolist() == model.predict(rows).tolist()


@pytest.mark.parametrize(
    "model, reason",
    [
        (neighbors.KNeighborsClassifier(2), "KNeighborsClassifier"),
        (make_pipeline(preprocessing.PolynomialFeatures(), linear_model.LinearRegression()), "PolynomialFeatures"),
        (make_pipeline(SimpleImputer(add_indicator=True), linear_model.LinearRegression()), "indicator"),
        (ensemble.GradientBoostingRegressor(init=linear_model.LinearRegression()), "begins with a LinearRegression"),
    ],
)
def test_what_has_no_exact_form_is_refused(model, reason):
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(40, 3))
    with pytest.raises(UnsupportedModel, match=reason):
        to_onnx(model.fit(rows, (rows[:, 0] > 0).astype(int)))


def test_the_command_writes_a_file(tmp_path):
    rows = np.random.default_rng(5).normal(size=(40, 3))
    model = ensemble.HistGradientBoostingRegressor(max_iter=3).fit(rows, rows[:, 0])
    joblib.dump(model, tmp_path / "model.joblib")
    script = Path(__file__).with_name("export_sklearn.py")
    command = [sys.executable, str(script), str(tmp_path / "model.joblib"), str(tmp_path / "model.onnx")]
    subprocess.run(command, check=True)
    assert onnx.load(tmp_path / "model.onnx").producer_name == "scikit-learn"
    joblib.dump(neighbors.KNeighborsRegressor(2).fit(rows, rows[:, 0]), tmp_path / "model.joblib")
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "not supported: KNeighborsRegressor" in result.stderr
