"""New versions in the repository: loaded or rolled out by themselves, with a person between where that is asked for."""

import json
import shutil
import threading
import time

import httpx
import pytest
from test_rollouts import Load, alike, wait

from harness.admin import Admin
from harness.bundles import MODEL, change_manifest, copy_bundle, rewrite_sums
from harness.exposition import Exposition
from harness.gateway import MODELS, Gateway

PLAN = """
horizon: 1h
guards: {late: 5%, errors: 1%}
steps:
- {percent: 20, min: 1s, max: 10m, samples: 100}
- {percent: 50, min: 1s, max: 10m, samples: 100}
bake: 1s
"""
WATCH = "300ms"


def serve(tmp_path, policy, watch=WATCH, **settings) -> Gateway:
    repository = tmp_path / "models"
    if not repository.exists():
        copy_bundle(repository, "1")
    model = {"budget": "50ms", "timeout": {"default": "1s"}, "route": {"stable": "1"}, "on_new_version": policy}
    return Gateway(
        tmp_path / "gateway", repository, executors={"threads": 2}, repository_watch=watch,
        models={"fraud": {**model, **settings}}, state={"path": str(tmp_path / "state")})


def arrive(tmp_path, version="2", change=None):
    """As `serin model import` does it: whole, by a rename."""
    copy_bundle(tmp_path / "staging", version, change)
    (tmp_path / "staging" / MODEL / version).rename(tmp_path / "models" / MODEL / version)


def read(admin, version="2") -> dict:
    rows = admin.client.get("/models/fraud/arrivals").raise_for_status().json()["arrivals"]
    return next((row for row in rows if row["version"] == version), {"outcome": None, "reason": ""})


def wait_for(admin, outcome, version="2", seconds=40.0) -> dict:
    deadline = time.monotonic() + seconds
    while (found := read(admin, version))["outcome"] != outcome:
        assert time.monotonic() < deadline, f"{found}\n{admin.gateway.log()}"
        time.sleep(0.05)
    return found


def rollouts(admin) -> list[dict]:
    return admin.client.get("/rollouts").json()["rollouts"]


def loads(admin, version) -> list[str]:
    """How often a version went through the gate, and what came of it."""
    lines = admin.client.get("/audit", params={"action": "load", "limit": 1000}).json()["lines"]
    return [line["outcome"] for line in lines if line["after"] == version]


def test_a_new_version_is_rolled_out_by_itself_once(gateway, tmp_path):
    row = alike(gateway)
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    with serve(tmp_path, {"rollout": str(plan)}) as gateway, Admin(gateway) as admin:
        assert read(admin, "1")["outcome"] == "known"
        with Load(gateway, tmp_path, 240, row=row) as load:
            arrive(tmp_path)
            started = wait_for(admin, "started")
            rollout = rollouts(admin)[0]
            assert rollout["candidate"] == "2" and rollout["started_by"] == "repository"
            assert rollout["id"] in started["reason"]
            over = wait(admin, rollout, seconds=200)
            assert over["state"] == "promoted" and admin.route()["stable"] == "2", over
            assert all(status == 200 for _, status, _ in load.end())
        metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
        assert metrics.total("serin_arrivals_total", model="fraud", outcome="started") == 1
        assert "rollout fraud-" in admin.ctl("arrivals", "fraud")
        events = admin.client.get("/events", headers={"Last-Event-ID": "0"}).text
        assert '"outcome":"started"' in events and "event: arrival" in events
    # What was done is done: a restart starts nothing, and an older version is passed over.
    with serve(tmp_path, {"rollout": str(plan)}) as gateway, Admin(gateway) as admin:
        time.sleep(1.5)
        assert len(rollouts(admin)) == 1 and read(admin)["outcome"] == "started"
        lines = admin.client.get("/audit", params={"action": "arrival"}).json()["lines"]
        assert [(line["after"], line["outcome"]) for line in lines] == [("2", "started")]


def test_approval_is_waited_for_and_survives_a_restart(gateway, tmp_path):
    row = alike(gateway)
    policy = {"rollout": PLAN, "approval": "required"}
    with serve(tmp_path, policy) as gateway, Admin(gateway) as admin:
        with Load(gateway, tmp_path, 60, row=row):
            wait_for_rate_of_one(admin)
            arrive(tmp_path)
            assert "serin ctl rollout resume fraud-" in wait_for(admin, "started")["reason"]
            time.sleep(1)
            held = rollouts(admin)[0]
            assert (held["state"], held["percent"]) == ("paused", 0) and "waits for approval" in held["reason"]
            assert admin.route() == {"stable": "1"}
            assert admin.act(f"/rollouts/{held['id']}:promote").status_code == 409
    with serve(tmp_path, policy) as gateway, Admin(gateway) as admin:
        with Load(gateway, tmp_path, 120, row=row):
            held = rollouts(admin)[0]
            assert (held["state"], held["percent"]) == ("paused", 0)
            admin.ctl("rollout", "resume", held["id"], "--reason", "seen")
            running = wait(admin, held, ("running", "promoted"), 40)
            assert running["percent"] > 0
            admin.act(f"/rollouts/{held['id']}:abort")
            # Aborted by a person: it does not begin again.
            time.sleep(1.5)
            assert len(rollouts(admin)) == 1 and admin.route() == {"stable": "1"}


def wait_for_rate_of_one(admin, seconds=20.0):
    """The gateway has measured the traffic of its only version."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if sum(admin.model()["versions"][0]["requests"].values()) > 2000:
            return
        time.sleep(0.1)
    raise AssertionError("no traffic")


def test_without_traffic_it_waits(installed, tmp_path):
    with serve(tmp_path, {"rollout": PLAN}) as gateway, Admin(gateway) as admin:
        arrive(tmp_path)
        waiting = wait_for(admin, "waiting")
        assert "no request for ten seconds" in waiting["reason"]
        assert any("version 2 has arrived: waiting" in text for text in admin.model()["warnings"])
        time.sleep(1.5)
        assert loads(admin, "2") == ["ok"], "it is loaded once, and asked for again without a line each time"
        assert rollouts(admin) == [] and admin.route() == {"stable": "1"}


def test_a_bad_bundle_is_refused_once_until_it_changes(installed, tmp_path):
    def spoil(folder):
        golden = folder / "golden.ndjson"
        lines = golden.read_text().splitlines()
        first = json.loads(lines[0])
        first["score"][0] += 0.25
        golden.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")

    with serve(tmp_path, "load") as gateway, Admin(gateway) as admin:
        arrive(tmp_path, change=spoil)
        refused = wait_for(admin, "refused")
        assert "golden" in refused["reason"]
        assert any("version 2 has arrived: refused" in text for text in admin.ctl("status").splitlines())
        time.sleep(2)
        assert len(loads(admin, "2")) == 1, "what was refused is not tried again"
        metrics = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
        assert metrics.total("serin_arrivals_total", model="fraud", outcome="refused") == 1
    # Nor after a restart, by the arrival; a start itself looks at every version once.
    with serve(tmp_path, "load", load=["1"]) as gateway, Admin(gateway) as admin:
        assert read(admin)["outcome"] == "refused"
        time.sleep(2)
        assert len(loads(admin, "2")) == 1
        folder = tmp_path / "models" / MODEL / "2"
        shutil.copyfile(MODELS / MODEL / "2" / "golden.ndjson", folder / "golden.ndjson")
        rewrite_sums(folder)
        wait_for(admin, "loaded")
        assert loads(admin, "2")[-1] == "ok" and admin.states()["2"] == "AVAILABLE"
        assert admin.route() == {"stable": "1"}, "loaded is not served"


@pytest.mark.parametrize("last", ["SHA256SUMS", "model.txt"])
def test_a_copy_is_waited_for(installed, tmp_path, last):
    """File by file, slowly, as over a network; the list of checksums first or last."""
    source = MODELS / MODEL / "2"
    with serve(tmp_path, "load", watch="800ms") as gateway, Admin(gateway) as admin:
        folder = tmp_path / "models" / MODEL / "2"
        folder.mkdir()
        names = sorted((path.name for path in source.iterdir()), key=lambda name: name == last)
        for name in names[:-1]:
            shutil.copyfile(source / name, folder / name)
        assert f"{last} is not there yet" in wait_for(admin, "incomplete")["reason"]
        # The last one grows for a while: never the same at two looks.
        content, written = (source / last).read_bytes(), threading.Event()

        def grow():
            with (folder / last).open("wb", buffering=0) as file:
                step = len(content) // 40 + 1
                for start in range(0, len(content), step):
                    file.write(content[start : start + step])
                    time.sleep(0.1)
            written.set()

        threading.Thread(target=grow, daemon=True).start()
        wait_for(admin, "loaded")
        assert written.is_set() and loads(admin, "2") == ["ok"]


def test_the_newest_wins_and_older_ones_are_passed_over(installed, tmp_path):
    with serve(tmp_path, "load", route={"stable": "1"}) as gateway, Admin(gateway) as admin:
        def rename(version):
            return change_manifest(lambda manifest: manifest.update(version=version))

        for version in ("5", "4"):
            copy_bundle(tmp_path / version, "2", rename(version))
        # Both at once: one listing may see only the first, which is the newer one.
        for version in ("5", "4"):
            (tmp_path / version / MODEL / "2").rename(tmp_path / "models" / MODEL / version)
        wait_for(admin, "loaded", "5")
        assert "version 5 is newer" in wait_for(admin, "passed-over", "4")["reason"]
        assert "4" not in admin.states() or admin.states()["4"] != "AVAILABLE"


def test_a_model_without_a_stable_version_in_its_route_is_not_taken_over(installed, tmp_path):
    """Loading alone would make it the highest ready version, and so everybody's."""
    with serve(tmp_path, {"rollout": PLAN}, route={}) as gateway, Admin(gateway) as admin:
        arrive(tmp_path)
        assert "set it to 1" in wait_for(admin, "waiting")["reason"]
        assert admin.states()["1"] == "AVAILABLE" and admin.states().get("2") != "AVAILABLE"


def test_ignored_by_default(installed, tmp_path):
    with serve(tmp_path, "ignore") as gateway, Admin(gateway) as admin:
        arrive(tmp_path)
        time.sleep(1.5)
        assert admin.client.get("/models/fraud/arrivals").json() == {"arrivals": []}
        assert "2" not in admin.states()


def test_a_wrong_plan_is_refused_at_the_start(installed, tmp_path):
    gateway = serve(tmp_path, {"rollout": str(tmp_path / "gone.yaml")}).spawn()
    assert gateway.process.wait(30) == 3 and "on_new_version" in gateway.log() and "gone.yaml" in gateway.log()
    gateway = serve(tmp_path, {"rollout": "steps: []\nstepz: 1\n"}).spawn()
    assert gateway.process.wait(30) == 3 and "unknown key" in gateway.log()


def test_traffic_that_comes_lets_it_begin(gateway, tmp_path):
    row = alike(gateway)
    with serve(tmp_path, {"rollout": PLAN}) as gateway, Admin(gateway) as admin:
        arrive(tmp_path)
        wait_for(admin, "waiting")
        with Load(gateway, tmp_path, 60, row=row):
            wait_for(admin, "started", seconds=30)
            wait(admin, rollouts(admin)[0], ("running", "promoted"), 60)
