"""Hot swaps under load: nothing fails, every score belongs to the version that its header names, memory stays.

Before a release SERIN_SWAPS=1000 SERIN_RATE=5000; by default 200 swaps under 1,000 requests a second. The rate that was
reached is printed.
"""

import json
import os
import threading
import time

import httpx
import pytest

from harness.admin import Admin
from harness.http1 import Http1, request_bytes

SWAPS = int(os.environ.get("SERIN_SWAPS", "200"))
CLIENTS, PIPELINED = 4, 32
#: Requests a second, of all clients.
RATE = int(os.environ.get("SERIN_RATE", "1000"))


class Load(threading.Thread):
    """One row, again and again over one connection, and each answer checked against the version that it names.

    Asks on a schedule, RATE over all of the clients: what is due is sent together, answered or not.
    """

    def __init__(self, gateway, body: bytes, expected: dict):
        super().__init__()
        self.port, self.request = gateway.port, request_bytes("POST", "/v1/models/fraud:predict", body)
        self.expected = expected
        self.ends, self.count, self.wrong, self.seen, self.seconds = False, 0, [], set(), 0.0

    def run(self):
        try:
            with Http1(self.port) as connection:
                begin = time.monotonic()
                while not self.ends:
                    self.seconds = time.monotonic() - begin
                    due = min(int(self.seconds * RATE / CLIENTS) - self.count, PIPELINED)
                    if due <= 0:
                        time.sleep(0.001)
                        continue
                    connection.send(self.request * due)
                    for _ in range(due):
                        self.check(connection.read())
        except Exception as error:  # noqa: BLE001: reported by the test
            self.wrong.append(repr(error))

    def check(self, answer):
        self.count += 1
        version = answer.headers.get("serin-version")
        self.seen.add(version)
        if answer.status != 200 or answer.json()["predictions"][0] != self.expected.get(version):
            self.wrong.append((answer.status, version, answer.body))


@pytest.fixture(params=["inline", "pooled"])
def load(start_gateway, fraud, request):
    """Clients, and a gateway that scores on its reactors, or by executors."""
    # A machine that stalls fails no request either: what is tried is the swap, not the deadline.
    timeout = {"default": "30s", "max": "30s"}
    model = {"require": ["golden"], "route": {"stable": "1"}, "queue": {"lane": request.param}, "timeout": timeout}
    gateway = start_gateway(models={"fraud": model})
    body = json.dumps({"instances": fraud.objects(fraud.rows("FP32")[:1])}).encode()
    expected = {}
    with httpx.Client(base_url=gateway.url, timeout=10) as client:
        for version in ("1", "2"):
            answer = client.post(f"/v1/models/fraud/versions/{version}:predict", content=body)
            expected[version] = answer.json()["predictions"][0]
    assert expected["1"] != expected["2"]
    threads = [Load(gateway, body, expected) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    yield gateway, threads
    for thread in threads:
        thread.ends = True
    for thread in threads:
        thread.join()


def test_swaps_lose_nothing(load):
    gateway, threads = load
    with Admin(gateway) as admin:
        early = 0
        for swap in range(SWAPS):
            version = "2" if swap % 2 == 0 else "1"
            # No bake: the guard that watches for it is not what is tried here.
            answer = admin.act("/models/fraud:switch", {"version": version, "bake": "0s"})
            assert answer.status_code == 200, answer.text
            # A swap may take a millisecond: each serves some requests.
            time.sleep(0.005)
            if swap == 10:
                early = gateway.resident_bytes()
        late = gateway.resident_bytes()
        generation = admin.model()["generation"]
    for thread in threads:
        thread.ends = True
    for thread in threads:
        thread.join()
    assert not [wrong for thread in threads for wrong in thread.wrong][:3]
    assert {version for thread in threads for version in thread.seen} == {"1", "2"}
    count, seconds = sum(thread.count for thread in threads), max(thread.seconds for thread in threads)
    print(f"{SWAPS} swaps, {count} answers, each its version's, {count / seconds:.0f}/s, {(late - early) >> 10} KiB more")
    assert count > SWAPS and generation >= SWAPS
    assert late - early < 8 << 20, f"{(late - early) >> 10} KiB more after {SWAPS} swaps"


def test_loading_and_unloading_under_traffic(load):
    """Each version is taken out of memory while requests that it was given are still on their way."""
    gateway, threads = load
    with Admin(gateway) as admin:
        early = 0
        for turn in range(20):
            for new, old in (("2", "1"), ("1", "2")):
                assert admin.act("/models/fraud:switch", {"version": new, "bake": "0s"}).status_code == 200
                assert admin.act(f"/models/fraud/versions/{old}:unload").status_code == 200
                deadline = time.monotonic() + 10
                while admin.states() != {new: "AVAILABLE", old: "END"}:
                    assert time.monotonic() < deadline
                answer = admin.act(f"/models/fraud/versions/{old}:load")
                assert answer.status_code == 200, answer.text
                assert admin.states() == {"1": "AVAILABLE", "2": "AVAILABLE"}
            if turn == 5:
                early = gateway.resident_bytes()
        late = gateway.resident_bytes()
    for thread in threads:
        thread.ends = True
    for thread in threads:
        thread.join()
    assert not [wrong for thread in threads for wrong in thread.wrong][:3]
    assert {version for thread in threads for version in thread.seen} == {"1", "2"}
    assert late - early < 16 << 20, f"{(late - early) >> 10} KiB more after 28 loads"
