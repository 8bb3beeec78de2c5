"""Results of `serin loadtest`: whatever happens to a run, what it measured is told; and results are added up."""

import json
import signal
import socket
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

from harness.gateway import BINARY, MODELS, SURROUNDINGS
from test_loadtest import SlowServer, finish, plain, simple, start_loadtest


@pytest.fixture(scope="module", autouse=True)
def silent_run(installed, tmp_path_factory):
    """A run whose admin plane takes connections and never answers: it waits 10 s, while the other tests run."""
    folder = tmp_path_factory.mktemp("silent")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        scenario = {**simple("http://127.0.0.1:1", {"constant": "10/s"}),
                    "steps": [{"at": "0s", "rollback": {"model": "fraud"}}]}
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = start_loadtest(folder, scenario, "--admin", url)
        yield folder, process
        if process.poll() is None:
            process.kill()
            process.communicate()


def run_serin(*words, stdout=subprocess.PIPE) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(word) for word in (BINARY, "loadtest", *words)], stdin=subprocess.DEVNULL, stdout=stdout,
        stderr=subprocess.PIPE, text=True, env=SURROUNDINGS, timeout=60, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_tells_what_it_has(gateway, tmp_path, number):
    """Regression: a signal lost everything that was measured."""
    process = start_loadtest(tmp_path / "run", simple(gateway.url, {"constant": "50/s"}, duration="60s"))
    assert "steady" in process.stderr.readline()
    process.send_signal(number)
    outcome = finish(tmp_path / "run", process, seconds=40)
    assert outcome.code == 3 and "interrupted" in outcome.err and "all" in outcome.out, outcome
    assert 0.5 < outcome.result["interrupted_at"] < 40, outcome
    assert outcome.group("all")["counts"]["answers"] > 10 and outcome.html.exists(), outcome
    assert [element.get("message") for element in outcome.junit.iter("error")], outcome


def test_a_second_signal_ends_at_once(installed, tmp_path):
    """Answers take longer than the test: the first signal waits for what is in flight."""
    with SlowServer(seconds=50) as server:
        scenario = plain(server.url, 1, "100/s")
        scenario["classes"][0]["timeout"] = "60s"
        scenario["phases"][0]["duration"] = "60s"
        process = start_loadtest(tmp_path / "run", scenario)
        assert "steady" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        while "second signal" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM


def test_result_files_that_cannot_be_written(gateway, tmp_path):
    """Regression: the first file that failed took the others and the table with it."""
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(simple(gateway.url, {"constant": "50/s"}, duration="500ms")))
    words = (scenario, "--models", MODELS)
    done = run_serin(*words, "--json", "/dev/full", "--junit", tmp_path / "r.xml", "--html", tmp_path / "r.html")
    assert done.returncode == 1 and "--json: /dev/full cannot be written" in done.stderr, done
    assert "CLASS" in done.stdout and ElementTree.parse(tmp_path / "r.xml")
    assert "<html" in (tmp_path / "r.html").read_text().lower()
    # Before the run, it is wrong usage; and nothing empty stays.
    done = run_serin(*words, "--json", tmp_path / "new.json", "--html", tmp_path / "nowhere" / "r.html")
    assert done.returncode == 2 and "--html: " in done.stderr and not (tmp_path / "new.json").exists(), done
    done = run_serin(*words, "--json", "-", "--junit", "-")
    assert done.returncode == 2 and "--json goes to standard output already" in done.stderr, done
    with open("/dev/full", "w") as full:
        done = run_serin(*words, "--json", "-", stdout=full)
    assert done.returncode == 1 and "standard output cannot be written" in done.stderr, done
    done = run_serin(*words, "--junit", "-")
    assert done.returncode == 0 and ElementTree.fromstring(done.stdout) is not None, done


def test_results_of_generators_are_added(gateway, tmp_path):
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(yaml.safe_dump({
        **simple(gateway.url, {"constant": "50/s"}, duration="1s"), "budgets": [{"errors": "0%"}]}))
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        assert run_serin(scenario, "--models", MODELS, "--json", file).returncode == 0
    done = run_serin("merge", *files, "--json", tmp_path / "sum.json")
    assert done.returncode == 0 and "0 of 2 were broken" in done.stdout, done
    parts = [json.loads(file.read_text()) for file in files]
    merged = json.loads((tmp_path / "sum.json").read_text())
    for index, group in enumerate(merged["groups"]):
        assert group["counts"]["answers"] == sum(part["groups"][index]["counts"]["answers"] for part in parts)
        assert sum(count for _, count in group["histogram"]) == group["counts"]["answers"]
    assert merged["groups"][0]["counts"]["requests"] == 100 and merged["sending"][0]["scheduled"] == 100
    assert run_serin("compare", files[0], tmp_path / "sum.json").returncode == 0
    assert run_serin("merge", files[0], scenario).returncode == 2


def test_a_silent_admin_plane(silent_run):
    """Regression: it hung the run for ever. Last in the file, because it waits."""
    outcome = finish(*silent_run, seconds=30)
    assert outcome.code == 3 and "has not answered within 10 s" in outcome.err, outcome
    assert outcome.result is None, "an empty file is no result"
