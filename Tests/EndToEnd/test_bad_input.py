"""What a client can get wrong: the status, a message that names the place, and the same connection goes on."""

import json
import re
import subprocess

import httpx
import pytest

from conftest import connection_of, make_client
from harness.bundles import assert_scores, change_manifest, copy_bundle
from harness.gateway import Gateway, run_serin
from harness.http1 import Http1
from harness.http2 import Http2

V2 = "/v2/models/fraud/versions/1/infer"
V1 = "/v1/models/fraud/versions/1:predict"
#: A value that no message may repeat.
SECRET = "73219.625"


@pytest.fixture
def good(fraud):
    return fraud.rows("FP32")[0]


def refused(client, fraud, good, path, content, status, *patterns, headers=None) -> str:
    """Sends what must be refused between two good requests, all on one connection; the message."""
    before = client.post(V2, json=fraud.v2([good], "FP32"))
    answer = client.post(path, content=content, headers=headers)
    after = client.post(V2, json=fraud.v2([good], "FP32"))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    message = answer.json()["error"]
    for pattern in patterns:
        assert re.search(pattern, message, re.IGNORECASE), f"no {pattern!r} in: {message}"
    assert SECRET not in message and "\n" not in message
    assert_scores(after.json()["outputs"][0]["data"], [good], fraud.score_type)
    assert connection_of(before) == connection_of(answer) == connection_of(after), "the connection was not kept"
    return message


# JSON that is none: the message has the byte offset of the fault

def broken_json(body: bytes) -> dict[str, tuple[bytes, int]]:
    middle = body.index(b'"data"')
    number = body.index(b"[", middle) + 1
    return {
        "empty": (b"", 0),
        "not JSON": (b"hello", 0),
        "an opened brace": (b"{", 1),
        "cut off": (body[:middle], middle),
        "a comma too many": (body[:number] + b"," + body[number:], number),
        "NaN": (body[:number] + b"NaN," + body[number:], number),
        "Infinity": (body[:number] + b"-Infinity," + body[number:], number),
        "a leading zero": (body[:number] + b"012," + body[number:], number),
        "text behind the end": (body + b"}", len(body)),
        "a single quote": (body.replace(b'"', b"'"), 1),
        "bad UTF-8": (body[:number] + b'"\xff\xfe",' + body[number:], number),
        "a control byte": (body[:number] + b'"a\x01",' + body[number:], number),
    }


@pytest.mark.parametrize("case", broken_json(b'{"data":[1]}'))
def test_malformed_json_says_where(client, fraud, good, case):
    body, offset = broken_json(json.dumps(fraud.v2([good], "FP32")).encode())[case]
    message = refused(client, fraud, good, V2, body, 400, r"byte|offset")
    found = [int(number) for number in re.findall(r"\d+", message)]
    assert any(abs(number - offset) <= 4 for number in found), f"expected about byte {offset}: {message}"


@pytest.mark.parametrize("path", [V2, V1])
def test_deep_nesting_is_refused(client, fraud, good, path):
    refused(client, fraud, good, path, b'{"inputs":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400)


@pytest.mark.parametrize("path", [V2, V1])
@pytest.mark.parametrize("body", [b"[]", b"3", b"null", b'"text"', b"{}"])
def test_not_a_request_object(client, fraud, good, path, body):
    refused(client, fraud, good, path, body, 400, r"inputs|instances|object")


def test_duplicate_keys(client, fraud, good):
    body = json.dumps(fraud.v2([good], "FP32"))
    refused(client, fraud, good, V2, body.replace('{"inputs"', '{"inputs":[],"inputs"', 1), 400, "inputs")


# V2: tensors

def wrong_tensors(fraud) -> dict:
    count = len(fraud.names)
    return {
        "no inputs": (lambda b, t: b.update(inputs=[]), ["inputs", "0"]),
        "two inputs": (lambda b, t: b["inputs"].append(dict(t)), [r"one|1"]),
        "wrong name": (lambda b, t: t.update(name="velocity"), [fraud.tensor_name, "velocity"]),
        "no name": (lambda b, t: t.pop("name"), ["name"]),
        "BYTES": (lambda b, t: t.update(datatype="BYTES"), ["datatype", "BYTES|FP32"]),
        "unknown datatype": (lambda b, t: t.update(datatype="FP99"), ["datatype", "FP32"]),
        "no datatype": (lambda b, t: t.pop("datatype"), ["datatype"]),
        "no shape": (lambda b, t: t.pop("shape"), ["shape"]),
        "flat shape": (lambda b, t: t.update(shape=[count]), ["shape", str(count)]),
        "deep shape": (lambda b, t: t.update(shape=[1, count, 1]), ["shape", str(count)]),
        "wrong width": (lambda b, t: t.update(shape=[1, count + 1]), ["shape", str(count), str(count + 1)]),
        "no rows": (lambda b, t: t.update(shape=[0, count], data=[]), ["shape"]),
        "negative rows": (lambda b, t: t.update(shape=[-1, count]), ["shape"]),
        "huge rows": (lambda b, t: t.update(shape=[2**62, count]), ["shape"]),
        "text in shape": (lambda b, t: t.update(shape=["1", count]), ["shape"]),
        "more rows than data": (lambda b, t: t.update(shape=[2, count]), ["data", str(2 * count), str(count)]),
        "a row too short": (lambda b, t: t["data"].pop(), ["data", str(count), str(count - 1)]),
        "a row too long": (lambda b, t: t["data"].append(1.5), ["data", str(count)]),
        "text for a number": (lambda b, t: t["data"].__setitem__(3, SECRET), ["data", r"\b3\b|" + fraud.names[3]]),
        "an object for a number": (lambda b, t: t["data"].__setitem__(3, {}), ["data", r"\b3\b|" + fraud.names[3]]),
        "a number too large": (lambda b, t: t["data"].__setitem__(3, 1e300), ["data", r"FP32|range"]),
        "no data": (lambda b, t: t.pop("data"), ["data"]),
        "unknown output": (lambda b, t: b.update(outputs=[{"name": "risk"}]), ["outputs", "score", "risk"]),
        "text for id": (lambda b, t: b.update(id=[1]), ["id"]),
    }


def cases_of_wrong_tensors():
    class Named:
        names = [str(index) for index in range(32)]
        tensor_name = "features"

    return list(wrong_tensors(Named))


@pytest.mark.parametrize("case", cases_of_wrong_tensors())
def test_wrong_tensors(client, fraud, good, case):
    change, patterns = wrong_tensors(fraud)[case]
    body = fraud.v2([good], "FP32")
    change(body, body["inputs"][0])
    refused(client, fraud, good, V2, json.dumps(body), 400, *patterns)


def test_a_ragged_nested_tensor(client, fraud, good):
    body = fraud.v2([good, good], "FP32")
    body["inputs"][0]["data"] = [fraud.codes(good), fraud.codes(good)[:-1]]
    refused(client, fraud, good, V2, json.dumps(body), 400, "data", str(len(fraud.names)))


# V2: binary tensors

@pytest.mark.parametrize("header", ["x", "-1", "999999", "1.5", "18446744073709551616"])
def test_wrong_binary_header_length(client, fraud, good, header):
    body = json.dumps(fraud.v2([good], "FP32"))
    headers = {"Inference-Header-Content-Length": header}
    refused(client, fraud, good, V2, body, 400, "Inference-Header-Content-Length", headers=headers)


@pytest.mark.parametrize("said, sent", [(128, 127), (128, 129), (124, 128), (4, 128), (0, 128), (-1, 128), (2**63, 128)])
def test_wrong_binary_size(client, fraud, good, said, sent):
    width = 4 * len(fraud.names)
    body = fraud.v2([], "FP32")
    tensor = body["inputs"][0]
    del tensor["data"]
    tensor |= {"shape": [1, len(fraud.names)], "parameters": {"binary_data_size": said if said != 128 else width}}
    head = json.dumps(body).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    refused(client, fraud, good, V2, head + bytes(sent - 128 + width), 400, "binary|bytes", headers=headers)


# V1

def wrong_rows(fraud) -> dict:
    number = next(f["name"] for f in fraud.manifest["features"] if f["type"] == "number")
    category = next(f["name"] for f in fraud.manifest["features"] if f["type"] == "category")
    return {
        "unknown feature": (lambda row: row.update({"no_such": 1}), [r"instances\[0\]|row 0|instance 0"]),
        "text for a number": (lambda row: row.update({number: SECRET}), [number, "number"]),
        "a list for a number": (lambda row: row.update({number: [1]}), [number, "number"]),
        "a list for a category": (lambda row: row.update({category: [1]}), [category]),
    }


@pytest.mark.parametrize("case", ["unknown feature", "text for a number", "a list for a number", "a list for a category"])
def test_wrong_rows(client, fraud, good, case):
    change, patterns = wrong_rows(fraud)[case]
    [row] = fraud.objects([good])
    change(row)
    refused(client, fraud, good, V1, json.dumps({"instances": [row]}), 400, *patterns)


def test_rows_by_position_of_wrong_length(client, fraud, good):
    body = json.dumps({"instances": [list(good.row), list(good.row)[:-1]]})
    refused(client, fraud, good, V1, body, 400, r"\b1\b", str(len(fraud.names)), str(len(fraud.names) - 1))


@pytest.mark.parametrize(
    "body", ['{"instances":[]}', '{"instances":3}', '{"instances":[[]],"inputs":{}}', '{"inputs":[]}',
             '{"instances":[3]}', '{"instances":[[1]],"other":1}'])
def test_wrong_v1_bodies(client, fraud, good, body):
    refused(client, fraud, good, V1, body, 400)


def test_columns_of_unequal_length(client, fraud, good):
    columns = {name: [value, value] for name, value in zip(fraud.names, good.row)}
    columns[fraud.names[4]] = columns[fraud.names[4]][:1]
    refused(client, fraud, good, V1, json.dumps({"inputs": columns}), 400, fraud.names[4])


def test_signature_name_is_not_unknown(client, fraud, good):
    body = {"signature_name": "serving_default", "instances": [list(good.row)]}
    assert client.post(V1, json=body).status_code == 200


# Around the body

@pytest.mark.parametrize("path", ["/v2/models/nobody/infer", "/v2/models/fraud/versions/99/infer",
                                  "/v1/models/nobody:predict", "/v1/models/fraud/versions/99:predict"])
def test_unknown_model_or_version(client, fraud, good, path):
    refused(client, fraud, good, path, json.dumps(fraud.v2([good], "FP32")), 404, "model|version")


def test_unknown_encoding_is_415(client, fraud, good):
    headers = {"Content-Encoding": "br"}
    refused(client, fraud, good, V2, b"\x1f\x8b" + bytes(100), 415, "encoding", headers=headers)


def test_any_content_type_will_do(client, fraud, good):
    body = json.dumps(fraud.v2([good], "FP32"))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "image/png"):
        assert client.post(V2, content=body, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("excess", [1, 3 << 20])
def test_a_body_over_the_limit_is_413_over_http2(gateway, fraud, good, excess):
    good_body = json.dumps(fraud.v2([good], "FP32")).encode()
    with Http2(gateway.port) as connection:
        assert connection.request(V2, good_body).status == 200
        answer = connection.request(V2, b" " * ((1 << 20) + excess))
        assert answer.status == 413 and str(1 << 20) in answer.json()["error"]
        assert connection.request(V2, good_body).status == 200


@pytest.mark.parametrize("excess", [1, 3 << 20])
def test_a_body_over_the_limit_is_413_over_http1(gateway, fraud, good, excess):
    """The answer is read by a client that sends everything first; then the connection goes on, or says it ends."""
    good_body = json.dumps(fraud.v2([good], "FP32")).encode()
    with Http1(gateway.port) as connection:
        answer = connection.request("POST", V2, b" " * ((1 << 20) + excess))
        assert answer.status == 413 and str(1 << 20) in answer.json()["error"]
        if answer.headers.get("connection") != "close":
            assert connection.request("POST", V2, good_body).status == 200


def test_curl_sees_413(gateway, tmp_path):
    # HTTP/1.1 only: curl 7.88 takes RST_STREAM(NO_ERROR) behind a whole answer (RFC 9113, 8.1) for an error.
    path = tmp_path / "long"
    path.write_bytes(b" " * (3 << 20))
    done = subprocess.run(
        ["curl", "--silent", "--http1.1", "--data-binary", f"@{path}", "--header", "Expect:", "--output", tmp_path / "out",
         "--write-out", "%{http_code}", gateway.url + V2],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.stdout == "413", (done, (tmp_path / "out").read_text())


def test_a_body_at_the_limit_is_read(client, fraud, good):
    body = json.dumps(fraud.v2([good], "FP32")).encode()
    assert client.post(V2, content=body + b" " * ((1 << 20) - len(body))).status_code == 200


# Policies of the manifest, on an altered copy of the bundle

def keep_golden(folder, is_kept):
    """A bundle does not load with golden rows that its own policy refuses: drops them."""
    golden = folder / "golden.ndjson"
    kept = [line for line in golden.read_text().splitlines() if is_kept(json.loads(line)["row"])]
    assert len(kept) >= 64
    golden.write_text("\n".join(kept) + "\n")


@pytest.mark.parametrize("policy, status", [("accept", 200), ("clip", 200), ("reject", 400)])
def test_a_feature_out_of_range(tmp_path, fraud, good, policy, status):
    place = next(i for i, f in enumerate(fraud.manifest["features"]) if f["type"] == "number")
    name, high = fraud.names[place], 50_000.0

    def change(folder):
        rules = {"range": [0, high], "on_range": policy}
        change_manifest(lambda manifest: manifest["features"][place].update(rules))(folder)
        keep_golden(folder, lambda row: row[place] is not None and 0 <= row[place] <= high)

    copy_bundle(tmp_path / "models", "1", change)
    with Gateway(tmp_path / "gateway", repository=tmp_path / "models") as gateway, make_client(gateway, 2) as client:
        [row] = fraud.objects([good])
        answers = {}
        for value in (high, high + 73219.625):
            answers[value] = client.post(V1, json={"instances": [row | {name: value}]})
        inside, outside = answers.values()
        assert inside.status_code == 200 and outside.status_code == status, outside.text
        if policy == "clip":
            assert outside.json() == inside.json()
        if policy == "reject":
            message = outside.json()["error"]
            assert name in message and "range" in message and SECRET not in message
        else:
            text = httpx.get(gateway.metrics_url + "/metrics").text
            assert re.search(r"^serin_\w*range\w*\{[^}]*\} 1$", text, re.MULTILINE), text


@pytest.mark.parametrize("policy, status", [("model", 200), ("missing", 200), ("reject", 400)])
def test_an_unknown_category(tmp_path, fraud, good, policy, status):
    place = next(i for i, f in enumerate(fraud.manifest["features"]) if f["type"] == "category")
    name = fraud.names[place]

    def change(folder):
        change_manifest(lambda manifest: manifest["features"][place].update(unknown=policy))(folder)
        keep_golden(folder, lambda row: row[place] is None or isinstance(row[place], str))

    copy_bundle(tmp_path / "models", "1", change)
    with Gateway(tmp_path / "gateway", repository=tmp_path / "models") as gateway, make_client(gateway, 1) as client:
        [row] = fraud.objects([good])
        unknown = client.post(V1, json={"instances": [row | {name: "nowhere"}]})
        missing = client.post(V1, json={"instances": [row | {name: None}]})
        assert unknown.status_code == status, unknown.text
        if status == 200:
            assert unknown.json() == missing.json()
        else:
            assert name in unknown.json()["error"] and "nowhere" not in unknown.json()["error"]


@pytest.mark.parametrize("policy", ["reject", "value"])
def test_a_missing_feature(tmp_path, fraud, good, policy):
    place = next(i for i in range(len(fraud.names)) if all(isinstance(row.row[i], float) for row in fraud.golden))
    name = fraud.names[place]
    number = fraud.golden[0].row[place]
    missing = "reject" if policy == "reject" else {"value": number}
    copy_bundle(tmp_path / "models", "1", change_manifest(lambda m: m["features"][place].update(missing=missing)))
    with Gateway(tmp_path / "gateway", repository=tmp_path / "models") as gateway, make_client(gateway, 2) as client:
        [row] = fraud.objects([good])
        left_out = client.post(V1, json={"instances": [row | {name: None}]})
        given = client.post(V1, json={"instances": [row | {name: number}]})
        if policy == "reject":
            assert left_out.status_code == 400 and name in left_out.json()["error"]
        else:
            assert left_out.json() == given.json()


# Bundles and configuration

def test_a_wrong_checksum_is_named(tmp_path):
    folder = copy_bundle(tmp_path / "models", "1")
    model = next(path for path in folder.iterdir() if path.name.startswith("model."))
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    done = run_serin("model", "verify", "fraud/1", "--repository", tmp_path / "models")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and model.name in said and re.search("checksum|SHA256SUMS", said), said
    gateway = Gateway(tmp_path / "gateway", repository=tmp_path / "models").spawn()
    try:
        gateway.wait_for_log(r"(?s)model\.\w+.*(checksum|SHA256SUMS)|(checksum|SHA256SUMS).*model\.\w+", 20)
    finally:
        gateway.stop()


@pytest.mark.parametrize(
    "text, place, allowed",
    [("lisn: {}", 1, "listen"), ("listen:\n  prt: 1", 2, "port"), ("timeouts:\n  idle: 5", 2, "ms"),
     ("limits:\n  body_bytes: 5 bananas", 2, "MiB"), ("reactors: many", 1, "0"), ("a: [", "[12]", "")])
def test_a_wrong_configuration_names_file_line_and_values(tmp_path, text, place, allowed):
    path = tmp_path / "wrong.yaml"
    path.write_text(text + "\n")
    done = run_serin("serve", "--check", "--config", path)
    assert done.returncode == 1, done
    assert re.search(rf"wrong\.yaml:{place}\b|line {place}\b", done.stderr), done.stderr
    assert allowed in done.stderr and done.stderr.count("\n") <= 2
