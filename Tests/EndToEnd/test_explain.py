"""Explanations over every protocol: the trainers' contributions, the manifest's words, a budget, and no reactor held up."""

import json
import subprocess
import threading
import time

import grpc
import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http

from harness import calls
from harness.admin import Admin, await_explanations
from harness.bundles import VERSIONS, assert_margins, assert_scores, bundle, change_manifest, copy_bundle
from harness.exposition import Exposition
from harness.gateway import ROOT, Gateway, run_serin

FIXTURES = ROOT / "Tests" / "Fixtures"
EXPLAIN = "/v1/models/fraud/versions/{}:explain"
PREDICT = "/v1/models/fraud/versions/{}:predict"


@pytest.fixture(scope="module")
def explaining(installed, tmp_path_factory):
    """A gateway whose versions can explain."""
    models = {"fraud": {"route": {"stable": "1", "labels": {"production": "1"}}}}
    with Gateway(tmp_path_factory.mktemp("explaining"), models=models) as gateway:
        versions = await_explanations(gateway)
        assert {version["explanations"] for version in versions.values()} == {"ready"}
        yield gateway


@pytest.fixture
def http(explaining):
    with httpx.Client(base_url=explaining.url, timeout=30) as client:
        yield client


def scrape(gateway) -> Exposition:
    return Exposition(httpx.get(gateway.metrics_url + "/metrics", timeout=10).text)


def words(model) -> dict:
    return {feature["name"]: feature.get("reason") for feature in model.manifest["features"]}


def wanted_reasons(contributions: dict, texts: dict, count: int) -> list[str]:
    """The features of a row's reasons, in plain lines: the strongest of each text, those that moved the score up."""
    chosen, said = [], set()
    for name in sorted(contributions, key=lambda name: -contributions[name]):
        if contributions[name] > 0 and texts[name] and texts[name] not in said:
            chosen.append(name)
            said.add(texts[name])
    return chosen[:count]


def assert_adds_up(contributions, base, margins):
    """Base and contributions are the margin, to what adding floats in another order leaves."""
    sums = np.asarray(base, dtype=np.float64) + np.sum(contributions, axis=-1, dtype=np.float64)
    scale = 1 + np.sum(np.abs(contributions), axis=-1)
    assert np.all(np.abs(sums - margins) < 1e-5 * scale), (sums, margins)


# What is answered

@pytest.mark.parametrize("version", VERSIONS)
def test_explain_says_why(http, version):
    model = bundle(version)
    rows = model.golden[:20]
    body = {"instances": model.objects(rows)}
    predicted = http.post(PREDICT.format(version), json=body)
    explained = http.post(EXPLAIN.format(version), json=body)
    assert explained.status_code == 200, explained.text
    assert explained.headers["serin-explanation"] == "full" and "serin-explanation" not in predicted.headers
    # The same digits: the scores are those of :predict to the bit.
    assert explained.text.startswith(predicted.text[:-1] + ',"explanations":[')
    texts = words(model)
    for golden, explanation in zip(rows, explained.json()["explanations"], strict=True):
        contributions = explanation["contributions"]
        assert list(contributions) == model.names and set(explanation) == {"base", "contributions", "reasons"}
        assert_adds_up(list(contributions.values()), explanation["base"], golden.margin[0])
        reasons = explanation["reasons"]
        assert [reason["feature"] for reason in reasons] == wanted_reasons(contributions, texts, 4)
        for reason in reasons:
            assert reason["reason"] == texts[reason["feature"]]
            assert reason["contribution"] == contributions[reason["feature"]]


def test_columns_labels_and_the_number_of_reasons(http, fraud):
    golden = fraud.golden[0]
    by_row = http.post(EXPLAIN.format("1"), json={"instances": [list(golden.row)], "reasons": 2}).json()
    columns = {name: [value] for name, value in zip(fraud.names, golden.row, strict=True)}
    answer = http.post("/v1/models/fraud/labels/production:explain", json={"inputs": columns, "reasons": 2})
    assert answer.headers["serin-version"] == "1"
    assert answer.json()["outputs"] == by_row["predictions"] and answer.json()["explanations"] == by_row["explanations"]
    none = http.post("/v1/models/fraud:explain", json={"instances": [list(golden.row)], "reasons": 0}).json()
    assert set(none["explanations"][0]) == {"base", "contributions"}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_protocol_gives_the_same_bits(explaining, http, version):
    """JSON, binary tensors over HTTP, typed and raw gRPC: one set of contributions, one list of reasons."""
    model = bundle(version)
    rows = model.rows("FP32")[:7] or model.rows("FP64")[:7]
    kind = rows[0].input
    wished = ["contributions", "reasons", "score", "margin", "label"]
    document = http.post(f"/v2/models/fraud/versions/{version}/infer", json=model.v2(rows, kind, wished)).json()
    outputs = {output["name"]: output for output in document["outputs"]}
    assert [output["name"] for output in document["outputs"]] == wished
    assert document["parameters"]["serin-explanation"] == "full"
    assert outputs["contributions"]["shape"] == [7, 33] and outputs["reasons"]["shape"] == [7, 4]
    found = np.array(outputs["contributions"]["data"], dtype=np.float64).astype(model.score_type).reshape(7, 33)
    assert_scores(outputs["score"]["data"], rows, model.score_type)
    assert_margins(outputs["margin"]["data"], rows, model.score_type)
    assert_adds_up(found[:, :-1].astype(np.float64), found[:, -1], np.array(outputs["margin"]["data"]))
    matrix = model.matrix(rows, kind)

    with triton_http.InferenceServerClient(f"127.0.0.1:{explaining.port}") as client:
        tensor = triton_http.InferInput("features", list(matrix.shape), kind)
        tensor.set_data_from_numpy(matrix)
        asked = [triton_http.InferRequestedOutput(name, binary_data=True) for name in wished]
        answer = client.infer("fraud", [tensor], version, outputs=asked)
        assert answer.as_numpy("contributions").tobytes() == found.tobytes()
        binary = [[text.decode() for text in row] for row in answer.as_numpy("reasons")]
        assert sum(binary, []) == outputs["reasons"]["data"]
        assert_scores(answer.as_numpy("score"), rows, model.score_type)

    with triton_grpc.InferenceServerClient(f"127.0.0.1:{explaining.port}") as client:
        tensor = triton_grpc.InferInput("features", list(matrix.shape), kind)
        tensor.set_data_from_numpy(matrix)
        answer = client.infer("fraud", [tensor], version, parameters={"explain": 3})
        response = answer.get_response()
        assert [output.name for output in response.outputs] == ["score", "contributions", "reasons"]
        assert response.parameters["serin-explanation"].string_param == "full"
        assert answer.as_numpy("contributions").tobytes() == found.tobytes()
        raw = [[text.decode() for text in row] for row in answer.as_numpy("reasons")]
        assert raw == [row[:3] for row in binary]

    with grpc.insecure_channel(f"127.0.0.1:{explaining.port}") as channel:
        request = calls.infer_request(model, rows, kind, raw=False, version=version, outputs=wished[:2])
        response = calls.stub(channel).ModelInfer(request, timeout=30)
        contents = response.outputs[0].contents
        typed = contents.fp32_contents if model.score_type is np.float32 else contents.fp64_contents
        assert np.array(typed, dtype=model.score_type).tobytes() == found.tobytes()
        assert [text.decode() for text in response.outputs[1].contents.bytes_contents] == sum(binary, [])


def test_an_answer_with_every_field_there_is(installed, tmp_path):
    """Id, explanation, coding and the length of the binary header, all at once."""
    with Gateway(tmp_path / "gateway", compression={"min_bytes": "1B"}) as gateway:
        await_explanations(gateway)
        document = bundle("1").v2(bundle("1").rows("FP32")[:1], "FP32")
        document["outputs"] = [
            {"name": name, "parameters": {"binary_data": True}} for name in ("score", "prediction_id", "contributions", "reasons")]
        answer = httpx.post(
            f"{gateway.url}/v2/models/fraud/versions/1/infer", json=document, headers={"accept-encoding": "gzip"}, timeout=30)
        assert answer.status_code == 200 and answer.headers["content-encoding"] == "gzip", answer
        assert answer.headers["serin-explanation"] == "full"
        header = json.loads(answer.content[:int(answer.headers["inference-header-content-length"])])
        assert [output["name"] for output in header["outputs"]] == ["score", "prediction_id", "contributions", "reasons"]
        assert answer.headers["serin-prediction-id"].encode() in answer.content


def test_curl_as_the_readme_has_it(explaining, fraud):
    data = json.dumps({"instances": [list(fraud.golden[0].row)], "reasons": 1})
    done = subprocess.run(
        ["curl", "--silent", "--http2-prior-knowledge", explaining.url + "/v1/models/fraud:explain", "--data", data],
        capture_output=True, text=True, timeout=30, check=True)
    assert len(json.loads(done.stdout)["explanations"][0]["contributions"]) == len(fraud.names)


# The trainers' own

MODELS = {
    "xgboost-binary-0000": "json", "xgboost-softprob-0017": "ubj", "xgboost-linear-0038": "json",
    "xgboost-linear-softprob-0040": "json", "lightgbm-categorical-0018": "txt", "lightgbm-multiclass-0015": "txt",
}


@pytest.fixture(scope="module")
def imported(installed, tmp_path_factory):
    """A gateway with models of the fixtures, each as `serin model import` makes a bundle of it, and one nobody explains."""
    folder = tmp_path_factory.mktemp("imported")
    sources = {name: FIXTURES / "models" / f"{name}.{kind}" for name, kind in MODELS.items()}
    sources["layers"] = FIXTURES / "onnx" / "exported-mlp-0065.onnx"
    for name, source in sources.items():
        done = run_serin(
            "model", "import", source, "--name", name, "--version", "1", "--repository", folder / "models")
        assert done.returncode == 0, done.stderr
    with Gateway(folder / "gateway", folder / "models", models={"xgboost-binary-0000": {"explain": {"enabled": False}}}) as gateway:
        for name in sources:
            await_explanations(gateway, name)
        yield gateway


@pytest.mark.parametrize("name", [name for name in MODELS if name != "xgboost-binary-0000"])
def test_contributions_are_the_trainers(imported, name):
    lines = [json.loads(line) for line in (FIXTURES / "contributions.ndjson").read_text().splitlines()]
    lines = [line for line in lines if line["model"] == name]
    assert len(lines) >= 4
    for line in lines:
        tensor = {"name": "features", "shape": [1, len(line["row"])], "datatype": line["input"], "data": line["row"]}
        body = {"inputs": [tensor], "outputs": [{"name": "contributions"}, {"name": "margin"}]}
        answer = httpx.post(f"{imported.url}/v2/models/{name}/infer", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        contributions, margin = answer.json()["outputs"]
        wanted = np.array(line["contributions"])
        width = len(line["row"]) + 1
        classes = len(wanted) // width
        assert contributions["shape"] == ([1, width] if classes == 1 else [1, classes, width])
        scale = max(1, np.abs(wanted).sum())
        assert np.max(np.abs(np.array(contributions["data"]) - wanted)) < 1e-5 * scale
        sums = np.array(contributions["data"]).reshape(classes, width).sum(axis=1)
        assert np.allclose(sums, margin["data"], atol=1e-5 * scale)


def test_many_classes(imported):
    """Reasons speak for the class with the highest score, or for the one that is asked about."""
    url = f"{imported.url}/v1/models/lightgbm-multiclass-0015"
    row = [0.5] * 7
    best = httpx.post(f"{url}:explain", json={"instances": [row]}, timeout=30).json()
    scores, explanation = best["predictions"][0], best["explanations"][0]
    assert explanation["class"] == int(np.argmax(scores)) and len(explanation["base"]) == len(scores) == 3
    for asked in range(3):
        other = httpx.post(f"{url}:explain", json={"instances": [row], "class": asked, "reasons": 7}, timeout=30).json()
        found = other["explanations"][0]
        assert found["class"] == asked and found["contributions"] == explanation["contributions"]
        own = {name: values[asked] for name, values in found["contributions"].items()}
        assert [reason["feature"] for reason in found["reasons"]] == wanted_reasons(own, {name: name for name in own}, 7)
    unknown = httpx.post(f"{url}:explain", json={"instances": [row], "class": 3}, timeout=30)
    assert unknown.status_code == 400 and "class: expected one of the model's 3 classes" in unknown.json()["error"]


# Refusals

def test_a_model_that_cannot_be_explained_says_why(imported):
    width = httpx.get(f"{imported.url}/v2/models/layers").json()["inputs"][0]["shape"][1]
    v1 = {"instances": [[0.5] * width]}
    assert httpx.post(f"{imported.url}/v1/models/layers:predict", json=v1).status_code == 200
    tensor = {"name": "features", "shape": [1, width], "datatype": "FP32", "data": [0.5] * width}
    tensor["name"] = httpx.get(f"{imported.url}/v2/models/layers").json()["inputs"][0]["name"]
    for path, body in [
        ("/v1/models/layers:explain", v1),
        ("/v2/models/layers/infer", {"inputs": [tensor], "parameters": {"explain": True}}),
        ("/v2/models/layers/infer", {"inputs": [tensor], "outputs": [{"name": "contributions"}]}),
    ]:
        answer = httpx.post(imported.url + path, json=body)
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert error.startswith("explanations: version 1 of layers cannot be explained: ") and "not linear" in error
    with Admin(imported) as admin:
        assert "not linear" in admin.model("layers")["versions"][0]["explanations"]
    off = httpx.post(f"{imported.url}/v1/models/xgboost-binary-0000:explain", json={"instances": [[0.5] * 8]})
    assert off.status_code == 400
    assert off.json()["error"] == "explanations: they are off for this model (models.xgboost-binary-0000.explain.enabled)"
    with grpc.insecure_channel(f"127.0.0.1:{imported.port}") as channel:
        request = calls.pb.ModelInferRequest(model_name="layers")
        request.inputs.add(name=tensor["name"], datatype="FP32", shape=[1, width]).contents.fp32_contents.extend([0.5] * width)
        request.parameters["explain"].bool_param = True
        with pytest.raises(grpc.RpcError) as failure:
            calls.stub(channel).ModelInfer(request, timeout=30)
        assert failure.value.code() == grpc.StatusCode.INVALID_ARGUMENT and "not linear" in failure.value.details()


@pytest.mark.parametrize("parameters, message", [
    ({"explain": 17}, "parameters.explain: expected true, false or a number of reasons from 0 to 16, got another number"),
    ({"explain": "all"}, "parameters.explain: expected true, false or a number of reasons from 0 to 16, got a string"),
    ({"explain": True, "explain_class": 1}, "parameters.explain_class: the model has one score, and no classes to choose from"),
])
def test_wrong_wishes_are_named(http, fraud, parameters, message):
    body = {**fraud.v2(fraud.rows("FP32")[:1], "FP32"), "parameters": parameters}
    answer = http.post("/v2/models/fraud/infer", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, message)


def test_only_post_and_only_known_models(http, fraud):
    assert http.get(EXPLAIN.format("1")).status_code == 405
    body = {"instances": [list(fraud.golden[0].row)]}
    assert http.post("/v1/models/nobody:explain", json=body).status_code == 404
    assert http.post(EXPLAIN.format("9"), json=body).status_code == 404


# Words of the manifest

def test_what_counts_as_a_reason_is_the_manifests(installed, tmp_path, fraud):
    def change(manifest):
        manifest["reasons"] = {"top": 2, "toward": "lower"}
        for feature in manifest["features"]:
            feature.pop("reason", None)
            feature["pii"] = feature["name"] == "amount"

    copy_bundle(tmp_path / "models", "1", change_manifest(change))
    with Gateway(tmp_path / "gateway", tmp_path / "models") as gateway:
        await_explanations(gateway)
        row = {**dict(zip(fraud.names, fraud.golden[0].row, strict=True)), "amount": 4532.0151}
        answer = httpx.post(f"{gateway.url}/v1/models/fraud:explain", json={"instances": [row]}, timeout=30)
        explanation = answer.json()["explanations"][0]
        contributions = explanation["contributions"]
        lowest = sorted((name for name in contributions if contributions[name] < 0), key=contributions.get)[:2]
        assert [(reason["feature"], reason["reason"]) for reason in explanation["reasons"]] == [(name, name) for name in lowest]
        # A feature with personal data has its contribution, and its value stays unsaid.
        assert contributions["amount"] != 0 and "4532" not in answer.text


@pytest.mark.parametrize("change, message", [
    (lambda manifest: manifest.update(reasons={"top": 17}), "reasons.top"),
    (lambda manifest: manifest.update(reasons={"top": 0}), "reasons.top"),
    (lambda manifest: manifest.update(reasons={"toward": "up"}), "reasons.toward"),
    (lambda manifest: manifest.update(reasons={"codes": 3}), "codes"),
    (lambda manifest: manifest["features"][0].update(reason="a\nb"), "features[0].reason"),
    (lambda manifest: manifest["features"][0].update(reason="x" * 257), "features[0].reason"),
])
def test_a_wrong_manifest_is_refused(installed, tmp_path, change, message):
    folder = copy_bundle(tmp_path / "models", "1", change_manifest(change))
    done = run_serin("model", "verify", folder)
    assert done.returncode == 1 and message in done.stdout, done.stdout + done.stderr


# Budget and deadline

def test_over_the_budget(installed, tmp_path, fraud):
    """What was asked for by name is refused; what was to come where it fits leaves the scores alone."""
    rows = fraud.rows("FP32")[:8]
    models = {"fraud": {"explain": {"budget": "1us"}, "route": {"stable": "1"}}}
    with Gateway(tmp_path / "gateway", models=models) as gateway:
        await_explanations(gateway)
        answer = httpx.post(f"{gateway.url}/v1/models/fraud:explain", json={"instances": fraud.objects(rows)}, timeout=30)
        assert answer.status_code == 413
        error = answer.json()["error"]
        assert error.startswith("explaining 8 rows takes about ") and error.endswith("not even one row fits")
        body = {**fraud.v2(rows, "FP32"), "parameters": {"explain": True}}
        answer = httpx.post(f"{gateway.url}/v2/models/fraud/infer", json=body, timeout=30)
        assert answer.status_code == 200 and answer.headers["serin-explanation"] == "budget"
        assert answer.json()["parameters"]["serin-explanation"] == "budget"
        assert [output["name"] for output in answer.json()["outputs"]] == ["score"]
        assert_scores(answer.json()["outputs"][0]["data"], rows, fraud.score_type)
        metrics = scrape(gateway)
        assert metrics.total("serin_explanations_total", version="1", outcome="budget") == 2
        assert metrics.total("serin_requests_total", outcome="client_error", version="1") == 1


@pytest.fixture(scope="module")
def slow(installed, tmp_path_factory):
    """Version 2, which takes long to explain, with room for any number of rows, and one executor."""
    models = {"fraud": {"explain": {"budget": "1h"}, "max_rows": 7000, "route": {"stable": "2"}}}
    limits = {"body_bytes": "16MiB", "inflated_bytes": "16MiB", "receiving_bytes": "64MiB", "output_bytes": "64MiB"}
    with Gateway(
        tmp_path_factory.mktemp("slow"), models=models, executors={"threads": 1}, limits=limits
    ) as gateway:
        yield gateway, await_explanations(gateway)["2"]["explain_nanos"]


def many(model, count: int) -> list:
    rows = model.rows("FP64") + model.rows("FP32")
    return [rows[index % len(rows)] for index in range(count)]


def test_a_deadline_that_is_too_near(slow, fraud):
    gateway, nanos = slow
    model = bundle("2")
    rows = many(model, min(7000, int(0.6e9 / nanos) + 1))
    millis = int(len(rows) * nanos / 1e6 / 3)
    headers = {"serin-timeout-ms": str(millis)}
    body = model.v2(rows, "FP64")
    refused = httpx.post(
        f"{gateway.url}/v2/models/fraud/infer", headers=headers, timeout=30,
        json={**body, "outputs": [{"name": "score"}, {"name": "contributions"}]})
    assert refused.status_code == 504, refused.text
    assert refused.json()["error"].endswith("which is more than is left until the deadline")
    alone = httpx.post(
        f"{gateway.url}/v2/models/fraud/infer", headers=headers, json={**body, "parameters": {"explain": True}}, timeout=30)
    assert alone.status_code == 200, alone.text
    assert alone.json()["parameters"]["serin-explanation"] == "deadline"
    assert_scores(alone.json()["outputs"][0]["data"], rows, model.score_type)


def test_a_long_explanation_holds_nobody_up(slow):
    """One executor explains for seconds; scores keep coming, and an explanation that would come too late is not waited for."""
    gateway, nanos = slow
    model = bundle("2")
    rows = many(model, min(7000, int(1.5e9 / nanos) + 1))
    long = json.dumps(model.v2(rows, "FP64", ["contributions"])).encode()
    answers = []

    def ask():
        answers.append(httpx.post(f"{gateway.url}/v2/models/fraud/infer", content=long, timeout=120))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        waits, skipped = [], []
        body = model.v2(rows[:1], "FP64")
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            while any(thread.is_alive() for thread in threads):
                begin = time.monotonic()
                answer = client.post("/v2/models/fraud/infer", json=body)
                waits.append(time.monotonic() - begin)
                assert answer.status_code == 200
                near = client.post(
                    "/v2/models/fraud/infer", json={**body, "parameters": {"explain": True}},
                    headers={"serin-timeout-ms": "100"})
                assert near.status_code == 200, near.text
                skipped.append(near.json()["parameters"]["serin-explanation"])
                time.sleep(0.005)
    finally:
        for thread in threads:
            thread.join(120)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(waits) > 20 and sorted(waits)[len(waits) // 2] < 0.05, sorted(waits)
    assert set(skipped) <= {"full", "deadline", "busy"} and set(skipped) & {"deadline", "busy"}, set(skipped)


# What it costs

def test_costs_are_counted(installed, tmp_path, fraud):
    rows = fraud.rows("FP32")[:50]
    with Gateway(tmp_path / "gateway", models={"fraud": {"route": {"stable": "1"}}}) as gateway:
        versions = await_explanations(gateway)
        with httpx.Client(base_url=gateway.url, timeout=30) as client:
            for _ in range(20):
                assert client.post("/v2/models/fraud/infer", json=fraud.v2(rows, "FP32")).status_code == 200
            scored = scrape(gateway)
            for _ in range(20):
                assert client.post("/v1/models/fraud:explain", json={"instances": fraud.objects(rows)}).status_code == 200
        metrics = scrape(gateway)
        score = metrics.total("serin_model_cpu_seconds_total", version="1", work="score")
        explain = metrics.total("serin_model_cpu_seconds_total", version="1", work="explain")
        assert scored.total("serin_model_cpu_seconds_total", version="1", work="explain") == 0
        assert 0 < score == scored.total("serin_model_cpu_seconds_total", version="1", work="score")
        # A thousand rows, at about what was measured when the version was prepared.
        planned = 1000 * versions["1"]["explain_nanos"] / 1e9
        assert planned / 4 < explain < 8 * planned, (explain, planned)
        assert score + explain < metrics.total("process_cpu_seconds_total")
        assert metrics.total("serin_model_cpu_seconds_total", version="2") == 0
        assert metrics.total("serin_explanations_total", version="1", outcome="full") == 20
        assert metrics.total("serin_explain_duration_seconds_count", version="1") == 20
        # Explanations are no part of what a version's latency is judged by.
        assert metrics.total("serin_request_duration_seconds_count", version="1") == 20
        model = metrics.total("serin_model_memory_bytes", version="1", part="model")
        tables = metrics.total("serin_model_memory_bytes", version="1", part="explanations")
        assert model > 10_000 and tables > 10_000
        with Admin(gateway) as admin:
            document = next(version for version in admin.model()["versions"] if version["version"] == "1")
            assert document["memory_bytes"] == model + tables
            # The sum of two numbers of nanoseconds, rounded once or twice.
            assert document["cpu_seconds"] > score + explain - 1e-9
            table = admin.ctl("status")
            assert "CPU S" in table and "MIB" in table
            assert admin.act("/models/fraud/versions/2:unload").status_code == 200
        deadline = time.monotonic() + 10
        while scrape(gateway).total("serin_model_memory_bytes", version="2") > 0:
            assert time.monotonic() < deadline, "the memory of an unloaded version is still counted"
            time.sleep(0.1)
