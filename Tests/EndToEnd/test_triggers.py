"""Triggers: conditions that become signed CloudEvents, once; targets that are down; restarts."""

import base64
import json
import subprocess
import time

import httpx
import numpy as np
import pytest
import yaml
from test_drift import sampled, send

from harness.admin import Admin
from harness.bundles import bundle
from harness.exposition import Exposition
from harness.gateway import BINARY, MODELS, Gateway, run_serin
from harness.webhooks import WebhookReceiver, free_port

SECRET = bytes(range(32))
#: Conditions are looked at every 5 s.
LOOK = 5.0


@pytest.fixture
def secret(tmp_path) -> str:
    path = tmp_path / "secret"
    path.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    return str(path)


def trigger(url, secret, when, **more) -> dict:
    webhook = {"url": url, "secret": secret, "timeout": "1s", **more.pop("webhook", {})}
    return {"name": "watch", "when": when, "webhook": webhook, **more}


def serve(tmp_path, *triggers, **settings) -> Gateway:
    model = {"route": {"stable": "1"}, "drift": {"silent": ["hour", "weekday"]}, "triggers": list(triggers)}
    return Gateway(
        tmp_path / "gateway", models={"fraud": {**model, **settings}}, state={"path": str(tmp_path / "state")})


def drifted(rows=2000) -> np.ndarray:
    values = sampled(rows, seed=5)
    values[:, 0] *= 10
    return values


def read(admin, name="watch") -> dict:
    triggers = admin.client.get("/models/fraud/triggers").raise_for_status().json()["triggers"]
    return next(trigger for trigger in triggers if trigger["name"] == name)


def wait_for(admin, what, seconds=40.0) -> dict:
    """The trigger, once `what` is true of it."""
    deadline = time.monotonic() + seconds
    while not what(found := read(admin)):
        assert time.monotonic() < deadline, f"{json.dumps(found)}\n{admin.gateway.log()}"
        time.sleep(0.05)
    return found


def counts(gateway) -> dict:
    metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
    labels = {"model": "fraud", "trigger": "watch"}
    return {outcome: metrics.total("serin_trigger_total", outcome=outcome, **labels)
            for outcome in ("fired", "delivered", "failed", "given_up")}


def test_drift_fires_once_over_restarts(installed, tmp_path, secret):
    with WebhookReceiver(SECRET) as receiver:
        rule = trigger(receiver.url, secret, {"drift": "alert", "of": ["amount"], "window": "5m"})
        with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
            assert read(admin)["state"] == "quiet" and counts(gateway)["fired"] == 0
            send(gateway, drifted())
            event = receiver.wait(1)[0]
            assert event["type"] == "dev.serin.trigger.drift" and event["source"] == "serin"
            assert event["subject"] == "fraud/1" and event["path"] == "/serin?from=gateway"
            data = event["data"]
            assert (data["model"], data["version"], data["figure"], data["window"]) == ("fraud", "1", "amount", "5m")
            assert data["value"] > data["limit"] == 0.25 and data["samples"] == 2000 and data["trigger"] == "watch"
            assert data["digest"] == bundle_digest() and data["lineage"]["parameters"]["seed"] == "1"
            # It still holds, and is said once.
            cooling = wait_for(admin, lambda found: found["state"] == "cooling")
            assert cooling["now"].startswith("amount over 5m has drifted") and cooling["fired"] == 1
            time.sleep(2 * LOOK + 1)
            assert len(receiver.events) == 1
            assert counts(gateway) == {"fired": 1, "delivered": 1, "failed": 0, "given_up": 0}
            lines = admin.client.get("/audit", params={"action": "trigger"}).json()["lines"]
            assert [line["outcome"] for line in lines] == ["fired", "delivered"]
            assert json.loads(lines[0]["after"])["figure"] == "amount" and lines[1]["after"] == event["id"]
            events = admin.client.get("/events", headers={"Last-Event-ID": "0"}).text
            assert events.count("event: trigger") == 2 and f'"event":"{event["id"]}"' in events
            shown = admin.ctl("triggers", "fraud")
            assert "cooling" in shown and "amount over 5m has drifted" in shown
            assert "watch" not in admin.ctl("status"), "what is delivered is no warning"
        # The same condition after a restart, within the cooldown.
        with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
            assert read(admin)["state"] == "cooling" and read(admin)["event"] == event["id"]
            send(gateway, drifted())
            wait_for(admin, lambda found: "now" in found)
            time.sleep(LOOK + 1)
            assert len(receiver.events) == 1 and counts(gateway)["fired"] == 0


def bundle_digest() -> str:
    sums = (MODELS / "fraud" / "1" / "SHA256SUMS").read_text().splitlines()
    return next(line.split()[0] for line in sums if line.endswith("model.json"))


def test_a_condition_that_still_holds_fires_again_after_the_cooldown(installed, tmp_path, secret):
    with WebhookReceiver(SECRET) as receiver:
        rule = trigger(receiver.url, secret, {"drift": "alert", "window": "1h"}, cooldown="7s")
        with serve(tmp_path, rule) as gateway:
            send(gateway, drifted())
            events = receiver.wait(2)
            assert events[0]["id"] != events[1]["id"]
            assert int(events[1]["id"].split("-")[-1]) - int(events[0]["id"].split("-")[-1]) >= 7000


def test_a_target_that_is_down_hurts_nobody_and_gets_the_event_after_a_restart(installed, tmp_path, secret):
    port = free_port()
    rule = trigger(f"http://localhost:{port}/serin?from=gateway", secret, {"drift": "alert"})
    with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
        send(gateway, drifted())
        pending = wait_for(admin, lambda found: found.get("attempts", 0) >= 2)
        assert pending["state"] == "pending" and "refused" in pending["failure"] and "next_attempt_at" in pending
        assert counts(gateway)["failed"] >= 2 and counts(gateway)["delivered"] == 0
        warnings = admin.model()["warnings"]
        assert len(warnings) == 1 and pending["event"] in warnings[0] and f"localhost:{port}" in warnings[0]
        assert pending["event"] in admin.ctl("status") and admin.model()["ready"]
        send(gateway, sampled(10, seed=1))
        assert httpx.get(gateway.metrics_url + "/health/ready", timeout=10).status_code == 200
    # The event survives, the condition does not: no row of it is there any more.
    with WebhookReceiver(SECRET, port=port) as receiver, serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
        event = receiver.wait(1)[0]
        assert event["id"] == pending["event"] and event["data"]["figure"] == "amount"
        delivered = wait_for(admin, lambda found: found["state"] == "cooling")
        assert "failure" not in delivered and delivered["delivered"] == 1
        assert admin.model()["warnings"] == []
        assert counts(gateway) == {"fired": 0, "delivered": 1, "failed": 0, "given_up": 0}
        time.sleep(LOOK + 1)
        assert len(receiver.events) == 1


def test_a_process_that_is_killed_in_between_sends_the_same_event(installed, tmp_path, secret):
    """kill -9 while the target answers 503: what was fired is on disk."""
    with WebhookReceiver(SECRET, statuses=[503, 503]) as receiver:
        rule = trigger(receiver.url, secret, {"drift": "alert"})
        gateway = serve(tmp_path, rule).start()
        send(gateway, drifted())
        receiver.wait(1)
        gateway.process.kill()
        gateway.process.wait()
        with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
            wait_for(admin, lambda found: found["state"] == "cooling")
            assert len({event["id"] for event in receiver.events}) == 1 and receiver.statuses == []


def test_what_nobody_takes_is_given_up(installed, tmp_path, secret):
    with WebhookReceiver(SECRET, statuses=[500] * 100) as receiver:
        rule = trigger(receiver.url, secret, {"drift": "alert"}, retry="4s")
        with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
            send(gateway, drifted())
            over = wait_for(admin, lambda found: found["given_up"] == 1)
            assert over["state"] == "cooling" and over["failure"] == "it answered 500"
            assert counts(gateway)["given_up"] == 1 and "never took event" in admin.ctl("status")
            sent = len(receiver.events)
            assert 2 <= sent <= 3
            time.sleep(LOOK + 1)
            assert len(receiver.events) == sent


def test_events_go_over_tls_to_whom_the_authority_knows(installed, tmp_path, secret, certs):
    pair = {"certificate": certs.path("server.pem"), "key": certs.path("server.key")}
    with WebhookReceiver(SECRET, **pair) as receiver:
        known = trigger(receiver.url, secret, {"drift": "alert"}, webhook={"authorities": certs.path("ca.pem")})
        stranger = {**trigger(receiver.url, secret, {"drift": "alert"}), "name": "stranger"}
        with serve(tmp_path, known, stranger) as gateway, Admin(gateway) as admin:
            send(gateway, drifted())
            assert receiver.wait(1)[0]["data"]["trigger"] == "watch"
            wait_for(admin, lambda found: found["state"] == "cooling")
            deadline = time.monotonic() + 20
            while "failure" not in (other := read(admin, "stranger")):
                assert time.monotonic() < deadline, other
                time.sleep(0.05)
            assert "certificate is refused" in other["failure"], other
            assert len(receiver.events) == 1


def test_violations_of_the_contract(installed, tmp_path, secret):
    """Refused requests, and rows out of range, each by its share."""
    with WebhookReceiver(SECRET) as receiver:
        rule = trigger(receiver.url, secret, {"violations": "10%", "samples": 100})
        with serve(tmp_path, rule) as gateway, Admin(gateway):
            body = bundle("1").v2([bundle("1").rows("FP32")[0]], "FP32")
            with httpx.Client(base_url=gateway.url, timeout=10) as client:
                for number in range(150):
                    sent = {"inputs": []} if number % 5 == 0 else body
                    status = client.post("/v2/models/fraud/infer", json=sent).status_code
                    assert status == (400 if number % 5 == 0 else 200)
            event = receiver.wait(1)[0]
            assert event["type"] == "dev.serin.trigger.violations" and event["data"]["figure"] == "requests"
            # It may be looked at before the last of them.
            assert 0.15 < event["data"]["value"] < 0.25 and 100 <= event["data"]["samples"] <= 150


def test_secrets_are_read_anew(installed, tmp_path, secret):
    """A secret that is gone for a while is a failed attempt, not the end of the process; the new one signs."""
    with WebhookReceiver(SECRET) as receiver:
        rule = trigger(receiver.url, secret, {"drift": "alert"})
        with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
            text = (tmp_path / "secret").read_text()
            (tmp_path / "secret").unlink()
            send(gateway, drifted())
            pending = wait_for(admin, lambda found: found.get("attempts", 0) >= 1)
            assert "secret" in pending["failure"] and receiver.events == []
            (tmp_path / "secret").write_text(text)
            receiver.wait(1)


def test_blind_triggers_are_said(installed, tmp_path, secret):
    rule = trigger("http://localhost:1/", secret, {"drift": "alert", "of": ["nothing"]})
    with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
        assert admin.model()["warnings"] == ["trigger watch: version 1 has no feature or score nothing"]
        assert admin.client.get("/models/nobody/triggers").status_code == 404


@pytest.mark.parametrize("spoil, message", [
    (lambda rule, path: rule["webhook"].update(secret=str(path / "gone")), "gone: cannot be opened"),
    (lambda rule, path: (path / "secret").write_text("hunter2"), "expected whsec_"),
    (lambda rule, path: rule["webhook"].update(authorities=str(path / "secret")), "holds no certificate"),
])
def test_files_that_are_wrong_are_refused_at_the_start(installed, tmp_path, secret, spoil, message):
    rule = trigger("https://localhost:1/", secret, {"drift": "alert"})
    spoil(rule, tmp_path)
    gateway = serve(tmp_path, rule)
    started = subprocess.run(gateway.command, capture_output=True, text=True, timeout=60)
    assert started.returncode == 3 and message in started.stderr and "triggers: watch" in started.stderr
    assert "hunter2" not in started.stderr
    checked = run_serin("serve", "--config", gateway.config, "--models", MODELS, "--check")
    assert checked.returncode == 1 and message in checked.stderr


def test_the_shipped_configuration_names_every_field_of_a_trigger():
    text = (MODELS.parent / "config" / "serin.yaml").read_text()
    assert yaml.safe_load(text)["models"]["fraud"]["triggers"] == [] and BINARY.exists()
    for word in ("drift: warning or alert", "metric: NAME", "label_delay: 7d", "violations: 1%", "authorities", "retry"):
        assert word in text
