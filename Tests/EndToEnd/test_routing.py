"""Where requests go, seen by a client: canary, arms, stickiness, segments, labels, override."""

import collections

import httpx
import pytest

from harness.admin import Admin
from harness.bundles import assert_scores, bundle

PATH = "/v1/models/fraud"


@pytest.fixture
def routed(start_gateway):
    gateway = start_gateway()
    with Admin(gateway) as admin, httpx.Client(base_url=gateway.url, timeout=10) as client:
        yield gateway, admin, client


@pytest.fixture
def instance(fraud):
    return fraud.objects(fraud.rows("FP64")[:1] or fraud.rows("FP32")[:1])[0]


def ask(client, instance, path=":predict", **headers) -> httpx.Response:
    return client.post(PATH + path, json={"instances": [instance]}, headers=headers)


def arm(answer) -> tuple[str, str]:
    assert answer.status_code == 200, answer.text
    return answer.headers["serin-arm"], answer.headers["serin-version"]


def test_a_canary_gets_its_share_and_its_own_scores(routed, fraud):
    gateway, admin, client = routed
    assert admin.put_route({"stable": "1", "canary": {"version": "2", "percent": 50}}).status_code == 200
    row = fraud.rows("FP32")[0]
    other = next(golden for golden in bundle("2").golden)
    arms = collections.Counter()
    for _ in range(200):
        answer = ask(client, fraud.objects([row])[0])
        arms[arm(answer)] += 1
        if answer.headers["serin-version"] == "1":
            assert_scores(answer.json()["predictions"], [row], fraud.score_type)
    assert set(arms) == {("stable", "1"), ("canary", "2")} and 60 <= arms["canary", "2"] <= 140
    assert other.score
    assert admin.put_route({"stable": "1", "canary": {"version": "2", "percent": 0}}).status_code == 200
    assert {arm(ask(client, fraud.objects([row])[0])) for _ in range(50)} == {("stable", "1")}


def test_a_key_stays_on_its_arm(routed, instance):
    gateway, admin, client = routed
    route = {"stable": "1", "sticky": {"header": "serin-key", "salt": "pepper"}}
    before = {}
    for percent in (1, 5, 25, 100, 0):
        assert admin.put_route({**route, "canary": {"version": "2", "percent": percent}}).status_code == 200
        now = {key: arm(ask(client, instance, **{"serin-key": f"k{key}"}))[0] for key in range(60)}
        again = {key: arm(ask(client, instance, **{"serin-key": f"k{key}"}))[0] for key in range(60)}
        assert now == again
        if percent:
            assert all(now[key] == "canary" for key, was in before.items() if was == "canary")
        else:
            assert set(now.values()) == {"stable"}
        before = now


def test_a_sticky_feature_and_a_segment_by_feature(routed, fraud):
    gateway, admin, client = routed
    rows = [golden for golden in fraud.golden if isinstance(golden.row[fraud.names.index("merchant_country")], str)][:20]
    countries = {golden.row[fraud.names.index("merchant_country")] for golden in rows}
    chosen = sorted(countries)[0]
    answer = admin.put_route({
        "stable": "1",
        "segments": [{"name": "one", "when": {"feature": "merchant_country", "in": [chosen]}, "version": "2"}],
        "sticky": {"feature": "amount"},
        "arms": [{"name": "half", "version": "2", "percent": 50}],
    })
    assert answer.status_code == 200, answer.text
    seen = set()
    for golden in rows:
        first, second = (arm(ask(client, fraud.objects([golden])[0])) for _ in range(2))
        assert first == second
        if golden.row[fraud.names.index("merchant_country")] == chosen:
            assert first == ("segment", "2")
        else:
            assert first in {("stable", "1"), ("half", "2")}
        seen.add(first)
    assert ("segment", "2") in seen


def test_headers_labels_and_overrides(routed, instance):
    gateway, admin, client = routed
    route = {
        "stable": "1", "labels": {"next": "2"}, "override": True,
        "segments": [{"name": "clinic", "when": {"header": "X-Clinic", "in": ["north", "south"]}, "version": "2"}],
    }
    assert admin.put_route(route).status_code == 200
    assert arm(ask(client, instance)) == ("stable", "1")
    assert arm(ask(client, instance, **{"x-clinic": "south"})) == ("segment", "2")
    assert arm(ask(client, instance, **{"x-clinic": "west"})) == ("stable", "1")
    assert arm(ask(client, instance, **{"x-clinic": "south", "serin-version": "1"})) == ("override", "1")
    assert ask(client, instance, **{"serin-version": "9"}).status_code == 404
    assert arm(ask(client, instance, path="/labels/next:predict")) == ("pinned", "2")
    assert ask(client, instance, path="/labels/last:predict").status_code == 404
    assert admin.put_route({**route, "override": False}).status_code == 200
    assert arm(ask(client, instance, **{"serin-version": "2"})) == ("stable", "1")


@pytest.mark.parametrize(("route", "status", "text"), [
    ({"stable": "1", "canary": {"version": "2", "percent": 100.5}}, 400, "0 to 100"),
    ({"stable": "1", "canary": {"version": "2", "percent": "5"}}, 400, "canary.percent"),
    ({"stable": "1", "canary": {"version": "2", "percent": 60}, "arms": [{"name": "b", "version": "2", "percent": 60}]}, 422,
     "above 100"),
    ({"stable": "9"}, 409, "version 9 is not ready"),
    ({"stable": "1", "canary": {"version": "9", "percent": 0}}, 409, "version 9 is not ready"),
    ({"stable": "1", "labels": {"a": "9"}}, 409, "label a: version 9 is not ready"),
    ({"stable": "1", "sticky": {"feature": "colour"}}, 409, "no feature"),
    ({"stable": "1", "segments": [{"name": "s", "when": {"feature": "merchant_country", "in": ["Narnia"]}, "version": "2"}]}, 409,
     "no value of merchant_country"),
    ({"stable": "1", "arms": [{"name": "canary", "version": "2", "percent": 1}]}, 422, "an arm of its own"),
])
def test_a_wrong_route_is_refused_and_nothing_changes(routed, route, status, text):
    gateway, admin, client = routed
    before = admin.model()["generation"]
    answer = admin.put_route(route)
    assert answer.status_code == status and text in answer.json()["detail"], answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert admin.model()["generation"] == before


def test_a_shadow_is_compared_and_nobody_sees_it(routed, fraud):
    from harness.exposition import Exposition
    import time

    gateway, admin, client = routed
    assert admin.put_route({"stable": "1", "shadow": [{"version": "2", "percent": 100}]}).status_code == 200
    rows = fraud.rows("FP32")[:16]
    for _ in range(10):
        for golden in rows:
            assert arm(ask(client, fraud.objects([golden])[0])) == ("stable", "1")

    def total(name, **labels):
        return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text).total(name, **labels)

    deadline = time.monotonic() + 20
    while total("serin_shadow_total", version="2") < 160:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert total("serin_shadow_total", version="2", outcome="model_error") == 0
    compared = total("serin_shadow_total", version="2", outcome="ok")
    assert compared > 0 and total("serin_shadow_score_difference_millionths_count", version="2") == compared
    assert total("serin_shadow_duration_seconds_count", version="2") == compared
    assert total("serin_requests_total", version="2", outcome="ok") == 0
    # A shadow that is not wanted any more can go.
    assert admin.put_route({"stable": "1"}).status_code == 200
    assert admin.act("/models/fraud/versions/2:unload").status_code == 200
    deadline = time.monotonic() + 10
    while admin.states()["2"] != "END":
        assert time.monotonic() < deadline
        time.sleep(0.05)
