"""The metrics port against what was really sent."""

import json

import httpx
import pytest

from conftest import make_client
from harness.bundles import VERSIONS
from harness.exposition import Exposition

COUNT = "serin_requests_total"
DURATION = "serin_request_duration_seconds"


def test_the_text_is_strict_and_has_its_content_type(gateway, scrape):
    answer = httpx.get(gateway.metrics_url + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    metrics = Exposition(answer.text)
    assert metrics.types[COUNT] == "counter" and metrics.types[DURATION] == "histogram"
    assert all(metrics.help.values())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("protocol", [1, 2])
def test_counts_agree_with_requests(gateway, scrape, fraud, version, protocol):
    body = json.dumps(fraud.v2(fraud.rows("FP32")[:2], "FP32"))
    labels = {"model": "fraud", "version": version}
    before = scrape()
    with make_client(gateway, protocol) as client:
        for _ in range(23):
            assert client.post(f"/v2/models/fraud/versions/{version}/infer", content=body).status_code == 200
        for _ in range(7):
            assert client.post(f"/v2/models/fraud/versions/{version}/infer", content="{").status_code == 400
        client.get(f"/v2/models/fraud/versions/{version}")
    after = scrape()

    def grown(name, **more):
        return after.total(name, **labels, **more) - before.total(name, **labels, **more)

    assert grown(COUNT, outcome="ok") == 23
    assert grown(COUNT, outcome="client_error") == 7
    assert grown(COUNT) == 30
    # Failures are in the histogram too: without them a model that fails fast would look quick.
    assert grown(DURATION + "_count") == 30
    assert 0 < grown(DURATION + "_sum") < 30 * 0.1


@pytest.mark.parametrize("budget, edge", [("7ms", 0.007), ("10ms", 0.01), ("1234us", 0.001234)])
def test_the_budget_is_an_edge(start_gateway, fraud, budget, edge):
    gateway = start_gateway(models={"fraud": {"budget": budget}})
    body = fraud.v2(fraud.rows("FP32")[:1], "FP32")
    assert httpx.post(gateway.url + "/v2/models/fraud/infer", json=body).status_code == 200
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics").text)
    assert edge in metrics.edges(DURATION, model="fraud")


def test_nothing_is_in_flight_at_rest(scrape):
    assert scrape().total("serin_inflight") == 0


def test_process_metrics(gateway, scrape):
    metrics = scrape()
    resident = metrics.total("process_resident_memory_bytes")
    assert abs(resident - gateway.resident_bytes()) < 16 << 20
    assert 5 < metrics.total("process_open_fds") < 200
    assert metrics.types["process_cpu_seconds_total"] == "counter"
    assert metrics.total("process_cpu_seconds_total") > 0


def test_labels_are_bounded(gateway, scrape):
    """What a client makes up never becomes a label."""
    before = len(scrape().samples)
    with make_client(gateway, 1) as client:
        for index in range(50):
            client.post(f"/v2/models/made-up-{index}/infer", content="{}")
            client.get(f"/path/{index}")
    after = scrape()
    assert len(after.samples) <= before + 5
    assert not any("made-up" in value for _, labels in after.samples for _, value in labels)
