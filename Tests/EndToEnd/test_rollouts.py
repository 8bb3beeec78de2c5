"""Rollouts on live traffic: what is bad is out before anybody could read the alert, what is good goes through by itself.

SERIN_ROLLOUT_RATE sets the requests a second, 2,000 by default. The bounds hold on a machine that has its cores;
SERIN_ROLLOUT_SLACK (2 by default) is how much longer a busy one may take.
"""

import json
import os
import subprocess
import threading
import time
from bisect import bisect
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from harness.admin import Admin
from harness.bundles import bundle, change_manifest, copy_bundle
from harness.exposition import Exposition
from harness.gateway import MODELS, Gateway

RATE = int(os.environ.get("SERIN_ROLLOUT_RATE", "2000"))
SLACK = float(os.environ.get("SERIN_ROLLOUT_SLACK", "2"))
CLIENTS = 4
OVER = ("promoted", "rolled-back", "aborted")
#: One step at 5%; a candidate that is good needs a minute of it.
PLAN = """
alpha: 0.001
horizon: 1h
max_change: 100
steps: [{percent: 5, max: 10m, samples: 100}]
bake: 1m
"""


class Load:
    """h2load at a fixed rate, with a line for each request: when it was sent, its status, how long it took."""

    def __init__(self, gateway, folder, seconds: int, rate=RATE, row=None):
        body = folder / "body.json"
        body.write_text(json.dumps(bundle("1").v2([row or bundle("1").rows("FP32")[0]], "FP32")))
        self.log = folder / f"load-{time.monotonic_ns()}.tsv"
        self.process = subprocess.Popen(
            ["h2load", "-D", str(seconds), "-c", str(CLIENTS), "--rps", str(rate // CLIENTS), "-d", str(body),
             "--log-file", str(self.log), f"{gateway.url}/v2/models/fraud/infer"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self) -> list[tuple[float, int, float]]:
        """Seconds since 1970, status, seconds taken; in the order in which the answers came."""
        self.process.terminate()
        self.process.wait(60)
        answers = []
        for line in self.log.read_text().splitlines():
            sent, status, took = line.split("\t")[:3]
            answers.append((int(sent) / 1e6, int(status), int(took) / 1e6))
        return sorted(answers, key=lambda answer: answer[0] + answer[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def scored(gateway):
    """Version 1's golden rows, each with its score by version 1 and by version 2."""
    golden = bundle("1").rows("FP32")
    body = json.dumps(bundle("1").v2(golden, "FP32"))
    one, two = (
        httpx.post(f"{gateway.url}/v2/models/fraud/versions/{version}/infer", content=body, timeout=10).json()
        ["outputs"][0]["data"] for version in ("1", "2"))
    return list(zip(golden, one, two, strict=True))


def rows(gateway):
    """The rows that both versions decide alike, with how many bins their scores lie apart."""
    edges = json.loads((MODELS / "fraud" / "1" / "profile.json").read_text())["score"]["edges"][1:-1]
    return [(abs(bisect(edges, first) - bisect(edges, second)), row)
            for row, first, second in scored(gateway) if (first >= 0.5) == (second >= 0.5)]


def alike(gateway):
    """A row that both score in the same bin."""
    return min(rows(gateway), key=lambda row: row[0])[1]


def moved(gateway):
    """The row whose scores lie furthest apart."""
    return max(rows(gateway), key=lambda row: row[0])[1]


def declined(gateway):
    """A payment that version 1 lets pass and version 2 takes for fraud."""
    return next(row for row, first, second in scored(gateway) if first < 0.5 <= second)


def serve(folder, fault=None, state=None, **model):
    repository = folder / "models"
    for version in ("1", "2"):
        wanted = fault if version == "2" else None
        copy_bundle(repository, version, wanted and change_manifest(lambda manifest: manifest.update(fault=wanted)))
    model = {"budget": "10ms", "timeout": {"default": "100ms"}, "route": {"stable": "1"}, **model}
    gateway = Gateway(
        folder / "gateway", repository, executors={"threads": 2}, models={"fraud": model},
        state={"path": str(state or folder / "state")})
    gateway.command.append("--allow-faults")
    return gateway


def start(admin, plan=PLAN, version="2", code=200) -> dict:
    answer = admin.act("/models/fraud/rollouts", {"version": version, "plan": plan})
    assert answer.status_code == code, answer.text
    return answer.json()


def read(admin, rollout) -> dict:
    return admin.client.get(f"/rollouts/{rollout['id']}").raise_for_status().json()


def wait(admin, rollout, states=OVER, seconds=60.0) -> dict:
    deadline = time.monotonic() + seconds
    while True:
        document = read(admin, rollout)
        if document["state"] in states:
            return document
        assert time.monotonic() < deadline, f"still {document['state']} after {seconds} s: {json.dumps(document)}"
        time.sleep(0.02)


def wait_for_rate(admin, seconds=15.0):
    """The gateway has measured the traffic."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = admin.client.post("/models/fraud/rollouts?dry_run=true", json={"version": "2", "plan": PLAN})
        if answer.status_code == 200:
            return
        time.sleep(0.2)
    raise AssertionError(answer.text)


def outcomes(gateway) -> dict:
    """Requests of each version by outcome."""
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
    names = ("ok", "model_error", "timeout", "shed", "cancelled")
    return {version: {name: metrics.total("serin_requests_total", version=version, outcome=name) for name in names}
            for version in ("1", "2")}


def audit(admin, outcome) -> dict:
    """The last line of a transition to this state; it is written just after the transition."""
    for _ in range(500):
        lines = admin.client.get("/audit", params={"action": "rollout", "limit": 1000}).json()["lines"]
        if found := [line for line in lines if line["outcome"] == outcome]:
            return found[-1]
        time.sleep(0.01)
    raise AssertionError(f"no line says {outcome}")


def moment(line) -> float:
    """When an audit line was written, in seconds since 1970."""
    return datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()


FAULTS = {
    "sleeps": ({"delay": "15ms"}, 1.0, lambda status, took: took > 0.01),
    "fails 20%": ({"errors": 0.2}, 3.0, lambda status, took: status >= 500),
    "nan": ({"nan": True}, 1.0, lambda status, took: status >= 500),
    "stuck": ({"hang": True}, 1.0, lambda status, took: status >= 500 or took > 0.05),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_candidate_is_out(gateway, tmp_path, name):
    fault, seconds, is_bad = FAULTS[name]
    row = alike(gateway)
    with serve(tmp_path, fault) as gateway, Load(gateway, tmp_path, 60, row=row) as load, Admin(gateway) as admin:
        wait_for_rate(admin)
        before = time.time()
        over = wait(admin, start(admin))
        route = admin.route()
        end = moment(audit(admin, "rolled-back"))
        time.sleep(0.5)
        counted = outcomes(gateway)
        time.sleep(1)
        after = outcomes(gateway)
        answers = load.end()
    assert over["state"] == "rolled-back" and over["percent"] == 0 and over["verdict"] == "rollback", over
    assert "canary" not in route and route["stable"] == "1"
    bad = [sent + took for sent, status, took in answers if is_bad(status, took) and sent > before]
    took = end - min(bad)
    hurt = sum(count for outcome, count in counted["2"].items() if outcome != "ok")
    if name == "sleeps":
        hurt = over["total"]["candidate"]["late"]
    assert "late" in over["reason"] or "fails" in over["reason"] or "slower" in over["reason"], over["reason"]
    print(f"{name}: {took:.2f} s from the first bad answer to weight 0, {hurt:.0f} payments hurt, {over['reason']}")
    assert took <= seconds * SLACK
    # No request of stable failed, and every failure is one of the candidate's.
    assert all(count == 0 for outcome, count in counted["1"].items() if outcome not in ("ok", "cancelled")), counted
    if name in ("fails 20%", "nan"):
        failed = sum(1 for sent, status, _ in answers if status != 200 and sent > before)
        assert failed == counted["2"]["model_error"]
    # Weight 0 is weight 0: a second later nothing is the candidate's.
    assert after["2"] == counted["2"]


def test_a_healthy_candidate_goes_through_by_itself(installed, tmp_path):
    plan = """
horizon: 1h
guards: {late: 5%, errors: 1%}
steps:
- {percent: 5, min: 2s, max: 10m, samples: 100}
- {percent: 50, min: 2s, max: 10m, samples: 100}
bake: 3s
"""
    with serve(tmp_path, budget="50ms", timeout={"default": "1s"}) as gateway, Admin(gateway) as admin:
        with Load(gateway, tmp_path, 240, row=alike(gateway)) as load:
            wait_for_rate(admin)
            rollout = start(admin, plan)
            assert admin.act("/models/fraud:switch", {"version": "2"}).status_code == 409
            assert start(admin, plan, code=409)["detail"].startswith("a rollout of fraud runs already")
            over = wait(admin, rollout, seconds=200)
            text = admin.ctl("rollout", "watch", rollout["id"], "--once")
            verdict = admin.client.get(f"/rollouts/{rollout['id']}/verdict").json()
            asked = admin.client.post(f"/rollouts/{rollout['id']}/verdict?is=promote").status_code
            refused = admin.client.post(f"/rollouts/{rollout['id']}/verdict?is=rollback").status_code
            counted = outcomes(gateway)
            answers = load.end()
        route = admin.route()
        path = [line["outcome"] for line in
                admin.client.get("/audit", params={"action": "rollout", "limit": 1000}).json()["lines"]]
    assert over["state"] == "promoted" and over["percent"] == 100, over
    assert route["stable"] == "2" and "canary" not in route
    assert verdict["verdict"] == "promote" and (asked, refused) == (200, 409)
    assert "promoted" in text and "fraud/2 beside 1" in text
    assert path[-1] == "promoted" and path.count("running") == 2 and "baking" in path
    assert counted["1"]["ok"] > 1000 and counted["2"]["ok"] > 1000
    assert all(status == 200 for _, status, _ in answers)


def test_shifted_scores_pause_and_are_explained(installed, tmp_path):
    """Version 2 is fast and right, and scores this row elsewhere: a person decides."""
    plan = "horizon: 1h\nmax_change: 100\nguards: {late: 5%, errors: 1%}\nsteps: [{percent: 20, max: 10m, samples: 100, min: 5m}]\nbake: 1s\n"
    with serve(tmp_path, budget="50ms", timeout={"default": "1s"}) as gateway, Admin(gateway) as admin:
        with Load(gateway, tmp_path, 120, row=moved(gateway)):
            wait_for_rate(admin)
            held = wait(admin, start(admin, plan), (*OVER, "paused"))
            assert held["state"] == "paused" and held["percent"] == 20 and held["verdict"] == "pause", held
            assert "scores" in held["reason"] and held["shift"]["psi"] > 0.25 and held["shift"]["bins"]
            assert admin.route()["canary"] == {"percent": 20, "version": "2"}
            shown = admin.ctl("rollout", "watch", "--once")
            assert "population stability index" in shown and "[20%]" in shown
            # A person has seen it: it goes on, and is taken out by that person's word alone.
            assert admin.act(f"/rollouts/{held['id']}:resume").json()["state"] == "running"
            assert "aborted" in admin.ctl("rollout", "abort", held["id"])
            assert "canary" not in admin.route()


def test_decisions_that_explode_go_back(installed, tmp_path):
    """Version 2 is fast, and declines every payment that version 1 lets pass: nobody needs to look at that first."""
    plan = "horizon: 1h\nmax_change: 100\nguards: {late: 5%, errors: 1%}\nsteps: [{percent: 5, max: 10m, samples: 100, min: 5m}]\nbake: 1s\n"
    with serve(tmp_path, budget="50ms", timeout={"default": "1s"}) as gateway, Admin(gateway) as admin:
        with Load(gateway, tmp_path, 120, row=declined(gateway)) as load:
            wait_for_rate(admin)
            over = wait(admin, start(admin, plan))
            answers = load.end()
        assert over["state"] == "rolled-back" and over["percent"] == 0 and over["verdict"] == "rollback", over
        assert "decides positive more often" in over["reason"], over
        assert "canary" not in admin.route()
    assert all(status == 200 for _, status, _ in answers)


class Hook(threading.Thread):
    """Somebody who is asked before and after a step: answers with the next status; None: never."""

    def __init__(self, *statuses):
        super().__init__(daemon=True)
        self.statuses, self.events = list(statuses), []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.events.append((self.headers["content-type"], json.loads(body)))
                status = hook.statuses.pop(0)
                if status is None:
                    time.sleep(3)
                    return
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/gate?model=fraud"

    def run(self):
        self.server.serve_forever()


def test_hooks_are_asked_and_silence_holds(installed, tmp_path):
    hook = Hook(403, None, 200)
    hook.start()
    plan = f"horizon: 1h\nrate: 1000/s\nguards: {{late: 50%, errors: 50%}}\nmax_change: 100\nsteps:\n" \
        f"- {{percent: 5, max: 10m, min: 5m, before: {{url: '{hook.url}', timeout: 1s}}}}\nbake: 1s\n"
    with serve(tmp_path) as gateway, Admin(gateway) as admin:
        rollout = start(admin, plan)
        held = wait(admin, rollout, (*OVER, "paused"), 20)
        assert held["reason"].endswith("refused") and held["percent"] == 0
        kind, event = hook.events[0]
        assert kind.startswith("application/cloudevents+json") and event["specversion"] == "1.0"
        assert event["type"] == "dev.serin.rollout.before-step" and event["data"]["id"] == rollout["id"]
        admin.act(f"/rollouts/{rollout['id']}:resume")
        held = wait(admin, rollout, (*OVER, "paused"), 20)
        assert held["reason"].endswith("no answer") and held["percent"] == 0
        admin.act(f"/rollouts/{rollout['id']}:resume")
        assert wait(admin, rollout, (*OVER, "running"), 20)["percent"] == 5
        assert len({event["id"] for _, event in hook.events}) == 3
        assert admin.act(f"/rollouts/{rollout['id']}:abort").json()["state"] == "aborted"
    hook.server.shutdown()


#: Nothing of it goes on by itself: each step ends when a person says so.
GATED = """
horizon: 1h
rate: 1000/s
max_change: 100
guards: {late: 50%, errors: 50%, scores: off, decisions: off}
steps:
- {percent: 5, min: 100ms, max: 10m, samples: 1, gate: true}
- {percent: 20, min: 10m, max: 20m}
- {percent: 40, min: 10m, max: 20m}
bake: 10m
"""


def test_an_order_is_audited_with_its_reason_and_made_once(installed, tmp_path):
    with serve(tmp_path) as gateway, Load(gateway, tmp_path, 60), Admin(gateway) as admin:
        assert admin.act("/models/fraud:switch", {"version": "2", "bake": "1s"}).status_code == 200
        assert admin.act("/models/fraud:switch", {"version": "1", "bake": "1s"}).status_code == 200
        rollout = start(admin, GATED)
        path = f"/rollouts/{rollout['id']}"
        wait(admin, rollout, ("gate",))
        for order, outcome in (("pause", "paused"), ("resume", "gate"), ("promote", "waiting")):
            key = {"Idempotency-Key": f"{order}-1"}
            first = admin.act(f"{path}:{order}?reason=because%20{order}", **key)
            assert first.status_code == 200, first.text
            line = audit(admin, outcome)
            assert line["actor"] == first.json()["started_by"] and line["origin"].startswith("127.0.0.1"), line
            assert line["reason"] == f"because {order}", line
            again = admin.act(f"{path}:{order}?reason=because%20{order}", **key)
            assert (again.status_code, again.json()) == (200, first.json()), again.text
            other = admin.act(f"{path}:{order}?reason=another", **key)
            assert other.status_code == 422 and "idempotency-key" in other.json()["detail"]
        # Promoted once, however often it was asked for.
        assert wait(admin, rollout, ("running",))["percent"] == 20
        # Without a reason the line says who it was.
        assert admin.act(f"{path}:step-back").json()["percent"] == 5
        line = admin.client.get("/audit", params={"action": "rollout", "limit": 1000}).json()["lines"][-1]
        assert line["reason"] == f"by {line['actor']}", line
        # The model's own rollback ends the rollout, once: a second one would go back to before the switch.
        key = {"Idempotency-Key": "rollback-1"}
        first = admin.act("/models/fraud:rollback?reason=chargebacks", **key)
        assert first.status_code == 200 and first.json()["after"] == {"stable": "1"}, first.text
        assert admin.act("/models/fraud:rollback?reason=chargebacks", **key).json() == first.json()
        assert admin.route() == {"stable": "1"} and read(admin, rollout)["state"] == "aborted"
        assert audit(admin, "aborted")["reason"] == "chargebacks"


def test_a_switch_is_watched(gateway, tmp_path):
    """Without a plan: a person moves all traffic to a version that fails, and it is back before that person looks."""
    row = alike(gateway)
    with serve(tmp_path, {"errors": 0.5}) as gateway, Load(gateway, tmp_path, 60, row=row), Admin(gateway) as admin:
        assert admin.act("/models/fraud:switch", {"version": "2", "bake": "10m"}).status_code == 200
        assert back(admin) == {"stable": "1"}
        line = admin.client.get("/audit", params={"action": "rollback"}).json()["lines"][-1]
        assert line["actor"] == "guard" and "fails more often" in line["reason"]
        # The same for a canary by hand; what stable does is nobody's fault.
        canary = {"stable": "1", "canary": {"version": "2", "percent": 10}}
        assert admin.put_route(canary).status_code == 200
        assert back(admin) == {"stable": "1"}


def back(admin, seconds=20) -> dict:
    """The route once version 2 has left it."""
    deadline = time.monotonic() + seconds
    while (route := admin.route()).get("stable") == "2" or "canary" in route:
        assert time.monotonic() < deadline, route
        time.sleep(0.02)
    return route


def test_a_model_can_be_left_alone(gateway, tmp_path):
    row = alike(gateway)
    faulty = serve(tmp_path, {"errors": 0.5}, watch=False)
    with faulty as gateway, Load(gateway, tmp_path, 60, row=row), Admin(gateway) as admin:
        assert admin.act("/models/fraud:switch", {"version": "2"}).status_code == 200
        time.sleep(3)
        assert admin.route()["stable"] == "2"


def test_the_wrong_orders(installed, tmp_path):
    with serve(tmp_path) as gateway, Admin(gateway) as admin:
        def refused(code, plan="steps: [{percent: 50, max: 10m}]\nrate: 1000/s\n", version="2", model="fraud"):
            answer = admin.act(f"/models/{model}/rollouts", {"version": version, "plan": plan})
            assert answer.status_code == code, answer.text
            return answer.json()["detail"]

        assert "percent above 0, at most 100" in refused(422, "steps: [{percent: 120, max: 10m}]\n")
        assert "alpha" in refused(422, "alpha: 1\nsteps: [{percent: 50, max: 10m}]\n")
        assert "unknown key" in refused(422, "stepz: []\n")
        assert "can never decide: needs 4336 requests" in refused(422, "steps: [{percent: 50, max: 10m}]\nrate: 1/h\n")
        assert "no request for ten seconds" in refused(422, "steps: [{percent: 50, max: 10m}]\n")
        assert "the candidate is the stable version" in refused(422, version="1")
        assert "not ready" in refused(409, version="7")
        assert "no model" in refused(404, model="nobody")
        assert admin.act("/rollouts/none:pause").status_code == 404
        assert admin.client.get("/rollouts").json() == {"rollouts": []}
        assert admin.route() == {"stable": "1"}
