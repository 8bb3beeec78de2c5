"""What the server says of itself and of its models: V2 and V1 metadata, health, configuration."""

import httpx
import pytest

from harness.bundles import VERSIONS, bundle


def get(client, path: str, status: int = 200):
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_server_metadata(client):
    body = get(client, "/v2")
    assert body["name"] == "serin" and body["version"]
    assert "binary_tensor_data" in body["extensions"]


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready"])
def test_health(client, path):
    assert client.get(path).status_code == 200


def test_kserve_client_finds_it_alive(client):
    assert get(client, "/") == {"status": "alive"}


@pytest.mark.parametrize("version", VERSIONS)
def test_model_metadata(client, version):
    shipped = bundle(version)
    body = get(client, f"/v2/models/fraud/versions/{version}")
    assert body["name"] == "fraud" and body["platform"]
    declared = "FP64" if shipped.score_datatype == "FP64" else "FP32"
    [tensor] = body["inputs"]
    assert tensor == {"name": shipped.tensor_name, "datatype": declared, "shape": [-1, len(shipped.names)]}
    score = next(output for output in body["outputs"] if output["name"] == "score")
    assert score["datatype"] == shipped.score_datatype and score["shape"] == [-1, 1]


def test_model_metadata_lists_its_versions(client):
    assert sorted(get(client, "/v2/models/fraud")["versions"]) == sorted(VERSIONS)


@pytest.mark.parametrize("path", ["/v2/models/fraud", *(f"/v2/models/fraud/versions/{v}" for v in VERSIONS)])
def test_model_ready(client, path):
    assert get(client, path + "/ready") == {"live": True, "ready": True}


@pytest.mark.parametrize("path", ["/v2/models/fraud/config", "/v2/models/fraud/versions/1/config"])
def test_model_config(client, path, fraud):
    body = get(client, path)
    assert body["name"] == "fraud"
    assert body["max_batch_size"] == 0
    assert body["input"][0]["name"] == fraud.tensor_name


def test_v1_status(client):
    body = get(client, "/v1/models/fraud")
    states = {entry["version"]: entry["state"] for entry in body["model_version_status"]}
    assert states == {version: "AVAILABLE" for version in VERSIONS}
    assert body["name"] == "fraud" and body["ready"] is True
    [one] = get(client, "/v1/models/fraud/versions/2")["model_version_status"]
    assert one["version"] == "2" and one["status"]["error_code"] == "OK"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_on_the_metrics_port(gateway, path):
    assert httpx.get(gateway.metrics_url + path).status_code == 200


@pytest.mark.parametrize("path", ["/v2", "/v2/models/fraud/infer", "/", "/metrics/x"])
def test_the_metrics_port_has_nothing_else(gateway, path):
    assert httpx.get(gateway.metrics_url + path).status_code == 404


def test_the_data_port_has_no_metrics(client):
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/nobody", "/v2/models/nobody/ready", "/v2/models/nobody/config", "/v2/models/fraud/versions/99",
        "/v2/models/fraud/versions/99/ready", "/v1/models/nobody", "/v2/models/fraud/versions/x", "/v2/models/",
        "/v3", "/v2/models/fraud/versions/1/infer/more", "/%2e%2e/etc/passwd", "/v2x",
    ],
)
def test_unknown_is_404(client, path):
    assert get(client, path, 404)["error"]


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("GET", "/v2/models/fraud/infer", "POST"), ("POST", "/v2", "GET"), ("DELETE", "/v2/models/fraud", "GET"),
        ("GET", "/v1/models/fraud:predict", "POST"), ("PUT", "/v2/models/fraud/infer", "POST"),
        ("POST", "/v2/health/ready", "GET"),
    ],
)
def test_wrong_method_is_405(client, method, path, allowed):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert allowed in answer.headers["allow"] and allowed in answer.json()["error"]


@pytest.mark.parametrize("path", ["/v2", "/v2/health/ready", "/v2/models/fraud"])
def test_head_has_the_length_and_no_body(client, path):
    head, full = client.head(path), client.get(path)
    assert head.status_code == full.status_code == 200
    assert head.content == b"" and head.headers["content-length"] == str(len(full.content))


def test_a_query_is_ignored(client):
    assert client.get("/v2?verbose=1").status_code == 200
