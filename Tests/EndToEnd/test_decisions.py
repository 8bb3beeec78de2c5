"""The decision log and `serin replay`: lines, redaction, rotation, full and stalled disks, bit-exact replays."""

import ctypes
import gzip
import json
import math
import os
import shutil
import signal
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from harness.bundles import bundle, change_manifest, copy_bundle
from harness.exposition import Exposition
from harness.gateway import MODELS, run_serin

WAIT = 60


def lines_of(folder) -> list[dict]:
    """Every line of every segment, as gzip itself reads them."""
    lines = []
    for segment in sorted(folder.glob("decisions-*.ndjson.gz")):
        lines += [json.loads(line) for line in gzip.decompress(segment.read_bytes()).splitlines()]
    return lines


def counted(gateway) -> Exposition:
    return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def settings(folder, mode="full", **changes) -> dict:
    return {
        "decisions": {"path": str(folder), **changes},
        "models": {"fraud": {"decisions": {"log": mode, "pii": "hash"}, "route": {"stable": "1"}}},
    }


def ask(gateway, rows, datatype="FP32", path="") -> list:
    body = bundle("1").v2(rows, datatype)
    answer = httpx.post(f"{gateway.url}/v2/models/fraud{path}/infer", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["outputs"][0]["data"]


def replay(folder, version, *arguments, code=0) -> dict:
    done = run_serin(
        "replay", folder, "--model", "fraud", "--version", version, "--repository", MODELS, "--json", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_lines_say_what_was_asked_and_answered(start_gateway, tmp_path):
    folder = tmp_path / "log"
    gateway = start_gateway(**settings(folder))
    fraud = bundle("1")
    singles, doubles = fraud.rows("FP32"), fraud.rows("FP64")
    scores = ask(gateway, singles) + ask(gateway, doubles, "FP64") + ask(gateway, singles[:3], path="/versions/1")
    named = fraud.objects(doubles[:2])
    answer = httpx.post(f"{gateway.url}/v1/models/fraud:predict", json={"instances": named}, timeout=30)
    scores += answer.json()["predictions"]
    asked = [*singles, *doubles, *singles[:3], *doubles[:2]]
    wait_for(lambda: counted(gateway).total("serin_decision_log_rows_total") == len(asked), "all rows are written")
    assert counted(gateway).total("serin_decision_log_dropped_total") == 0
    lines = sorted(lines_of(folder), key=lambda line: (line["time"], line["row"]))
    assert len(lines) == len(asked)
    # Requests of one moment may come from two reactors: told apart by their id.
    by_score = {}
    for line in lines:
        by_score.setdefault(line["score"][0], []).append(line)
    for golden, score in zip(asked, scores, strict=True):
        candidates = by_score[score]
        features = {name: value for name, value in zip(fraud.names, golden.row, strict=True)}
        line = next(line for line in candidates if same(line["features"], features, line["input"]))
        assert line["model"] == "fraud" and line["version"] == "1" and line["tier"] == "full"
        assert line["arm"] in ("stable", "pinned") and line["latency_us"] >= 0
        assert line["label"] == int(np.float32(score) >= np.float32(0.5)) and len(line["id"]) == 24
    assert {line["arm"] for line in lines} == {"stable", "pinned"}
    assert len({(line["id"], line["row"]) for line in lines}) == len(lines)
    report = replay(folder, "1", "--amount", "amount")
    assert report["rows"] == report["equal"] == report["own_rows"] == report["own_equal"] == len(asked)
    assert report["flips_to_positive"] == report["flips_to_negative"] == report["difference_max"] == 0
    amounts = [golden.row[0] for golden in asked]
    assert abs(report["amount"] - math.fsum(amounts)) <= 1e-9 * math.fsum(map(abs, amounts))


def same(logged: dict, asked: dict, kind: str) -> bool:
    narrow = np.float32 if kind == "FP32" else np.float64

    def equal(left, right):
        if left is None or right is None or isinstance(left, str) or isinstance(right, str):
            return left == right
        return narrow(left) == narrow(right)

    return logged.keys() == asked.keys() and all(equal(logged[name], asked[name]) for name in asked)


def test_what_would_the_other_version_have_done(start_gateway, tmp_path):
    """Flips and money against the answers of version 2 itself."""
    folder = tmp_path / "log"
    gateway = start_gateway(**settings(folder))
    rows = bundle("1").rows("FP64")
    ones, twos = ask(gateway, rows, "FP64"), ask(gateway, rows, "FP64", path="/versions/2")
    total = 2 * len(rows)
    wait_for(lambda: counted(gateway).total("serin_decision_log_rows_total") == total, "all rows are written")
    report = replay(folder, "2", "--amount", "amount")
    threshold = {version: bundle(version).manifest["output"]["threshold"] for version in "12"}
    before = [np.float32(score) >= np.float32(threshold["1"]) for score in ones]
    after = [score >= threshold["2"] for score in twos]
    up = [golden.row[0] for golden, was, now in zip(rows, before, after) if now and not was]
    down = [golden.row[0] for golden, was, now in zip(rows, before, after) if was and not now]
    assert len(up) + len(down) > 0, "the rows decide nothing: choose others"
    assert (report["flips_to_positive"], report["flips_to_negative"]) == (len(up), len(down))
    assert report["amount_to_positive"] == pytest.approx(sum(up)) and report["rows"] == total
    assert report["amount_to_negative"] == pytest.approx(sum(down))
    assert report["own_rows"] == report["own_equal"] == len(rows)
    assert report["difference_max"] == pytest.approx(max(abs(a - b) for a, b in zip(ones, twos)), rel=1e-6)


def test_a_log_that_is_not_what_it_says(start_gateway, tmp_path):
    folder = tmp_path / "log"
    gateway = start_gateway(**settings(folder))
    ask(gateway, bundle("1").rows("FP32")[:10])
    wait_for(lambda: counted(gateway).total("serin_decision_log_rows_total") == 10, "all rows are written")
    lines = lines_of(folder)
    lines[4]["score"][0] = float(np.nextafter(np.float32(lines[4]["score"][0]), np.float32(1)))
    forged = tmp_path / "forged.ndjson"
    forged.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run_serin("replay", forged, "--model", "fraud", "--version", "1", "--repository", MODELS)
    assert done.returncode == 1 and "1 of 10 rows" in done.stderr, done.stderr
    forged.write_text('{"model":"fraud"}\n')
    done = run_serin("replay", forged, "--model", "fraud", "--version", "1", "--repository", MODELS)
    assert done.returncode == 1 and f"{forged}:1" in done.stderr, done.stderr
    done = run_serin("replay", tmp_path / "no", "--model", "fraud", "--version", "1", "--repository", MODELS)
    assert done.returncode == 1 and "cannot be opened" in done.stderr
    # A segment whose end is missing gives what is before it.
    segment = next(folder.glob("*.gz"))
    whole = segment.read_bytes()
    segment.write_bytes(whole + gzip.compress(json.dumps(lines[0]).encode() + b"\n")[:-9])
    report = replay(folder, "1")
    assert report["cut_off"] == [str(segment)] and report["rows"] >= 10


@pytest.mark.parametrize("personal", ["drop", "hash"])
def test_personal_features_are_never_in_clear(start_gateway, tmp_path, personal):
    repository = tmp_path / "models"

    def mark(manifest):
        for feature in manifest["features"]:
            if feature["name"] in ("amount", "home_country"):
                feature["pii"] = True

    copy_bundle(repository, "1", change_manifest(mark))
    key = tmp_path / "key"
    key.write_text("000102030405060708090a0b0c0d0e0f\n")
    folder = tmp_path / "log"
    changes = settings(folder, key=str(key))
    changes["models"]["fraud"]["decisions"]["pii"] = personal
    gateway = start_gateway(repository=repository, **changes)
    rows = bundle("1").rows("FP32")[:40]
    ask(gateway, rows + rows)
    wait_for(lambda: counted(gateway).total("serin_decision_log_rows_total") == 80, "all rows are written")
    lines = sorted(lines_of(folder), key=lambda line: line["row"])
    for golden, line, again in zip(rows, lines[:40], lines[40:]):
        if personal == "drop":
            assert "amount" not in line["features"] and "home_country" not in line["features"]
        else:
            for name in ("amount", "home_country"):
                hashed = line["features"][name]
                if golden.row[bundle("1").names.index(name)] is None:
                    assert hashed is None
                    continue
                assert hashed.startswith("#") and len(hashed) == 17 and hashed == again["features"][name]
    if personal == "hash":
        countries = {golden.row[6] for golden in rows}
        assert len({line["features"]["home_country"] for line in lines}) == len(countries)
    report = replay(folder, "1")
    assert report["rows"] == 0 and report["unreadable"] == 80 and report["reason"]


def test_sampled_rotated_and_bounded(start_gateway, tmp_path):
    folder = tmp_path / "log"
    gateway = start_gateway(**settings(folder, segment_bytes="1MiB", keep_bytes="3MiB", buffer_bytes="32MiB"))
    generator = np.random.default_rng(1)
    rows = generator.random((1000, 32)) * 50
    rows[:, [2, 3, 4, 5, 6, 7, 11, 29]] = 1
    rows[:, 12:19] = np.floor(rows[:, 12:19]) + 1
    rows[:, [24, 28, 30]] = np.floor(rows[:, [24, 28, 30]]) + 1
    rows[:, [1, 31]] = 0.5
    body = {"inputs": [{"name": "features", "shape": [1000, 32], "datatype": "FP64", "data": rows.flatten().tolist()}]}
    with httpx.Client(timeout=30) as client:
        for _ in range(30):
            answer = client.post(f"{gateway.url}/v2/models/fraud/infer", json=body)
            assert answer.status_code == 200, answer.text
    wait_for(lambda: counted(gateway).total("serin_decision_log_rows_total") == 30_000, "the rows are written")
    segments = sorted(folder.glob("decisions-*.ndjson.gz"))
    assert 1 < len(segments) <= 3 and sum(segment.stat().st_size for segment in segments) <= 3 << 20
    assert segments[0].name > "decisions-000000000001.ndjson.gz", "the oldest is gone"
    assert 0 < len(lines_of(folder)) < 30_000
    report = replay(folder, "1")
    assert report["rows"] == report["own_equal"] == len(lines_of(folder))


def test_off_and_sampled(start_gateway, tmp_path):
    (gateway, folder) = (start_gateway(**settings(tmp_path / "off", mode="off")), tmp_path / "off")
    ask(gateway, bundle("1").rows("FP32")[:10])
    assert lines_of(folder) == []
    folder = tmp_path / "sampled"
    changes = settings(folder, mode="sampled")
    changes["models"]["fraud"]["decisions"]["sample"] = 4
    gateway = start_gateway(**changes)
    with httpx.Client(timeout=30) as client:
        for _ in range(800):
            body = bundle("1").v2(bundle("1").rows("FP32")[:1], "FP32")
            assert client.post(f"{gateway.url}/v2/models/fraud/infer", json=body).status_code == 200
    wait_for(lambda: counted(gateway).total("serin_decision_log_rows_total") > 100, "some rows are written")
    gateway.process.send_signal(signal.SIGTERM)
    gateway.process.wait(WAIT)
    assert 100 < len(lines_of(folder)) < 320, "one in four of 800, far beyond chance otherwise"


def test_a_disk_that_is_full(start_gateway, tmp_path):
    """No byte can be written: every request is answered, what is lost is counted, and the log says so."""
    folder = tmp_path / "log"
    prefix = ("prlimit", "--fsize=4096", "sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")
    if not shutil.which("prlimit"):
        pytest.skip("no prlimit")
    gateway = start_gateway(prefix=prefix, **settings(folder))
    rows = bundle("1").rows("FP32")
    for _ in range(20):
        ask(gateway, rows)
    lost = lambda: counted(gateway).total("serin_decision_log_dropped_total", reason="write")
    written = lambda: counted(gateway).total("serin_decision_log_rows_total")
    wait_for(lambda: lost() + written() == 20 * len(rows), "every row is written or counted")
    assert lost() > 0
    lines = lines_of(folder)
    assert len(lines) == written(), "what is there is whole"
    gateway.wait_for_log("decision log: .*cannot be written", WAIT)


class Stopped:
    """One thread of a process that does not run, as one that hangs in a write does not."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17

    def __init__(self, pid: int, name: str):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long] * 4
        self.thread = next(
            int(task) for task in os.listdir(f"/proc/{pid}/task")
            if Path(f"/proc/{pid}/task/{task}/comm").read_text().strip() == name)

    def __enter__(self):
        if self.libc.ptrace(self.SEIZE, self.thread, 0, 0) != 0:
            pytest.skip("ptrace is not allowed here")
        assert self.libc.ptrace(self.INTERRUPT, self.thread, 0, 0) == 0
        os.waitpid(self.thread, 0x40000000)
        return self

    def __exit__(self, *_):
        assert self.libc.ptrace(self.DETACH, self.thread, 0, 0) == 0


def test_a_disk_that_stalls(start_gateway, tmp_path):
    """The writer hangs: requests are answered all the same, and what the rings cannot hold is counted."""
    folder = tmp_path / "log"
    gateway = start_gateway(**settings(folder, buffer_bytes="64KiB"))
    rows = bundle("1").rows("FP32")
    body = bundle("1").v2(rows, "FP32")
    sent = 0
    with httpx.Client(timeout=30) as client, Stopped(gateway.process.pid, "decisions"):
        while counted(gateway).total("serin_decision_log_dropped_total", reason="full") == 0:
            assert client.post(f"{gateway.url}/v2/models/fraud/infer", json=body).status_code == 200
            sent += len(rows)
            assert sent < 20_000, "a ring of 64 KiB never fills"
        assert counted(gateway).total("serin_decision_log_rows_total") == 0
    assert ask(gateway, rows), "and afterwards"
    sent += len(rows)
    names = ("serin_decision_log_rows_total", "serin_decision_log_dropped_total")
    wait_for(lambda: sum(counted(gateway).total(name) for name in names) == sent, "every row is written or counted")
    written = counted(gateway).total("serin_decision_log_rows_total")
    assert written > 0 and len(lines_of(folder)) == written
    assert replay(folder, "1")["own_equal"] == written
