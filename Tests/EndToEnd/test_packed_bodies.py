"""gzip and deflate request bodies, and bodies that are raw tensors, from clients people really use."""

import gzip
import json
import subprocess
import time
import zlib

import httpx
import ml_dtypes
import numpy as np
import pytest
import tritonclient.http as triton

from conftest import make_client
from harness.bundles import VERSIONS, assert_margins, assert_scores, bundle
from harness.http1 import Http1
from harness.http2 import Http2

PATH = "/v2/models/fraud/versions/1/infer"
PACK = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.fixture
def body(fraud):
    return json.dumps(fraud.v2(fraud.rows("FP32"), "FP32")).encode()


@pytest.fixture
def triton_client(gateway):
    client = triton.InferenceServerClient(gateway.url.removeprefix("http://"))
    yield client
    client.close()


# Packed

@pytest.mark.parametrize("coding", PACK)
def test_json(client, fraud, body, coding, scrape):
    before = scrape()
    answer = client.post(PATH, content=PACK[coding](body), headers={"content-encoding": coding})
    assert answer.status_code == 200, answer.text
    assert_scores(answer.json()["outputs"][0]["data"], fraud.rows("FP32"), fraud.score_type)
    after = scrape()
    assert after.total("serin_inflated_bodies_total", outcome="ok") == 1 + before.total(
        "serin_inflated_bodies_total", outcome="ok")
    grown = after.total("serin_inflated_bytes_total", side="inflated") - before.total(
        "serin_inflated_bytes_total", side="inflated")
    assert grown == len(body)


@pytest.mark.parametrize("coding", PACK)
def test_v1(client, fraud, coding):
    rows = fraud.rows("FP32")
    content = PACK[coding](json.dumps({"instances": fraud.objects(rows)}).encode())
    answer = client.post(
        "/v1/models/fraud/versions/1:predict", content=content, headers={"content-encoding": coding})
    assert_scores(answer.json()["predictions"], rows, fraud.score_type)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_triton_request_compression(triton_client, version, coding, binary):
    shipped = bundle(version)
    rows = [row for row in shipped.rows("FP32") if binary or None not in row.row]
    tensor = triton.InferInput(shipped.tensor_name, [len(rows), len(shipped.names)], "FP32")
    tensor.set_data_from_numpy(shipped.matrix(rows, "FP32"), binary_data=binary)
    outputs = [triton.InferRequestedOutput(name) for name in ("margin", "score")]
    result = triton_client.infer(
        "fraud", [tensor], version, outputs=outputs, request_compression_algorithm=coding)
    assert_margins(result.as_numpy("margin"), rows, shipped.score_type)
    assert_scores(result.as_numpy("score"), rows, shipped.score_type)


def test_curl(gateway, fraud, tmp_path, body):
    path = tmp_path / "body.json.gz"
    path.write_bytes(gzip.compress(body))
    done = subprocess.run(
        ["curl", "--silent", "--http1.1", "--data-binary", f"@{path}", "--header", "Content-Encoding: gzip",
         gateway.url + PATH], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert_scores(json.loads(done.stdout)["outputs"][0]["data"], fraud.rows("FP32"), fraud.score_type)


def test_many_streams_at_once(gateway, fraud):
    """More than a round inflates: each is answered, in no time."""
    rows = fraud.rows("FP32")[:1] * 200
    packed = gzip.compress(json.dumps(fraud.v2(rows, "FP32")).encode())
    with Http2(gateway.port) as connection:
        opened = [connection.open(PATH, packed, headers=[("content-encoding", "gzip")]) for _ in range(60)]
        for stream in opened:
            assert_scores(connection.wait(stream).json()["outputs"][0]["data"], rows, fraud.score_type)


@pytest.mark.parametrize("coding", PACK)
def test_damaged_bodies_are_400(client, fraud, body, coding):
    packed = PACK[coding](body)
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 0x55
    for content in (packed[:-1], packed[: len(packed) // 2], packed + b"x", bytes(damaged), b"", body):
        answer = client.post(PATH, content=content, headers={"content-encoding": coding})
        assert answer.status_code == 400 and coding in answer.json()["error"], answer.text
    answer = client.post(PATH, content=packed, headers={"content-encoding": coding})
    assert answer.status_code == 200


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "nothing"])
def test_unknown_codings_are_415_and_say_what_is_known(client, fraud, body, coding):
    answer = client.post(PATH, content=body, headers={"content-encoding": coding})
    assert answer.status_code == 415 and answer.headers["accept-encoding"] == "gzip, deflate"
    assert client.post(PATH, content=body).status_code == 200


def test_bombs_are_413_and_cost_little(gateway, fraud, body, scrape):
    """100 MiB of zeros are 100 KB; a hundred of them are refused while others are served."""
    bomb = gzip.compress(bytes(100 << 20))
    assert len(bomb) < 120_000
    before, resident = scrape(), gateway.resident_bytes()
    with Http2(gateway.port) as attacker, Http1(gateway.port) as other:
        begin = time.monotonic()
        slowest = 0
        for _ in range(100):
            stream = attacker.open(PATH, bomb, headers=[("content-encoding", "gzip")])
            sent = time.monotonic()
            assert other.request("POST", PATH, body).status == 200
            slowest = max(slowest, time.monotonic() - sent)
            answer = attacker.wait(stream)
            assert answer.status == 413 and "inflates" in answer.json()["error"]
        took = time.monotonic() - begin
    assert took < 10 and slowest < 0.5, (took, slowest)
    assert gateway.resident_bytes() - resident < 16 << 20
    assert scrape().total("serin_inflated_bodies_total", outcome="too_large") == 100 + before.total(
        "serin_inflated_bodies_total", outcome="too_large")


@pytest.mark.parametrize("settings, status", [
    ({"inflated_bytes": "4KiB"}, 413), ({"inflate_ratio": 1}, 413), ({"inflated_bytes": "4MiB", "inflate_ratio": 1032}, 200)])
def test_the_bounds_are_the_configured_ones(start_gateway, fraud, settings, status):
    gateway = start_gateway(limits=settings)
    rows = fraud.rows("FP32")[:1] * 1000
    packed = gzip.compress(json.dumps(fraud.v2(rows, "FP32")).encode())
    with make_client(gateway, 2) as client:
        answer = client.post(PATH, content=packed, headers={"content-encoding": "gzip"})
        assert answer.status_code == status
        if status == 413:
            assert str(4096 if "inflated_bytes" in settings else "1 times") in answer.json()["error"]


def test_more_than_a_plain_body_may_have(start_gateway, fraud):
    """What is parsed is the inflated body: it may be larger than body_bytes."""
    gateway = start_gateway(limits={"body_bytes": "64KiB", "inflated_bytes": "1MiB", "inflate_ratio": 1000})
    rows = fraud.rows("FP32")[:1] * 1000
    body = json.dumps(fraud.v2(rows, "FP32")).encode()
    assert len(body) > 64 << 10
    with make_client(gateway, 1) as client:
        assert client.post(PATH, content=body).status_code == 413
    with make_client(gateway, 1) as client:
        answer = client.post(PATH, content=gzip.compress(body), headers={"content-encoding": "gzip"})
        assert_scores(answer.json()["outputs"][0]["data"], rows, fraud.score_type)


# Packed answers

@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_triton_response_compression(triton_client, fraud, coding, binary):
    rows = (fraud.rows("FP32") * 20)[:1000]
    tensor = triton.InferInput(fraud.tensor_name, [len(rows), len(fraud.names)], "FP32")
    tensor.set_data_from_numpy(fraud.matrix(rows, "FP32"))
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("margin", "score", "label")]
    result = triton_client.infer(
        "fraud", [tensor], "1", outputs=outputs, request_compression_algorithm=coding,
        response_compression_algorithm=coding)
    assert_margins(result.as_numpy("margin"), rows, fraud.score_type)
    assert_scores(result.as_numpy("score"), rows, fraud.score_type)


@pytest.mark.parametrize("accepted, chosen", [
    ("gzip", "gzip"), ("deflate", "deflate"), ("br, gzip;q=0.5", "gzip"), ("br", None), ("gzip;q=0", None)])
def test_the_client_chooses(gateway, fraud, accepted, chosen):
    rows = (fraud.rows("FP32") * 20)[:1000]
    body = json.dumps(fraud.v2(rows, "FP32", ["score", "margin"])).encode()
    with Http2(gateway.port) as connection:
        plain = connection.request(PATH, body)
        answer = connection.request(PATH, body, headers=[("accept-encoding", accepted)])
        assert answer.headers.get("content-encoding") == chosen and "content-encoding" not in plain.headers
        assert int(answer.headers["content-length"]) == len(answer.body)
        unpack = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[chosen]
        assert json.loads(unpack(answer.body))["outputs"] == plain.json()["outputs"]
        assert chosen is None or len(answer.body) < 0.75 * len(plain.body)
        small = connection.request(
            PATH, json.dumps(fraud.v2(rows[:1], "FP32")).encode(), headers=[("accept-encoding", accepted)])
        assert "content-encoding" not in small.headers


def test_packing_can_be_off(start_gateway, fraud):
    gateway = start_gateway(compression={"max_bytes": "0B"})
    rows = (fraud.rows("FP32") * 20)[:1000]
    answer = httpx.post(gateway.url + PATH, json=fraud.v2(rows, "FP32"), headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200 and "content-encoding" not in answer.headers


# Raw tensors

def split(answer: httpx.Response):
    """The JSON header of an answer, and the bytes behind it."""
    size = int(answer.headers["Inference-Header-Content-Length"])
    return json.loads(answer.content[:size]), answer.content[size:]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("coding", [None, "gzip"])
@pytest.mark.parametrize("count", [1, None])
def test_a_raw_tensor_needs_no_header(client, version, coding, count):
    shipped = bundle(version)
    declared = shipped.manifest.get("input", {}).get("datatype") or ("FP64" if version == "2" else "FP32")
    rows = shipped.rows(declared)[:count]
    content = shipped.matrix(rows, declared).tobytes()
    headers = {"Inference-Header-Content-Length": "0"}
    if coding:
        content, headers["content-encoding"] = gzip.compress(content), coding
    answer = client.post(f"/v2/models/fraud/versions/{version}/infer", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    header, tail = split(answer)
    [output] = header["outputs"]
    assert output["name"] == "score" and output["shape"] == [len(rows), 1]
    assert output["parameters"] == {"binary_data_size": len(tail)} and "data" not in output
    assert_scores(np.frombuffer(tail, dtype=shipped.score_type), rows, shipped.score_type)


@pytest.mark.parametrize("count", [0, 1, 127, 129])
def test_a_raw_tensor_of_no_whole_rows_is_400(client, fraud, count):
    headers = {"Inference-Header-Content-Length": "0"}
    answer = client.post(PATH, content=bytes(count), headers=headers)
    assert answer.status_code == 400 and "rows of 128 bytes" in answer.json()["error"]


def test_a_raw_tensor_of_too_many_rows_is_400(client, fraud):
    headers = {"Inference-Header-Content-Length": "0"}
    answer = client.post(PATH, content=bytes(128 * 1025), headers=headers)
    assert answer.status_code == 400 and "1024 rows" in answer.json()["error"]


@pytest.mark.parametrize("name, kind", [
    ("FP16", np.float16), ("FP64", np.float64), ("INT8", np.int8), ("INT16", np.int16), ("INT32", np.int32),
    ("INT64", np.int64), ("UINT8", np.uint8), ("UINT16", np.uint16), ("UINT32", np.uint32), ("UINT64", np.uint64),
    ("BF16", ml_dtypes.bfloat16)])
def test_triton_sends_every_datatype(triton_client, fraud, name, kind):
    """Small whole numbers mean the same in every datatype: the scores are those of FP32."""
    values = np.array([[(3 * row + column) % 3 for column in range(len(fraud.names))] for row in range(5)])
    policy = [feature["type"] for feature in fraud.manifest["features"]]
    values[:, [index for index, kind_ in enumerate(policy) if kind_ == "boolean"]] %= 2

    def scores(datatype: str, matrix) -> np.ndarray:
        tensor = triton.InferInput(fraud.tensor_name, list(matrix.shape), datatype)
        tensor.set_data_from_numpy(matrix)
        outputs = [triton.InferRequestedOutput(name) for name in ("score", "label", "margin")]
        result = triton_client.infer("fraud", [tensor], "1", outputs=outputs)
        assert result.as_numpy("label").dtype == np.int64 and result.as_numpy("label").shape == (5, 1)
        return np.concatenate([result.as_numpy("score"), result.as_numpy("margin")], axis=1)

    wanted = scores("FP32", values.astype(np.float32))
    assert scores(name, values.astype(kind)).tobytes() == wanted.tobytes()


def test_bytes_are_400(triton_client, fraud):
    tensor = triton.InferInput(fraud.tensor_name, [1, len(fraud.names)], "BYTES")
    tensor.set_data_from_numpy(np.array([[b"1"] * len(fraud.names)], dtype=object))
    with pytest.raises(triton.InferenceServerException) as refused:
        triton_client.infer("fraud", [tensor], "1")
    assert refused.value.status() == "400" and "BYTES" in refused.value.message()


def test_outputs_may_be_mixed(client, fraud):
    """JSON in, and of three outputs two in binary, in the order that was asked for."""
    rows = fraud.rows("FP32")
    body = fraud.v2(rows, "FP32")
    body["parameters"] = {"binary_data_output": True}
    body["outputs"] = [
        {"name": "label"}, {"name": "margin", "parameters": {"binary_data": False}}, {"name": "score"}]
    header, tail = split(client.post(PATH, json=body))
    sizes = [output.get("parameters", {}).get("binary_data_size") for output in header["outputs"]]
    assert sizes == [8 * len(rows), None, 4 * len(rows)] and len(tail) == 12 * len(rows)
    assert_margins(header["outputs"][1]["data"], rows, fraud.score_type)
    assert_scores(np.frombuffer(tail[8 * len(rows):], dtype=np.float32), rows, fraud.score_type)
    labels = np.frombuffer(tail[: 8 * len(rows)], dtype=np.int64)
    assert set(labels) <= {0, 1}
