"""New certificates and a new configuration while it serves: by SIGHUP, by changed files, and refused when wrong."""

import json
import signal
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest
import yaml

from harness.exposition import Exposition
from harness.gateway import run_serin
from harness.http1 import Http1, connect
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
PAYMENTS = "spiffe://serin.test/payments"


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


def shown(gateway, certs) -> str:
    """The common name of the certificate that a new connection gets."""
    context = certs.client()
    context.check_hostname = False
    with connect(gateway.tls_port, context) as client:
        return client.getpeercert()["subject"][0][0][1]


def wait_until(condition, seconds: float = 10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


def hang_up(gateway, count: int = 1):
    """SIGHUP, and the wait until it has been acted on."""
    seen = gateway.log().count("configuration re")
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: gateway.log().count("configuration re") >= seen + count)


def rewrite(gateway, change):
    settings = yaml.safe_load(gateway.config.read_text())
    change(settings)
    gateway.config.write_text(yaml.safe_dump(settings))


def metric(gateway, name: str, **labels) -> float:
    return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text).total(name, **labels)


class Requests(threading.Thread):
    """One request after the other until `stop`: over one connection, or a new one for each."""

    def __init__(self, gateway, certs, body, keeps: bool):
        super().__init__()
        self.gateway, self.body, self.keeps = gateway, body, keeps
        self.context = certs.client()
        self.context.check_hostname = False
        self.answered, self.problems, self.is_over = 0, [], threading.Event()

    def run(self):
        try:
            while not self.is_over.is_set():
                with Http2(self.gateway.tls_port, tls=self.context) as connection:
                    self.ask(connection)
                    while self.keeps and not self.is_over.is_set():
                        self.ask(connection)
        except Exception as error:  # noqa: BLE001  the test wants to see it, not the thread
            self.problems.append(repr(error))

    def ask(self, connection):
        status = connection.request(PATH, self.body).status
        self.answered += 1
        if status != 200:
            self.problems.append(status)

    def stop(self):
        self.is_over.set()
        self.join(20)


def test_certificates_change_under_load_and_nothing_fails(start_gateway, certs, body, tmp_path):
    pair = certs.copy("server", tmp_path / "live")
    gateway = start_gateway(listen={"tls": {**certs.listener(), "certificates": [pair], "watch": "0s"}})
    loads = [Requests(gateway, certs, body, keeps) for keeps in (True, True, False, False)]
    for load in loads:
        load.start()
    for index in range(12):
        name = ("rsa", "server")[index % 2]
        certs.copy(name, tmp_path / "live")
        hang_up(gateway)
        assert shown(gateway, certs) == name
        time.sleep(0.1)
    for load in loads:
        load.stop()
    assert [load.problems for load in loads] == [[]] * 4
    assert all(load.answered > 20 for load in loads), [load.answered for load in loads]
    assert metric(gateway, "serin_tls_reloads_total", outcome="ok") == 12
    assert metric(gateway, "serin_tls_reloads_total", outcome="refused") == 0


def test_changed_files_are_seen_without_a_signal(start_gateway, certs, tmp_path):
    pair = certs.copy("server", tmp_path / "live")
    gateway = start_gateway(listen={"tls": {**certs.listener(), "certificates": [pair], "watch": "50ms"}})
    assert shown(gateway, certs) == "server"
    certs.copy("rsa", tmp_path / "live")
    wait_until(lambda: shown(gateway, certs) == "rsa")
    # A key that belongs to another certificate: refused, named, and the old one stays.
    (tmp_path / "live.key").write_text(Path(certs.path("wildcard.key")).read_text())
    wait_until(lambda: "refused, the old ones stay" in gateway.log())
    assert f"live.pem: the key in {tmp_path / 'live.key'} does not belong to this certificate" in gateway.log()
    assert shown(gateway, certs) == "rsa" and metric(gateway, "serin_tls_reloads_total", outcome="refused") >= 1
    certs.copy("wildcard", tmp_path / "live")
    wait_until(lambda: shown(gateway, certs) == "wildcard")


@pytest.mark.parametrize("damage", ["not YAML", "unknown key", "missing file", "broken file"])
def test_a_wrong_configuration_is_refused_whole(start_gateway, certs, body, damage, tmp_path):
    gateway = start_gateway(listen={"tls": certs.listener(watch="0s")})
    (tmp_path / "broken.pem").write_text("nothing of the kind")

    def change(settings):
        settings["log"]["level"] = "critical"
        tls = settings["listen"]["tls"]
        if damage == "unknown key":
            settings["listen"]["prot"] = 1
        if damage == "missing file":
            tls["certificates"] = [{**certs.pair("rsa"), "key": str(tmp_path / "none.key")}]
        if damage == "broken file":
            tls["certificates"] = [certs.pair("rsa"), {**certs.pair("server"), "certificate": str(tmp_path / "broken.pem")}]

    rewrite(gateway, change)
    if damage == "not YAML":
        gateway.config.write_text("listen: [")
    with Http2(gateway.tls_port, tls=certs.client()) as old:
        assert old.request(PATH, body).status == 200
        hang_up(gateway)
        assert old.request(PATH, body).status == 200
    refusal = next(line for line in gateway.log().splitlines() if "configuration refused, the old one stays" in line)
    named = {"missing file": "none.key", "broken file": "broken.pem"}.get(damage, "serin.yaml")
    assert named in refusal and shown(gateway, certs) == "server"
    rewrite_back = yaml.safe_dump({"listen": {"address": "127.0.0.1", "port": 0, "tls": certs.listener("rsa")}})
    gateway.config.write_text(rewrite_back)
    hang_up(gateway)
    assert shown(gateway, certs) == "rsa"


def test_what_needs_a_restart_is_named_and_the_rest_changes(start_gateway, certs, body):
    gateway = start_gateway(listen={"tls": certs.mutual(client_authentication="optional")}, log={"level": "info"})
    with Http2(gateway.tls_port, tls=certs.client("reports")) as reports:
        assert reports.request(PATH, body).status == 200

        def change(settings):
            settings["limits"] = {"streams": 7}
            settings["models"]["fraud"].update(clients=[PAYMENTS], max_rows=5)
            settings["listen"]["tls"]["certificates"] = [certs.pair("rsa")]

        rewrite(gateway, change)
        hang_up(gateway)
        assert reports.request(PATH, body).status == 403, "the list holds for connections that are open"
    log = gateway.log()
    assert "limits.streams has changed and needs a restart" in log
    assert "models.fraud has changed and needs a restart" in log
    assert log.count("needs a restart") == 2 and shown(gateway, certs) == "rsa"
    with Http2(gateway.tls_port, tls=unnamed(certs, "client")) as payments:
        assert payments.request(PATH, body).status == 200
    rewrite(gateway, lambda settings: settings["models"]["fraud"].update(clients=[]))
    hang_up(gateway)
    with Http2(gateway.tls_port, tls=unnamed(certs)) as anybody:
        assert anybody.request(PATH, body).status == 200


def unnamed(certs, name=None) -> ssl.SSLContext:
    """A client that takes any of the authority's certificates."""
    context = certs.client(name)
    context.check_hostname = False
    return context


def test_revocation_ends_resumption(start_gateway, certs, tmp_path):
    gateway = start_gateway(listen={"tls": certs.mutual()})
    context = certs.client("client-revoked", ("http/1.1",), ssl.TLSVersion.TLSv1_2)
    with Http1(gateway.tls_port, context) as client:
        assert client.request("GET", "/v2").status == 200
        session = client.socket.session
    rewrite(gateway, lambda settings: settings["listen"]["tls"].update(revocations=[certs.path("crl.pem")]))
    hang_up(gateway)
    import socket

    with socket.create_connection(("127.0.0.1", gateway.tls_port), 10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost", session=session)
    assert metric(gateway, "serin_tls_handshakes_total", outcome="failed", reason="certificate_revoked") == 1


def test_without_tls_a_hangup_reads_the_rest(start_gateway):
    gateway = start_gateway()
    rewrite(gateway, lambda settings: settings["log"].update(level="warning"))
    hang_up(gateway)  # logged before the level changes
    rewrite(gateway, lambda settings: settings.update(reactors=9))
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_log("reactors has changed and needs a restart", 5)
    assert gateway.log().count("configuration read again") == 1, "a notice is below the new level"


# Expired and weak files


def test_an_expired_certificate_is_served_and_told(start_gateway, certs):
    gateway = start_gateway(listen={"tls": certs.listener("expired")})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Http1(gateway.tls_port, context) as client:
        assert client.request("GET", "/v2").status == 200
    assert "expired.pem: the certificate has expired" in gateway.log()
    expiry = metric(gateway, "serin_tls_certificate_expiry_seconds", certificate=certs.path("expired.pem"))
    assert expiry == 1_609_459_200


def check(tmp_path, listener) -> tuple[int, str]:
    config = tmp_path / "check.yaml"
    config.write_text(yaml.safe_dump({"listen": {"tls": listener}, "cache": {"path": ""}}))
    done = run_serin("serve", "--config", config, "--check")
    return done.returncode, done.stderr


def test_check_names_every_kind_of_problem(certs, tmp_path, installed):
    code, text = check(tmp_path, certs.mutual("server", "rsa", revocations=[certs.path("crl.pem")]))
    assert code == 0, text
    pair = certs.copy("server", tmp_path / "weak")
    Path(pair["key"]).chmod(0o644)
    cases = [
        (certs.listener("expired"), "expired.pem: the certificate has expired"),
        (certs.listener(certificates=[{**certs.pair("server"), "key": certs.path("rsa.key")}]),
         "rsa.key does not belong to this certificate"),
        (certs.listener(certificates=[{**certs.pair("server"), "key": "/no/such.key"}]),
         "/no/such.key: cannot be opened: No such file or directory"),
        (certs.listener(certificates=[pair]), "weak.key: the key has mode 644; expected 600, or 640 at most"),
        (certs.listener(ciphers="NONE-OF-THESE"), "ciphers: OpenSSL knows none of them"),
        (certs.mutual(authorities=certs.path("crl.pem")), "crl.pem: expected a certificate in PEM"),
    ]
    for listener, message in cases:
        code, text = check(tmp_path, listener)
        assert code == 1 and message in text, text


def test_a_start_with_wrong_files_is_refused(certs, tmp_path, installed):
    config = tmp_path / "start.yaml"
    listener = certs.listener(certificates=[{**certs.pair("server"), "key": certs.path("rsa.key")}])
    config.write_text(yaml.safe_dump({"listen": {"port": 0, "tls": listener}, "metrics": {"port": 0}}))
    done = run_serin("serve", "--config", config)
    assert done.returncode == 3 and "does not belong to this certificate" in done.stderr
