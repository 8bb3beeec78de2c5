"""Drift through a live gateway on real rows: distances of many random profiles against numpy's, and injected faults that are
found while 100 requests a second come in. Under virtual time, over many days: DriftDetectionTests."""

import json
import os
import re
import shutil
import subprocess
import time

import numpy as np
import yaml

from harness.admin import Admin
from harness.bundles import bundle, rewrite_sums
from harness.distances import counted, jensen_shannon, psi, random_counts
from harness.gateway import BINARY, MODELS, SURROUNDINGS
from harness.payments import NAMES, drawn, write_csv
from test_drift import drift_of, send, settings, settled

PROFILES = 12
#: Requests a second, to each model.
RATE = 100
#: Of healthy rows before the fault: as many as say something, or (300) a whole window of them. Then of the spoiled ones.
HEALTHY_SECONDS = int(os.environ.get("SERIN_DRIFT_HEALTHY_SECONDS", 15))
SPOILED_SECONDS = max(40, HEALTHY_SECONDS // 2)
#: In which a fault must be found.
WINDOW_SECONDS = 300


def copy_as(repository, name, change=None):
    """fraud/1 under another name; `change(profile)` alters what its training was like."""
    folder = repository / name / "1"
    shutil.copytree(MODELS / "fraud" / "1", folder)
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("name: fraud", f"name: {name}", 1))
    if change:
        document = json.loads((folder / "profile.json").read_text())
        change(document)
        (folder / "profile.json").write_text(json.dumps(document))
    rewrite_sums(folder)


def randomise(source):
    """Other counts in the same bins, of a training of some size."""

    def change(document):
        rows = document["rows"] = int(10 ** source.uniform(2, 8))
        for feature in document["features"]:
            names = list(feature["counts"]) if feature["kind"] == "category" else None
            beside = ["other", "missing"] if names else ["underflow", "overflow", "missing"]
            counts = random_counts(source, len(feature["counts"]) + len(beside), rows).tolist()
            inside = counts[: -len(beside)]
            feature["counts"] = dict(zip(names, inside, strict=True)) if names else inside
            feature.update(zip(beside, counts[-len(beside) :], strict=True))
        score = document["score"]
        score["counts"] = random_counts(source, len(score["counts"]), rows).tolist()

    return change


def odd(rows, source, specs):
    """Some of it out of range, unseen or missing."""
    for column in source.choice(np.arange(1, len(NAMES)), 8, replace=False):
        values = [np.nan] if specs[column]["type"] == "boolean" else [np.nan, 99, 1e6]
        rows[source.random(len(rows)) < source.random(), column] = source.choice(values)
    return rows


def test_distances_of_random_profiles_are_numpys(start_gateway, tmp_path):
    source = np.random.default_rng(5)
    repository, specs = tmp_path / "models", bundle("1").manifest["features"]
    models = {f"random{index}": settings() for index in range(PROFILES)}
    for name in models:
        copy_as(repository, name, randomise(source))
    gateway = start_gateway(repository=repository, models=models)
    large = 0
    with Admin(gateway) as admin:
        asked = {}
        for index, name in enumerate(models):
            rows = odd(drawn(int(source.integers(1, 1500)), seed=index), source, specs)
            asked[name] = rows, send(gateway, rows, model=name)
        for name, (rows, scores) in asked.items():
            document = json.loads((repository / name / "1" / "profile.json").read_text())
            expected = {}
            for index, (feature, spec) in enumerate(zip(document["features"], specs, strict=True)):
                expected[feature["name"]] = counted(rows[:, index], feature, spec)
            edges = document["score"]["edges"]
            live = [0, *np.histogram(scores.astype(np.float32).astype(float), edges)[0], 0]
            expected["score"] = np.array(live), np.array([0, *document["score"]["counts"], 0])
            for window in settled(admin, len(rows), model=name).values():
                assert window["variables"].keys() == expected.keys()
                for variable, (live, reference) in expected.items():
                    found = window["variables"][variable]
                    assert found["counts"] == live.tolist() and found["reference"] == reference.tolist(), variable
                    assert abs(found["psi"] - psi(live, reference)) < 1e-9, (name, variable)
                    assert abs(found["jensen_shannon"] - jensen_shannon(live, reference)) < 1e-9, (name, variable)
                    large += found["psi"] > 0.25
    assert large > PROFILES * len(NAMES), "most of them are far apart"


def test_real_rows_are_as_the_training(start_gateway):
    """All features together, as they come, and the score: nothing warns."""
    gateway = start_gateway(models={"fraud": settings()})
    rows = drawn(20_000, seed=3)
    with Admin(gateway) as admin:
        send(gateway, rows)
        for window in settled(admin, len(rows)).values():
            assert {v["name"]: v["psi"] for v in window["variables"].values() if v["psi"] >= 0.1} == {}
            assert {v["level"] for v in window["variables"].values()} == {"none"}


def every(step, column, value):
    """One row in `step` has another value."""
    return lambda rows: rows.__setitem__((slice(None, None, step), NAMES.index(column)), value)


def scale(rows):
    rows[:, NAMES.index("amount")] *= 10


def swap(rows):
    pair = [NAMES.index("count_7d"), NAMES.index("count_30d")]
    rows[:, pair] = rows[:, pair[::-1]]


#: What goes wrong, and the feature that must say so.
FAULTS = {
    "scaled": (scale, "amount"),
    "swapped": (swap, "count_30d"),
    "missing": (every(1, "account_age", np.nan), "account_age"),
    "category": (every(5, "home_country", 77), "home_country"),
    "mix": (every(3, "merchant_category", 14), "merchant_category"),
}


def scenario(folder, gateway, repository):
    """Every model gets healthy rows, and then its own spoiled ones; `healthy` goes on as before."""
    classes, before, after = [], {}, {}
    good = write_csv(folder / "healthy.csv", drawn(4000, seed=1))
    for name in ["healthy", *FAULTS]:
        entry = {"model": name, "api": "grpc", "connections": 2, "timeout": "10s"}
        classes.append({"name": name, "rows": {"csv": str(good)}, **entry})
        before[name] = {"constant": f"{RATE}/s"}
        if name == "healthy":
            after[name] = before[name]
            continue
        rows = drawn(4000, seed=2)
        FAULTS[name][0](rows)
        bad = write_csv(folder / f"{name}.csv", rows)
        classes.append({"name": f"{name}-spoiled", "rows": {"csv": str(bad)}, **entry})
        after[f"{name}-spoiled"] = before[name]
    phases = [{"name": "healthy", "duration": f"{HEALTHY_SECONDS}s", "load": before},
              {"name": "spoiled", "duration": f"{SPOILED_SECONDS}s", "load": after}]
    path = folder / "drift.yaml"
    document = {"name": "drift", "target": gateway.url, "models": str(repository), "classes": classes, "phases": phases}
    # Through JSON every value is its own, so that YAML has no need of anchors.
    path.write_text(yaml.safe_dump(json.loads(json.dumps(document))))
    return path


def alerts(gateway) -> set:
    """The faults whose feature is at alert."""
    log = gateway.log()
    return {name for name, (_, feature) in FAULTS.items() if f"{name}/1: {feature} over 5m is at alert" in log}


def test_faults_are_found_at_a_hundred_requests_a_second(start_gateway, tmp_path):
    repository = tmp_path / "models"
    for name in ["healthy", *FAULTS]:
        copy_as(repository, name)
    gateway = start_gateway(repository=repository, models={name: settings() for name in ["healthy", *FAULTS]})
    path = scenario(tmp_path, gateway, repository)
    process = subprocess.Popen(
        [BINARY, "loadtest", path], env=SURROUNDINGS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        # Rows are scored before the first one is sent: the fault begins later than this.
        begins, found = time.monotonic() + HEALTHY_SECONDS, {}
        while process.poll() is None:
            for name in alerts(gateway) - found.keys():
                found[name] = time.monotonic() - begins
            time.sleep(0.2)
            assert time.monotonic() < begins + WINDOW_SECONDS, "the load does not end"
        shown = process.communicate()[0]
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, shown
    # The last rows are counted with the next tick.
    deadline = time.monotonic() + 30
    while alerts(gateway) != FAULTS.keys() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert alerts(gateway) == FAULTS.keys()
    assert all(0 < seconds <= WINDOW_SECONDS for seconds in found.values()), found
    assert not re.search(r"healthy/1: \w+ over", gateway.log()), gateway.log()
    print("at alert after", {name: f"{seconds:.0f} s" for name, seconds in found.items()})
    with Admin(gateway) as admin:
        while (windows := drift_of(admin, model="healthy"))["24h"]["rows"] < RATE * (HEALTHY_SECONDS + SPOILED_SECONDS):
            assert time.monotonic() < deadline, "not every row is counted"
            time.sleep(0.2)
    assert {v["level"] for window in windows.values() for v in window["variables"].values()} == {"none"}
