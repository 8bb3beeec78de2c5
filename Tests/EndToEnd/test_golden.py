"""Every golden row of both bundles, through every shape a request can have, against the trainer's own answers."""

import httpx
import numpy as np
import pytest

from conftest import connection_of
from harness.bundles import VERSIONS, assert_margins, assert_scores, bundle


def infer(version: str) -> str:
    return f"/v2/models/fraud/versions/{version}/infer"


def outputs(answer: httpx.Response) -> dict:
    assert answer.status_code == 200, answer.text
    return {output["name"]: output for output in answer.json()["outputs"]}


#: Rows as they were written, the type they are sent as. FP32 rows are exact in either; an FP64 row is sent as it is.
KINDS = [("FP32", "FP32"), ("FP32", "FP64"), ("FP64", "FP64")]


@pytest.fixture(params=VERSIONS)
def shipped(request):
    return bundle(request.param)


def test_bundles_hold_rows_of_both_widths(shipped):
    assert 64 <= len(shipped.golden) <= 1024
    assert shipped.rows("FP32") and shipped.rows("FP64")


@pytest.mark.parametrize("written, sent", KINDS)
def test_v2_json_row_by_row(client, shipped, written, sent):
    for golden in shipped.rows(written):
        answer = client.post(infer(shipped.version), json=shipped.v2([golden], sent, ["score", "margin"]))
        found = outputs(answer)
        assert found["score"]["datatype"] == shipped.score_datatype
        assert found["score"]["shape"] == [1, len(golden.score)]
        assert_margins(found["margin"]["data"], [golden], shipped.score_type)
        assert_scores(found["score"]["data"], [golden], shipped.score_type)


@pytest.mark.parametrize("written, sent", KINDS)
def test_v2_json_all_rows_at_once(client, shipped, written, sent):
    rows = shipped.rows(written)
    found = outputs(client.post(infer(shipped.version), json=shipped.v2(rows, sent, ["margin", "score"])))
    assert found["margin"]["shape"] == found["score"]["shape"] == [len(rows), len(rows[0].score)]
    assert_margins(found["margin"]["data"], rows, shipped.score_type)
    assert_scores(found["score"]["data"], rows, shipped.score_type)


def test_v2_nested_data_and_echoed_id(client, shipped):
    rows = shipped.rows("FP32")[:3]
    body = shipped.v2(rows, "FP32")
    body["inputs"][0]["data"] = [shipped.codes(golden) for golden in rows]
    body["id"] = 'ein "Ding" \\ 42 \u00e9\u20ac'
    answer = client.post(infer(shipped.version), json=body)
    found = outputs(answer)
    assert list(found) == ["score"]
    assert_scores(found["score"]["data"], rows, shipped.score_type)
    assert answer.json()["id"] == body["id"]
    assert answer.json()["model_name"] == "fraud" and answer.json()["model_version"] == shipped.version


def test_v2_label_follows_the_threshold(client, shipped):
    rows = shipped.rows("FP32")
    found = outputs(client.post(infer(shipped.version), json=shipped.v2(rows, "FP32", ["label"])))
    output = shipped.manifest.get("output", {})
    threshold, positive = output.get("threshold", 0.5), output.get("positive", 1)
    wanted = [positive if golden.score[0] >= threshold else 1 - positive for golden in rows]
    assert [int(label) for label in np.ravel(found["label"]["data"])] == wanted


@pytest.mark.parametrize("written, sent", KINDS)
def test_v2_binary_tensors(client, shipped, written, sent):
    rows = shipped.rows(written)
    tensor = shipped.matrix(rows, sent).tobytes()
    body = shipped.v2([], sent)
    body["inputs"][0] |= {"shape": [len(rows), len(shipped.names)], "parameters": {"binary_data_size": len(tensor)}}
    del body["inputs"][0]["data"]
    body["outputs"] = [{"name": name, "parameters": {"binary_data": True}} for name in ("margin", "score")]
    header = httpx.Request("POST", "http://localhost", json=body).content
    answer = client.post(
        infer(shipped.version), content=header + tensor, headers={"Inference-Header-Content-Length": str(len(header))}
    )
    assert answer.status_code == 200, answer.text
    size = int(answer.headers["Inference-Header-Content-Length"])
    described = httpx.Response(200, content=answer.content[:size]).json()["outputs"]
    assert [output["name"] for output in described] == ["margin", "score"]
    data, tail = {}, answer.content[size:]
    for output in described:
        length = output["parameters"]["binary_data_size"]
        data[output["name"]] = np.frombuffer(tail[:length], dtype=shipped.score_type)
        tail = tail[length:]
    assert tail == b""
    assert_margins(data["margin"], rows, shipped.score_type)
    assert_scores(data["score"], rows, shipped.score_type)


def predict(version: str) -> str:
    return f"/v1/models/fraud/versions/{version}:predict"


def test_v1_by_name_row_by_row(client, shipped):
    for golden in shipped.golden:
        answer = client.post(predict(shipped.version), json={"instances": shipped.objects([golden])})
        assert answer.status_code == 200, answer.text
        assert_scores(answer.json()["predictions"], [golden], shipped.score_type)


def test_v1_names_in_any_order(client, shipped):
    rows = list(shipped.golden[:10])
    instances = [dict(reversed(row.items())) for row in shipped.objects(rows)]
    answer = client.post(predict(shipped.version), json={"instances": instances})
    assert_scores(answer.json()["predictions"], rows, shipped.score_type)


def test_v1_a_name_left_out_is_missing(client, shipped):
    golden = next(row for row in shipped.golden if None in row.row)
    [row] = shipped.objects([golden])
    kept = {name: value for name, value in row.items() if value is not None}
    answer = client.post(predict(shipped.version), json={"instances": [kept]})
    assert answer.status_code == 200, answer.text
    assert_scores(answer.json()["predictions"], [golden], shipped.score_type)


def test_v1_by_position_and_in_columns(client, shipped):
    rows = list(shipped.golden)
    answer = client.post(predict(shipped.version), json={"instances": [list(golden.row) for golden in rows]})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["predictions"]) == len(rows)
    assert all(isinstance(score, float) for score in answer.json()["predictions"])
    assert_scores(answer.json()["predictions"], rows, shipped.score_type)
    columns = {name: [golden.row[index] for golden in rows] for index, name in enumerate(shipped.names)}
    answer = client.post(predict(shipped.version), json={"inputs": columns})
    assert answer.status_code == 200, answer.text
    assert_scores(answer.json()["outputs"], rows, shipped.score_type)


def test_without_a_version_the_highest_answers(client):
    highest = bundle(VERSIONS[-1])
    rows = highest.rows("FP64")
    answer = client.post("/v2/models/fraud/infer", json=highest.v2(rows, "FP64"))
    assert answer.json()["model_version"] == highest.version
    assert_scores(outputs(answer)["score"]["data"], rows, highest.score_type)


def test_many_requests_share_one_connection(client, shipped):
    golden = shipped.rows("FP32")[0]
    answers = [client.post(infer(shipped.version), json=shipped.v2([golden], "FP32")) for _ in range(50)]
    assert len({connection_of(answer) for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1


def test_the_most_rows_allowed_and_one_more(client, fraud):
    rows = [fraud.rows("FP32")[index % len(fraud.rows("FP32"))] for index in range(1025)]
    answer = client.post(infer("1"), json=fraud.v2(rows[:1024], "FP32"))
    assert_scores(outputs(answer)["score"]["data"], rows[:1024], fraud.score_type)
    answer = client.post(infer("1"), json=fraud.v2(rows, "FP32"))
    assert answer.status_code == 400 and "1024" in answer.json()["error"]
