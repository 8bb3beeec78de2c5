"""Cheap checks of the generator, the features, the fixtures and the shipped bundles.

python -m pytest models/train
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import yaml

import fixtures
import population as world
from digits import double_text, float_text
from features import FEATURES, NAMES, feature_matrix
from fixture_kinds import LIGHTGBM, XGBOOST
from generate import COLUMNS, payment_table, simulate
from golden import coded
from oracle import open_oracle
from population import DAY
from train import EXAMPLE

REPOSITORY = Path(__file__).parent.parent
BUNDLES = sorted(path for path in REPOSITORY.glob("fraud/*") if path.is_dir())


def test_same_seed_same_bytes():
    first, second, other = payment_table(5, 60), payment_table(5, 60), payment_table(6, 60)
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.tobytes()
    assert len(COLUMNS) == first.shape[1] == 35 and len(NAMES) == 32


def slow_features(payments, cards, index):
    """The windowed features of one payment, straight from their definitions."""
    now, card = payments.time[index], payments.card[index]
    earlier = [i for i in range(index) if payments.card[i] == card]

    def window(rows, seconds):
        return [i for i in rows if payments.time[i] > now - seconds]

    def cents(rows):
        return sum(int(payments.cents[i]) for i in rows)

    values = {"amount": payments.cents[index] / 100, "weekday": now // DAY % 7}
    for name, seconds in {"10min": 600, "1h": 3600, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}.items():
        values[f"count_{name}"] = len(window(earlier, seconds))
        values[f"sum_{name}"] = cents(window(earlier, seconds)) / 100
    values.pop("sum_10min")
    month = window(earlier, 30 * DAY)
    values["amount_ratio_30d"] = values["amount"] / (cents(month) / 100 / len(month)) if month else math.nan
    values["minutes_since_last"] = (now - payments.time[month[-1]]) / 60 if month else math.nan
    values["declines_24h"] = sum(bool(payments.declined[i]) for i in window(earlier, DAY))
    values["merchants_7d"] = len({payments.merchant[i] for i in [*window(earlier, 7 * DAY), index]})
    values["new_merchant"] = all(payments.merchant[i] != payments.merchant[index] for i in month)
    values["device_cards_7d"] = values["device_age"] = math.nan
    if payments.device[index] >= 0:
        on_device = [i for i in range(index + 1) if payments.device[i] == payments.device[index]]
        values["device_cards_7d"] = len({payments.card[i] for i in window(on_device, 7 * DAY)})
        values["device_age"] = (now - payments.device_first_seen[index]) / DAY
    at_merchant = [i for i in range(index) if payments.merchant[i] == payments.merchant[index]]
    values["merchant_count_1h"] = len(window(at_merchant, 3600))
    day = window(at_merchant, DAY)
    values["merchant_small_share_24h"] = sum(payments.cents[i] < 500 for i in day) / len(day) if day else math.nan
    located = [i for i in earlier if not math.isnan(payments.latitude[i])]
    values["distance_last"] = values["speed_last"] = math.nan
    if located and not math.isnan(payments.latitude[index]):
        last = located[-1]
        values["distance_last"] = float(
            world.kilometres_between(
                payments.latitude[index], payments.longitude[index], payments.latitude[last], payments.longitude[last]
            )
        )
        hours = max(now - payments.time[last], 60) / 3600
        values["speed_last"] = round(values["distance_last"], 1) / hours
    return values


def test_features_agree_with_their_definitions():
    payments, cards = simulate(3, 40)
    matrix = feature_matrix(payments, cards)
    rng = np.random.default_rng(0)
    chosen = set(rng.integers(0, len(payments), 300)) | set(np.flatnonzero(payments.pattern > 0)[:60])
    resolution = {
        "amount_ratio_30d": 0.0006,
        "minutes_since_last": 0.06,
        "merchant_small_share_24h": 0.0006,
        "device_age": 0.006,
        "distance_last": 0.06,
        "speed_last": 0.06,
    }
    for index in chosen:
        for name, expected in slow_features(payments, cards, index).items():
            found = matrix[index, NAMES.index(name)]
            assert found == pytest.approx(float(expected), abs=resolution.get(name, 1e-9), nan_ok=True), (index, name)


def test_missing_values_have_their_reasons():
    table = payment_table(4, 200)[:, 3:]
    column = {name: table[:, index] for index, name in enumerate(NAMES)}
    online = column["channel"] == world.CHANNELS.index("online")
    for name in ("device_age", "device_type", "device_cards_7d", "strong_authentication"):
        assert (np.isnan(column[name]) == ~online).all(), name
    assert np.isnan(column["distance_home"][column["channel"] == world.CHANNELS.index("mail_order")]).all()
    assert not np.isnan(column["amount"]).any() and (column["account_age"] >= 0).all()
    for feature, values in zip(FEATURES, table.T):
        if feature.range:
            known = values[~np.isnan(values)]
            assert feature.range[0] <= known.min() and known.max() <= feature.range[1], feature.name
    # A day holds all of an hour, and a month all of a day.
    assert (column["count_1h"] <= column["count_24h"]).all() and (column["sum_24h"] <= column["sum_30d"]).all()


def test_digits_come_back():
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 1 << 32, 50_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    for value in bits[np.isfinite(bits)]:
        assert np.float32(float(float_text(value))).tobytes() == value.tobytes()
    for text, value in {"12": 12.0, "-0.0": -0.0, "0.1": 0.1, "1e+300": 1e300}.items():
        assert double_text(value) == text


def test_both_files_of_an_xgboost_model_answer_alike(tmp_path):
    limits = fixtures.Limits(rounds=4, depth=4, rows=16)
    for number, kind in enumerate(XGBOOST):
        if kind.columns == "named":
            continue
        entry = fixtures.write_model(tmp_path, "xgboost", kind, number, 9, limits)
        lines = [json.loads(line) for line in (tmp_path / entry["rows"]).read_text().splitlines()]
        rows = np.array(
            [[math.nan if v is None else v for v in line["row"]] for line in lines if line["input"] == "FP32"]
        )
        answers = [open_oracle(tmp_path / file).answers(rows.astype(np.float32))[0] for file in entry["files"]]
        assert answers[0].tobytes() == answers[1].tobytes(), kind.name


def test_fixtures_depend_on_their_seed_alone(tmp_path):
    limits = fixtures.Limits(rounds=4, depth=4, rows=16)
    texts = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        entry = fixtures.write_model(folder, "lightgbm", LIGHTGBM[18], 18, 9, limits)
        texts.append([(folder / file).read_bytes() for file in [*entry["files"], entry["rows"]]])
    assert texts[0] == texts[1]


def test_two_bundles_share_one_feature_list():
    assert [path.name for path in BUNDLES] == ["1", "2"]
    manifests = [yaml.safe_load((path / "manifest.yaml").read_text()) for path in BUNDLES]
    assert manifests[0]["features"] == manifests[1]["features"]
    assert [feature["name"] for feature in manifests[0]["features"]] == NAMES
    assert manifests[0]["features"][NAMES.index("home_country")]["categories"][11] == "NO"
    metrics = [manifest["lineage"]["metrics"] for manifest in manifests]
    assert metrics[1]["average_precision_days_110_119"] > metrics[0]["average_precision_days_110_119"] + 0.2


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: f"fraud/{path.name}")
def test_bundle_is_whole(path):
    files = {file.name for file in path.iterdir()} - {"SHA256SUMS"}
    sums = dict(reversed(line.split("  ")) for line in (path / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == files and len(files) == 4
    for name, digest in sums.items():
        assert hashlib.sha256((path / name).read_bytes()).hexdigest() == digest, name
        assert (path / name).stat().st_size < 5 << 20
    profile = json.loads((path / "profile.json").read_text())
    assert profile["model_sha256"] == sums["model.json" if path.name == "1" else "model.txt"]
    assert (
        profile["rows"]
        == yaml.safe_load((path / "manifest.yaml").read_text())["lineage"]["parameters"]["training_rows"]
    )
    for feature in profile["features"]:
        counted = feature["counts"].values() if feature["kind"] == "category" else feature["counts"]
        other = feature.get("other", 0) + feature.get("underflow", 0) + feature.get("overflow", 0)
        assert sum(counted) + other + feature["missing"] == profile["rows"], feature["name"]
        if feature["kind"] == "number":
            assert len(feature["edges"]) == len(feature["counts"]) + 1 <= 11
            assert feature["edges"] == sorted(set(feature["edges"]))
    assert sum(profile["score"]["counts"]) == profile["rows"]


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: f"fraud/{path.name}")
def test_golden_rows_are_the_trainers_answers(path):
    lines = [json.loads(line) for line in (path / "golden.ndjson").read_text().splitlines()]
    assert 64 <= len(lines) <= 1024 and lines[0]["row"] == EXAMPLE
    oracle = open_oracle(next(path.glob("model.*")))
    assert {line["input"] for line in lines} == {"FP32", "FP64"}
    for line in lines:
        row = np.array([coded(line["row"], FEATURES)])
        if line["input"] == "FP32":
            row = row.astype(np.float32)
        margin, score = oracle.answers(row)
        number = np.float32 if oracle.score_single else np.float64
        assert margin[0].tobytes() == np.array(line["margin"], number).tobytes()
        assert score[0].tobytes() == np.array(line["score"], number).tobytes()
