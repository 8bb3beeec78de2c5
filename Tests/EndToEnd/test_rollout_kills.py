"""SIGKILL at any moment of a rollout: what is on disk is what goes on.

The long form: SERIN_ROLLOUT_CLIMBS of climbs to 100%, and SERIN_ROLLOUT_KILLS kills in each state of the machine.
"""

import json
import os
import random
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from harness.admin import Admin
from test_rollouts import OVER, Hook, Load, read, serve, start, wait, wait_for_rate

#: How often the climb below is made; each is killed some ten times.
CLIMBS = int(os.environ.get("SERIN_ROLLOUT_CLIMBS", "1"))
CLIMB = """
horizon: 1h
rate: 200/s
guards: {late: 50%, errors: 50%, scores: off, decisions: off, slower: {p50: off, p90: off, p95: off, p99: off}}
steps:
- {percent: 5, min: 1s, max: 10m, samples: 1}
- {percent: 20, min: 1s, max: 10m, samples: 1, gate: true}
- {percent: 50, min: 1s, max: 10m, samples: 1}
bake: 2s
"""


def acknowledged(state) -> tuple[str, float]:
    """State and weight of the last step of the rollout that is on disk; the changes of the route stand between them."""
    with sqlite3.connect(state / "serin.sqlite") as database:
        row = database.execute(
            "SELECT after FROM audit WHERE action = 'rollout' AND json_extract(after, '$.state') IS NOT NULL "
            "ORDER BY sequence DESC LIMIT 1").fetchone()
    if row is None:
        return "waiting", 0.0
    line = json.loads(row[0])
    return line["state"], line["percent"]


@pytest.mark.parametrize("climb", range(CLIMBS))
def test_killed_at_any_time_it_goes_on(installed, tmp_path, climb):
    """SIGKILL again and again while a rollout climbs: it goes on in the state and at the weight that is on disk."""
    dice, rollout, path, killed = random.Random(climb), None, [], []
    gateway = serve(tmp_path, budget="100ms", timeout={"default": "1s"})
    for _ in range(60):
        gateway.start()
        try:
            with Admin(gateway) as admin, Load(gateway, tmp_path, 10, rate=200):
                if rollout is None:
                    rollout = start(admin, CLIMB)
                elif found := re.search(r"goes on: (\S+) at ([0-9.]+)%", gateway.log()):
                    assert (found[1], float(found[2])) == killed[-1], gateway.log()
                until = time.monotonic() + dice.uniform(0.05, 1.5)
                while time.monotonic() < until:
                    document = read(admin, rollout)
                    path.append(document["state"])
                    if document["state"] == "gate":
                        admin.act(f"/rollouts/{rollout['id']}:promote")
                    time.sleep(0.01)
                if document["state"] in OVER:
                    assert admin.route()["stable"] == "2"
                    break
        finally:
            gateway.process.kill()
            gateway.process.wait()
        killed.append(acknowledged(tmp_path / "state"))
    assert path[-1] == "promoted", path[-20:]
    assert len(killed) >= 3 and {"running", "baking"} <= set(path)
    print(f"killed {len(killed)} times: {killed}")


#: How often a gateway is killed in each state of the machine; without it, once in those that no climb above goes through.
KILLS = int(os.environ.get("SERIN_ROLLOUT_KILLS", "1"))
KILLED_IN = None if "SERIN_ROLLOUT_KILLS" in os.environ else ("before-step", "after-step", "paused", "inconclusive")
#: What brings a rollout into a state and keeps it there: its step, its bake, what else its plan says, and what a person does.
STATES = {
    "waiting": ("{{percent: 5, min: 5m, max: 10m, samples: 1}}", "5m", "freeze: [{{from: 2020-01-01, to: 2099-01-01}}]\n", None),
    "before-step": ("{{percent: 5, min: 5m, max: 10m, samples: 1, before: {{url: '{hook}', timeout: 1m}}}}", "5m", "", None),
    "running": ("{{percent: 5, min: 5m, max: 10m, samples: 1}}", "5m", "", None),
    "after-step": ("{{percent: 5, min: 100ms, max: 10m, samples: 1, after: {{url: '{hook}', timeout: 1m}}}}", "5m", "", None),
    "gate": ("{{percent: 5, min: 100ms, max: 10m, samples: 1, gate: true}}", "5m", "", None),
    "paused": ("{{percent: 5, min: 5m, max: 10m, samples: 1}}", "5m", "", "pause"),
    "inconclusive": ("{{percent: 5, min: 100ms, max: 1s, samples: 1000}}", "5m", "", None),
    "baking": ("{{percent: 50, min: 100ms, max: 10m, samples: 1}}", "5m", "", None),
    "promoted": ("{{percent: 50, min: 100ms, max: 10m, samples: 1}}", "100ms", "", None),
    "aborted": ("{{percent: 5, min: 5m, max: 10m, samples: 1}}", "5m", "", "abort"),
}


@pytest.mark.parametrize("state", KILLED_IN or STATES)
def test_killed_in_a_state_it_is_in_it_again(installed, tmp_path, state):
    """SIGKILL at a random moment on the way into a state or in it, again and again: what is on disk is what goes on."""
    step, bake, more, order = STATES[state]
    # Silent however often it is asked.
    hook = Hook(*[None] * 20 * KILLS)
    hook.start()
    plan = ("horizon: 1h\nrate: 100000/s\nmax_change: 100\n"
            "guards: {{late: 50%, errors: 50%, scores: off, decisions: off, slower: {{p50: off, p90: off, p95: off, p99: off}}}}\n"
            + more + "steps: [" + step + "]\nbake: " + bake + "\n").format(hook=hook.url)
    dice, seen = random.Random(state), []
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        gateway = serve(folder, budget="100ms", timeout={"default": "1s"})
        gateway.start()
        with Admin(gateway) as admin, Load(gateway, folder, 60, rate=200):
            rollout = start(admin, plan)
            # One in three on the way, which takes some 6 s, the others in the state.
            if kill % 3 == 1:
                time.sleep(dice.uniform(0, 6))
            else:
                if order:
                    wait(admin, rollout, ("running",))
                    assert admin.act(f"/rollouts/{rollout['id']}:{order}").status_code == 200
                wait(admin, rollout, (state,))
            time.sleep(dice.uniform(0, 0.3))
            gateway.process.kill()
            gateway.process.wait()
        before = acknowledged(folder / "state")
        seen.append(before[0])
        gateway.start()
        with Admin(gateway) as admin:
            document, route = read(admin, rollout), admin.route()
            found = re.search(r"goes on: (\S+) at ([0-9.]+)%", gateway.log())
            if before[0] in OVER:
                assert document["state"] == before[0] and not found
                assert route == {"stable": "2" if before[0] == "promoted" else "1"}
            else:
                assert (found[1], float(found[2])) == before, gateway.log()
                percent = 100 if route["stable"] == "2" else route.get("canary", {"percent": 0})["percent"]
                assert percent <= before[1], (route, before)
        gateway.process.kill()
        gateway.process.wait()
    hook.server.shutdown()
    assert state in seen
    print(f"killed {KILLS} times: {seen}")


def wait_for_record(admin, seconds=30):
    """What was lowered is on disk."""
    deadline = time.monotonic() + seconds
    while admin.client.get("/status").raise_for_status().json()["degraded"]:
        assert time.monotonic() < deadline, "still degraded"
        time.sleep(0.01)


@contextmanager
def held(state):
    """Nothing can be written to the state meanwhile."""
    disk = sqlite3.connect(state / "serin.sqlite", isolation_level=None, timeout=30)
    disk.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        disk.execute("ROLLBACK")
        disk.close()


def is_rolled_back_after_a_kill(gateway, rollout):
    """Kills and starts the gateway: stable alone serves, and the rollout is over."""
    gateway.process.kill()
    gateway.process.wait()
    gateway.start()
    with Admin(gateway) as admin:
        assert admin.route() == {"stable": "1"}
        assert read(admin, rollout)["state"] == "rolled-back"
        assert admin.act(f"/rollouts/{rollout['id']}:resume").status_code == 409


def test_a_rollback_survives_a_kill(installed, tmp_path):
    with serve(tmp_path, {"nan": True}) as gateway:
        with Load(gateway, tmp_path, 60), Admin(gateway) as admin:
            wait_for_rate(admin)
            rollout = start(admin)
            assert wait(admin, rollout)["state"] == "rolled-back"
            wait_for_record(admin)
        is_rolled_back_after_a_kill(gateway, rollout)


def test_a_rollback_is_recorded_when_the_disk_is_back(installed, tmp_path):
    """The state cannot be written for longer than a commit tries: stable serves at once, nothing is raised, nothing lost."""
    with serve(tmp_path, {"nan": True}) as gateway:
        # So few requests that the guard needs seconds, within which the state is taken hold of.
        with Load(gateway, tmp_path, 60, rate=400), Admin(gateway) as admin:
            wait_for_rate(admin)
            rollout = start(admin)
            wait(admin, rollout, ("running",))
            with held(tmp_path / "state"):
                assert wait(admin, rollout)["state"] == "rolled-back"
                assert admin.route() == {"stable": "1"}
                assert admin.client.get("/status").json()["degraded"]
                gateway.wait_for_log("degraded: a lowering is in force and cannot be recorded", 30)
                refused = admin.put_route({"stable": "1", "canary": {"version": "2", "percent": 1}})
                assert refused.status_code == 503 and "degraded" in refused.json()["detail"], refused.text
            wait_for_record(admin)
            again = start(admin)
            admin.act(f"/rollouts/{again['id']}:abort")
        is_rolled_back_after_a_kill(gateway, rollout)


#: A gate comes by itself, a second after the step's begin.
GATED = """
horizon: 1h
rate: 1000/s
guards: {late: 50%, errors: 50%, scores: off, decisions: off}
max_change: 100
steps: [{percent: 5, min: 1s, max: 10m, samples: 1, gate: true}]
bake: 10m
"""


def test_what_was_decided_before_an_end_is_recorded(installed, tmp_path):
    """Transitions whose write fails while the rollout ends: their lines stand in the log, before the end's. An order that is
    not on disk is in force, and not acknowledged."""
    with serve(tmp_path) as gateway, Load(gateway, tmp_path, 60), Admin(gateway) as admin:
        rollout = start(admin, GATED)
        path = f"/rollouts/{rollout['id']}"
        wait(admin, rollout, ("running",))
        with ThreadPoolExecutor(1) as pool, held(tmp_path / "state"):
            wait(admin, rollout, ("gate",))
            paused = admin.act(f"{path}:pause?reason=lunch")
            assert paused.status_code == 503 and "is paused, and that cannot be written" in paused.text, paused.text
            # The next write has both lines, and is under way when the rollout ends.
            failed = gateway.log().count("cannot be stored")
            time.sleep(0.5)
            aborted = pool.submit(admin.act, f"{path}:abort?reason=enough")
            gateway.wait_for_log("cannot be stored[^\\0]*" * (failed + 1), 30)
            with Admin(gateway) as other:
                assert other.route() == {"stable": "1"} and read(other, rollout)["state"] == "aborted"
        assert aborted.result().status_code == 200
        wait_for_record(admin)
        lines = admin.client.get("/audit", params={"action": "rollout", "limit": 1000}).json()["lines"]
        assert [(line["before"], line["outcome"], line["reason"]) for line in lines if line["outcome"] != "ok"] == [
            ("waiting", "raising", "as planned"), ("raising", "running", "as planned"), ("running", "gate", "as planned"),
            ("gate", "paused", "lunch"), ("paused", "aborted", "enough")]
        assert "fault" not in admin.client.get("/audit/verdict").raise_for_status().json()
