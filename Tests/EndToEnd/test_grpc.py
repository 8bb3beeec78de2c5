"""gRPC with the clients people use: grpcio and tritonclient[grpc], over h2c and over mutual TLS."""

import struct
import time

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from tritonclient.grpc import service_pb2 as pb

from harness import calls
from harness.bundles import VERSIONS, assert_margins, assert_scores, bundle
from harness.exposition import Exposition
from harness.gateway import Gateway

SECONDS = 10


# tritonclient

def test_tritonclient_runs_the_service(triton_client):
    assert triton_client.is_server_live() and triton_client.is_server_ready()
    assert triton_client.is_model_ready("fraud") and triton_client.is_model_ready("fraud", "1")
    server = triton_client.get_server_metadata()
    assert server.name == "serin" and "statistics" in server.extensions
    model = triton_client.get_model_metadata("fraud", "1")
    assert (model.name, list(model.versions), model.platform) == ("fraud", ["1", "2"], "xgboost-json")
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in model.inputs] == [("features", "FP32", [-1, 32])]
    assert [tensor.name for tensor in model.outputs] == ["score", "margin", "label"]
    config = triton_client.get_model_config("fraud", "1").config
    assert config.max_batch_size == 0 and config.input[0].data_type == 11 and list(config.input[0].dims) == [-1, 32]
    assert [output.data_type for output in config.output] == [11, 11, 9]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_tritonclient_scores_the_golden_rows(triton_client, version, datatype, compression):
    model = bundle(version)
    rows = model.rows(datatype)
    if not rows:
        pytest.skip("no golden rows of this width")
    matrix = model.matrix(rows, datatype)
    tensor = triton.InferInput("features", list(matrix.shape), datatype)
    tensor.set_data_from_numpy(matrix)
    wished = [triton.InferRequestedOutput(name) for name in ("margin", "score", "label")]
    answer = triton_client.infer(
        "fraud", [tensor], version, outputs=wished, request_id="an id", compression_algorithm=compression)
    response = answer.get_response()
    assert [output.name for output in response.outputs] == ["margin", "score", "label"] and response.id == "an id"
    assert (response.model_name, response.model_version) == ("fraud", version)
    facts = {name: value.string_param for name, value in response.parameters.items()}
    assert facts == {"serin-version": version, "serin-arm": "pinned", "serin-tier": "full"}
    assert_margins(answer.as_numpy("margin"), rows, model.score_type)
    assert_scores(answer.as_numpy("score"), rows, model.score_type)
    assert answer.as_numpy("label").ravel().tolist() == [int(golden.score[0] >= 0.5) for golden in rows]


def test_statistics_count_rows_batches_and_failures(plain, fraud):
    stub = calls.stub(plain)

    def statistics():
        [found] = stub.ModelStatistics(pb.ModelStatisticsRequest(name="fraud", version="1"), timeout=SECONDS).model_stats
        return found

    before = statistics()
    stub.ModelInfer(calls.infer_request(fraud, fraud.rows("FP32")[:5]), timeout=SECONDS)
    wrong = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    wrong.inputs[0].shape[1] = 31
    with pytest.raises(grpc.RpcError):
        stub.ModelInfer(wrong, timeout=SECONDS)
    after = statistics()
    assert after.inference_count - before.inference_count == 5 and after.execution_count - before.execution_count == 1
    assert after.inference_stats.success.count - before.inference_stats.success.count == 1
    assert after.inference_stats.fail.count - before.inference_stats.fail.count == 1
    assert after.inference_stats.compute_infer.ns > before.inference_stats.compute_infer.ns
    assert abs(after.last_inference / 1000 - time.time()) < 60
    everything = stub.ModelStatistics(pb.ModelStatisticsRequest(), timeout=SECONDS).model_stats
    assert [(found.name, found.version) for found in everything] == [("fraud", "1"), ("fraud", "2")]


# grpcio, message by message

@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
def test_the_answer_is_raw_or_typed_as_the_request_was(stub, fraud, raw, datatype):
    rows = fraud.rows(datatype)[:7]
    request = calls.infer_request(fraud, rows, datatype, raw, outputs=["score", "label"], identifier="ü")
    answer = stub.ModelInfer(request, timeout=SECONDS)
    assert answer.id == "ü" and [list(output.shape) for output in answer.outputs] == [[7, 1], [7, 1]]
    if raw:
        assert not answer.outputs[0].HasField("contents") and len(answer.raw_output_contents) == 2
        scores = np.frombuffer(answer.raw_output_contents[0], dtype=fraud.score_type)
        labels = np.frombuffer(answer.raw_output_contents[1], dtype=np.int64)
    else:
        assert not answer.raw_output_contents
        scores, labels = answer.outputs[0].contents.fp32_contents, answer.outputs[1].contents.int64_contents
    assert_scores(scores, rows, fraud.score_type)
    assert list(labels) == [int(golden.score[0] >= 0.5) for golden in rows]


def test_metadata_says_who_answered(plain, fraud):
    _, call = calls.stub(plain).ModelInfer.with_call(
        calls.infer_request(fraud, fraud.rows("FP32")[:1], version=""), timeout=SECONDS)
    metadata = dict(call.initial_metadata())
    assert "compute;dur=" in metadata["server-timing"]
    assert call.code() == grpc.StatusCode.OK and call.trailing_metadata() == ()


INTEGERS = {
    "BOOL": ("bool_contents", np.bool_), "INT8": ("int_contents", np.int8), "INT16": ("int_contents", np.int16),
    "INT32": ("int_contents", np.int32), "INT64": ("int64_contents", np.int64), "UINT8": ("uint_contents", np.uint8),
    "UINT16": ("uint_contents", np.uint16), "UINT32": ("uint_contents", np.uint32),
    "UINT64": ("uint64_contents", np.uint64),
}


@pytest.mark.parametrize("datatype", INTEGERS)
def test_every_datatype_gives_the_score_of_the_same_doubles(stub, datatype):
    """Small whole numbers are the same in every type: so is the score."""
    field, kind = INTEGERS[datatype]
    values = (np.arange(64) % 2).reshape(2, 32)

    def request(datatype):
        request = pb.ModelInferRequest(model_name="fraud", model_version="1")
        request.inputs.add(name="features", datatype=datatype, shape=[2, 32])
        return request

    wanted = request("FP64")
    wanted.raw_input_contents.append(values.astype(np.float64).tobytes())
    expected = stub.ModelInfer(wanted, timeout=SECONDS).raw_output_contents
    raw = request(datatype)
    raw.raw_input_contents.append(values.astype(kind).tobytes())
    assert stub.ModelInfer(raw, timeout=SECONDS).raw_output_contents == expected
    typed = request(datatype)
    getattr(typed.inputs[0].contents, field).extend(values.ravel().astype(kind).tolist())
    scores = stub.ModelInfer(typed, timeout=SECONDS).outputs[0].contents.fp32_contents
    assert struct.pack("<2f", *scores) == expected[0]


# Refusals

def change(**fields):
    def apply(request):
        for path, value in fields.items():
            message, names = request, path.split("__")
            for name in names[:-1]:
                message = message[int(name)] if name.isdigit() else getattr(message, name)
            if isinstance(value, list):
                del getattr(message, names[-1])[:]
                getattr(message, names[-1]).extend(value)
            else:
                setattr(message, names[-1], value)
    return apply


REFUSED = {
    "no inputs": (change(inputs=[]), "inputs: "),
    "two inputs": (lambda request: request.inputs.append(request.inputs[0]), "inputs: "),
    "another name": (change(inputs__0__name="rows"), "inputs[0].name: "),
    "no datatype": (change(inputs__0__datatype=""), "inputs[0].datatype: "),
    "BYTES": (change(inputs__0__datatype="BYTES"), "inputs[0].datatype: "),
    "an unknown datatype": (change(inputs__0__datatype="FP33"), "inputs[0].datatype: "),
    "no shape": (change(inputs__0__shape=[]), "inputs[0].shape: "),
    "another rank": (change(inputs__0__shape=[1, 32, 1]), "inputs[0].shape: "),
    "no rows": (change(inputs__0__shape=[0, 32]), "inputs[0].shape: "),
    "negative rows": (change(inputs__0__shape=[-1, 32]), "inputs[0].shape: "),
    "rows that overflow": (change(inputs__0__shape=[2**63 - 1, 32]), "inputs[0].shape: "),
    "a shape whose product is right modulo 2^64": (change(inputs__0__shape=[2**59 + 1, 32]), "inputs[0].shape: "),
    "features that overflow": (change(inputs__0__shape=[1, 2**63 - 1]), "inputs[0].shape: "),
    "other features": (change(inputs__0__shape=[1, 31]), "inputs[0].shape: "),
    "too many rows": (change(inputs__0__shape=[1025, 32]), "inputs[0].shape: "),
    "fewer bytes": (change(raw_input_contents=[b"\0" * 127]), "raw_input_contents[0]: "),
    "FP16 with bytes of FP32": (change(inputs__0__datatype="FP16"), "raw_input_contents[0]: "),
    "more bytes": (change(raw_input_contents=[b"\0" * 129]), "raw_input_contents[0]: "),
    "no bytes": (change(raw_input_contents=[b""]), "raw_input_contents[0]: "),
    "two raw contents": (change(raw_input_contents=[b"\0" * 128, b""]), "raw_input_contents: "),
    "raw and typed": (change(inputs__0__contents__fp32_contents=[1.0]), "inputs[0].contents: "),
    "no contents": (change(raw_input_contents=[]), "inputs[0].contents.fp32_contents: "),
    "an unknown output": (lambda request: request.outputs.add(name="odds"), "outputs[0].name: "),
    "an output twice": (lambda request: [request.outputs.add(name="score") for _ in range(2)], "outputs[1].name: "),
    "a classification": (
        lambda request: request.outputs.add(name="score").parameters["classification"].CopyFrom(
            pb.InferParameter(int64_param=1)), "outputs[0].parameters.classification: "),
    "shared memory": (
        lambda request: request.inputs[0].parameters["shared_memory_region"].CopyFrom(
            pb.InferParameter(string_param="a")), "inputs[0].parameters.shared_memory_region: "),
    "a timeout that is text": (
        lambda request: request.parameters["timeout"].CopyFrom(pb.InferParameter(string_param="1")),
        "parameters.timeout: "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_requests_name_the_field(plain, fraud, case):
    apply, prefix = REFUSED[case]
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    apply(request)
    with pytest.raises(grpc.RpcError) as caught:
        calls.stub(plain).ModelInfer(request, timeout=SECONDS)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith(prefix), caught.value.details()
    # The same for programs: google.rpc.Status with a BadRequest.
    status = rpc_status.from_call(caught.value)
    assert status.code == 3 and status.message == caught.value.details()
    violations = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(violations)
    assert violations.field_violations[0].field == prefix[:-2]


TYPED = {
    "too few": ("FP32", "fp32_contents", [1.0] * 31), "too many": ("FP32", "fp32_contents", [1.0] * 33),
    "none": ("FP32", "fp32_contents", []), "of another type": ("FP32", "fp64_contents", [1.0] * 32),
    "BYTES beside an FP32": ("FP32", "bytes_contents", [b"a"]), "an empty BYTES": ("FP32", "bytes_contents", [b""]),
    "out of INT8": ("INT8", "int_contents", [128] + [0] * 31), "below INT16": ("INT16", "int_contents", [-32769] + [0] * 31),
    "out of UINT16": ("UINT16", "uint_contents", [65536] + [0] * 31),
    "not a boolean's list": ("BOOL", "int_contents", [1] * 32),
}


@pytest.mark.parametrize("case", TYPED)
def test_wrong_typed_contents_are_refused(plain, case):
    datatype, field, values = TYPED[case]
    request = pb.ModelInferRequest(model_name="fraud", model_version="1")
    tensor = request.inputs.add(name="features", datatype=datatype, shape=[1, 32])
    getattr(tensor.contents, field).extend(values)
    with pytest.raises(grpc.RpcError) as caught:
        calls.stub(plain).ModelInfer(request, timeout=SECONDS)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith("inputs[0].contents")


@pytest.mark.parametrize("model, version", [("frau", ""), ("fraud", "7"), ("fraud", "01"), ("", ""), ("fraud", "x")])
def test_unknown_models_and_versions(stub, fraud, model, version):
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1], model=model, version=version)
    asked = [(stub.ModelInfer, request)]
    if model:
        asked += [
            (stub.ModelReady, pb.ModelReadyRequest(name=model, version=version)),
            (stub.ModelMetadata, pb.ModelMetadataRequest(name=model, version=version)),
            (stub.ModelConfig, pb.ModelConfigRequest(name=model, version=version)),
            (stub.ModelStatistics, pb.ModelStatisticsRequest(name=model, version=version)),
        ]
    for method, message in asked:
        with pytest.raises(grpc.RpcError) as caught:
            method(message, timeout=SECONDS)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_what_is_not_offered_is_unimplemented(stub, plain):
    asked = [
        lambda: stub.RepositoryIndex(pb.RepositoryIndexRequest(), timeout=SECONDS),
        lambda: stub.SystemSharedMemoryStatus(pb.SystemSharedMemoryStatusRequest(), timeout=SECONDS),
        lambda: list(stub.ModelStreamInfer(iter([pb.ModelInferRequest()]), timeout=SECONDS)),
        lambda: plain.unary_unary("/a.B/C")(b"", timeout=SECONDS),
    ]
    for ask in asked:
        with pytest.raises(grpc.RpcError) as caught:
            ask()
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_message_above_the_limit(plain):
    request = pb.ModelInferRequest(model_name="fraud", raw_input_contents=[b"\0" * (2 << 20)])
    with pytest.raises(grpc.RpcError) as caught:
        calls.stub(plain).ModelInfer(request, timeout=SECONDS)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    # Compressed it is small, and inflates above the limit.
    with pytest.raises(grpc.RpcError) as caught:
        calls.stub(plain).ModelInfer(request, timeout=SECONDS, compression=grpc.Compression.Gzip)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.RpcError) as caught:
        calls.stub(plain).ServerLive(pb.ServerLiveRequest(), timeout=SECONDS, compression=grpc.Compression.Deflate)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_model_for_named_clients_only(installed, tmp_path, certs, fraud):
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    tls = certs.mutual(client_authentication="optional")
    models = {"fraud": {"clients": ["spiffe://example/other"]}}
    with Gateway(tmp_path, reactors=1, listen={"tls": tls}, models=models) as gateway:
        for client, code in [(None, grpc.StatusCode.UNAUTHENTICATED), ("client", grpc.StatusCode.PERMISSION_DENIED)]:
            with grpc.secure_channel(f"localhost:{gateway.tls_port}", calls.credentials(certs, client)) as channel:
                for ask in (
                    lambda: calls.stub(channel).ModelInfer(request, timeout=SECONDS),
                    lambda: calls.stub(channel).ModelMetadata(pb.ModelMetadataRequest(name="fraud"), timeout=SECONDS),
                    lambda: calls.stub(channel).ModelStatistics(pb.ModelStatisticsRequest(name="fraud"), timeout=SECONDS),
                ):
                    with pytest.raises(grpc.RpcError) as caught:
                        ask()
                    assert caught.value.code() == code
                everything = calls.stub(channel).ModelStatistics(pb.ModelStatisticsRequest(), timeout=SECONDS)
                assert not everything.model_stats


def test_a_limit_is_resource_exhausted(start_gateway, fraud):
    """A rate, and one connection too many: never UNAVAILABLE, which says that nothing serves."""
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    gateway = start_gateway(limits={"connections": 1}, models={"fraud": {"rate": 1}})
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}", [("grpc.use_local_subchannel_pool", 1)]) as first:
        codes = []
        for _ in range(4):
            call = calls.stub(first).ModelInfer.future(request, timeout=SECONDS)
            codes.append(call.code())
        assert codes[0] == grpc.StatusCode.OK and grpc.StatusCode.RESOURCE_EXHAUSTED in codes
        with grpc.insecure_channel(f"127.0.0.1:{gateway.port}", [("grpc.use_local_subchannel_pool", 1)]) as second:
            with pytest.raises(grpc.RpcError) as caught:
                calls.stub(second).ServerLive(pb.ServerLiveRequest(), timeout=SECONDS)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            status = rpc_status.from_call(caught.value)
            delay = error_details_pb2.RetryInfo()
            assert status.details[0].Unpack(delay) and delay.retry_delay.seconds == 1


# Deadlines and cancellation

def test_a_deadline_that_has_passed(plain, fraud):
    """grpcio gives up by itself (it rounds up to a millisecond, in which there can be an answer, but not a past one)."""
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    with pytest.raises(grpc.RpcError) as caught:
        calls.stub(plain).ModelInfer(request, timeout=-1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_too_short_a_deadline_is_never_unavailable(plain, fraud, scrape):
    before = scrape().total("serin_requests_total", outcome="timeout")
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    request.parameters["timeout"].uint64_param = 1
    for _ in range(20):
        with pytest.raises(grpc.RpcError) as caught:
            calls.stub(plain).ModelInfer(request, timeout=SECONDS)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert scrape().total("serin_requests_total", outcome="timeout") - before == 20
    codes = set()
    for micros in [*range(1, 400, 3)] * 3:
        try:
            calls.stub(plain).ModelInfer(calls.infer_request(fraud, fraud.rows("FP32")[:1]), timeout=micros / 1e6)
            codes.add(grpc.StatusCode.OK)
        except grpc.RpcError as error:
            codes.add(error.code())
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED}


# Metrics

def test_calls_are_counted_by_method_and_code(plain, fraud, scrape):
    def counts() -> dict:
        found: Exposition = scrape()
        return {
            (method, code): found.total("serin_grpc_calls_total", method=method, code=code)
            for method in ("ModelInfer", "ServerLive", "Health/Check", "")
            for code in ("OK", "NOT_FOUND", "INVALID_ARGUMENT", "UNIMPLEMENTED")}

    before = counts()
    stub = calls.stub(plain)
    stub.ServerLive(pb.ServerLiveRequest(), timeout=SECONDS)
    stub.ModelInfer(calls.infer_request(fraud, fraud.rows("FP32")[:1]), timeout=SECONDS)
    for ask in (
        lambda: stub.ModelInfer(calls.infer_request(fraud, fraud.rows("FP32")[:1], model="x"), timeout=SECONDS),
        lambda: stub.ModelInfer(pb.ModelInferRequest(model_name="fraud"), timeout=SECONDS),
        lambda: health_pb2_grpc.HealthStub(plain).Check(health_pb2.HealthCheckRequest(service="x"), timeout=SECONDS),
        lambda: plain.unary_unary("/a.B/C")(b"", timeout=SECONDS),
    ):
        with pytest.raises(grpc.RpcError):
            ask()
    grown = {key: count - before[key] for key, count in counts().items() if count != before[key]}
    assert grown == {
        ("ServerLive", "OK"): 1, ("ModelInfer", "OK"): 1, ("ModelInfer", "NOT_FOUND"): 1,
        ("ModelInfer", "INVALID_ARGUMENT"): 1, ("Health/Check", "NOT_FOUND"): 1, ("", "UNIMPLEMENTED"): 1}
