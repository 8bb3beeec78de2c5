"""Clients that show a bearer token: who may ask a model, how often, and what changes while it serves."""

import hashlib
import json
import signal
import subprocess

import grpc
import pytest
from tritonclient.grpc import service_pb2 as pb

from conftest import make_client
from harness import calls
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
SECONDS = 10


def token(name: str, secret: str) -> dict:
    return {"name": name, "sha256": hashlib.sha256(secret.encode()).hexdigest()}


def bearer(secret: str) -> dict:
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")).encode()


TOKENS = {"listen": {"tokens": [token("checkout", "secret-1"), token("reports", "secret-2")]}}


@pytest.mark.parametrize("protocol", [1, 2])
def test_a_model_for_the_bearers_of_a_token(start_gateway, body, protocol):
    gateway = start_gateway(**TOKENS, models={"fraud": {"clients": ["token:checkout"]}})
    with make_client(gateway, protocol) as client:
        def status(headers) -> int:
            return client.post(PATH, content=body, headers=headers).status_code

        assert status(bearer("secret-1")) == 200 and status({"authorization": "bEARER secret-1"}) == 200
        assert status(bearer("secret-2")) == 403
        for headers in (
            {}, bearer("secret-3"), bearer("secret-11"), bearer("a" * 257), {"authorization": "Basic secret-1"},
            {"authorization": "secret-1"}, {"authorization": "Bearer"},
        ):
            answer = client.post(PATH, content=body, headers=headers)
            assert answer.status_code == 401, headers
            assert answer.headers["www-authenticate"] == "Bearer" and "secret" not in answer.text
        assert client.get("/v2/models/fraud").status_code == 401
        assert client.get("/v2/models/stats").json() == {"model_stats": []}
        everything = client.get("/v2/models/stats", headers=bearer("secret-1")).json()["model_stats"]
        assert [(found["name"], found["version"]) for found in everything] == [("fraud", "1"), ("fraud", "2")]


def test_curl_and_grpcio_send_tokens(start_gateway, body, fraud, tmp_path):
    gateway = start_gateway(**TOKENS, models={"fraud": {"clients": ["token:checkout"]}})
    done = subprocess.run(
        ["curl", "--silent", "--fail", "--oauth2-bearer", "secret-1", "--data-binary", "@-", gateway.url + PATH],
        input=body, capture_output=True, timeout=30)
    assert done.returncode == 0 and b'"outputs"' in done.stdout, done
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        stub = calls.stub(channel)

        def ask(secret):
            return stub.ModelInfer(request, timeout=SECONDS, metadata=[("authorization", f"Bearer {secret}")])

        assert ask("secret-1").model_name == "fraud"
        for secret, code in [("secret-2", grpc.StatusCode.PERMISSION_DENIED), ("?", grpc.StatusCode.UNAUTHENTICATED)]:
            with pytest.raises(grpc.RpcError) as caught:
                ask(secret)
            assert caught.value.code() == code


def test_a_tokens_bearers_share_a_rate_and_others_do_not(start_gateway, body):
    """Over different connections and protocols; whoever has no known token counts by his address."""
    gateway = start_gateway(**TOKENS, models={"fraud": {"rate": 5}})
    with make_client(gateway, 1) as one, make_client(gateway, 2) as two:
        def statuses(client, headers, count) -> list[int]:
            return [client.post(PATH, content=body, headers=headers).status_code for _ in range(count)]

        seen = statuses(one, bearer("secret-1"), 5) + statuses(two, bearer("secret-1"), 300)
        assert seen[:5] == [200] * 5 and 429 in seen[5:]
        assert statuses(two, bearer("secret-2"), 5) == [200] * 5
        seen = statuses(one, bearer("made up"), 5) + statuses(two, {}, 300)
        assert seen[:5] == [200] * 5 and 429 in seen[5:], "a token that is made up is no other client"


def test_tokens_change_while_it_serves(start_gateway, body):
    gateway = start_gateway(**TOKENS, models={"fraud": {"clients": ["token:checkout"]}})
    with Http2(gateway.port) as connection:
        def status(secret) -> int:
            return connection.request(PATH, body, headers=[("authorization", f"Bearer {secret}")]).status

        assert status("secret-1") == 200 and status("secret-9") == 401
        old = hashlib.sha256(b"secret-1").hexdigest()
        new = hashlib.sha256(b"secret-9").hexdigest()
        gateway.config.write_text(gateway.config.read_text().replace(old, new))
        gateway.signal(signal.SIGHUP)
        gateway.wait_for_log("configuration read again", 5)
        assert status("secret-1") == 401 and status("secret-9") == 200


def test_a_certificate_or_a_token(start_gateway, certs, body):
    """Either lets in: the certificate's name and the token's are both on the list."""
    tls = certs.mutual(client_authentication="optional")
    gateway = start_gateway(
        listen={**TOKENS["listen"], "tls": tls}, models={"fraud": {"clients": ["spiffe://example/other", "token:checkout"]}})
    for client, secret, status in [(None, "secret-1", 200), ("client", "secret-1", 200), ("client", "secret-2", 403),
                                   (None, "secret-2", 403), (None, "no", 401), ("client", "no", 403)]:
        with Http2(gateway.tls_port, tls=certs.client(client)) as connection:
            answer = connection.request(PATH, body, headers=[("authorization", f"Bearer {secret}")])
            assert answer.status == status, (client, secret)


def test_statistics_take_nothing_of_the_rate(start_gateway, body):
    gateway = start_gateway(models={"fraud": {"rate": 2}})
    with make_client(gateway, 1) as client, grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        for _ in range(20):
            assert client.get("/v2/models/stats").status_code == 200
            assert len(calls.stub(channel).ModelStatistics(pb.ModelStatisticsRequest(), timeout=SECONDS).model_stats) == 2
        assert client.post(PATH, content=body).status_code == 200
