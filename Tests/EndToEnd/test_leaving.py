"""When a version may leave: not before its last request is answered, and not while another one falls back on it."""

import threading
import time

from harness.admin import Admin
from harness.bundles import assert_scores
from harness.http2 import Http2
from test_queue import PATH, PINNED, body_of, scores, scrape, serve

TIERS = [{"version": "2", "reserve": "60ms"}, {"constant": {"score": 0.25, "label": 1}, "reserve": "10ms"}]


def states_become(admin, wanted: dict):
    deadline = time.monotonic() + 10
    while admin.states() != wanted:
        assert time.monotonic() < deadline, admin.states()
        time.sleep(0.01)


def test_a_version_leaves_when_its_last_request_is_answered(installed, tmp_path, fraud):
    """Version 1 takes 400 ms a batch; it is unloaded while it runs one and another one waits for it."""
    rows = fraud.rows("FP32")[:3]
    with serve(tmp_path, {"1": {"delay": "400ms"}}, queue={"lane": "pooled", "batch_rows": 3}) as gateway:
        with Admin(gateway) as admin, Http2(gateway.port) as client:
            asked = [client.open(PATH, body_of(fraud, rows)) for _ in range(2)]
            deadline = time.monotonic() + 5
            while scrape(gateway).total("serin_inflight") < 2:
                assert time.monotonic() < deadline
            assert admin.act("/models/fraud:switch", {"version": "2", "bake": "0s"}).status_code == 200
            told = []
            unload = threading.Thread(target=lambda: told.append(admin.act("/models/fraud/versions/1:unload")))
            unload.start()
            with Admin(gateway) as other:
                while (state := other.states()["1"]) == "AVAILABLE":
                    time.sleep(0.001)
                assert state == "UNLOADING"
                # Nobody reaches it any more, and nobody waits for it.
                stream = client.request(PATH, body_of(fraud, rows))
                assert stream.status == 200 and stream.headers["serin-version"] == "2"
                assert client.request(PATH.replace("/infer", "/versions/1/infer"), body_of(fraud, rows)).status == 404
                assert other.states()["1"] == "UNLOADING"
                for identifier in asked:
                    stream = client.wait(identifier)
                    assert stream.status == 200 and stream.headers["serin-version"] == "1"
                    assert_scores(scores(stream), rows, fraud.score_type)
                unload.join()
                assert told[0].status_code == 200
                states_become(other, {"1": "END", "2": "AVAILABLE"})
        assert scrape(gateway).total("serin_inflight") == 0


def test_a_client_that_is_gone_leaves_its_version_to_the_executor(installed, tmp_path, fraud):
    rows = fraud.rows("FP32")[:1]
    with serve(tmp_path, {"1": {"delay": "300ms"}}, queue={"lane": "pooled"}) as gateway:
        with Admin(gateway) as admin:
            with Http2(gateway.port) as client:
                client.open(PATH, body_of(fraud, rows))
                deadline = time.monotonic() + 5
                while scrape(gateway).total("serin_inflight") < 1:
                    assert time.monotonic() < deadline
            assert admin.act("/models/fraud:switch", {"version": "2", "bake": "0s"}).status_code == 200
            assert admin.act("/models/fraud/versions/1:unload").status_code == 200
            states_become(admin, {"1": "END", "2": "AVAILABLE"})
            assert admin.act("/models/fraud/versions/1:load").status_code == 200
            with Http2(gateway.port) as client:
                stream = client.request(PATH.replace("/infer", "/versions/1/infer"), body_of(fraud, rows))
                assert stream.status == 200
                assert_scores(scores(stream), rows, fraud.score_type)


def test_a_tier_is_not_unloaded(installed, tmp_path):
    with serve(tmp_path, fallback=TIERS) as gateway, Admin(gateway) as admin:
        answer = admin.act("/models/fraud/versions/2:unload")
        assert answer.status_code == 409 and "fallback of version 1" in answer.json()["detail"]
        assert admin.states() == {"1": "AVAILABLE", "2": "AVAILABLE"}


def test_a_tier_that_is_loaded_later_answers_from_then_on(installed, tmp_path, fraud):
    """The ladder follows the routes: while version 2 is not there, the constant answers in its place."""
    rows = fraud.rows("FP32")[:2]
    with serve(
        tmp_path, {"1": {"delay": "1s"}}, fallback=TIERS, timeout={"default": "200ms"}, load=["1"], queue={"lane": "pooled"},
        executors={"stuck": "50ms"},
    ) as gateway:
        assert "fraud/1: fallback: the version of a tier is not loaded" in gateway.log()
        with Admin(gateway) as admin, Http2(gateway.port) as client:
            first = client.request(PATH, body_of(fraud, rows))
            assert first.status == 200 and first.headers["serin-tier"] == "fallback"
            assert scores(first) == [0.25, 0.25]
            assert admin.act("/models/fraud/versions/2:load").status_code == 200
            second = client.request(PATH, body_of(fraud, rows))
            assert second.status == 200 and second.headers["serin-tier"] == "fallback"
            assert second.headers["serin-version"] == "2"
            assert scores(second) == scores(client.request(PINNED, body_of(fraud, rows)))
            assert admin.model()["versions"][0]["requests"]["fallback"] == 2
        metrics = scrape(gateway)
        assert metrics.total("serin_requests_total", version="1", tier="fallback", arm="stable", outcome="ok") == 2

