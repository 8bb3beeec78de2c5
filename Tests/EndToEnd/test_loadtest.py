"""`serin loadtest` against real gateways: what it measures is the schedule's truth, what is broken fails with its reason.

No figure here depends on how fast the machine is: latencies are bounded from below by faults that were put in, budgets
that must hold are as wide as a loaded machine needs, and what must break breaks by arithmetic.
"""

import json
import os
import re
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from harness.bundles import change_manifest, copy_bundle
from harness.gateway import BINARY, MODELS, ROOT, SURROUNDINGS, Gateway

SCENARIOS = ROOT / "loadtest"
PATIENCE = "30s"
#: For gateways whose requests may take as long as a loaded machine wants.
PATIENT = {"require": ["golden"], "timeout": {"default": "30s", "max": "60s"}, "route": {"stable": "1"}}


class Outcome:
    def __init__(self, folder: Path, process: subprocess.CompletedProcess):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr
        self.html = folder / "result.html"
        self.json = folder / "result.json"
        self.result = json.loads(self.json.read_text()) if self.json.exists() else None
        junit = folder / "result.xml"
        self.junit = ElementTree.parse(junit).getroot() if junit.exists() else None

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    def group(self, name: str, phase=None, version=None) -> dict:
        for group in self.result["groups"]:
            if (group["traffic_class"], group.get("phase"), group.get("version")) == (name, phase, version):
                return group
        raise AssertionError(f"no group {name} {phase} {version}\n{self}")

    def failures(self) -> list[str]:
        return [element.get("message") for element in self.junit.iter("failure")]


def start_loadtest(folder: Path, scenario, *arguments) -> subprocess.Popen:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scenario.yaml"
    path.write_text(scenario if isinstance(scenario, str) else yaml.safe_dump(scenario, sort_keys=False))
    files = [word for kind, name in (("json", "json"), ("junit", "xml"), ("html", "html"))
             for word in (f"--{kind}", folder / f"result.{name}")]
    command = [BINARY, "loadtest", path, *files, "--models", MODELS, *arguments]
    return subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=SURROUNDINGS)


def finish(folder: Path, process: subprocess.Popen, seconds=180) -> Outcome:
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Outcome(folder, subprocess.CompletedProcess(process.args, process.returncode, out, err))


def loadtest(folder: Path, scenario, *arguments) -> Outcome:
    return finish(folder, start_loadtest(folder, scenario, *arguments))


def simple(url: str, load: dict, duration="2s", **changes) -> dict:
    """One class, one phase."""
    entry = {"name": "all", "model": "fraud", "connections": 2, "streams": 50, "timeout": PATIENCE, **changes}
    return {"name": "simple", "target": url, "classes": [entry],
            "phases": [{"name": "steady", "duration": duration, "load": {"all": load}}]}


# What it measures


def test_every_way_to_ask(start_gateway, tmp_path):
    gateway = start_gateway(models={"fraud": {**PATIENT, "route": {"stable": "1", "canary": {"version": "2", "percent": 50}}}})
    shared = {"model": "fraud", "connections": 2, "streams": 20, "timeout": PATIENCE}
    csv = tmp_path / "rows.csv"
    names = [feature["name"] for feature in yaml.safe_load((MODELS / "fraud/1/manifest.yaml").read_text())["features"]]
    row = json.loads((MODELS / "fraud/1/golden.ndjson").read_text().splitlines()[0])["row"]
    csv.write_text(",".join(names) + "\n" + ",".join("" if value is None else str(value) for value in row) + "\n")
    replay = tmp_path / "replay.ndjson"
    replay.write_text("".join(json.dumps({"at": index / 100, "key": f"card-{index % 7}"}) + "\n" for index in range(100)))
    classes = {
        "v1": ({"api": "v1", "keys": {"distinct": 50}}, {"poisson": "50/s"}),
        "v2": ({"api": "v2", "batch": 5}, {"ramp": {"from": "10/s", "to": "60/s"}}),
        "grpc": ({"api": "grpc", "headers": {"serin-priority": "high"}}, {"steps": ["20/s", "40/s"]}),
        "pinned": ({"api": "grpc", "version": "2", "batch": 3}, {"constant": "30/s"}),
        "http1": ({"api": "v2", "http": 1, "streams": 1}, {"closed": {"users": 2, "think": "20ms"}}),
        "csv": ({"api": "v1", "rows": {"csv": str(csv)}}, {"constant": "30/s"}),
        "replay": ({"api": "v1"}, {"replay": {"file": str(replay)}}),
    }
    scenario = {
        "name": "all ways", "target": gateway.url,
        "classes": [{"name": name, **shared, **entry} for name, (entry, _) in classes.items()]
        + [{"name": "plain", "api": "plain", "path": "/v2/health/live", "timeout": PATIENCE}],
        "phases": [{"name": "all", "duration": "2s", "load": {
            **{name: load for name, (_, load) in classes.items()}, "plain": {"constant": "20/s"}}}],
        "budgets": [{"class": name, "errors": "0%", "mismatches": 0} for name in classes]
        + [{"class": "plain", "errors": "0%"}],
    }
    outcome = loadtest(tmp_path / "run", scenario)
    assert outcome.code == 0, outcome
    for name in classes:
        counts = outcome.group(name)["counts"]
        assert counts["answers"] == counts["requests"] == counts["checked"] > 10, (name, counts)
    # The schedules' own arithmetic.
    assert outcome.group("pinned")["counts"]["requests"] == 60
    assert outcome.group("replay")["counts"]["requests"] == 100
    assert outcome.group("v2")["counts"]["requests"] in range(69, 72)
    assert outcome.group("pinned", version="2")["counts"]["requests"] == 60
    assert {group.get("version") for group in outcome.result["groups"] if group["traffic_class"] == "v1"} == {None, "1", "2"}
    # Every answer's latency is in the histogram, which adds up.
    for group in outcome.result["groups"]:
        assert sum(count for _, count in group["histogram"]) == group["counts"]["answers"], group["traffic_class"]


@pytest.mark.parametrize("http", [1, 2])
def test_mutual_tls(start_gateway, certs, tmp_path, http):
    gateway = start_gateway(listen={"tls": certs.mutual()}, models={"fraud": PATIENT})
    scenario = simple(f"https://localhost:{gateway.tls_port}", {"constant": "50/s"}, http=http, streams=1 if http == 1 else 20)
    scenario["budgets"] = [{"errors": "0%", "mismatches": 0}]
    scenario["tls"] = {"authority": certs.path("ca.pem"), **certs.pair("client")}
    outcome = loadtest(tmp_path / "run", scenario)
    assert outcome.code == 0 and outcome.group("all")["counts"]["checked"] == 100, outcome
    # Without a certificate, and without believing the server's.
    scenario["tls"] = {"authority": certs.path("ca.pem")}
    assert loadtest(tmp_path / "anonymous", scenario).code == 3
    del scenario["tls"]
    outcome = loadtest(tmp_path / "unknown", scenario)
    assert outcome.code == 3 and "certificate is refused" in outcome.err, outcome


def test_a_frozen_server_is_seen(start_gateway, tmp_path):
    """An open loop counts what a freeze did to everybody who was due meanwhile; a closed loop asks nothing then."""
    gateway = start_gateway(models={"fraud": PATIENT})
    scenario = simple(gateway.url, {"constant": "250/s"}, duration="8s", streams=500)
    scenario["classes"].append({**scenario["classes"][0], "name": "closed", "connections": 1})
    scenario["phases"][0]["load"]["closed"] = {"closed": {"users": 1}}
    process = start_loadtest(tmp_path / "run", scenario)
    # The first progress line says that the phase has begun.
    first = process.stderr.readline()
    assert "steady" in first, first
    with gateway.stopped():
        frozen = time.monotonic()
        time.sleep(1.5)
        frozen = time.monotonic() - frozen
    outcome = finish(tmp_path / "run", process)
    assert outcome.code == 0, outcome
    latency = outcome.group("all")["latency"]
    # Due evenly over 8 s: of 1 % of them, those that waited longest, each waited all of it but 80 ms.
    assert latency["max"] >= 0.9 * frozen, (latency, frozen)
    assert latency["p99"] >= 0.9 * (frozen - 0.08), (latency, frozen)
    assert outcome.group("all")["counts"]["requests"] == 2000
    assert outcome.group("closed")["latency"]["p99"] < frozen / 2, outcome


# Scenarios


def short(name: str, gateway: Gateway) -> dict:
    """A shipped scenario at a gentle rate for a short time, with the patience that a loaded machine needs."""
    scenario = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text())
    for target in scenario.get("targets", {}):
        scenario["targets"][target] = gateway.url
    if "target" in scenario:
        scenario["target"] = gateway.url
    for entry in scenario["classes"]:
        entry["timeout"] = PATIENCE
        entry.pop("deadline", None)
    for budget in scenario["budgets"]:
        for measure in ("p50", "p90", "p95", "p99", "p99.9", "max"):
            if measure in budget:
                budget[measure] = "100x" if "against" in budget else "20s"
        budget.pop("throughput", None)
        budget.pop("fallback", None)
    return scenario


SHIPPED = {  # how short, how gentle
    "payment": (0.1, 0.2), "burst": (0.2, 0.1), "canary-shift": (0.2, 0.2), "hot-swap": (0.25, 0.2),
    "rollback": (0.4, 0.2), "overload": (0.2, 0.02), "soak": (0.0015, 0.3), "candidate": (0.1, 0.3),
}


def scaled(name: str, gateway: Gateway) -> list:
    time_factor, rate_factor = SHIPPED[name]
    return ["--time", time_factor, "--rate", rate_factor, "--admin", gateway.admin_url]


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid(installed, path):
    checked = subprocess.run(
        [BINARY, "loadtest", path, "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr
    assert path.stem in SHIPPED, "run it below, and break it"


@pytest.mark.parametrize("name", SHIPPED)
def test_scenarios_pass(start_gateway, tmp_path, name):
    gateway = start_gateway(models={"fraud": PATIENT})
    scenario = short(name, gateway)
    outcome = loadtest(tmp_path / "run", scenario, *scaled(name, gateway))
    assert outcome.code == 0, outcome
    assert len(outcome.result["marks"]) == len(scenario.get("steps", []))
    assert not outcome.failures(), outcome
    for entry in scenario["classes"]:
        counts = outcome.group(entry["name"])["counts"]
        assert counts["answers"] == counts["requests"] > 0 and counts["mismatches"] == 0, outcome


def faulty(version: str, **fault):
    """A repository in which a version has a fault."""

    def make(repository: Path):
        for number in ("1", "2"):
            change = change_manifest(lambda manifest: manifest.update(fault=fault)) if number == version else None
            copy_bundle(repository, number, change)

    return make


def wrong_second(repository: Path):
    """Version 2 is version 1 under another number: its scores are not version 2's."""
    copy_bundle(repository, "1")
    (repository / "other").mkdir()
    made = copy_bundle(repository / "other", "1", change_manifest(lambda manifest: manifest.update(version="2")))
    made.rename(repository / "fraud" / "2")
    (repository / "other" / "fraud").rmdir()
    (repository / "other").rmdir()


def no_second(repository: Path):
    copy_bundle(repository, "1")


BROKEN = {  # the repository that is served, and the reason that must be given
    "payment": (faulty("1", delay="200ms"), r"p99 of authorise in steady at most 100 ms: "),
    "burst": (faulty("1", errors=0.5), r"errors of shop at most 0\.1 %: "),
    "canary-shift": (wrong_second, r"mismatches of authorise at most 0: "),
    "hot-swap": (no_second, r"load fraud/2: "),
    "rollback": (faulty("2", errors=0.5), r"errors of authorise at most 0 %: "),
    "overload": (faulty("1", errors=0.5), r"faults of flood in flood at most 0 %: "),
    "soak": (wrong_second, r"mismatches of partner at most 0: "),
    "candidate": (faulty("1", errors=1.0), r"errors of candidate at most 0\.1 %: "),
}


@pytest.mark.parametrize("name", BROKEN)
def test_scenarios_fail_when_something_is_broken(installed, tmp_path, name):
    make, reason = BROKEN[name]
    repository = tmp_path / "models"
    make(repository)
    gateway = Gateway(tmp_path / "gateway", repository=repository, models={"fraud": PATIENT})
    gateway.command.append("--allow-faults")
    with gateway:
        scenario = short(name, gateway)
        if name == "payment":
            # Each answer takes 200 ms at least, whatever the machine does.
            scenario["budgets"][0].update(p50="90ms", p99="100ms")
        outcome = loadtest(tmp_path / "run", scenario, *scaled(name, gateway))
    assert outcome.code == 1, outcome
    assert re.search(reason, outcome.err), outcome
    assert outcome.failures(), outcome
    named = [case.get("name") for case in outcome.junit.iter("testcase") if case.find("failure") is not None]
    assert any(re.search(reason.removesuffix(": "), case) for case in named), (named, outcome)
    assert "broken" in outcome.out or "failed: " in outcome.out, outcome


def test_the_recipe_of_a_build(installed, tmp_path):
    """config/ci: a candidate repository beside the one that serves, and a budget that breaks the build."""
    scenario = yaml.safe_load((SCENARIOS / "candidate.yaml").read_text())
    for factor, code in (("100x", 0), ("0.001x", 1)):
        scenario["budgets"][0].update(p50=factor, p99=factor)
        for entry in scenario["classes"]:
            entry["timeout"] = PATIENCE
        payment = yaml.safe_load((SCENARIOS / "payment.yaml").read_text())
        payment["classes"][0].update(timeout=PATIENCE, deadline=PATIENCE)
        payment["budgets"] = [{"class": "authorise", "errors": "0%", "mismatches": 0}]
        path, first = tmp_path / "candidate.yaml", tmp_path / "payment.yaml"
        path.write_text(yaml.safe_dump(scenario))
        first.write_text(yaml.safe_dump(payment))
        results = tmp_path / factor
        done = subprocess.run(
            [ROOT / "config/ci/loadtest.sh", MODELS, MODELS, "--", "--time", "0.1", "--rate", "0.3"],
            env={**SURROUNDINGS, "SERIN": str(BINARY), "PAYMENT": str(first), "SCENARIO": str(path),
                 "RESULTS": str(results)},
            capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert {f"{name}.{kind}" for name in ("payment", "candidate") for kind in ("json", "xml", "html")} \
            <= set(os.listdir(results))


# Bad input


def refuses(tmp_path, scenario, code: int, message: str, *arguments):
    outcome = loadtest(tmp_path / "run", scenario, *arguments)
    assert outcome.code == code and message in outcome.err, outcome
    assert outcome.err.count("\n") == 1 and outcome.err.startswith("serin: "), "one line that says what to do"


def test_bad_scenarios(gateway, tmp_path):
    good = simple(gateway.url, {"constant": "10/s"})
    refuses(tmp_path, {**good, "speed": 2}, 2, "speed: unknown key")
    unbounded = json.loads(json.dumps(good))
    del unbounded["phases"][0]["duration"]
    refuses(tmp_path, unbounded, 2, "phases[0]: needs the key duration")
    refuses(tmp_path, {**good, "budgets": [{"p50": "20ms", "p99": "10ms"}]}, 2, "contradicts: p50 may be")
    refuses(tmp_path, good, 2, "--target: expected a URL", "--target", "127.0.0.1:80")
    refuses(tmp_path, good, 2, "has no target", "--target", "other=http://127.0.0.1:80")
    refuses(tmp_path, simple(gateway.url, {"constant": "10/s"}, model="nobody"), 2, "holds no model")
    refuses(tmp_path, "classes: [", 2, "is not YAML")


def test_targets_that_cannot_be_tested(gateway, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refuses(tmp_path, simple(f"http://127.0.0.1:{unused.getsockname()[1]}", {"constant": "10/s"}), 3, "Connection refused")
    refuses(tmp_path, simple("http://no-such-host.invalid:80", {"constant": "10/s"}), 3, "cannot be resolved")
    # The gateway's plain port answers a TLS handshake with what is none.
    refuses(tmp_path, simple(f"https://127.0.0.1:{gateway.port}", {"constant": "10/s"}), 3, "TLS handshake failed")
    refuses(tmp_path, simple(gateway.url, {"constant": "10/s"}, version="2", headers={"content-encoding": "zip"}), 3, "refuses class all: status 415")
    stepped = {**simple(gateway.url, {"constant": "10/s"}), "steps": [{"at": "0s", "rollback": {"model": "fraud"}}]}
    refuses(tmp_path, stepped, 3, "no admin plane at", "--admin", "http://127.0.0.1:1")


class SlowServer(threading.Thread):
    """HTTP/1.1 on one connection: the first answer at once, every other after half a second, or what is given."""

    def __init__(self, greeting=None, seconds=0.5):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.greeting = greeting
        self.seconds = seconds
        self.ends = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self):
        connection, _ = self.listener.accept()
        with connection:
            for index in range(1000):
                try:
                    data = connection.recv(65536)
                    if not data:
                        return
                    if self.greeting:
                        connection.sendall(self.greeting)
                    else:
                        self.ends.wait(self.seconds if index else 0)
                        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                except OSError:
                    return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.listener.close()
        self.join(30)


def plain(url: str, http: int, rate: str) -> dict:
    scenario = simple(url, {"constant": rate})
    scenario["classes"] = [
        {"name": "all", "api": "plain", "path": "/", "http": http, "connections": 1, "streams": 1, "timeout": "1s"}]
    return scenario


def test_the_wrong_protocol(installed, tmp_path):
    with SlowServer(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n") as server:
        refuses(tmp_path, plain(server.url, 2, "10/s"), 3, "does not speak HTTP/2")
    with SlowServer(b"SSH-2.0-OpenSSH\r\n") as server:
        refuses(tmp_path, plain(server.url, 1, "10/s"), 3, "does not answer in HTTP/1.1")


def test_a_rate_that_cannot_be_reached(installed, tmp_path):
    """Two answers a second on the only stream, and 100 requests a second that are due."""
    with SlowServer() as server:
        outcome = loadtest(tmp_path / "run", plain(server.url, 1, "100/s"))
    assert outcome.code == 3, outcome
    assert re.search(r"reached \d+/s of 100/s: all 1 x 1 streams were in use", outcome.err), outcome
    assert [element.get("message") for element in outcome.junit.iter("error")], outcome
    assert outcome.group("all")["counts"]["requests"] == 200, "every request that was due is accounted for"
    assert outcome.group("all")["counts"]["timeouts"] > 150


def test_inconclusive_says_how_much_longer(start_gateway, tmp_path):
    """A hundred requests cannot show what one in a thousand does, however fast they are."""
    gateway = start_gateway(models={"fraud": PATIENT})
    scenario = simple(gateway.url, {"constant": "50/s"})
    scenario["budgets"] = [{"p99.9": "25s"}]
    outcome = loadtest(tmp_path / "run", scenario)
    assert outcome.code == 0 and re.search(r"warning: inconclusive: .*a run \d+ s longer", outcome.err), outcome
    assert [element.get("message") for element in outcome.junit.iter("skipped")], outcome
    assert loadtest(tmp_path / "strict", scenario, "--strict").code == 1


# Results


def test_the_page_and_the_comparison(start_gateway, tmp_path):
    gateway = start_gateway(models={"fraud": PATIENT})
    outcome = loadtest(tmp_path / "run", short("canary-shift", gateway), *scaled("canary-shift", gateway))
    assert outcome.code == 0, outcome
    page = outcome.html.read_text()
    assert page.count("<svg") == 3 and "<script" not in page
    assert not re.search(r"(src|href)=", page) and "url(" not in page, "the page needs nothing from elsewhere"
    for chart in re.findall(r"<svg.*?</svg>", page, re.S):
        assert "NaN" not in chart and "inf" not in chart
        ElementTree.fromstring(chart)
    assert "p99 of version 2" in page and page.count("canary fraud at 0 %") >= 2
    compared = subprocess.run(
        [BINARY, "loadtest", "compare", outcome.json, outcome.json], capture_output=True, text=True, timeout=60, check=False)
    assert compared.returncode == 0 and "(1.000 x)" in compared.stdout, compared
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    compared = subprocess.run(
        [BINARY, "loadtest", "compare", outcome.json, broken], capture_output=True, text=True, timeout=60, check=False)
    assert compared.returncode == 2 and "is no result of serin loadtest" in compared.stderr
    if folder := os.environ.get("SERIN_ARTEFACTS"):
        (Path(folder) / "loadtest.html").write_text(page)
