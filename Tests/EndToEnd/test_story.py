"""The whole loop on the shipped data, in accelerated time: a model decays, says so, and is replaced.

    days 80-89     fraud/1 serves; labels come; its average precision is what the manifest says
    days 90-109    two patterns of fraud begin that it has never seen, as a campaign: scores and features drift, alerts
                   labels come late: its average precision falls below the floor, the webhook fires, once
    the webhook    answers with fraud/2, trained on the newer days: one rename into the repository
    days 110-119   the gateway rolls fraud/2 out by itself; it passes the guard and takes over; average precision is back

`make story` runs it. A month is minutes: the campaign has as many new incidents in minutes as the month has, so they are
30% of its payments instead of 1%. Every step is read out of a real Prometheus that scrapes the gateway.
"""

import base64
import json
import threading
import time

import httpx

from harness.admin import Admin
from harness.bundles import MODEL, copy_bundle
from harness.gateway import Gateway
from harness.training import Payments, of_days
from harness.prometheus import Prometheus
from harness.webhooks import WebhookReceiver

SECRET = bytes(range(32, 64))
FLOOR = 0.85
CAMPAIGN = 0.3
HEALTHY, WAVE, AFTER = 6_000, 24_000, 12_000
BATCH = 100
#: A version that is trained because the world has changed decides otherwise: whether better is for labels to say, so that
#: the guard looks at what breaks a service.
PLAN = """
horizon: 1h
guards: {late: 5%, errors: 1%, decisions: off, scores: off, slower: {p50: off, p90: off, p95: off, p99: off}}
steps:
- {percent: 10, min: 2s, max: 10m, samples: 100}
- {percent: 50, min: 2s, max: 10m, samples: 100}
bake: 2s
"""


class Client:
    """Sends payments, and keeps the ids of their predictions until the labels are known."""

    def __init__(self, gateway):
        self.http = httpx.Client(base_url=gateway.url, timeout=60)
        self.waiting: list[tuple[str, int]] = []

    def send(self, payments: Payments, start: int, count: int = BATCH) -> int:
        """A request of some rows; its status."""
        rows, labels = payments.rows[start : start + count], payments.labels[start : start + count]
        data = rows.tobytes()
        head = json.dumps({
            "inputs": [{"name": "features", "shape": list(rows.shape), "datatype": "FP32",
                        "parameters": {"binary_data_size": len(data)}}],
            "outputs": [{"name": "score"}, {"name": "prediction_id"}]}).encode()
        answer = self.http.post(
            f"/v2/models/{MODEL}/infer", content=head + data, headers={"Inference-Header-Content-Length": str(len(head))})
        if answer.status_code == 200:
            ids = next(output for output in answer.json()["outputs"] if output["name"] == "prediction_id")["data"]
            self.waiting += [(identifier, int(label)) for identifier, label in zip(ids, labels, strict=True)]
        return answer.status_code

    def send_all(self, payments: Payments):
        for start in range(0, len(payments), BATCH):
            assert self.send(payments, start) == 200

    def label(self):
        """The labels of everything that was sent so far arrive."""
        ids, self.waiting = self.waiting, []
        for start in range(0, len(ids), 1000):
            labels = [{"prediction_id": identifier, "label": label} for identifier, label in ids[start : start + 1000]]
            answer = self.http.post(f"/v1/models/{MODEL}:feedback", json={"feedback": labels})
            assert answer.status_code == 200, answer.text


class Traffic:
    """Payments that keep coming, in small requests, until the end of the block."""

    def __init__(self, gateway, payments: Payments):
        self.client, self.payments, self.statuses = Client(gateway), payments, {}
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        start = 0
        while not self.end.is_set():
            status = self.client.send(self.payments, start, 5)
            self.statuses[status] = self.statuses.get(status, 0) + 1
            start = (start + 5) % (len(self.payments) - 5)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join(60)


class Trainer(WebhookReceiver):
    """Where the webhook leads: retraining, which took place on the shipped data's newer days already."""

    def __init__(self, folder):
        super().__init__(SECRET)
        self.folder = folder

    def checked(self, path, headers, body):
        event = super().checked(path, headers, body)
        copy_bundle(self.folder / "trained", "2")
        (self.folder / "trained" / MODEL / "2").rename(self.folder / "models" / MODEL / "2")
        return event


def serve(tmp_path, trainer) -> Gateway:
    repository = tmp_path / "models"
    copy_bundle(repository, "1")
    secret = tmp_path / "secret"
    secret.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    imprecise = {
        "name": "imprecise", "when": {"metric": "average_precision", "below": FLOOR, "window": "1d", "samples": 5000},
        "webhook": {"url": trainer.url, "secret": str(secret)}}
    model = {
        "budget": "100ms", "timeout": {"default": "5s"}, "route": {"stable": "1"}, "triggers": [imprecise],
        # Days come in the order of their numbers: what time makes of itself is no news.
        "drift": {"silent": ["hour", "weekday", "card_age"]}, "on_new_version": {"rollout": PLAN}}
    return Gateway(
        tmp_path / "gateway", repository, repository_watch="500ms", models={MODEL: model},
        state={"path": str(tmp_path / "state")}, executors={"threads": 2})


def test_the_whole_loop(installed, tmp_path):
    with Trainer(tmp_path) as trainer, serve(tmp_path, trainer) as gateway, Admin(gateway) as admin, \
            Prometheus(tmp_path / "prometheus", gateway) as prometheus:
        client = Client(gateway)

        def precision(version) -> str:
            return f'serin_accuracy_average_precision{{model="{MODEL}",version="{version}",window="1d"}}'

        say("days 80 to 89: fraud/1 serves")
        client.send_all(of_days(80, 89, HEALTHY))
        client.label()
        [(_, healthy)] = prometheus.wait_for(f"{precision(1)} > {FLOOR}")
        assert prometheus.query('serin_drift_level{model="fraud",window="5m"} > 0') == []
        assert prometheus.value('serin_trigger_total{trigger="imprecise",outcome="fired"}') == 0
        say(f"average precision {healthy:.3f}, no drift")

        say("days 90 to 109: two patterns begin that it has never seen")
        wave = of_days(90, 109, WAVE, CAMPAIGN)
        client.send_all(wave)
        [(_, moved)] = prometheus.wait_for('serin_score_drift_psi{model="fraud",version="1",window="5m"} > 0.1')
        features = prometheus.wait_for('serin_feature_drift_psi{version="1",window="5m"} > 0.25')
        prometheus.wait_for('serin_drift_level{model="fraud",version="1",window="5m"} == 2')
        drifted = sorted(labels["feature"] for labels, _ in features if labels["feature"] not in ("hour", "weekday"))
        assert drifted and "event: drift" in admin.client.get("/events", headers={"Last-Event-ID": "0"}).text
        say(f"drift: score {moved:.2f}, features {', '.join(drifted)}")
        # Nobody knows yet that it is wrong.
        assert trainer.events == [] and prometheus.query(f"{precision(1)} < {FLOOR}") == []

        say("the labels arrive, late")
        new = of_days(110, 119, AFTER, CAMPAIGN)
        with Traffic(gateway, new) as traffic:
            client.label()
            [(_, low)] = prometheus.wait_for(f"{precision(1)} < {FLOOR}")
            event = trainer.wait(1)[0]
            assert event["type"] == "dev.serin.trigger.accuracy" and event["subject"] == "fraud/1"
            assert event["data"]["figure"] == "average_precision" and event["data"]["value"] < FLOOR
            prometheus.wait_for('serin_trigger_total{trigger="imprecise",outcome="delivered"} == 1')
            say(f"average precision {low:.3f}, below {FLOOR}: the webhook has fired; fraud/2 arrives")

            prometheus.wait_for('serin_arrivals_total{model="fraud",outcome="started"} == 1')
            for percent in (10, 50):
                prometheus.wait_for(
                    f'serin_route_weight_ratio{{version="2",arm="canary"}} == {percent / 100}', seconds=120)
                say(f"fraud/2 at {percent}%")
            prometheus.wait_for('serin_rollout_state{model="fraud",state="promoted"} == 1', seconds=180)
            assert admin.route() == {"stable": "2"}
            say("fraud/2 is promoted")
        assert set(traffic.statuses) == {200}, "nobody has noticed"

        client.send_all(new)
        client.label()
        traffic.client.label()
        [(_, back)] = prometheus.wait_for(f"{precision(2)} > {FLOOR}")
        before = prometheus.value(precision(1))
        assert back > healthy - 0.02 and before < FLOOR, (back, before)
        say(f"average precision {back:.3f}")

        # The condition is looked at over and over: it has fired once, and fraud/2 gives no reason to.
        time.sleep(11)
        assert len(trainer.events) == 1
        assert prometheus.value('serin_trigger_total{trigger="imprecise",outcome="fired"}') == 1
        assert [row["outcome"] for row in admin.client.get("/models/fraud/arrivals").json()["arrivals"]] == ["known", "started"]
        in_order(prometheus, [
            f"{precision(1)} > {FLOOR}", 'serin_drift_level{version="1",window="5m"} == 2', f"{precision(1)} < {FLOOR}",
            'serin_trigger_total{outcome="fired"} == 1', 'serin_arrivals_total{outcome="started"} == 1',
            'serin_route_weight_ratio{version="2",arm="canary"} > 0', 'serin_rollout_state{state="promoted"} == 1',
            f"{precision(2)} > {FLOOR}"])


def in_order(prometheus, steps: list[str]):
    """Each step begins in Prometheus's data no earlier than the one before it."""
    now = time.time()
    begins = []
    for step in steps:
        data = prometheus.get("query_range", query=step, start=now - 900, end=now, step="1s")
        assert data["result"], step
        begins.append(min(float(series["values"][0][0]) for series in data["result"]))
    # A scrape a second: two things of the same second may be seen in either order.
    assert all(later >= earlier - 1 for earlier, later in zip(begins, begins[1:], strict=False)), list(zip(steps, begins, strict=True))


def say(line: str):
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)
