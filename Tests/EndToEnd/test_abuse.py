"""Attacks on resources: while each of them runs, others are served as if nothing were, and the attacker is limited.

    SERIN_ABUSE_SECONDS=10 pytest test_abuse.py      # `make abuse`: each attack for 10 s, and latencies count

Without the variable each runs for two seconds, latencies are only reported: no timing decides a unit test.

The bar is 20 ms, or four times what the client saw on the quiet gateway. Attackers, client and gateway share the machine's
cores, so where the bar is missed the same attack runs once more, against a second gateway, while the client asks the first, which
nobody attacks: what it sees then is the machine's doing (on two cores, scheduling alone), and half as much again is allowed.
A gateway whose attackers make others wait fails all the same: its queue adds to what the machine costs, whichever is attacked.
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
from harness.gateway import IS_SANITIZED, Gateway

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


def target(certs, folder) -> Gateway:
    listener = certs.listener(handshake_timeout="500ms")
    return Gateway(folder, listen={"tls": listener}, timeouts=TIMEOUTS, limits=LIMITS)


@pytest.fixture(scope="module")
def arena(installed, certs, tmp_path_factory):
    """A gateway that has seen every attack's kind of memory once, and how a quiet one answers."""
    with target(certs, tmp_path_factory.mktemp("arena")) as gateway:
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


def port_of(gateway, attack) -> int:
    return gateway.tls_port if attack.port == "tls" else gateway.port


def beside(client, attack, certs, folder) -> float:
    """The client's p99 while the attack goes to another gateway."""
    with target(certs, folder) as other, Raid(attack, port_of(other, attack), SECONDS):
        latencies, errors = client.run(SECONDS)
    assert not errors, errors
    return percentile(latencies, 0.99)


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.name)
def test_attack(arena, attack, certs, tmp_path):
    gateway, client, baseline = arena
    port = port_of(gateway, attack)
    before = limits(gateway)
    with Memory(gateway) as memory:
        # A machine that is busy with other things may need longer until a rate or a time runs out.
        for seconds in (SECONDS, 5 * SECONDS):
            with Raid(attack, port, seconds) as raid:
                latencies, errors = client.run(seconds)
            assert gateway.process.poll() is None, gateway.log()
            outcome = raid.outcome
            reasons = counted(before, limits(gateway))
            if errors or not attack.limited or set(attack.limited) & set(reasons):
                break
    p99 = percentile(latencies, 0.99)
    print(
        f"{attack.name}: p99 {p99 * 1000:.2f} ms (quiet: {baseline * 1000:.2f}), memory +{memory.grown / 1048576:.1f} MiB, "
        f"attacker: {outcome.opened} connections, {outcome.closed} closed, {outcome.sent >> 10} KiB sent; limits: {reasons}")
    assert not errors, errors
    if attack.limited:
        assert set(attack.limited) & set(reasons), f"none of {attack.limited} was enforced: {reasons}"
    if attack.closed:
        assert outcome.closed > 0, "no connection of the attacker was ended"
    if not IS_SANITIZED:
        assert memory.grown < GROWTH_MAX
    settle(gateway)
    if IS_LONG and p99 >= max(0.020, 4 * baseline):
        machine = beside(client, attack, certs, tmp_path / "beside")
        print(f"{attack.name}: p99 {machine * 1000:.2f} ms beside the attack on another gateway")
        assert p99 < 1.5 * machine


def settle(gateway):
    """Waits until the attacker's connections are gone, so that the next attack begins from nothing."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        text = httpx.get(gateway.metrics_url + "/metrics", timeout=10).text
        if Exposition(text).total("serin_connections") <= 4:
            return
        time.sleep(0.05)
    raise AssertionError("the attacker's connections stay")
