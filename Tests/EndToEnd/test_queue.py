"""The lane of executors: the same answers, no more than there is room for, and an answer in time whatever happens."""

import json
import time

import grpc
import httpx
import pytest

from harness import calls
from harness.bundles import assert_scores, change_manifest, copy_bundle
from harness.exposition import Exposition
from harness.gateway import Gateway
from harness.http2 import Http2

PATH = "/v2/models/fraud/infer"
PINNED = "/v2/models/fraud/versions/2/infer"


def serve(folder, faults=None, allow=True, executors=None, **model):
    """Both bundles, version 1 stable and with `faults`; `model`: its configuration."""
    repository = folder / "models"
    for version in ("1", "2"):
        wanted = (faults or {}).get(version)
        copy_bundle(repository, version, wanted and change_manifest(lambda manifest: manifest.update(fault=wanted)))
    model = {"route": {"stable": "1"}, **model}
    gateway = Gateway(
        folder / "gateway", repository, reactors=1, executors={"threads": 1, **(executors or {})}, models={"fraud": model}
    )
    if allow:
        gateway.command.append("--allow-faults")
    return gateway


def scrape(gateway) -> Exposition:
    return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)


def body_of(fraud, rows, datatype="FP32", **more) -> bytes:
    return json.dumps({**fraud.v2(rows, datatype), **more}).encode()


def scores(stream):
    return stream.json()["outputs"][0]["data"]


@pytest.fixture
def row(fraud):
    return fraud.rows("FP32")[:1]


def test_executors_give_every_request_its_own_scores(installed, tmp_path, fraud):
    """Sixty-four requests of one to four rows at once, in batches of at most eight rows: each gets its own, in order."""
    rows = fraud.rows("FP32")[:40]
    with serve(tmp_path, queue={"lane": "pooled", "batch_rows": 8}, executors={"threads": 2}) as gateway:
        with Http2(gateway.port) as client:
            asked = [rows[index % 30 : index % 30 + 1 + index % 4] for index in range(64)]
            streams = [client.open(PATH, body_of(fraud, part)) for part in asked]
            for part, identifier in zip(asked, streams, strict=True):
                stream = client.wait(identifier)
                assert stream.status == 200 and stream.headers["serin-tier"] == "full"
                assert_scores(scores(stream), part, fraud.score_type)
            whole = client.request(PATH, body_of(fraud, rows))
            assert_scores(scores(whole), rows, fraud.score_type)
        metrics = scrape(gateway)
        assert metrics.total("serin_batch_size_sum", version="1") == sum(map(len, asked)) + len(rows)
        assert metrics.total("serin_batch_size_count", version="1") >= (sum(map(len, asked)) + len(rows)) / 8
        assert metrics.total("serin_inflight") == 0 and metrics.total("serin_queue_requests") == 0


def test_a_batch_lingers_for_company(installed, tmp_path, fraud, row):
    with serve(tmp_path, queue={"linger": "1s", "batch_rows": 2}) as gateway:
        with Http2(gateway.port) as client:
            first = client.open(PATH, body_of(fraud, row))
            time.sleep(0.05)
            second = client.open(PATH, body_of(fraud, row))
            started = time.monotonic()
            assert client.wait(first).status == client.wait(second).status == 200
            assert time.monotonic() - started < 0.9
        assert scrape(gateway).total("serin_batch_size_count", version="1") == 1


def test_a_fault_needs_the_flag(installed, tmp_path):
    with serve(tmp_path, {"2": {"nan": True}}, allow=False) as gateway:
        assert "fraud/2 stays out: its manifest has a fault, which needs --allow-faults" in gateway.log()


def test_what_is_no_score_is_an_error_of_the_model(installed, tmp_path, fraud, row):
    with serve(tmp_path, {"1": {"nan": True}, "2": {"errors": 0.25}}) as gateway:
        with Http2(gateway.port) as client:
            stream = client.request(PATH, body_of(fraud, row))
            assert stream.status == 500 and stream.json() == {
                "error": "the model gave a score that is not a finite number"
            }
            found = [client.request(PINNED, body_of(fraud, row)).status for _ in range(20)]
            assert sorted(found) == [200] * 15 + [500] * 5
        assert scrape(gateway).total("serin_requests_total", outcome="model_error") == 6


# The ladder

TIERS = [{"version": "2", "reserve": "60ms"}, {"constant": {"score": 0.25, "label": 1}, "reserve": "10ms"}]


def test_a_smaller_model_answers_before_the_deadline(installed, tmp_path, fraud, row):
    """Version 1 hangs for five seconds a batch: each request is answered by version 2, and says so."""
    with serve(tmp_path, {"1": {"hang": True}}, fallback=TIERS, timeout={"default": "200ms"}) as gateway:
        with Http2(gateway.port) as client:
            golden = [r for r in fraud.rows("FP32")[:3]]
            reference = client.request(PINNED, body_of(fraud, golden))
            started = time.monotonic()
            stream = client.request(PATH, body_of(fraud, golden, id="a"))
            assert stream.status == 200 and time.monotonic() - started < 0.2 + 0.05
            assert stream.headers["serin-tier"] == "fallback" and stream.headers["serin-version"] == "2"
            answer = stream.json()
            assert answer["parameters"]["serin-tier"] == "fallback" and answer["model_version"] == "2"
            assert answer["id"] == "a" and scores(stream) == scores(reference)
            refused = client.request(PATH, body_of(fraud, row), headers=[("serin-fallback", "no")])
            assert refused.status in (503, 504)
        metrics = scrape(gateway)
        assert metrics.total("serin_requests_total", version="1", tier="fallback", outcome="ok") == 1
        assert metrics.total("serin_inflight") == 0


def test_a_constant_answers_when_both_models_hang(installed, tmp_path, fraud, row):
    hang = {"1": {"hang": True}, "2": {"hang": True}}
    with serve(tmp_path, hang, fallback=TIERS, timeout={"default": "150ms"}) as gateway:
        with Http2(gateway.port) as client:
            for shape in (["score"], ["label", "score"]):
                started = time.monotonic()
                stream = client.request(PATH, body_of(fraud, row, outputs=[{"name": name} for name in shape]))
                assert stream.status == 200 and time.monotonic() - started < 0.15 + 0.05
                assert stream.headers["serin-tier"] == "fallback"
                data = {output["name"]: output["data"] for output in stream.json()["outputs"]}
                assert data["score"] == [0.25] and data.get("label", [1]) == [1]
            # A constant has no margin.
            stream = client.request(PATH, body_of(fraud, row, outputs=[{"name": "margin"}]))
            assert stream.status == 504


def test_a_call_past_its_deadline_is_deadline_exceeded(installed, tmp_path, fraud, row):
    with serve(tmp_path, {"1": {"hang": True}}, timeout={"default": "100ms"}) as gateway:
        with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
            with pytest.raises(grpc.RpcError) as error:
                calls.stub(channel).ModelInfer(calls.infer_request(fraud, row))
            assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


# Supervision

def test_a_stuck_executor_is_replaced(installed, tmp_path, fraud, row):
    """One executor, stuck in version 1: version 2 is scored by another thread as soon as that is noticed."""
    with serve(
        tmp_path, {"1": {"hang": True}}, queue={"lane": "pooled"}, timeout={"default": "100ms"}, executors={"stuck": "50ms"}
    ) as gateway:
        with Http2(gateway.port) as client:
            assert client.request(PATH, body_of(fraud, row)).status == 504
            gateway.wait_for_log("fraud/1: an executor is stuck in a batch since .* another thread has taken its place", 5)
            found = [client.request(PINNED, body_of(fraud, row)).status for _ in range(20)]
            assert found == [200] * 20
            # As many threads as may run it are stuck in it: what comes now is refused at once.
            started = time.monotonic()
            stream = client.request(PATH, body_of(fraud, row))
            assert stream.status == 503 and stream.headers["retry-after"] == "1" and time.monotonic() - started < 0.09
        metrics = scrape(gateway)
        assert metrics.total("serin_executor_stuck_total", version="1") == 1
        assert metrics.total("serin_shed_total", version="1", reason="stuck") == 1
        assert metrics.total("serin_executors") == 2
        # It comes back: what it brings is dropped, and the version is served again.
        deadline = time.monotonic() + 10
        while scrape(gateway).total("serin_late_results_total", version="1") < 1:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert scrape(gateway).total("serin_executors") == 1


# Admission and priority

def test_what_has_no_room_is_refused_at_once(installed, tmp_path, fraud, row):
    """Four may wait behind a model that takes 50 ms a request: the others get 503 and when to come back."""
    queue = {"requests": 4, "batch_rows": 1, "target": "1m"}
    with serve(tmp_path, {"1": {"delay": "50ms"}}, queue=queue) as gateway:
        with Http2(gateway.port) as client:
            streams = [client.wait(one) for one in client.open_at_once(20, PATH, body_of(fraud, row))]
            refused = [stream for stream in streams if stream.status == 503]
            assert 14 <= len(refused) <= 16 and all(stream.headers["retry-after"] == "1" for stream in refused)
            assert all(stream.status in (200, 503) for stream in streams)
            with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
                futures = [calls.stub(channel).ModelInfer.future(calls.infer_request(fraud, row)) for _ in range(20)]
                codes = [future.code() for future in futures]
                assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        metrics = scrape(gateway)
        assert metrics.total("serin_shed_total", reason="queue_full", priority="normal") >= 14
        assert metrics.total("serin_requests_total", outcome="shed") == metrics.total("serin_shed_total")


def test_what_cannot_be_in_time_is_refused_and_not_late(installed, tmp_path, fraud, row):
    queue = {"batch_rows": 1, "target": "1m"}
    with serve(tmp_path, {"1": {"delay": "30ms"}}, queue=queue) as gateway:
        with Http2(gateway.port) as client:
            fields = [("serin-timeout-ms", "200")]
            client.request(PATH, body_of(fraud, row))
            started = time.monotonic()
            opened = client.open_at_once(40, PATH, body_of(fraud, row), fields)
            streams = {one: client.streams[one] for one in opened}
            while not all(stream.ended for stream in streams.values()):
                client.poll(5)
                if time.monotonic() - started < 0.02:
                    early = sum(stream.status == 503 for stream in streams.values())
            found = [stream.status for stream in streams.values()]
            assert 1 <= found.count(200) <= 7 and found.count(503) >= 33 and found.count(504) == 0, found
        assert scrape(gateway).total("serin_shed_total", reason="deadline") == found.count(503)
        assert early > 0


def test_the_higher_class_goes_first(installed, tmp_path, fraud, row):
    queue = {"batch_rows": 1, "target": "1m"}
    with serve(tmp_path, {"1": {"delay": "10ms"}}, queue=queue) as gateway:
        with Http2(gateway.port) as client:
            low = [client.open(PATH, body_of(fraud, row), headers=[("serin-priority", "low")]) for _ in range(30)]
            high = client.open(PATH, body_of(fraud, row), headers=[("serin-priority", "high")])
            assert client.wait(high).status == 200
            assert sum(client.streams[one].ended for one in low) <= 8
            assert all(client.wait(one).status == 200 for one in low)


def test_a_cancelled_request_is_not_scored(installed, tmp_path, fraud, row):
    from hyperframe import frame as frames

    with serve(tmp_path, {"1": {"delay": "50ms"}}, queue={"batch_rows": 1, "target": "1m"}) as gateway:
        with Http2(gateway.port) as client:
            opened = client.open_at_once(6, PATH, body_of(fraud, row))
            client.write(*(frames.RstStreamFrame(one, error_code=8) for one in opened[3:]))
            assert all(client.wait(one).status == 200 for one in opened[:3])
            assert client.request(PATH, body_of(fraud, row)).status == 200
        metrics = scrape(gateway)
        assert metrics.total("serin_unexecuted_total", version="1", reason="cancelled") == 3
        assert metrics.total("serin_batch_size_sum", version="1") == 4


@pytest.mark.parametrize("name, value", [("serin-priority", "urgent"), ("serin-fallback", "maybe"), ("serin-priority", "")])
def test_unknown_words_are_refused(gateway, fraud, row, name, value):
    with Http2(gateway.port) as client:
        stream = client.request("/v2/models/fraud/versions/1/infer", body_of(fraud, row), headers=[(name, value)])
        assert stream.status == 400 and stream.json()["error"].startswith(f"{name}: expected")
