"""Rules, dashboard and exposition by a real Prometheus (Debian's): everything shipped loads, and gives data."""

import json
import re
import subprocess
import time

import httpx
import numpy as np
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from test_drift import sampled, send

from harness.admin import Admin
from harness.exposition import Exposition
from harness.gateway import ROOT
from harness.http2 import Http2
from harness.prometheus import SHIPPED, Prometheus

RULES = ["burn-rates.yaml", "recordings.yaml", "alerts.yaml"]
DASHBOARD = json.loads((ROOT / "config" / "grafana" / "serin.json").read_text())
OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
INFER = "/v2/models/fraud/infer"
#: What the contract names.
CONTRACT = {
    "serin_requests_total": {"model", "version", "arm", "tier", "outcome"},
    "serin_request_duration_seconds": {"model", "version"}, "serin_queue_duration_seconds": {"model", "version"},
    "serin_compute_duration_seconds": {"model", "version"}, "serin_batch_size": {"model", "version"},
    "serin_inflight": set(), "serin_shed_total": {"model", "version", "priority", "reason"},
    "serin_route_weight_ratio": {"model", "version", "arm"}, "serin_rollout_state": {"model", "state"},
    "serin_model_info": {"model", "version", "format", "digest"},
    "serin_feature_drift_psi": {"model", "version", "feature", "window"}, "serin_score": {"model", "version"},
    "process_cpu_seconds_total": set(), "process_resident_memory_bytes": set(), "process_open_fds": set(),
    "process_max_fds": set(), "process_start_time_seconds": set(), "process_virtual_memory_bytes": set(),
}
PLAN = (
    "horizon: 1h\nrate: 1000/s\nguards: {late: 50%, errors: 50%, scores: off, decisions: off}\n"
    "steps: [{percent: 50, max: 10m, min: 10m}]\nbake: 1m\n")


def rules() -> list[dict]:
    return [
        rule for name in RULES for group in yaml.safe_load((SHIPPED / name).read_text())["groups"]
        for rule in group["rules"]]


def panels() -> list[dict]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def call(gateway, path: str):
    """A gRPC call of a method that there is not."""
    with Http2(gateway.port) as connection:
        assert connection.request(path, b"\0\0\0\0\0", headers=[("content-type", "application/grpc")]).status == 200


# Without a gateway


@pytest.mark.parametrize("command", [["check", "rules", *RULES], ["check", "config", "prometheus.yaml"],
                                     ["test", "rules", "burn-rates.test.yaml", "alerts.test.yaml"]])
def test_promtool(installed, command):
    done = subprocess.run(["promtool", *command], cwd=SHIPPED, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_runbook_and_a_test():
    headings = {
        line.removeprefix("## ").strip().lower().replace(" ", "-")
        for line in (SHIPPED / "runbooks.md").read_text().splitlines() if line.startswith("## ")}
    tested = {
        case["alertname"] for name in ("burn-rates.test.yaml", "alerts.test.yaml")
        for test in yaml.safe_load((SHIPPED / name).read_text())["tests"] for case in test["alert_rule_test"]
        if case["exp_alerts"]}
    alerts = [rule for rule in rules() if "alert" in rule]
    linked = set()
    for alert in alerts:
        path, _, heading = alert["annotations"]["runbook_url"].partition("#")
        assert ROOT / path == SHIPPED / "runbooks.md" and heading in headings, alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket") and {"summary", "description"} <= set(alert["annotations"])
        linked.add(heading)
    assert linked == headings, "a runbook that no alert leads to"
    # That the slow burns fire takes three days of samples; that they do not is tested.
    assert {alert["alert"] for alert in alerts} - tested == {"SerinFailuresBurnSlowly", "SerinLatenessBurnsSlowly"}


def test_the_dashboard_is_whole():
    identifiers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"} and panel["description"]
        assert panel["targets"] and panel["fieldConfig"]["defaults"].get("unit", "") or panel["type"] == "heatmap"
        for target in panel["targets"]:
            used = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}
            assert used <= set(variables), target["expr"]
    places = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in DASHBOARD["panels"]]
    assert places == sorted(places) and all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in DASHBOARD["panels"])


# The page itself


def test_openmetrics_for_those_who_ask(gateway, fraud):
    body = fraud.v2(fraud.rows("FP32")[:1], "FP32")
    for flags in ("01", "00"):
        trace = TRACE if flags == "01" else TRACE[::-1]
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-{flags}"}
        assert httpx.post(gateway.url + INFER, json=body, headers=headers).status_code == 200
    answer = httpx.get(gateway.metrics_url + "/metrics", headers={"accept": OPEN_METRICS})
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("\n# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["serin_request_duration_seconds"].unit == "seconds"
    assert families["serin_requests"].type == "counter"
    exemplars = {
        sample.exemplar.labels["trace_id"]: sample for sample in families["serin_request_duration_seconds"].samples
        if sample.exemplar}
    assert TRACE in exemplars and TRACE[::-1] not in exemplars, "the second caller keeps no trace"
    sample = exemplars[TRACE]
    assert 0 < sample.exemplar.value <= float(sample.labels["le"]) and abs(float(sample.exemplar.timestamp) - time.time()) < 60
    # The same samples in either form, but for those that tell of now.
    plain = httpx.get(gateway.metrics_url + "/metrics", headers={"accept": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4") and "trace_id" not in plain.text
    opened = {sample.name for family in families.values() for sample in family.samples}
    assert opened == {name for name, _ in Exposition(plain.text).samples}
    assert httpx.get(gateway.metrics_url + "/metrics", headers={"accept": "*/*"}).text.find("# EOF") < 0


def test_what_is_beyond_the_budget_is_counted(start_gateway, fraud):
    """Every request is: the budget is shorter than any can be."""
    gateway = start_gateway(models={"fraud": {"budget": "1us", "route": {"stable": "1"}}})
    body = fraud.v2(fraud.rows("FP32")[:1], "FP32")
    for _ in range(5):
        assert httpx.post(gateway.url + INFER, json=body).status_code == 200
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics").text)
    labels = {"model": "fraud", "version": "1"}
    assert metrics.total("serin_over_budget_total", **labels) == 5
    assert metrics.total("serin_latency_budget_seconds", **labels) == 1e-6


def test_nothing_that_clients_make_up_becomes_a_series(start_gateway, fraud):
    gateway = start_gateway(models={"fraud": {"rate": 100000}})
    body = fraud.v2(fraud.rows("FP32")[:1], "FP32")

    def names() -> set:
        return set(Exposition(httpx.get(gateway.metrics_url + "/metrics").text).samples)

    with httpx.Client(base_url=gateway.url) as client:
        assert client.post(INFER, json=body).status_code == 200
        before = names()
        for index in range(300):
            made_up = f"made-up-{index}"
            client.post(f"/v2/models/{made_up}/infer", json=body)
            client.post(f"/v2/models/fraud/versions/{index + 10}/infer", json=body)
            client.post(f"/v1/models/fraud/labels/{made_up}:predict", json={"instances": []})
            client.post(INFER, json=body, headers={
                "authorization": f"Bearer {made_up}", "user-agent": made_up, "serin-key": made_up,
                "traceparent": f"00-{index + 1:032x}-00f067aa0ba902b7-01", "x-forwarded-for": f"10.0.{index % 256}.1"})
            client.request(made_up.upper(), f"/{made_up}")
    for index in range(100):
        call(gateway, f"/made.Up{index}/Method{index}")
    after = names()
    assert after == before, after ^ before
    assert not any("made-up" in value.lower() for _, labels in after for _, value in labels)


# By Prometheus


@pytest.fixture(scope="module")
def watched(installed, certs, tmp_path_factory):
    """A gateway with everything on, under a rollout and drift, and a Prometheus that has watched it for a while."""
    from harness.collector import Collector
    from harness.gateway import Gateway

    folder = tmp_path_factory.mktemp("watched")
    with Collector() as collector:
        settings = {
            "listen": {"tls": certs.listener()},
            "decisions": {"path": str(folder / "decisions")},
            "log": {"level": "info", "access": {"mode": "sampled", "file": str(folder / "access.log")}},
            "traces": {"endpoint": collector.url, "ratio": 1, "interval": "100ms"},
            "models": {"fraud": {"decisions": {"log": "full"}, "route": {"stable": "1"},
                                 "fallback": [{"constant": {"score": 0.5, "label": 0}, "reserve": "500us"}]}},
        }
        with Gateway(folder / "gateway", **settings) as gateway, Admin(gateway) as admin:
            with Prometheus(folder / "prometheus", gateway) as prometheus:
                assert admin.act("/models/fraud/rollouts", {"version": "2", "plan": PLAN}).status_code == 200
                traffic(gateway, prometheus)
                yield gateway, prometheus


def traffic(gateway, prometheus):
    """Asks both versions, some of it wrongly, until every rule has been evaluated over it a few times."""
    rows = sampled(500, seed=8)
    awaited = ["count_over_time(serin_score_drift_psi[20s]) > 12", 'model:serin_late:ratio_rate1h{model="fraud"}']
    with httpx.Client(timeout=30) as client:
        deadline = time.monotonic() + 90
        for index in range(10_000):
            data = [None if np.isnan(value) else float(value) for value in rows[index % 500]]
            body = {"inputs": [{"name": "features", "shape": [1, 32], "datatype": "FP64", "data": data}]}
            assert client.post(gateway.url + INFER, json=body).status_code == 200
            client.post(gateway.url + INFER, content=b"{")
            call(gateway, "/a.B/C")
            if index % 50 == 0:
                send(gateway, rows, path="/versions/1", connection=client)
            # The hourly rules come round every 30 s, and panels show the last 15.
            if index % 20 == 19 and all(map(prometheus.query, awaited)):
                break
            assert time.monotonic() < deadline, prometheus.log()[-2000:]
            time.sleep(0.02)


def substituted(expression: str) -> str:
    for name in ("instance", "model", "version"):
        expression = expression.replace(f'"${name}"', '".*"')
    return expression.replace("$__rate_interval", "15s")


def test_the_contracts_metrics_are_there(watched):
    gateway, _ = watched
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
    for name, labels in CONTRACT.items():
        assert name in metrics.types, name
        sample = name + "_count" if metrics.types[name] == "histogram" else name
        found = [{label for label, _ in pairs} for other, pairs in metrics.samples if other == sample]
        assert found and all(one == labels for one in found), (name, found)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=httpx.get(gateway.metrics_url + "/metrics").text, capture_output=True,
        text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_panel_shows_data(watched):
    _, prometheus = watched
    empty = []
    for panel in panels():
        for target in panel["targets"]:
            found = prometheus.query(substituted(target["expr"]))
            if not [value for _, value in found if not np.isnan(value)]:
                empty.append((panel["title"], target["expr"]))
    assert empty == []
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            assert all(label in one for one in prometheus.get("series", **{"match[]": substituted(series)})), series
            assert prometheus.query(substituted(series))
    for annotation in DASHBOARD["annotations"]["list"]:
        prometheus.query(substituted(annotation["expr"]))


#: A metric and its matchers, as rules write them; `offset` and ranges stand behind.
SELECTOR = re.compile(r"((?:[a-z_]+:)?(?:serin|process)_\w+(?::\w+)?|\bup\b)(\{[^}]*\})?")


def test_every_rule_has_what_it_goes_by(watched):
    """Healthy, an alert's expression is empty; what it compares is there all the same."""
    _, prometheus = watched
    # Recording rules come round every 30 s.
    deadline = time.monotonic() + 60
    while True:
        evaluated = {rule["name"]: rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]}
        if all(rule["health"] != "unknown" for rule in evaluated.values()):
            break
        assert time.monotonic() < deadline, evaluated
        time.sleep(0.5)
    for rule in rules():
        name = rule.get("alert") or rule["record"]
        assert evaluated[name]["health"] == "ok", (name, evaluated[name])
        expression = rule["expr"]
        selectors = SELECTOR.findall(expression)
        assert selectors, expression
        for metric, matchers in selectors:
            assert prometheus.query(f"count({metric}{matchers}) > 0"), (name, metric + matchers)
        if "record" in rule:
            assert any(not np.isnan(value) for _, value in prometheus.wait_for(rule["record"])), name
        else:
            prometheus.query(expression)
    firing = {alert["labels"]["alertname"] for alert in prometheus.get("alerts")["alerts"] if alert["state"] == "firing"}
    assert firing <= {"SerinFailuresBurnFast", "SerinLatenessBurnsFast"}, firing


def test_exemplars_arrive(watched):
    _, prometheus = watched
    now = time.time()
    found = prometheus.get(
        "query_exemplars", query="serin_request_duration_seconds_bucket", start=now - 300, end=now + 10)
    traces = {exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]}
    assert len(traces) > 1 and all(re.fullmatch("[0-9a-f]{32}", trace) for trace in traces)


def test_scrapes_have_no_gap_and_so_many_samples(watched):
    _, prometheus = watched
    assert prometheus.value('min_over_time(up{job="serin"}[1m])') == 1
    # A rollout's arm brings its series once; after that there are 10 s without any that comes or goes.
    deadline = time.monotonic() + 30
    while prometheus.value('changes(scrape_samples_scraped{job="serin"}[10s])') != 0:
        assert time.monotonic() < deadline, "series come and go"
        time.sleep(0.5)
    count = prometheus.value('scrape_samples_scraped{job="serin"}')
    print(f"{count:.0f} samples a scrape, two versions of 32 features, everything on")
    assert count < 1500
