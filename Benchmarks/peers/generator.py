"""`serin loadtest` as the one generator: every server gets the same request over HTTP/1.1, whatever its path and body.

A plain request checks the status only, so a round asks once before it and once after it and compares the score itself.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import process
from peer import Peer, Unusable

#: The generator's patience with one request.
TIMEOUT_SECONDS = 30


@dataclass
class Outcome:
    """One run: milliseconds, and requests a second."""

    rate: float
    p50: float
    p99: float
    max: float
    answers: int
    failures: int
    #: Share of one processor that the generator itself took.
    busy: float
    reasons: list[str]


def scenario(peer: Peer, load: str, connections: int, seconds: float) -> str:
    body = peer.question().decode()
    method = f"method: POST, body: '{body}'"
    return (
        f"name: peers\ntarget: http://127.0.0.1:{peer.port}\n"
        f"classes: [{{name: all, api: plain, path: {peer.path}, {method}, http: {peer.http}, connections: {connections}, "
        f"streams: 1, timeout: {TIMEOUT_SECONDS}s}}]\n"
        f"phases: [{{name: run, duration: {round(seconds * 1000)}ms, load: {{all: {load}}}}}]\n")


def start(serin: Path, peer: Peer, load: str, connections: int, seconds: float) -> subprocess.Popen:
    file = peer.place / "scenario.yaml"
    file.write_text(scenario(peer, load, connections, seconds))
    generator = subprocess.Popen(
        [str(serin), "loadtest", str(file), "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.own.add(generator.pid)
    return generator


def finish(generator: subprocess.Popen, seconds: float) -> Outcome:
    try:
        text, words = generator.communicate(timeout=seconds + 2 * TIMEOUT_SECONDS + 30)
    except subprocess.TimeoutExpired as error:
        raise Unusable("the load test did not end") from error
    finally:
        if generator.poll() is None:
            generator.kill()
            generator.wait()
        process.own.discard(generator.pid)
    try:
        result = json.loads(text)
    except ValueError as error:
        raise Unusable(f"load test: {words.strip()[-300:]}") from error
    group, sending = result["groups"][0], result["sending"][0]
    counts = group["counts"]
    if not counts["answers"]:
        raise Unusable("no request was answered: " + "; ".join(reason["text"] for reason in result["reasons"]))
    latency = {name: group["latency"][name] * 1000 for name in ("p50", "p99", "max")}
    return Outcome(
        rate=group["throughput"], **latency, answers=counts["answers"], failures=counts["requests"] - counts["answers"],
        busy=sending["busy"], reasons=[f"{reason['count']} x {reason['text']}" for reason in result["reasons"]])


def closed(serin: Path, peer: Peer, connections: int, seconds: float) -> Outcome:
    """So many users, each of which asks again as soon as it has its answer."""
    return finish(start(serin, peer, f"{{closed: {{users: {connections}}}}}", connections, seconds), seconds)


def ask(peer: Peer, seconds: int = TIMEOUT_SECONDS) -> tuple[int, bytes]:
    """One request by another client than the generator; the status, 0 without an answer, and the answer's body."""
    body = peer.place / "question.json"
    body.write_bytes(peer.question())
    protocol = "--http2-prior-knowledge" if peer.http == 2 else "--http1.1"
    command = [
        "curl", "--silent", protocol, "--max-time", str(seconds), "--header", "content-type: application/json",
        "--header", "expect:", "--data-binary", f"@{body}", "--write-out", "%{http_code}",
        f"http://127.0.0.1:{peer.port}{peer.path}"]
    answer = subprocess.run(command, capture_output=True, timeout=seconds + 10).stdout
    return int(answer[-3:] or 0), answer[:-3]
