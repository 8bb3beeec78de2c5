"""Clients that people really use, with their own ideas of the protocol."""

import json
import re
import subprocess

import httpx
import numpy as np
import pytest
import tritonclient.http as triton

from harness.bundles import VERSIONS, assert_margins, assert_scores, bundle

PATH = "/v2/models/fraud/versions/1/infer"


def run(*command, seconds: float = 60) -> str:
    done = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def body_file(tmp_path, fraud):
    path = tmp_path / "body.json"
    path.write_text(json.dumps(fraud.v2(fraud.rows("FP32")[:1], "FP32")))
    return path


# curl

@pytest.mark.parametrize("flag, version", [("--http2-prior-knowledge", "2"), ("--http1.1", "1.1")])
def test_curl(gateway, body_file, fraud, flag, version):
    form = "\n%{http_code} %{http_version}"
    out = run("curl", "--silent", flag, "--data-binary", f"@{body_file}", "--write-out", form, gateway.url + PATH)
    body, status = out.rsplit("\n", 1)
    assert status == f"200 {version}"
    assert_scores(json.loads(body)["outputs"][0]["data"], fraud.rows("FP32")[:1], fraud.score_type)


def test_curl_as_the_readme_has_it(gateway, fraud):
    golden = fraud.golden[0]
    data = json.dumps({"instances": [list(golden.row)]})
    url = gateway.url + "/v1/models/fraud/versions/1:predict"
    out = run("curl", "--silent", "--http2-prior-knowledge", url, "--data", data)
    assert_scores(json.loads(out)["predictions"], [golden], fraud.score_type)


def test_curl_upgrades_nothing(gateway, body_file):
    # `--http2` over plain text asks for an upgrade, which RFC 9113 has dropped: the answer is HTTP/1.1.
    out = run(
        "curl", "--silent", "--http2", "--data-binary", f"@{body_file}", "--output", "/dev/null",
        "--write-out", "%{http_code}", gateway.url + PATH)
    assert out == "200"


def test_curl_many_on_one_connection(gateway, body_file):
    # HTTP/1.1 only: curl 7.88 of Debian 12 cannot reuse a connection with prior knowledge (nghttpd sees the same).
    urls = [gateway.url + PATH] * 20
    out = run(
        "curl", "--silent", "--http1.1", "--data-binary", f"@{body_file}", "--write-out",
        "%{http_code} %{num_connects}\n", *(word for url in urls for word in ("--output", "/dev/null", url)))
    assert out.split("\n")[:-1] == ["200 1"] + ["200 0"] * 19


# h2load and nghttp

@pytest.mark.parametrize("flags", [["-c8", "-m10"], ["-c1", "-m1"], ["-c1", "-m100"], ["--h1", "-c8"]])
def test_h2load(gateway, body_file, flags):
    out = run("h2load", "-n", "4000", *flags, "-d", body_file, gateway.url + PATH)
    assert re.search(r"requests: 4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored", out), out
    assert re.search(r"status codes: 4000 2xx", out), out


def test_nghttp(gateway, body_file, fraud):
    out = run("nghttp", "--data", body_file, "-H", ":method: POST", gateway.url + PATH)
    assert_scores(json.loads(out)["outputs"][0]["data"], fraud.rows("FP32")[:1], fraud.score_type)


def test_nghttp_many_streams(gateway, body_file):
    out = run("nghttp", "--null-out", "--stat", "--multiply", "50", "--data", body_file, gateway.url + PATH)
    assert len(re.findall(r"\s200\s", out)) == 50, out


# tritonclient[http]

@pytest.fixture
def client(gateway):
    client = triton.InferenceServerClient(gateway.url.removeprefix("http://"))
    yield client
    client.close()


def test_triton_health_and_metadata(client, fraud):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("fraud") and client.is_model_ready("fraud", "1")
    assert not client.is_model_ready("nobody")
    assert client.get_server_metadata()["name"] == "serin"
    metadata = client.get_model_metadata("fraud", "1")
    assert metadata["inputs"][0]["shape"] == [-1, len(fraud.names)]
    assert client.get_model_config("fraud", "1")["max_batch_size"] == 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("written, sent", [("FP32", "FP32"), ("FP64", "FP64")])
def test_triton_infer(client, version, binary, written, sent):
    shipped = bundle(version)
    rows = [row for row in shipped.rows(written) if binary or None not in row.row]  # its JSON has no null
    tensor = triton.InferInput(shipped.tensor_name, [len(rows), len(shipped.names)], sent)
    tensor.set_data_from_numpy(shipped.matrix(rows, sent), binary_data=binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("score", "margin")]
    result = client.infer("fraud", [tensor], version, outputs=outputs, request_id="r1")
    assert result.get_response()["id"] == "r1"
    assert_margins(result.as_numpy("margin"), rows, shipped.score_type)
    assert_scores(result.as_numpy("score"), rows, shipped.score_type)


def test_triton_defaults(client, fraud):
    """Binary input, no outputs named, no content type: what the client does unasked."""
    rows = fraud.rows("FP32")
    tensor = triton.InferInput(fraud.tensor_name, [len(rows), len(fraud.names)], "FP32")
    tensor.set_data_from_numpy(fraud.matrix(rows, "FP32"))
    result = client.infer("fraud", [tensor], "1")
    assert result.as_numpy("score").dtype == np.float32
    assert_scores(result.as_numpy("score"), rows, fraud.score_type)


def test_triton_errors(client, fraud):
    tensor = triton.InferInput(fraud.tensor_name, [1, 3], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 3), np.float32))
    with pytest.raises(triton.InferenceServerException) as refused:
        client.infer("fraud", [tensor], "1")
    assert refused.value.status() == "400" and str(len(fraud.names)) in refused.value.message()


# httpx with HTTP/2

def test_httpx_concurrent_streams(gateway, fraud):
    import asyncio

    rows = fraud.rows("FP32")[:60]

    async def all_at_once():
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(http1=False, http2=True, limits=limits, timeout=20) as client:
            requests = [client.post(gateway.url + PATH, json=fraud.v2([golden], "FP32")) for golden in rows]
            return await asyncio.gather(*requests)

    for answer, golden in zip(asyncio.run(all_at_once()), rows, strict=True):
        assert answer.http_version == "HTTP/2" and answer.status_code == 200
        assert_scores(answer.json()["outputs"][0]["data"], [golden], fraud.score_type)
