"""Prediction ids, labels, and what they say: by other code than the gateway's, over restarts, kills and stalled disks."""

import base64
import gzip
import hashlib
import json
import os
import signal
import sqlite3
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import grpc
import httpx
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from conftest import make_client
from harness import calls
from harness.admin import Admin
from harness.bundles import MODEL, bundle, change_manifest, copy_bundle
from harness.exposition import Exposition
from harness.gateway import READY, Gateway
from harness.predictions import keys_of, read

HEADER = "serin-prediction-id"
WAIT = 30


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def start(start_gateway, state):
    """Gateways that share a state, one after the other."""

    def begin(**changes):
        changes.setdefault("models", {MODEL: {"route": {"stable": "1"}}})
        return start_gateway(state={"path": str(state)}, **changes)

    return begin


def ask(gateway, golden, version="1", datatype="FP32", outputs=None, path="") -> httpx.Response:
    body = bundle(version).v2([golden] if not isinstance(golden, list) else golden, datatype, outputs)
    answer = httpx.post(f"{gateway.url}/v2/models/{MODEL}{path}/infer", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def an_id(gateway, index=0) -> str:
    return ask(gateway, bundle("1").rows("FP32")[index]).headers[HEADER]


def send(gateway, body, model=MODEL, **options) -> httpx.Response:
    return httpx.post(f"{gateway.url}/v1/models/{model}:feedback", json=body, timeout=30, **options)


def label(gateway, identifier: str, label, **more) -> httpx.Response:
    return send(gateway, {"prediction_id": identifier, "label": label, **more})


def figures(gateway, window="all", version="1") -> dict:
    with Admin(gateway) as admin:
        document = admin.client.get(f"/models/{MODEL}/accuracy").raise_for_status().json()
    assert document["model"] == MODEL
    for found in document["versions"]:
        if found["version"] == version:
            return next(shown for shown in found["windows"] if shown["window"] == window) | {"of": found}
    return {"figures": {"labels": 0, "positives": 0}}


def labels_of(gateway) -> tuple[int, int]:
    found = figures(gateway)["figures"]
    return found["labels"], found["positives"]


def counted(gateway) -> Exposition:
    return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)


# Ids


@pytest.mark.parametrize("protocol", [1, 2])
def test_an_id_says_what_was_answered(start, state, protocol):
    gateway = start()
    keys = keys_of(state)
    golden = bundle("1").rows("FP32")[0]
    before = time.time_ns() // 1_000_000
    with make_client(gateway, protocol) as client:
        for path, body in (
            (f"/v2/models/{MODEL}/infer", bundle("1").v2([golden], "FP32")),
            (f"/v1/models/{MODEL}:predict", {"instances": bundle("1").objects([golden])}),
            (f"/v2/models/{MODEL}/versions/1/infer", bundle("1").v2([golden], "FP32")),
        ):
            answer = client.post(path, json=body)
            document = answer.json()
            score = document["predictions"][0] if "predictions" in document else document["outputs"][0]["data"][0]
            found = read(answer.headers[HEADER], keys)
            assert found.score == np.float32(score) and not found.is_double and not found.is_fallback
            assert found.decision == int(np.float32(score) >= np.float32(0.5)) and found.row == 0
            assert found.arm == answer.headers["serin-arm"] and found.amount is None and found.groups == b""
            assert before - 1000 <= found.millis <= time.time_ns() // 1_000_000 + 1000
            assert found.text(keys[found.key]) == answer.headers[HEADER], "the layout is the documented one"
        twice = [client.post(path, json=body).headers[HEADER] for _ in range(2)]
        assert twice[0] != twice[1], "each answer has an id of its own"


def test_many_rows_have_ids_on_request(start, state):
    gateway = start()
    keys = keys_of(state)
    rows = bundle("1").rows("FP32")[:5]
    plain = ask(gateway, rows)
    assert HEADER not in plain.headers
    answer = ask(gateway, rows, outputs=["label", "prediction_id", "score"])
    labels, ids, scores = answer.json()["outputs"]
    assert ids["name"] == "prediction_id" and ids["datatype"] == "BYTES" and ids["shape"] == [5, 1]
    assert HEADER not in answer.headers
    for row, (text, score, decided) in enumerate(zip(ids["data"], scores["data"], labels["data"], strict=True)):
        found = read(text, keys)
        assert (found.row, found.score, found.decision) == (row, np.float32(score), decided)
    assert len({read(text, keys).number for text in ids["data"]}) == 1
    body = bundle("1").v2(rows, "FP32") | {"outputs": [{"name": "prediction_id", "parameters": {"binary_data": True}}]}
    binary = httpx.post(f"{gateway.url}/v2/models/{MODEL}/infer", json=body)
    length = int(binary.headers["inference-header-content-length"])
    head, tail = json.loads(binary.content[:length]), binary.content[length:]
    assert head["outputs"][0]["parameters"]["binary_data_size"] == len(tail)
    for row in range(5):
        size = int.from_bytes(tail[:4], "little")
        assert read(tail[4 : 4 + size].decode(), keys).row == row
        tail = tail[4 + size :]
    assert tail == b""
    assert [label(gateway, text, 1).status_code for text in ids["data"]] == [200] * 5
    assert labels_of(gateway) == (5, 5)
    # Rows beyond a byte: all ids have one length.
    many = ask(gateway, rows[:1] * 300, outputs=["prediction_id"]).json()["outputs"][0]["data"]
    assert len({len(text) for text in many}) == 1
    assert [read(text, keys).row for text in many] == list(range(300))


@pytest.mark.parametrize("raw", [True, False])
def test_calls_have_ids(start, state, raw):
    gateway = start()
    keys = keys_of(state)
    rows = bundle("1").rows("FP32")[:3]
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = calls.infer_request(bundle("1"), rows[:1], raw=raw, version="")
        _, call = stub.ModelInfer.with_call(request, timeout=10)
        assert read(dict(call.initial_metadata())[HEADER], keys).arm == "stable"
        request = calls.infer_request(
            bundle("1"), rows, raw=raw, version="", outputs=["score", "prediction_id", "label"])
        answer = stub.ModelInfer(request, timeout=10)
    assert [output.datatype for output in answer.outputs] == ["FP32", "BYTES", "INT64"]
    if raw:
        left, texts = answer.raw_output_contents[1], []
        while left:
            size = int.from_bytes(left[:4], "little")
            texts.append(left[4 : 4 + size].decode())
            left = left[4 + size :]
    else:
        texts = [text.decode() for text in answer.outputs[1].contents.bytes_contents]
    assert [read(text, keys).row for text in texts] == [0, 1, 2]
    assert isinstance(answer, pb.ModelInferResponse)


# Labels


def test_labels_are_idempotent_and_reversible(start):
    gateway = start()
    identifier = an_id(gateway)
    first = label(gateway, identifier, 1)
    assert first.status_code == 200 and first.json()["outcome"] == "accepted"
    assert first.json()["version"] == "1" and first.json()["row"] == 0
    assert label(gateway, identifier, "fraud").json()["outcome"] == "repeated"
    assert label(gateway, identifier, True).json()["outcome"] == "repeated"
    assert labels_of(gateway) == (1, 1)
    wrong = label(gateway, identifier, 0)
    assert wrong.status_code == 409 and "label: contradicts" in wrong.json()["error"]
    assert labels_of(gateway) == (1, 1)
    assert label(gateway, identifier, 0, revision=1).json()["outcome"] == "revised"
    assert labels_of(gateway) == (1, 0)
    assert label(gateway, identifier, 1).json()["outcome"] == "superseded", "the first one, sent again"
    assert label(gateway, identifier, 1, revision=1).status_code == 409
    assert label(gateway, identifier, None, revision=2).json()["outcome"] == "revised"
    assert labels_of(gateway) == (0, 0)
    assert label(gateway, identifier, "fraud", revision=3).json()["outcome"] == "revised"
    assert labels_of(gateway) == (1, 1)
    metrics = counted(gateway)
    for outcome, count in {"accepted": 1, "repeated": 2, "revised": 3, "superseded": 1, "refused": 2}.items():
        assert metrics.total("serin_feedback_total", model=MODEL, outcome=outcome) == count


def test_what_is_wrong_is_refused(start, state, tmp_path):
    repository = tmp_path / "models"
    copy_bundle(repository, "1")
    other = repository / "other" / "1"
    os.renames(copy_bundle(tmp_path / "scratch", "1", change_manifest(lambda found: found.update(name="other"))), other)
    gateway = start(repository=repository, models={})
    identifier = an_id(gateway)
    keys = keys_of(state)
    found = read(identifier, keys)
    secret = keys[found.key]

    def refused(status: int, word: str, answer: httpx.Response):
        assert answer.status_code == status and word in answer.json()["error"], (answer.status_code, answer.text)

    changed = bytearray(base64.urlsafe_b64decode(identifier + "=" * (-len(identifier) % 4)))
    changed[20] ^= 1
    forged = base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
    for text in (forged, "", "AQ", identifier[:-1], identifier + "A", "é", found.text(b"another key, 16!")):
        refused(400, "prediction_id: this gateway has not given it out", label(gateway, text, 1))
    old = found.at(found.millis - 181 * 86_400_000)
    refused(410, "prediction_id: expired", label(gateway, old.text(secret), 1))
    assert label(gateway, found.at(found.millis - 179 * 86_400_000).text(secret), 1).status_code == 200
    refused(404, "prediction_id: of a version", label(gateway, replace(found, identity=7).text(secret), 1))
    refused(400, "prediction_id: of another model", send(gateway, {"prediction_id": identifier, "label": 1}, "other"))
    for wrong in (2, -1, "Fraud", 0.5, 1.0, [1], {}, ""):
        refused(400, "label: expected", label(gateway, identifier, wrong))
    refused(400, "label: null", label(gateway, identifier, None))
    refused(400, "time: expected an instant", label(gateway, identifier, 1, time="now"))
    refused(400, "time: lies in the future", label(gateway, identifier, 1, time="2999-01-01T00:00:00Z"))
    refused(400, "time: lies before", label(gateway, identifier, 1, time="1999-01-01T00:00:00Z"))
    refused(400, "revision: expected", label(gateway, identifier, 1, revision="x"))
    refused(400, "unknown key", label(gateway, identifier, 1, comment="none"))
    refused(404, "unknown model", send(gateway, {}, "nobody"))
    address = f"{gateway.url}/v1/models/{MODEL}:feedback"
    refused(400, "malformed JSON", httpx.post(address, content=b"{"))
    assert httpx.get(address).status_code == 405
    assert httpx.post(f"{gateway.url}/v1/models/{MODEL}/versions/1:feedback", json={}).status_code == 404
    assert labels_of(gateway) == (1, 1)
    assert label(gateway, identifier, 0).status_code == 200


def test_a_batch_takes_what_it_can(start):
    gateway = start()
    ids = [an_id(gateway, index) for index in range(4)]
    batch = [{"prediction_id": text, "label": index % 2} for index, text in enumerate(ids)]
    batch += [{"prediction_id": "AQ", "label": 1}, dict(batch[0]), {"prediction_id": ids[1], "label": 0}]
    first = send(gateway, {"feedback": batch})
    assert first.status_code == 200
    summary = first.json()
    errors = summary.pop("errors")
    assert summary == {"accepted": 4, "repeated": 1, "revised": 0, "superseded": 0, "refused": 2}
    assert [(error["index"], error["status"]) for error in errors] == [(4, 400), (6, 409)]
    assert errors[0]["error"].startswith("feedback[4].prediction_id:")
    again = send(gateway, batch[:4]).json()
    assert again["repeated"] == 4 and again["accepted"] == again["refused"] == 0
    assert labels_of(gateway) == (4, 2)
    assert send(gateway, []).status_code == 400 and send(gateway, {"feedback": []}).status_code == 400


def test_labels_outlive_a_restart_and_a_kill(start):
    gateway = start()
    ids = [an_id(gateway, index) for index in range(6)]
    for index in range(3):
        assert label(gateway, ids[index], 1).status_code == 200
    before = figures(gateway)
    assert gateway.stop() == 0
    gateway = start()
    assert figures(gateway) == before, "the same to the bit"
    assert label(gateway, ids[0], 1).json()["outcome"] == "repeated"
    # What was answered is on disk, whatever happens then.
    assert label(gateway, ids[3], 1).status_code == 200
    os.kill(gateway.pid, signal.SIGKILL)
    gateway.process.wait(10)
    gateway.process = None
    gateway = start()
    assert labels_of(gateway) == (4, 4)
    assert label(gateway, ids[3], 1).json()["outcome"] == "repeated"
    assert label(gateway, ids[4], 0).json()["outcome"] == "accepted", "an id of before the kill"


def test_a_successor_has_the_keys_and_the_labels(start):
    gateway = start()
    ids = [an_id(gateway, index) for index in range(3)]
    assert label(gateway, ids[0], 1).status_code == 200
    heir = Gateway(gateway.folder / "heir")
    heir.command = [*gateway.command, "--upgrade"]
    heir.spawn()
    try:
        heir.wait_for_log(READY, WAIT)
        heir.ports = gateway.ports
        assert gateway.wait(WAIT) == 0
        assert label(heir, ids[0], 1).json()["outcome"] == "repeated"
        assert label(heir, ids[1], 0).json()["outcome"] == "accepted"
        assert label(heir, an_id(heir), 0).json()["outcome"] == "accepted"
        assert labels_of(heir) == (3, 1)
    finally:
        assert heir.stop() == 0, heir.log()


def test_a_stalled_disk_holds_up_no_prediction(start, state):
    gateway = start(feedback={"queue": 16})
    ids = [an_id(gateway, index) for index in range(40)]
    database = sqlite3.connect(state / "labels.sqlite", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    statuses = []

    def post(text):
        statuses.append(label(gateway, text, 1))

    threads = [threading.Thread(target=post, args=(text,)) for text in ids]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + WAIT
    while not statuses:
        assert time.monotonic() < deadline, "nobody was refused"
        started = time.monotonic()
        ask(gateway, bundle("1").rows("FP32")[0])
        assert time.monotonic() - started < 2
        time.sleep(0.02)
    refused = statuses[0]
    assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
    assert "too many labels wait" in refused.json()["error"]
    database.execute("ROLLBACK")
    database.close()
    for thread in threads:
        thread.join(WAIT)
    taken = [answer for answer in statuses if answer.status_code == 200]
    assert len(taken) >= 16 and len(statuses) == len(ids)
    assert labels_of(gateway)[0] == len(taken)


def test_without_feedback_there_are_no_ids(start_gateway):
    gateway = start_gateway(models={MODEL: {"feedback": {"enabled": False}, "route": {"stable": "1"}}})
    golden = bundle("1").rows("FP32")[0]
    assert HEADER not in ask(gateway, golden).headers
    body = bundle("1").v2([golden], "FP32", ["prediction_id"])
    answer = httpx.post(f"{gateway.url}/v2/models/{MODEL}/infer", json=body)
    assert answer.status_code == 400 and "feedback is off" in answer.json()["error"]
    refused = send(gateway, {"prediction_id": "AQ", "label": 1})
    assert refused.status_code == 404 and "feedback is off" in refused.json()["error"]


def test_only_a_models_clients_send_labels(start, state):
    tokens = [{"name": "checkout", "sha256": hashlib.sha256(b"secret").hexdigest()}]
    gateway = start(listen={"tokens": tokens}, models={MODEL: {"clients": ["token:checkout"]}})
    assert send(gateway, {}).status_code == 401
    assert send(gateway, {}, headers={"authorization": "Bearer secret"}).status_code == 400


def test_the_decision_log_has_the_same_number(start, state, tmp_path):
    folder = tmp_path / "log"
    models = {MODEL: {"decisions": {"log": "full"}, "route": {"stable": "1"}}}
    gateway = start(models=models, decisions={"path": str(folder)})
    identifier = an_id(gateway)
    answer = label(gateway, identifier, 1).json()
    assert gateway.stop() == 0
    [segment] = folder.glob("decisions-*.ndjson.gz")
    [line] = [json.loads(line) for line in gzip.decompress(segment.read_bytes()).splitlines()]
    assert line["id"] == answer["id"] == read(identifier, keys_of(state)).number.hex()
    assert line["row"] == answer["row"]


# Figures


def oracle(scores, truth, threshold) -> dict:
    """By the definitions, not by the gateway's way."""
    scores, truth = np.asarray(scores, dtype=np.float64), np.asarray(truth)
    decided = (scores >= threshold).astype(int)
    above, below = scores[truth == 1], scores[truth == 0]
    wins = (above[:, None] > below[None, :]).sum() + 0.5 * (above[:, None] == below[None, :]).sum()
    steps, last = 0.0, 0.0
    gaps = []
    for cut in sorted(set(scores.tolist()), reverse=True):
        chosen = scores >= cut
        recall, precision = truth[chosen].sum() / truth.sum(), truth[chosen].mean()
        steps, last = steps + (recall - last) * precision, recall
        gaps.append(abs((above >= cut).mean() - (below >= cut).mean()))
    safe = np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps)
    places = np.minimum((scores * 15).astype(int), 14)
    bins = [places == place for place in range(15)]
    return {
        "roc_auc": wins / (len(above) * len(below)), "average_precision": steps, "ks": max(gaps),
        "brier": ((scores - truth) ** 2).mean(),
        "log_loss": -(truth * np.log(safe) + (1 - truth) * np.log(1 - safe)).mean(),
        "calibration_error": sum(abs(scores[bin].sum() - truth[bin].sum()) for bin in bins) / len(scores),
        "accuracy": (decided == truth).mean(), "precision": truth[decided == 1].mean(),
        "recall": decided[truth == 1].mean(), "selection_rate": decided.mean(), "approval_rate": 1 - decided.mean(),
    }


def near(found: dict, expected: dict):
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


def test_figures_are_those_of_their_definitions(start, tmp_path):
    """Two arms' rows with labels late and early, in groups, with amounts."""
    repository = tmp_path / "models"
    wanted = {"amount": "amount", "groups": ["channel", "new_merchant"]}
    for version in ("1", "2"):
        copy_bundle(repository, version, change_manifest(lambda found: found.update(feedback=wanted)))
    gateway = start(repository=repository, models={MODEL: {"route": {"stable": "1"}}})
    rows = [row for row in bundle("1").rows("FP32") + bundle("1").rows("FP64") if 0 <= row.row[0] <= 100_000]
    threshold = float(np.float32(bundle("1").manifest["output"]["threshold"]))
    random = np.random.default_rng(9)
    scores, truth, batch = [], [], []
    for golden in rows:
        answer = ask(gateway, golden, datatype=golden.input)
        score = float(np.float32(answer.json()["outputs"][0]["data"][0]))
        fact = int(random.random() < 0.15 + 0.7 * score)
        scores.append(score)
        truth.append(fact)
        batch.append({"prediction_id": answer.headers[HEADER], "label": fact})
    late = (datetime.now(timezone.utc) + timedelta(seconds=60)).isoformat()
    batch[0]["time"] = late
    assert send(gateway, batch).json()["accepted"] == len(rows)
    # The other version, pinned.
    twos = bundle("2").rows("FP64")[:40]
    pinned = [ask(gateway, golden, "2", golden.input, path="/versions/2").headers[HEADER] for golden in twos]
    assert send(gateway, [{"prediction_id": text, "label": 0} for text in pinned]).json()["accepted"] == 40
    shown = figures(gateway)
    expected = oracle(scores, truth, threshold)
    near(shown["figures"], expected)
    for name in ("roc_auc_error", "average_precision_error", "ks_error"):
        assert shown["figures"][name] == 0
    amounts = np.array([np.float32(row.row[0]) if row.input == "FP32" else row.row[0] for row in rows], dtype=np.float64)
    decided, facts = np.array(scores) >= threshold, np.array(truth)
    for name, where in {
        "true_positives": decided & (facts == 1), "false_positives": decided & (facts == 0),
        "false_negatives": ~decided & (facts == 1), "true_negatives": ~decided & (facts == 0),
    }.items():
        assert shown["figures"][name] == where.sum()
        assert shown["figures"]["money"][name] == pytest.approx(amounts[where].sum(), rel=1e-9)
    place = bundle("1").names.index("channel")
    # Golden rows have codes that no category has.
    names = [row.row[place] if row.row[place] is None or isinstance(row.row[place], str) else "other" for row in rows]
    channels = np.array([name or "missing" for name in names])
    channel, new = shown["groups"]
    assert channel["feature"] == "channel" and {value["value"] for value in channel["values"]} == set(channels)
    rates = {}
    for value in channel["values"]:
        inside = channels == value["value"]
        rates[value["value"]] = decided[inside].mean()
        assert value["figures"]["labels"] == inside.sum()
        assert value["figures"]["selection_rate"] == pytest.approx(decided[inside].mean(), rel=1e-9)
    assert channel["selection_rate_ratio"] == pytest.approx(min(rates.values()) / max(rates.values()), rel=1e-9)
    assert {value["value"] for value in new["values"]} <= {"true", "false", "missing"}
    assert [arm["arm"] for arm in shown["arms"]] == ["stable"]
    two = figures(gateway, version="2")
    assert two["figures"]["labels"] == 40 and "roc_auc" not in two["figures"]
    assert [(arm["arm"], arm["tier"]) for arm in two["arms"]] == [("pinned", "full")]
    [cohort] = shown["of"]["cohorts"][-1:]
    assert cohort["delays"][0] == {"within": "1d", "labels": len(rows)}
    assert figures(gateway, "1d")["figures"] == shown["figures"]
    assert_shown(gateway, expected, len(rows))


def assert_shown(gateway, expected: dict, count: int):
    """The same on /metrics, soon, and in the table."""
    deadline = time.monotonic() + WAIT
    labels = {"model": MODEL, "version": "1", "window": "all"}
    # 40 of the other version, which may be shown a second later.
    while (metrics := counted(gateway)).total("serin_accuracy_labels", model=MODEL, window="all") != count + 40:
        assert time.monotonic() < deadline, "the gauges do not show the labels"
        time.sleep(0.2)
    for name in ("roc_auc", "average_precision", "ks", "brier", "log_loss", "calibration_error", "precision", "recall"):
        assert metrics.total(f"serin_accuracy_{name}", **labels) == pytest.approx(expected[name], rel=1e-9)
    assert np.isnan(metrics.total("serin_accuracy_roc_auc", model=MODEL, version="2", window="all"))
    with Admin(gateway) as admin:
        table = admin.ctl("accuracy", MODEL)
        assert "ROC AUC" in table and f"{expected['roc_auc']:.4f}".rstrip("0") in table and "channel=online" in table
        assert admin.ctl_json("accuracy", MODEL) == admin.client.get(f"/models/{MODEL}/accuracy").json()
        assert "--window" in admin.ctl("accuracy", MODEL, "--window", "2h", code=2)
        assert "no model" in admin.ctl("accuracy", "nobody", code=1)


def test_wrong_settings_are_refused(start_gateway, tmp_path):
    for wanted, word in (
        ({"amount": "channel"}, "number or integer"), ({"groups": ["amount"]}, "boolean, or of type category"),
        ({"groups": ["nothing"]}, "no feature"), ({"groups": ["channel", "channel"]}, "twice"), ({"sum": 1}, "sum"),
    ):
        repository = tmp_path / f"models-{word.split()[0]}"
        copy_bundle(repository, "1", change_manifest(lambda found, wanted=wanted: found.update(feedback=wanted)))
        gateway = start_gateway(repository=repository, models={MODEL: {"required": False}})
        assert "feedback" in gateway.log() and word in gateway.log(), gateway.log()
        gateway.stop()
