"""config/retraining: what is shipped can be read, and the receiver believes what Serin signs and nothing else."""

import ast
import base64
import json
import os
import re
import subprocess
import sys
import time

import httpx
import pytest
import yaml
from test_triggers import SECRET, drifted, serve, trigger, wait_for
from test_triggers import secret as secret  # noqa: PLC0414

from harness.admin import Admin
from harness.bundles import bundle
from harness.gateway import ROOT
from test_drift import send

FOLDER = ROOT / "config" / "retraining"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_python_is_python(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.y*ml")), ids=lambda path: path.name)
def test_yaml_is_yaml(path):
    documents = list(yaml.safe_load_all(path.read_text()))
    assert documents and all(isinstance(document, dict) for document in documents)
    if path.name == "argo-events.yaml":
        assert [document["kind"] for document in documents] == ["EventSource", "Sensor"]
        sensor = documents[1]["spec"]
        workflow = sensor["triggers"][0]["template"]["argoWorkflow"]
        names = [parameter["name"] for parameter in workflow["source"]["resource"]["spec"]["arguments"]["parameters"]]
        for parameter in workflow["parameters"]:
            place = int(re.fullmatch(r"spec\.arguments\.parameters\.(\d)\.value", parameter["dest"])[1])
            assert names[place] in ("model", "parent")
        # What the filters let through is what events have.
        for rule in sensor["dependencies"][0]["filters"]["data"]:
            sample = {"type": "dev.serin.trigger.drift", "model": "fraud", "version": "1"}[rule["path"].split(".")[-1]]
            assert re.search(rule["value"][0], sample) and not re.search(rule["value"][0], "$(x)")
    else:
        # `on` is a switch to YAML 1.1.
        assert documents[0][True]["repository_dispatch"]["types"] == ["serin-retrain"]


def test_shell_is_shell():
    """Every script in the recipes, as bash reads it."""
    workflow = yaml.safe_load((FOLDER / "github-actions.yml").read_text())
    scripts = [step["run"] for step in workflow["jobs"]["retrain"]["steps"] if "run" in step]
    sensor = list(yaml.safe_load_all((FOLDER / "argo-events.yaml").read_text()))[1]
    spec = sensor["spec"]["triggers"][0]["template"]["argoWorkflow"]["source"]["resource"]["spec"]
    scripts += spec["templates"][0]["container"]["args"]
    assert len(scripts) == 6
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=10)
        assert "github.event" not in script, "an event's text is never part of a command"


@pytest.fixture
def receiver(tmp_path, secret):
    """The shipped receiver with a command that writes down what it gets; its URL."""
    command = tmp_path / "retrain.sh"
    command.write_text(f'#!/bin/sh\ncat > "{tmp_path}/$SERIN_EVENT_ID.json"\n'
                       f'echo "$SERIN_MODEL/$SERIN_VERSION $SERIN_TRIGGER $SERIN_KIND" >> {tmp_path}/runs\n')
    command.chmod(0o700)
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / "receiver.py"), "--secret", secret, "--listen", "127.0.0.1:0", "--command",
         str(command)], stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    line = process.stderr.readline()
    yield f"http://{line.split()[-1]}/"
    process.terminate()
    process.wait(10)


def signed(body: bytes, identifier="a-1", stamp=None, secret=SECRET) -> dict:
    import hashlib
    import hmac

    stamp = str(int(time.time()) if stamp is None else stamp)
    code = hmac.new(secret, f"{identifier}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": identifier, "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(code).decode(),
            "content-type": "application/cloudevents+json; charset=utf-8"}


def event(**changes) -> bytes:
    data = {"model": "fraud", "version": "1", "trigger": "watch", "kind": "drift"}
    whole = {"specversion": "1.0", "type": "dev.serin.trigger.drift", "source": "serin", "id": "a-1", "data": data}
    return json.dumps({**whole, **changes}).encode()


def runs(tmp_path, count) -> list[str]:
    deadline = time.monotonic() + 20
    while True:
        lines = (tmp_path / "runs").read_text().splitlines() if (tmp_path / "runs").exists() else []
        if len(lines) >= count:
            return lines
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)


def test_the_receiver_believes_signatures_only(tmp_path, receiver):
    def post(body, headers):
        return httpx.post(receiver, content=body, headers=headers, timeout=10).status_code

    genuine = event()
    assert post(genuine, {}) == 401
    assert post(genuine, signed(genuine, secret=bytes(32))) == 401
    assert post(genuine + b" ", signed(genuine)) == 401, "another body"
    assert post(genuine, {**signed(genuine), "webhook-id": "b-1"}) == 401, "another id"
    assert post(genuine, signed(genuine, stamp=int(time.time()) - 3600)) == 401, "recorded an hour ago"
    other = event(type="dev.serin.rollout.before-step")
    assert post(other, signed(other)) == 400
    assert post(b"{}", signed(b"{}")) == 400
    assert not (tmp_path / "runs").exists()
    # Of two signatures one is enough: a secret is being replaced.
    headers = signed(genuine)
    headers["webhook-signature"] = "v1,AAAA " + headers["webhook-signature"]
    assert post(genuine, headers) == 202
    assert post(genuine, signed(genuine)) == 200, "the same event again starts nothing"
    assert runs(tmp_path, 1) == ["fraud/1 watch drift"]


def test_the_receiver_takes_what_serin_sends(installed, tmp_path, secret, receiver):
    rule = trigger(receiver, secret, {"drift": "alert", "window": "5m"})
    with serve(tmp_path, rule) as gateway, Admin(gateway) as admin:
        send(gateway, drifted())
        delivered = wait_for(admin, lambda found: found["state"] == "cooling")
        assert runs(tmp_path, 1) == ["fraud/1 watch drift"]
        written = json.loads((tmp_path / f"{delivered['event']}.json").read_text())
        assert written["data"]["figure"] in bundle("1").names and written["id"] == delivered["event"]
