"""Attacks on resources: while each of them runs, others are served as if nothing were, and the attacker is limited.

    SERIN_ABUSE_SECONDS=10 pytest test_abuse.py      # `make abuse`: each attack for 10 s, and latencies count

Without the variable each runs for two seconds, latencies are only reported: no timing decides a unit test.
"""

import json
import os
import ssl
import time

import httpx
import pytest

from abuse import http1, http2
from abuse.swarm import Raid
from abuse.watch import Client, Memory, percentile
from harness.exposition import Exposition
from harness.gateway import Gateway

SECONDS = float(os.environ.get("SERIN_ABUSE_SECONDS", "2"))
#: Latencies count.
IS_LONG = "SERIN_ABUSE_SECONDS" in os.environ
GROWTH_MAX = 16 << 20
PATH = "/v2/models/fraud/versions/1/infer"
#: Times short enough to run out within the short form.
TIMEOUTS = {"header": "500ms", "body": "1500ms", "rate_grace": "700ms"}
LIMITS = {"connections": 2000, "connections_per_address": 400}


def hello() -> bytes:
    """A ClientHello of Python's."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def bodies() -> tuple[bytes, bytes]:
    from harness.bundles import bundle

    fraud = bundle("1")
    rows = fraud.rows("FP32")[:1]
    outputs = ["score", "margin"]
    return json.dumps(fraud.v2(rows, "FP32")).encode(), json.dumps(fraud.v2(rows * 400, "FP32", outputs)).encode()


def attacks() -> list:
    small, large = bodies()
    return http2.attacks(small, large) + http1.attacks(small, large, hello())


@pytest.fixture(scope="module")
def arena(installed, certs, tmp_path_factory):
    """A gateway that has seen every attack's kind of memory once, and how a quiet one answers."""
    listener = certs.listener(handshake_timeout="500ms")
    folder = tmp_path_factory.mktemp("arena")
    with Gateway(folder, listen={"tls": listener}, timeouts=TIMEOUTS, limits=LIMITS) as gateway:
        client = Client(gateway, bodies()[0], PATH, lambda protocols: certs.client(protocols=protocols))
        client.run(0.5)
        baseline, errors = client.run(max(2.0, SECONDS / 2))
        assert not errors, errors
        print(f"baseline: p99 {percentile(baseline, 0.99) * 1000:.2f} ms")
        yield gateway, client, percentile(baseline, 0.99)
        client.close()


def limits(gateway) -> dict:
    exposition = Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)
    return {
        dict(labels)["reason"]: value
        for (name, labels), value in exposition.samples.items() if name == "serin_limits_total"
    }


def counted(before: dict, after: dict) -> dict:
    return {reason: int(count - before[reason]) for reason, count in after.items() if count > before[reason]}


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.name)
def test_attack(arena, attack):
    gateway, client, baseline = arena
    port = gateway.tls_port if attack.port == "tls" else gateway.port
    before = limits(gateway)
    with Memory(gateway) as memory:
        with Raid(attack, port, SECONDS) as raid:
            latencies, errors = client.run(SECONDS)
            outcome = raid.outcome
        reasons = counted(before, limits(gateway))
    p99 = percentile(latencies, 0.99)
    print(
        f"{attack.name}: p99 {p99 * 1000:.2f} ms (quiet: {baseline * 1000:.2f}), memory +{memory.grown / 1048576:.1f} MiB, "
        f"attacker: {outcome.opened} connections, {outcome.closed} closed, {outcome.sent >> 10} KiB sent; limits: {reasons}")
    assert not errors, errors
    assert gateway.process.poll() is None, gateway.log()
    if attack.limited:
        assert set(attack.limited) & set(reasons), f"none of {attack.limited} was enforced: {reasons}"
    if attack.closed:
        assert outcome.closed > 0, "no connection of the attacker was ended"
    assert memory.grown < GROWTH_MAX
    if IS_LONG:
        assert p99 < max(0.020, 4 * baseline)
    settle(gateway)


def settle(gateway):
    """Waits until the attacker's connections are gone, so that the next attack begins from nothing."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        text = httpx.get(gateway.metrics_url + "/metrics", timeout=10).text
        if Exposition(text).total("serin_connections") <= 4:
            return
        time.sleep(0.05)
    raise AssertionError("the attacker's connections stay")
