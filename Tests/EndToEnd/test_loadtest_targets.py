"""`serin loadtest` against targets that are ill: that come back, fall behind, hang up, or answer for somebody else."""

import http.client
import shutil
import socket
import threading
import time
from itertools import cycle

from harness.bundles import change_manifest, copy_bundle
from test_loadtest import PATIENCE, finish, loadtest, simple, start_loadtest

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Target:
    """An HTTP/1.1 server on one port, which can be away for a while; `answer` makes an answer of a whole request."""

    def __init__(self, answer=lambda request: ANSWER):
        self.answer, self.port, self.answered = answer, 0, 0
        self.listener, self.connections = None, []
        self.start()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        for end in (self.listener, *self.connections):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        self.connections = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        pending = b""
        try:
            while data := connection.recv(65536):
                pending += data
                while (end := pending.find(b"\r\n\r\n")) >= 0:
                    length = next((int(line.split(b":")[1]) for line in pending[:end].split(b"\r\n")
                                   if line.lower().startswith(b"content-length:")), 0)
                    if len(pending) < end + 4 + length:
                        break
                    request, pending = pending[:end + 4 + length], pending[end + 4 + length:]
                    answer = self.answer(request)
                    self.answered += 1
                    connection.sendall(answer)
                    if b"connection: close" in answer:
                        connection.close()
                        return
        except OSError:
            pass

    def scenario(self, load, duration="2s", **changes) -> dict:
        scenario = simple(f"http://127.0.0.1:{self.port}", load, duration, http=1, streams=1, connections=4)
        entry = {"api": "plain", "path": "/", **changes}
        del scenario["classes"][0]["model"]
        scenario["classes"][0].update(entry)
        return scenario


def last_second(outcome) -> int:
    """Answers to what was due in the run's last second."""
    slices = outcome.result["timelines"][0]["slices"]
    end = slices[-1]["at"] + slices[-1]["seconds"]
    return sum(piece["answers"] for piece in slices if piece["at"] >= end - 1.001)


def test_a_target_that_comes_back_is_asked_again(tmp_path):
    with Target() as target:
        scenario = target.scenario({"constant": "100/s"}, "3s", timeout="200ms")
        scenario["budgets"] = [{"faults": "0%"}]
        process = start_loadtest(tmp_path, scenario)
        while target.answered < 50:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        target.stop()
        time.sleep(0.5)
        target.start()
        outcome = finish(tmp_path, process)
    assert last_second(outcome) > 80, outcome
    # While it was away nobody could connect, which is no matter of streams.
    assert outcome.code == 1 and outcome.group("all")["counts"]["faults"] > 10, outcome
    assert "no connection (Connection refused)" in outcome.out, outcome


def test_what_is_answered_after_the_end_is_no_throughput(tmp_path):
    turn = threading.Lock()

    def slow(_):
        with turn:
            time.sleep(0.035)
        return ANSWER

    with Target(slow) as target:
        scenario = target.scenario({"constant": "60/s"}, connections=60, timeout="10s")
        scenario["budgets"] = [{"throughput": "55/s"}]
        outcome = loadtest(tmp_path, scenario)
    group = outcome.group("all")
    assert outcome.code == 1 and 10 < group["throughput"] < 35, outcome
    assert group["counts"]["answers"] == 120 and group["counts"]["late"] > 30, group["counts"]


def test_a_server_that_hangs_up_after_each_answer(tmp_path):
    with Target(lambda _: b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}") as target:
        outcome = loadtest(tmp_path, target.scenario({"constant": "50/s"}, "1s"))
    assert outcome.code == 0 and outcome.group("all")["counts"]["answers"] == 50, outcome


def forwarding(gateway, path, version):
    """Asks the gateway in place of the request's path; the answer bears another version's name."""

    def answer(request):
        head, _, body = request.partition(b"\r\n\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        connection.request(
            "POST", path, body=body,
            headers={name: value for name, value in (line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:])})
        response = connection.getresponse()
        scores = response.read()
        connection.close()
        return b"HTTP/1.1 %d OK\r\nserin-version: %s\r\ncontent-length: %d\r\n\r\n" % (
            response.status, version().encode(), len(scores)) + scores

    return answer


def scored(target, load, **changes) -> dict:
    scenario = simple(f"http://127.0.0.1:{target.port}", load, "1s", http=1, streams=1, api="v1", **changes)
    scenario["budgets"] = [{"mismatches": 0}]
    return scenario


def test_the_wrong_version_is_wrong_with_its_own_right_score(start_gateway, tmp_path):
    gateway = start_gateway(models={"fraud": {"route": {"stable": "1"}}})
    with Target(forwarding(gateway, "/v1/models/fraud/versions/1:predict", lambda: "1")) as target:
        outcome = loadtest(tmp_path, scored(target, {"constant": "20/s"}, version="2"))
    assert outcome.code == 1 and outcome.group("all")["counts"]["mismatches"] == 20, outcome
    assert "version 1 answered, and 2 was asked" in outcome.out, outcome


def test_many_versions_keep_their_scores(start_gateway, tmp_path):
    repository = tmp_path / "models"
    (repository / "fraud").mkdir(parents=True)
    for version in range(1, 13):
        folder = copy_bundle(tmp_path / str(version), "1", change_manifest(
            lambda manifest, version=version: manifest.update(version=str(version))))
        shutil.move(folder, repository / "fraud" / str(version))
    gateway = start_gateway(models={"fraud": {"route": {"stable": "1"}}})
    names = cycle(str(version) for version in range(1, 13))
    turn = threading.Lock()

    def name():
        with turn:
            return next(names)

    with Target(forwarding(gateway, "/v1/models/fraud/versions/1:predict", name)) as target:
        outcome = loadtest(tmp_path / "run", scored(target, {"constant": "36/s"}, timeout=PATIENCE), "--models", repository)
    counts = outcome.group("all")["counts"]
    assert outcome.code == 0 and counts["checked"] == 36 and counts["mismatches"] == 0, outcome
    assert outcome.group("all", version="other")["counts"]["answers"] > 10


def test_scores_that_nobody_could_compare_are_no_pass(start_gateway, tmp_path):
    constant = b'{"predictions":[0.5]}'
    answer = b"HTTP/1.1 200 OK\r\nserin-tier: fallback\r\ncontent-length: %d\r\n\r\n" % len(constant) + constant
    with Target(lambda _: answer) as target:
        outcome = loadtest(tmp_path, scored(target, {"constant": "20/s"}))
    assert outcome.code == 3 and "no score of its 20 answers could be compared" in outcome.err, outcome
    assert [element.get("name") for element in outcome.junit.iter("testcase") if element.find("error") is not None]
