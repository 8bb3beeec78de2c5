"""What the server says of itself and of its models: V2 and V1 metadata, health, configuration."""

import time

import httpx
import pytest
import tritonclient.http as triton

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


def test_statistics_are_tritons(client, fraud):
    """The same counters as over gRPC, by Triton's names; tritonclient reads them."""
    def read(path="/v2/models/fraud/versions/1/stats") -> dict:
        [found] = get(client, path)["model_stats"]
        return found

    before = read()
    answer = client.post("/v2/models/fraud/versions/1/infer", json=fraud.v2(fraud.rows("FP32")[:3], "FP32"))
    assert answer.status_code == 200
    assert client.post("/v2/models/fraud/versions/1/infer", content=b"{}").status_code == 400
    after = read()

    def grown(name: str) -> tuple[int, bool]:
        old, new = (found["inference_stats"][name] for found in (before, after))
        return new["count"] - old["count"], new["ns"] > old["ns"]

    assert after["inference_count"] - before["inference_count"] == 3
    assert after["execution_count"] - before["execution_count"] == 1
    assert grown("success") == (1, True) == grown("fail") and grown("queue")[0] == 1 and grown("compute_infer") == (1, True)
    assert abs(after["last_inference"] / 1000 - time.time()) < 60
    assert set(after) == {"name", "version", "last_inference", "inference_count", "execution_count", "inference_stats",
                          "response_stats", "batch_stats", "memory_usage"}
    assert after["memory_usage"][0]["byte_size"] > 1000
    assert [found["version"] for found in get(client, "/v2/models/fraud/stats")["model_stats"]] == ["1", "2"]
    assert len(get(client, "/v2/models/stats")["model_stats"]) == 2
    assert client.get("/v2/models/frau/stats").status_code == 404
    assert client.post("/v2/models/stats", content=b"{}").status_code == 405


def test_tritonclient_reads_statistics(gateway):
    client = triton.InferenceServerClient(gateway.url.removeprefix("http://"))
    assert client.get_inference_statistics("fraud", "1")["model_stats"][0]["name"] == "fraud"
    assert len(client.get_inference_statistics()["model_stats"]) == 2
    assert "statistics" in client.get_server_metadata()["extensions"]
    client.close()


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
