"""The admin plane as its users see it: the operator's story, roles, the gate, what survives a kill."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml

from harness.admin import Admin
from harness.bundles import change_manifest, copy_bundle
from harness.gateway import MODELS, run_serin

ROUTED = {"fraud": {"require": ["golden"], "route": {"stable": "1"}}}


@pytest.fixture
def repository(tmp_path):
    """A repository of its own, with the two shipped versions."""
    folder = tmp_path / "models"
    for version in ("1", "2"):
        copy_bundle(folder, version)
    return folder


def tokens(folder: Path, **roles) -> tuple[list, dict]:
    """Tokens for the configuration, and the files that hold them."""
    folder.mkdir(parents=True, exist_ok=True)
    configured, files = [], {}
    for name, role in roles.items():
        secret = f"{name}-{random.randrange(10**12)}"
        files[name] = folder / f"{name}.token"
        files[name].write_text(secret + "\n")
        configured.append({"name": name, "role": role, "sha256": hashlib.sha256(secret.encode()).hexdigest()})
    return configured, files


def test_an_operators_story(start_gateway, tmp_path, fraud):
    """Import, load, canary 1 % to 25 %, compare, switch, roll back; the audit log tells all of it by name."""
    repository = tmp_path / "models"
    copy_bundle(repository, "1")
    configured, files = tokens(tmp_path / "tokens", olga="operator", adam="admin", vera="viewer")
    gateway = start_gateway(
        repository=repository, models=ROUTED, state={"path": str(tmp_path / "state")},
        admin={"address": "127.0.0.1", "port": 0, "tokens": configured})
    source = MODELS / "fraud" / "2"
    model = yaml.load((source / "manifest.yaml").read_text(), Loader=yaml.CSafeLoader)["model"]["file"]
    imported = run_serin(
        "model", "import", source / model, "--name", "fraud", "--version", "2", "--manifest", source / "manifest.yaml",
        "--golden", source / "golden.ndjson", "--profile", source / "profile.json", "--repository", repository)
    assert imported.returncode == 0, imported.stderr
    olga, adam, vera = (Admin(gateway, files[name]) for name in ("olga", "adam", "vera"))
    assert "needs the role admin" in olga.ctl("load", "fraud", "2", code=1)
    assert "fraud/2 is AVAILABLE" in adam.ctl("load", "fraud", "2", "--reason", "the June model")
    assert "needs the role operator" in vera.ctl("canary", "fraud", "--version", "2", "--percent", "1", code=1)
    assert "nothing was changed" in olga.ctl("canary", "fraud", "--version", "2", "--percent", "1", "--dry-run")
    assert vera.ctl_json("route", "fraud") == {"stable": "1"}
    olga.ctl("canary", "fraud", "--version", "2", "--percent", "1", "--reason", "start small")
    assert "say --yes" in olga.ctl("canary", "fraud", "--percent", "25", code=2)
    olga.ctl("canary", "fraud", "--percent", "25", "--yes", "--reason", "looks well")
    body = {"instances": fraud.objects(fraud.rows("FP32")[:1])}
    with httpx.Client(base_url=gateway.url, timeout=10) as client:
        for _ in range(80):
            assert client.post("/v1/models/fraud:predict", json=body).status_code == 200
    versions = {entry["version"]: entry for entry in vera.ctl_json("status")["models"][0]["versions"]}
    assert versions["1"]["requests"]["ok"] > versions["2"]["requests"]["ok"] > 0
    assert versions["2"]["weight"] == 0.25 and versions["2"]["uses"] == ["canary"]
    olga.ctl("canary", "fraud", "--percent", "0", "--reason", "a pause, without being asked")
    olga.ctl("canary", "fraud", "--percent", "25", "--yes", "--reason", "looks well")
    olga.ctl("switch", "fraud", "--version", "2", "--yes", "--reason", "it is better")
    assert "pinned until" in adam.ctl("unload", "fraud", "1", code=1)
    olga.ctl("rollback", "fraud", "--reason", "it is not")
    route = vera.ctl_json("route", "fraud")
    assert route == {"stable": "1", "canary": {"version": "2", "percent": 25}}
    lines = [json.loads(line) for line in vera.ctl("audit", "--ndjson", "--limit", "1000").splitlines()]
    told = [(line["actor"], line["action"], line["reason"]) for line in lines if line["outcome"] == "ok"]
    assert told == [
        ("configuration", "seed", "the state had no route of this model"), ("adam", "load", "the June model"),
        ("olga", "route", "start small"), ("olga", "route", "looks well"),
        ("olga", "route", "a pause, without being asked"), ("olga", "route", "looks well"),
        ("olga", "switch", "it is better"),
        ("olga", "rollback", "it is not")]
    refused = [(line["actor"], line["action"]) for line in lines if line["outcome"] != "ok"]
    assert refused == [("adam", "unload")]
    assert "olga" in vera.ctl("audit", "--actor", "olga")
    assert "fine: 9 lines" in run_serin("audit", "verify", "--state", tmp_path / "state").stdout
    for admin in (olga, adam, vera):
        admin.client.close()


def test_a_restart_serves_what_was_acknowledged_last(start_gateway, tmp_path, repository):
    settings = {"models": ROUTED, "state": {"path": str(tmp_path / "state")}, "repository": repository}
    first = start_gateway(**settings)
    with Admin(first) as admin:
        route = {"stable": "2", "canary": {"version": "1", "percent": 12.5}, "labels": {"old": "1"},
                 "sticky": {"header": "serin-key", "salt": "s"}}
        assert admin.put_route(route).status_code == 200
        generation = admin.model()["generation"]
    first.stop()
    second = start_gateway(**settings)
    with Admin(second) as admin:
        assert admin.route() == route and admin.model()["generation"] == generation
        assert "differs from the state's" in second.log()
        assert admin.put_route(admin.route(), match=f'"{generation - 1}"').status_code == 412
    second.stop()
    shutil.rmtree(repository / "fraud" / "1")
    third = start_gateway(**settings)
    with Admin(third) as admin:
        model = admin.model()
        assert model["route"] == route and not model["ready"]
        assert any("version 1" in problem for problem in model["problems"])
        assert httpx.get(third.metrics_url + "/health/ready").status_code == 503
        assert httpx.get(third.url + "/v2/models/fraud/ready").status_code == 200


def test_a_corrupted_state_is_said_and_kept(start_gateway, tmp_path):
    settings = {"models": ROUTED, "state": {"path": str(tmp_path / "state")}}
    first = start_gateway(**settings)
    with Admin(first) as admin:
        assert admin.put_route({"stable": "1", "canary": {"version": "2", "percent": 50}}).status_code == 200
    first.stop()
    file = tmp_path / "state" / "serin.sqlite"
    file.write_bytes(b"\xa5" * 4096 + file.read_bytes()[4096:])
    second = start_gateway(**settings)
    assert "is corrupted" in second.log()
    assert list((tmp_path / "state").glob("serin.sqlite.corrupt-*"))
    with Admin(second) as admin:
        assert admin.route() == {"stable": "1"}


KILLS = int(os.environ.get("SERIN_KILLS", "12"))


def test_nothing_acknowledged_is_lost_by_a_kill(start_gateway, tmp_path):
    """SERIN_KILLS kills (200 before a release) at random moments of concurrent changes."""
    settings = {"models": ROUTED, "state": {"path": str(tmp_path / "state")}, "log": {"level": "error"}, "reactors": 1}
    chance = random.Random(5)
    acknowledged = {"generation": 0, "route": None}
    lines = 0
    for kill in range(KILLS):
        gateway = start_gateway(**{**settings, "log": {"level": "info"}})
        with Admin(gateway) as admin:
            model = admin.model()
            # A change that was committed and not yet answered may be there: never one that was answered missing.
            assert model["generation"] >= acknowledged["generation"]
            if model["generation"] == acknowledged["generation"] and acknowledged["route"]:
                assert model["route"] == acknowledged["route"]
            acknowledged = {"generation": model["generation"], "route": model["route"]}
        lock, ends = threading.Lock(), threading.Event()

        def change(seed):
            random_numbers = random.Random(seed)
            with httpx.Client(base_url=f"{gateway.admin_url}/admin/v1", timeout=10) as client:
                while not ends.is_set():
                    route = {"stable": "1", "canary": {"version": "2", "percent": random_numbers.randrange(1_000_000) / 10_000}}
                    try:
                        answer = client.put("/models/fraud/route", json=route, headers={"If-Match": "*"})
                    except httpx.HTTPError:
                        return
                    if answer.status_code == 200:
                        document = answer.json()
                        with lock:
                            if document["generation"] > acknowledged["generation"]:
                                acknowledged.update(generation=document["generation"], route=document["after"])

        threads = [threading.Thread(target=change, args=(kill * 10 + index,)) for index in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.02, 0.4))
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
        ends.set()
        for thread in threads:
            thread.join()
        gateway.process = None
        verified = run_serin("audit", "verify", "--state", tmp_path / "state", "--json")
        assert verified.returncode == 0, verified.stderr
        found = json.loads(verified.stdout)["lines"]
        assert found >= lines and found >= acknowledged["generation"]
        lines = found


def sign(folder: Path, key: Path):
    subprocess.run(
        ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", folder / "SHA256SUMS", "-out",
         folder / "SHA256SUMS.sig"], check=True)


def make_key(path: Path) -> Path:
    """An Ed25519 key; returns the file of its public half."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", f"{path}.pub"], check=True)
    return Path(f"{path}.pub")


def flip_golden(folder: Path):
    """The lowest bit of one margin's digits."""
    file = folder / "golden.ndjson"
    lines = file.read_text().splitlines()
    row = json.loads(lines[0])
    margin = row["margin"][0]
    row["margin"][0] = float(np.nextafter(np.float32(margin), np.float32(np.inf)))
    lines[0] = json.dumps(row)
    file.write_text("\n".join(lines) + "\n")


def test_the_gate_keeps_each_out_with_its_own_reason(start_gateway, tmp_path):
    repository = tmp_path / "models"
    key, other = tmp_path / "key.pem", tmp_path / "other.pem"
    public = make_key(key)
    make_key(other)
    sign(copy_bundle(repository, "1"), key)
    gateway = start_gateway(
        repository=repository, models={"fraud": {"require": ["golden", "signature"], "route": {"stable": "1"}}},
        signing={"keys": [str(public)]})

    def place(version: str, change=None, signer=key, source="1") -> Path:
        def apply(folder):
            change_manifest(lambda manifest: manifest.update(version=version))(folder)
            if change:
                change(folder)
        folder = repository / "fraud" / version
        staged = copy_bundle(tmp_path / f"staged-{version}", source, apply)
        if signer:
            sign(staged, signer)
        shutil.move(staged, folder)
        return folder

    def other_unit(manifest):
        manifest["features"][0]["unit"] = "USD"

    with Admin(gateway) as admin:
        def refused(version: str) -> str:
            answer = admin.act(f"/models/fraud/versions/{version}:load")
            assert answer.status_code == 422, answer.text
            assert answer.json()["type"] == "urn:serin:problem:refused"
            state = next(entry for entry in admin.model()["versions"] if entry["version"] == version)
            assert state["state"] == "END" and state["error"] == answer.json()["detail"]
            return answer.json()["detail"]

        flipped = place("10")
        model = next(file for file in flipped.iterdir() if file.name.startswith("model."))
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
        assert "differs from its checksum" in refused("10")
        sums = place("11") / "SHA256SUMS"
        sums.write_text(sums.read_text().replace("0", "1", 1))
        assert "is not the signature" in refused("11")
        place("12", signer=other)
        assert "is not the signature" in refused("12")
        place("13", signer=None)
        assert "requires a signature" in refused("13")
        place("14", flip_golden)
        assert "golden" in refused("14") and "margin" in refused("14")
        place("15", change_manifest(lambda manifest: manifest.update(budgets={"cost": "1ns"})))
        assert "budget" in refused("15")
        place("16", change_manifest(other_unit))
        assert "amount is in USD, not in EUR" in refused("16")
        place("17")
        assert admin.act("/models/fraud/versions/17:load").status_code == 200
        assert admin.act("/models/fraud/versions/../../x:load").status_code in (404, 405)
        assert admin.act("/models/fraud/versions/%2e%2e%2fx:load").status_code == 404
        assert httpx.get(gateway.metrics_url + "/health/ready").status_code == 200
        outcomes = [line["outcome"] for line in admin.client.get("/audit", params={"action": "load"}).json()["lines"]]
        assert sum("ok" != outcome for outcome in outcomes) >= 6


def test_a_model_that_gives_no_number_stays_out(start_gateway, repository):
    """Every leaf is the largest double there is, and the score is their sum."""

    def overflow(folder):
        model = folder / "model.txt"
        text = re.sub(
            r"^leaf_value=.*$", lambda match: re.sub(r"[^ =]+(?= |$)", "1.7e308", match[0]), model.read_text(), flags=re.M)
        # Its length is written before each tree.
        text = re.sub(r"^tree_sizes=.*\n", "", text, flags=re.M)
        model.write_text(text.replace("objective=binary sigmoid:1", "objective=regression"))
        for name in ("golden.ndjson", "profile.json"):
            (folder / name).unlink()
        def describe(manifest):
            manifest["output"] = {"objective": "regression"}
            del manifest["golden"]

        change_manifest(describe)(folder)
        sums = folder / "SHA256SUMS"
        sums.write_text("".join(line + "\n" for line in sums.read_text().splitlines() if line.endswith((".yaml", ".txt"))))

    shutil.rmtree(repository / "fraud" / "2")
    copy_bundle(repository, "2", overflow)
    gateway = start_gateway(models={"fraud": {"route": {"stable": "1"}, "load": ["1"]}}, repository=repository)
    with Admin(gateway) as admin:
        answer = admin.act("/models/fraud/versions/2:load")
        assert answer.status_code == 422 and "not a finite number" in answer.json()["detail"], answer.text
        assert admin.states() == {"1": "AVAILABLE", "2": "END"}


def test_what_is_in_use_stays(start_gateway, tmp_path, repository):
    gateway = start_gateway(models=ROUTED, repository=repository)
    with Admin(gateway) as admin:
        assert admin.put_route({"stable": "1", "labels": {"next": "2"}}).status_code == 200
        answer = admin.act("/models/fraud/versions/2:unload")
        assert answer.status_code == 409 and "label next" in answer.json()["detail"]
        assert admin.act("/models/fraud/versions/1:unload").status_code == 409
        assert admin.act("/models/fraud/versions/7:load").status_code == 404
        assert admin.put_route({"stable": "1"}).status_code == 200
        key = {"Idempotency-Key": "once"}
        first = admin.act("/models/fraud/versions/2:unload", **key)
        assert first.status_code == 200 and admin.act("/models/fraud/versions/2:unload", **key).json() == first.json()
        assert admin.states() == {"1": "AVAILABLE", "2": "END"}
        assert admin.put_route({"stable": "1", "canary": {"version": "2", "percent": 1}}).status_code == 409
        assert httpx.post(gateway.url + "/v1/models/fraud/versions/2:predict", json={}).status_code == 404
        status = httpx.get(gateway.url + "/v1/models/fraud").json()["model_version_status"]
        assert {entry["version"]: entry["state"] for entry in status} == {"1": "AVAILABLE", "2": "END"}
        # A loaded version is pinned in memory: its folder may go.
        shutil.rmtree(repository / "fraud" / "1")
        assert httpx.get(gateway.url + "/v2/models/fraud/ready").status_code == 200


def test_a_page_of_another_site_is_refused(start_gateway):
    gateway = start_gateway(models=ROUTED)
    url = gateway.admin_url + "/admin/v1/status"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"Host": "evil.example"}).status_code == 403
    assert httpx.get(url, headers={"Origin": "https://evil.example"}).status_code == 403
    assert httpx.get(url, headers={"Origin": gateway.admin_url}).status_code == 200


def test_events_tell_what_happens(start_gateway):
    gateway = start_gateway(models=ROUTED)
    with Admin(gateway) as admin:
        told = []
        listener = threading.Thread(
            target=lambda: told.append(httpx.get(f"{gateway.admin_url}/admin/v1/events", timeout=30)))
        listener.start()
        time.sleep(0.3)
        assert admin.put_route({"stable": "2"}).status_code == 200
        listener.join()
        assert told[0].headers["content-type"] == "text/event-stream"
        assert "event: route" in told[0].text and '"stable":"2"' in told[0].text


def test_the_admin_plane_stays_on_loopback_without_tokens(start_gateway, tmp_path):
    config = tmp_path / "serin.yaml"
    config.write_text("admin: {address: 0.0.0.0}\n")
    done = run_serin("serve", "--config", config, "--check")
    assert done.returncode == 1 and "admin.tokens" in done.stderr


def test_schemathesis_finds_nothing(start_gateway, tmp_path):
    gateway = start_gateway(models=ROUTED)
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", Path(__file__).parent / "conformance" / "schemathesis.toml",
         "run", f"{gateway.admin_url}/admin/v1/openapi.json", "--max-examples",
         "15", "--exclude-path", "/admin/v1/events", "--seed", "7", "--no-color"],
        capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
