"""Drift: counts, PSI and Jensen-Shannon against numpy's own; faults found, healthy traffic left alone."""

import json
import shutil
import time

import httpx
import numpy as np
import pytest

from harness.admin import Admin
from harness.bundles import bundle, rewrite_sums
from harness.distances import counted, jensen_shannon, psi
from harness.exposition import Exposition
from harness.gateway import MODELS

#: Ticks come every 5 s, on a machine that may be busy.
WAIT = 90
ROWS = 2000
FOLDER = MODELS / "fraud" / "1"


def profile(version="1") -> dict:
    return json.loads((MODELS / "fraud" / version / "profile.json").read_text())


def sampled(rows: int, seed: int) -> np.ndarray:
    """Rows whose features are distributed, each by itself, as the training's: float32, NaN missing, categories as codes."""
    source = np.random.default_rng(seed)
    columns = []
    for feature, spec in zip(profile()["features"], bundle("1").manifest["features"], strict=True):
        missing, total = feature["missing"], profile_rows()
        if feature["kind"] == "category":
            codes = [spec["categories"].index(name) for name in feature["counts"]]
            counts = np.array(list(feature["counts"].values()), dtype=float)
            column = source.choice(codes, rows, p=counts / counts.sum()).astype(float)
        else:
            edges, counts = np.array(feature["edges"]), np.array(feature["counts"], dtype=float)
            bins = source.choice(len(counts), rows, p=counts / counts.sum())
            column = edges[bins] + source.random(rows) * (edges[bins + 1] - edges[bins])
            if spec["type"] != "number":
                column = np.floor(column)
        column[source.random(rows) < missing / total] = np.nan
        columns.append(column)
    return np.array(columns).T.astype(np.float32)


def profile_rows() -> int:
    return profile()["rows"]


def send(gateway, rows: np.ndarray, model="fraud", path="", datatype="FP32", connection=None) -> np.ndarray:
    """Binary tensors of up to 500 rows; the scores."""
    scores = []
    client = connection or httpx
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        data = part.astype(np.float32 if datatype == "FP32" else np.float64).tobytes()
        head = json.dumps({
            "inputs": [{"name": "features", "shape": list(part.shape), "datatype": datatype,
                        "parameters": {"binary_data_size": len(data)}}]}).encode()
        answer = client.post(
            f"{gateway.url}/v2/models/{model}{path}/infer", content=head + data,
            headers={"Inference-Header-Content-Length": str(len(head))}, timeout=30)
        assert answer.status_code == 200, answer.text
        scores += answer.json()["outputs"][0]["data"]
    return np.array(scores)


def drift_of(admin: Admin, model="fraud", version="1") -> dict:
    """By window, with its variables by name."""
    document = admin.client.get(f"/models/{model}/versions/{version}/drift").raise_for_status().json()
    windows = {window["window"]: window for window in document["windows"]}
    for window in windows.values():
        window["variables"] = {variable["name"]: variable for variable in window["variables"]}
    return windows


def settled(admin: Admin, rows: int, model="fraud", version="1") -> dict:
    """Waits until every window has seen so many rows."""
    deadline = time.monotonic() + WAIT
    while True:
        windows = drift_of(admin, model, version)
        if windows["24h"]["rows"] >= rows:
            assert {window["rows"] for window in windows.values()} == {rows}
            return windows
        assert time.monotonic() < deadline, windows["24h"]["rows"]
        time.sleep(0.2)


def settings() -> dict:
    return {"route": {"stable": "1"}, "drift": {"silent": ["hour", "weekday"]}}


@pytest.fixture
def admin(start_gateway):
    gateway = start_gateway(models={"fraud": settings()})
    with Admin(gateway) as admin:
        yield admin


def test_counts_psi_and_js_are_numpys(admin):
    gateway = admin.gateway
    rows = sampled(ROWS, seed=1)
    # Some of everything that can be odd: out of the training, out of range, unseen, missing.
    rows[:40, 0] = 99_999
    rows[40:60, 1] = 30
    rows[:30, 3] = 25
    rows[30:33, 3] = 2.5
    rows[:200, 8] = np.nan
    rows[200:210, 9] = -5
    scores = send(gateway, rows[:1200])
    scores = np.concatenate([scores, send(gateway, rows[1200:], datatype="FP64")])
    send(gateway, sampled(700, seed=9), path="/versions/1")
    windows = settled(admin, ROWS)
    found = windows["5m"]["variables"]
    specs = bundle("1").manifest["features"]
    for index, (feature, spec) in enumerate(zip(profile()["features"], specs, strict=True)):
        variable = found[feature["name"]]
        live, reference = counted(rows[:, index], feature, spec)
        assert variable["counts"] == live.tolist() and variable["reference"] == reference.tolist(), feature["name"]
        assert abs(variable["psi"] - psi(live, reference)) < 1e-9, feature["name"]
        assert abs(variable["jensen_shannon"] - jensen_shannon(live, reference)) < 1e-9, feature["name"]
        assert variable["missing"] == np.isnan(rows[:, index]).mean(), feature["name"]
        if "range" in spec:
            low, high = np.float32(spec["range"])
            outside = (rows[:, index] < low) | (rows[:, index] > high)
            assert variable["out_of_range"] == outside.mean(), feature["name"]
    assert found["merchant_country"]["unseen"] == 33 / ROWS
    edges, counts = profile()["score"]["edges"], profile()["score"]["counts"]
    live = np.array([0, *np.histogram(scores.astype(np.float32).astype(float), edges)[0], 0])
    assert found["score"]["kind"] == "score" and found["score"]["counts"] == live.tolist()
    assert abs(found["score"]["psi"] - psi(live, np.array([0, *counts, 0]))) < 1e-9
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
    labels = {"model": "fraud", "version": "1"}
    for name in ("amount", "home_country", "hour"):
        shown = metrics.total("serin_feature_drift_psi", feature=name, window="1h", **labels)
        assert abs(shown - found[name]["psi"]) < 1e-9
    assert metrics.total("serin_score_count", **labels) == ROWS
    assert abs(metrics.total("serin_score_sum", **labels) - scores.astype(np.float32).sum(dtype=float)) < 1e-6 * ROWS
    assert metrics.total("serin_drift_level", window="5m", **labels) == 2
    assert found["hour"]["silent"] and not found["amount"]["silent"]


FAULTS = {
    "healthy": (lambda rows: None, None),
    "scaled": (lambda rows: rows.__setitem__((slice(None), 0), rows[:, 0] * 10), "amount"),
    "swapped": (lambda rows: rows.__setitem__((slice(None), [14, 17]), rows[:, [17, 14]]), "count_30d"),
    "missing": (lambda rows: rows.__setitem__((slice(None), 8), np.nan), "account_age"),
    "category": (lambda rows: rows.__setitem__((slice(0, ROWS // 5), 6), 77), "home_country"),
    "mix": (lambda rows: rows.__setitem__((slice(0, ROWS // 3), 4), 14), "merchant_category"),
}


def test_faults_are_found_and_healthy_traffic_is_not(start_gateway, tmp_path):
    """A model a fault, each with the same healthy traffic under it."""
    repository = tmp_path / "models"
    for name in FAULTS:
        folder = repository / name / "1"
        shutil.copytree(FOLDER, folder)
        manifest = folder / "manifest.yaml"
        manifest.write_text(manifest.read_text().replace("name: fraud", f"name: {name}", 1))
        rewrite_sums(folder)
    gateway = start_gateway(repository=repository, models={name: settings() for name in FAULTS})
    with Admin(gateway) as admin:
        for seed, (name, (spoil, _)) in enumerate(FAULTS.items()):
            rows = sampled(ROWS, seed=100 + seed)
            spoil(rows)
            send(gateway, rows, model=name)
        for name, (_, feature) in FAULTS.items():
            variables = settled(admin, ROWS, model=name)["5m"]["variables"].values()
            alerts = {v["name"] for v in variables if v["level"] in ("warning", "alert") and v["kind"] == "feature"}
            assert alerts == ({feature} if feature else set()) or (name == "swapped" and feature in alerts), name
        log = gateway.log()
        for name, (_, feature) in FAULTS.items():
            assert feature is None or f"{name}/1: {feature} over 5m is at alert" in log
        events = admin.client.get("/events", headers={"Last-Event-ID": "0"}).text
        assert '"variable":"merchant_category"' in events and "event: drift" in events


def test_a_canary_is_compared_with_stable(start_gateway):
    gateway = start_gateway()
    with Admin(gateway) as admin:
        # Only the canary's callers lack a feature.
        route = {"stable": "1", "canary": {"version": "2", "percent": 50}}
        assert admin.put_route(route).status_code == 200
        with httpx.Client(timeout=30) as client:
            for seed in range(60):
                answer = {}
                rows = sampled(100, seed=seed)
                body = {"inputs": [{"name": "features", "shape": [100, 32], "datatype": "FP64",
                                    "data": [None if np.isnan(v) else float(v) for v in rows.flatten()]}]}
                answer = client.post(f"{gateway.url}/v2/models/fraud/infer", json=body)
                assert answer.status_code == 200, answer.text
        deadline = time.monotonic() + WAIT
        while True:
            (one, two) = (drift_of(admin, version=version)["1h"] for version in ("1", "2"))
            if one["rows"] + two["rows"] == 6000 and "psi_to_stable" in two["variables"]["amount"]:
                break
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert one["rows"] > 0 and two["rows"] > 0
        assert "psi_to_stable" not in one["variables"]["amount"], "the stable version is compared with nobody"
        assert all(v["psi_to_stable"] < 0.1 for v in two["variables"].values() if v["kind"] == "feature")
        # The candidate was trained on newer days, and scores otherwise than stable.
        assert two["variables"]["score"]["psi_to_stable"] > 0


def test_drift_can_be_off(start_gateway):
    gateway = start_gateway(models={"fraud": {"drift": {"enabled": False}}})
    with Admin(gateway) as admin:
        send(gateway, sampled(10, seed=3))
        answer = admin.client.get("/models/fraud/versions/1/drift")
        assert answer.status_code == 404 and "drift is off" in answer.json()["detail"]
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
    assert "serin_feature_drift_psi" not in metrics.types
