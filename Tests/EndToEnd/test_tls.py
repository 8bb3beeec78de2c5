"""TLS as real clients speak it: protocols, names, versions, resumption, client certificates."""

import json
import re
import socket
import ssl
import subprocess

import httpx
import pytest

from harness.exposition import Exposition
from harness.http1 import Http1, connect
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
PAYMENTS = "spiffe://serin.test/payments"


@pytest.fixture(scope="module")
def secure(installed, certs, tmp_path_factory):
    """A gateway with several certificates, which asks for client certificates but does not insist."""
    from harness.gateway import Gateway

    folder = tmp_path_factory.mktemp("tls")
    listener = certs.mutual("server", "wildcard", "rsa", client_authentication="optional")
    with Gateway(folder, listen={"tls": listener}) as gateway:
        yield gateway


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


def handshakes(gateway) -> dict:
    """How often each reason was counted."""
    text = httpx.get(gateway.metrics_url + "/metrics", timeout=10).text
    Exposition(text)
    return {reason: int(count) for reason, count in
            re.findall(r'serin_tls_handshakes_total\{outcome="\w+",reason="(\w+)"\} (\d+)', text)}


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


# Clients


@pytest.mark.parametrize("flags, version", [(["--http2"], "2"), (["--http1.1"], "1.1"), (["--tls-max", "1.2"], "2")])
def test_curl(secure, certs, body, flags, version):
    done = run("curl", "--silent", "--show-error", "--cacert", certs.path("ca.pem"), *flags, "--data", body.decode(),
               "--write-out", "\n%{http_version}", f"https://localhost:{secure.tls_port}{PATH}")
    assert done.returncode == 0, done.stderr
    text, spoken = done.stdout.rsplit("\n", 1)
    assert json.loads(text)["outputs"][0]["name"] == "score" and spoken == version


@pytest.mark.parametrize("http2", [True, False])
def test_httpx(secure, certs, body, http2):
    with httpx.Client(http2=http2, verify=certs.client(protocols=("h2", "http/1.1"))) as client:
        for _ in range(3):
            answer = client.post(f"https://localhost:{secure.tls_port}{PATH}", content=body)
            assert answer.status_code == 200
            assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")


def test_nghttp(secure):
    done = run("nghttp", "--no-verify-peer", f"https://localhost:{secure.tls_port}/v2")
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "serin"


def test_h2load(secure, body, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(body)
    for flags in (["-m", "10"], ["--h1"]):
        done = run("h2load", "-n", 4000, "-c", 20, *flags, "-d", file, f"https://localhost:{secure.tls_port}{PATH}")
        assert "status codes: 4000 2xx" in done.stdout, done.stdout


def test_large_bodies_both_ways(secure, certs, fraud):
    rows = (fraud.rows("FP32") * 40)[:1000]
    body = json.dumps(fraud.v2(rows, "FP32")).encode()
    assert len(body) > 200_000
    with Http2(secure.tls_port, tls=certs.client()) as second, Http1(secure.tls_port, certs.client(protocols=())) as first:
        for answer in (second.request(PATH, body), first.request("POST", PATH, body)):
            assert answer.status == 200 and len(answer.json()["outputs"][0]["data"]) == 1000


# What the handshake agrees on


@pytest.mark.parametrize("offered, agreed", [
    (("h2", "http/1.1"), "h2"), (("http/1.1", "h2"), "h2"), (("http/1.1",), "http/1.1"), ((), None)])
def test_the_protocol_is_agreed_on(secure, certs, offered, agreed):
    with connect(secure.tls_port, certs.client(protocols=offered)) as client:
        assert client.selected_alpn_protocol() == agreed


def test_no_common_protocol_is_fatal(secure, certs):
    before = handshakes(secure)["alpn"]
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        connect(secure.tls_port, certs.client(protocols=("spdy/3",)))
    assert handshakes(secure)["alpn"] == before + 1


def test_what_was_agreed_on_is_spoken(secure, certs):
    """HTTP/2's preface where HTTP/1.1 was agreed on is a broken HTTP/1.1 request, and the other way round."""
    with Http1(secure.tls_port, certs.client(protocols=("http/1.1",))) as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert client.read().status >= 400
    with Http1(secure.tls_port, certs.client(protocols=("h2",))) as client:
        client.send(b"GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.socket.settimeout(5)
        received = b""
        while data := client.socket.recv(65536):
            received += data
        assert b"HTTP/1.1" not in received


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("name, shown", [
    ("localhost", "server"), ("serin.test", "server"), ("a.wild.test", "wildcard"), ("rsa.test", "rsa")])
def test_the_server_name_chooses_the_certificate(secure, certs, version, name, shown):
    with connect(secure.tls_port, certs.client(version=version), server_name=name) as client:
        assert client.getpeercert()["subject"][0][0][1] == shown


def test_old_versions_are_refused(secure, certs):
    with pytest.raises(ssl.SSLError):
        connect(secure.tls_port, certs.client(version=ssl.TLSVersion.TLSv1_1))


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_sessions_resume_on_every_reactor(secure, certs, version):
    context = certs.client(version=version)
    plain = lambda: socket.create_connection(("127.0.0.1", secure.tls_port), 10)  # noqa: E731
    session, resumed = None, 0
    for _ in range(16):
        with context.wrap_socket(plain(), server_hostname="localhost", session=session) as client:
            client.settimeout(5)
            client.recv(1)  # a record of the server's: TLS 1.3's ticket is before it
            resumed += client.session_reused
            session = client.session
    assert resumed == 15, "16 connections, of which the kernel gave each reactor some"


def test_one_connection_too_many_is_told_so(start_gateway, certs):
    gateway = start_gateway(listen={"tls": certs.listener()}, limits={"connections": 2})
    with Http2(gateway.tls_port, tls=certs.client()) as first, Http2(gateway.tls_port, tls=certs.client()) as second:
        with Http2(gateway.tls_port, tls=certs.client()) as third:
            assert third.request("/v2", method="GET").status == 503
        assert first.request("/v2", method="GET").status == second.request("/v2", method="GET").status == 200


# Client certificates


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("name, reason", [
    (None, "certificate_missing"), ("client-expired", "certificate_expired"), ("client-revoked", "certificate_revoked"),
    ("client-foreign", "certificate_untrusted"), ("client-deep", None), ("reports", "certificate_unlisted"),
    ("client", "full")])
def test_client_certificates(start_gateway, certs, name, reason, version):
    listener = certs.mutual(revocations=[certs.path("crl.pem")], clients=[PAYMENTS])
    gateway = start_gateway(listen={"tls": listener})
    try:
        with Http1(gateway.tls_port, certs.client(name, ("http/1.1",), version)) as client:
            isFine = client.request("GET", "/v2").status == 200
    except (ssl.SSLError, OSError):
        isFine = False
    assert isFine == (name == "client")
    counts = {key: count for key, count in handshakes(gateway).items() if count}
    assert sum(counts.values()) == 1 and (reason is None or counts == {reason: 1}), counts


def test_models_are_for_their_clients(start_gateway, certs, body):
    listener = certs.mutual(client_authentication="optional")
    models = {"fraud": {"clients": [PAYMENTS]}}
    gateway = start_gateway(listen={"tls": listener}, models=models)
    for name, status in ((None, 401), ("plain", 403), ("reports", 403), ("client", 200)):
        with Http2(gateway.tls_port, tls=certs.client(name)) as client:
            for path in (PATH, "/v1/models/fraud:predict"):
                wanted = status if status != 200 or path == PATH else 400
                answer = client.request(path, body)
                assert answer.status == wanted, (name, path, answer.body)
            for path in ("/v2/models/fraud", "/v2/models/fraud/ready", "/v1/models/fraud"):
                assert client.request(path, method="GET").status == status
            assert client.request("/v2", method="GET").status == 200
    assert httpx.post(gateway.url + PATH, content=body).status_code == 401, "the plain port knows nobody"
