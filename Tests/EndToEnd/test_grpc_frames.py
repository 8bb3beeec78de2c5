"""gRPC as no library sends it: frames, flags, lengths, compression and header fields by hand."""

import base64
import gzip

import httpx
import pytest
from google.rpc import status_pb2
from hyperframe import frame as frames
from tritonclient.grpc import service_pb2 as pb

from harness import calls
from harness.http1 import Http1
from harness.http2 import Http2

OK, UNKNOWN, INVALID, EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 2, 3, 8, 12, 13
LIVE = "/inference.GRPCInferenceService/ServerLive"
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
LIMIT = 1 << 20


@pytest.fixture
def http2(gateway):
    with Http2(gateway.port) as connection:
        yield connection
        # Whatever was sent, the connection lives: one more call is answered.
        assert code(connection.request(LIVE, calls.frame(b""), headers=calls.FIELDS)) == OK
        assert not connection.goaways


@pytest.fixture
def message(fraud) -> bytes:
    return calls.infer_request(fraud, fraud.rows("FP32")[:1]).SerializeToString()


def code(stream) -> int:
    """The status of a call, whose answer must be formed as gRPC wants it."""
    assert stream.status == 200 and stream.headers["content-type"] == "application/grpc", stream.headers
    status = int(stream.headers["grpc-status"])
    if status != OK:
        packed = stream.headers["grpc-status-details-bin"]
        details = status_pb2.Status.FromString(base64.b64decode(packed + "=" * (-len(packed) % 4)))
        assert details.code == status and details.message, details
        assert stream.body == b""
    return status


FRAMES = {
    "nothing": (b"", UNIMPLEMENTED),
    "half a prefix": (b"\0\0\0", INTERNAL),
    "shorter than its prefix": (calls.frame(b"abc", length=4), INTERNAL),
    "longer than its prefix": (calls.frame(b"abc", length=2), UNIMPLEMENTED),
    "two messages": (calls.frame(b"") * 2, UNIMPLEMENTED),
    "a flag of 2": (calls.frame(b"", flag=2), INTERNAL),
    "a flag of 255": (calls.frame(b"", flag=255), INTERNAL),
    "4 GiB announced": (calls.frame(b"abc", length=0xFFFFFFFF), EXHAUSTED),
    "one byte above the limit announced": (calls.frame(b"abc", length=LIMIT + 1), EXHAUSTED),
    "compressed, with no encoding": (calls.compressed(b""), INTERNAL),
}


@pytest.mark.parametrize("case", FRAMES)
@pytest.mark.parametrize("path", [calls.INFER, LIVE, "/grpc.health.v1.Health/Watch"])
def test_broken_frames(http2, path, case):
    body, expected = FRAMES[case]
    assert code(http2.request(path, body, headers=calls.FIELDS)) == expected


def test_a_message_of_the_very_limit(http2):
    """Field 1000, which nobody knows, fills it up."""
    filler = LIMIT - len(pb.ServerLiveRequest().SerializeToString()) - 2 - 3
    head = bytes([0xC2, 0x3E]) + bytes([filler & 127 | 128, filler >> 7 & 127 | 128, filler >> 14])
    message = head + b"\0" * filler
    assert len(message) == LIMIT
    assert code(http2.request(LIVE, calls.frame(message), headers=calls.FIELDS)) == OK


def test_what_is_announced_too_large_is_refused_before_it_comes(http2):
    stream = http2.open(calls.INFER, calls.frame(b"abc", length=0xFFFFFFFF), headers=calls.FIELDS, end=False)
    answer = http2.wait(stream)
    assert code(answer) == EXHAUSTED
    # And the peer is told to stop sending.
    while answer.reset is None:
        assert http2.poll(5)
    assert answer.reset == 0


def test_a_declared_length_above_the_limit(http2):
    fields = [*calls.FIELDS, ("content-length", str(LIMIT + 6))]
    assert code(http2.wait(http2.open(calls.INFER, calls.frame(b"a"), headers=fields, end=False))) == EXHAUSTED


def test_trailers_of_a_request_are_refused(http2, message):
    stream = http2.open(calls.INFER, calls.frame(message), headers=calls.FIELDS, end=False)
    fields = http2.encoder.encode([("x-checksum", "1")])
    http2.write(frames.HeadersFrame(stream, fields, flags=["END_HEADERS", "END_STREAM"]))
    assert code(http2.wait(stream)) == INVALID


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8", "Application/GRPC"])
def test_the_content_types_of_calls(http2, message, kind):
    answer = http2.request(calls.INFER, calls.frame(message), headers=[("content-type", kind)])
    assert code(answer) == OK and len(calls.messages(answer.body)) == 1


@pytest.mark.parametrize("kind", [
    None, "application/json", "application/grpc+json", "application/grpc-web", "application/grpcx", "text/plain", "application/grp"])
@pytest.mark.parametrize("path", [calls.INFER, LIVE, REFLECTION, "/grpc.health.v1.Health/Check"])
def test_other_content_types_get_415(http2, message, path, kind):
    fields = [("content-type", kind)] if kind else []
    answer = http2.request(path, calls.frame(message), headers=fields)
    assert answer.status == 415 and "application/grpc" in answer.json()["error"] and "grpc-status" not in answer.headers


def test_a_call_is_a_post(http2):
    answer = http2.request(LIVE, method="GET", headers=calls.FIELDS)
    assert code(answer) == UNIMPLEMENTED


def test_a_call_needs_http2(gateway, message):
    with Http1(gateway.port) as connection:
        answer = connection.request("POST", calls.INFER, calls.frame(message), headers=dict(calls.FIELDS))
        assert answer.status == 505 and b"HTTP/2" in answer.body


@pytest.mark.parametrize("timeout", ["", "10", "x", "1000000000S", "-1S", "1.5S"])
def test_a_timeout_that_is_none(http2, message, timeout):
    answer = http2.request(calls.INFER, calls.frame(message), headers=[*calls.FIELDS, ("grpc-timeout", timeout)])
    assert code(answer) == INVALID and answer.headers["grpc-message"].startswith("grpc-timeout: ")


def test_a_timeout_that_has_passed(http2, message):
    answer = http2.request(calls.INFER, calls.frame(message), headers=[*calls.FIELDS, ("grpc-timeout", "1n")])
    assert code(answer) == 4


def test_header_fields_that_are_too_large(http2, message):
    answer = http2.request(calls.INFER, calls.frame(message), headers=[*calls.FIELDS, ("x-much", "a" * 20_000)])
    assert code(answer) == EXHAUSTED


# Compression

@pytest.mark.parametrize("accepted, flag", [(None, 0), ("identity", 0), ("gzip", 1), ("identity, gzip,deflate", 1), ("gzipp", 0)])
def test_gzip_is_answered_with_gzip_where_it_is_read(http2, message, accepted, flag):
    fields = [*calls.FIELDS, ("grpc-encoding", "gzip")]
    if accepted:
        fields.append(("grpc-accept-encoding", accepted))
    answer = http2.request(calls.INFER, calls.compressed(message), headers=fields)
    assert code(answer) == OK and answer.body[0] == flag
    assert (answer.headers.get("grpc-encoding") == "gzip") == bool(flag)
    [response] = calls.messages(answer.body)
    assert len(pb.ModelInferResponse.FromString(response).raw_output_contents) == 1


def test_a_message_may_stay_uncompressed(http2, message):
    fields = [*calls.FIELDS, ("grpc-encoding", "gzip")]
    assert code(http2.request(calls.INFER, calls.frame(message), headers=fields)) == OK


def test_an_unknown_encoding_is_told_what_is_known(http2, message):
    fields = [*calls.FIELDS, ("grpc-encoding", "br")]
    answer = http2.request(calls.INFER, calls.frame(message), headers=fields)
    assert code(answer) == UNIMPLEMENTED and answer.headers["grpc-accept-encoding"] == "identity,gzip"


@pytest.mark.parametrize("damage", [
    lambda packed: packed[:-4], lambda packed: packed + b"\0", lambda packed: packed + packed, lambda packed: b"no gzip",
    lambda packed: b"", lambda packed: packed[:20] + bytes([packed[20] ^ 255]) + packed[21:]])
def test_damaged_gzip(http2, message, damage):
    fields = [*calls.FIELDS, ("grpc-encoding", "gzip")]
    body = calls.frame(damage(gzip.compress(message)), flag=1)
    assert code(http2.request(calls.INFER, body, headers=fields)) == INTERNAL


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Made before there is a connection, which does not wait for it: it may take seconds."""
    return gzip.compress(b"\0" * (200 << 20), 9)


def test_a_bomb_inflates_no_further_than_the_limit(gateway, bomb, http2):
    assert len(bomb) < LIMIT
    before = gateway.resident_bytes()
    for _ in range(5):
        fields = [*calls.FIELDS, ("grpc-encoding", "gzip")]
        assert code(http2.request(calls.INFER, calls.frame(bomb, flag=1), headers=fields)) == EXHAUSTED
    assert gateway.resident_bytes() - before < 16 << 20


# Protobuf

def tagged(number: int, kind: int) -> bytes:
    value, out = number << 3 | kind, b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


UNKNOWN_FIELDS = [
    tagged(100, 0) + b"\x01", tagged(100, 1) + b"12345678", tagged(100, 2) + b"\x03abc", tagged(100, 5) + b"1234",
    tagged(536870911, 0) + b"\x01", tagged(100, 3) + tagged(1, 2) + b"\x01a" + tagged(100, 4),
    tagged(1, 0) + b"\x07",  # model_name, of a type that it does not have
]


@pytest.mark.parametrize("field", UNKNOWN_FIELDS, ids=range(len(UNKNOWN_FIELDS)))
def test_unknown_fields_are_skipped(http2, message, field):
    for body in (field + message, message + field, message + field * 1000):
        answer = http2.request(calls.INFER, calls.frame(body), headers=calls.FIELDS)
        assert code(answer) == OK, answer.headers


MALFORMED = [
    b"\x0a", b"\x0a\x05abc", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x00", b"\x0f", b"\x0c", tagged(100, 3),
    tagged(100, 3) * 200, b"\x08" + b"\xff" * 11, b"\x0a\x01\xff", b"\x1a\x02\xc0\x80", b"\x2a\x02\x0a\x05", b"\x22\x02\x12\x05",
]


@pytest.mark.parametrize("bytes_", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_messages_are_invalid(http2, bytes_, message):
    answer = http2.request(calls.INFER, calls.frame(message + bytes_), headers=calls.FIELDS)
    assert code(answer) == INVALID, answer.headers
    # Alone it names no model; what is wrong inside a tensor is not even looked at then.
    assert code(http2.request(calls.INFER, calls.frame(bytes_), headers=calls.FIELDS)) in (INVALID, 5)


def test_repeated_fields_in_every_form(http2, fraud):
    """Values one by one, in pieces, and the tensor's message in two: the score of the packed one."""
    rows = fraud.rows("FP32")[:1]
    whole = calls.infer_request(fraud, rows, raw=False)
    values = list(whole.inputs[0].contents.fp32_contents)
    del whole.inputs[0].contents.fp32_contents[:]
    whole.inputs[0].ClearField("contents")
    head = whole.inputs[0].SerializeToString()

    def contents(values, form) -> bytes:
        packed = pb.InferTensorContents(fp32_contents=values)
        if form == "one by one":
            raw = packed.SerializeToString()[2:] if len(values) < 32 else packed.SerializeToString()[3:]
            return b"".join(tagged(6, 5) + raw[4 * i : 4 * i + 4] for i in range(len(values)))
        return packed.SerializeToString()

    def length(message: bytes) -> bytes:
        return bytes([len(message)]) if len(message) < 128 else bytes([len(message) & 127 | 128, len(message) >> 7])

    def call(*pieces):
        tensor = head + b"".join(b"\x2a" + length(piece) + piece for piece in pieces)
        body = b"\x0a\x05fraud\x12\x011\x2a" + length(tensor) + tensor
        answer = http2.request(calls.INFER, calls.frame(body), headers=calls.FIELDS)
        assert code(answer) == OK, answer.headers
        return pb.ModelInferResponse.FromString(calls.messages(answer.body)[0]).outputs[0].contents.fp32_contents[0]

    expected = call(contents(values, "packed"))
    assert call(contents(values, "one by one")) == expected
    assert call(contents(values[:10], "packed") + contents(values[10:], "one by one")) == expected
    assert call(contents(values[:10], "packed"), contents(values[10:], "packed")) == expected
    assert call(contents(values[:31], "packed"), b"", contents(values[31:], "one by one")) == expected


def test_of_a_field_that_comes_again_the_last_counts(http2, message):
    body = b"\x0a\x04frau" + message
    assert code(http2.request(calls.INFER, calls.frame(body), headers=calls.FIELDS)) == OK
    assert code(http2.request(calls.INFER, calls.frame(message + b"\x0a\x04frau"), headers=calls.FIELDS)) == 5


# Streaming

def test_reflection_refuses_what_is_not_whole(http2):
    for body, expected in [(b"\0\0\0", INTERNAL), (calls.frame(b"abc", length=9), INTERNAL), (calls.frame(b"\x0a\x05"), INVALID)]:
        assert code(http2.request(REFLECTION, body, headers=calls.FIELDS)) == expected
    assert code(http2.request(REFLECTION, b"", headers=calls.FIELDS)) == OK


def test_answers_that_nobody_reads_are_bounded(gateway):
    ask = calls.frame(b"\x22\x1einference.GRPCInferenceService")
    window = frames.SettingsFrame.INITIAL_WINDOW_SIZE
    before = gateway.resident_bytes()
    with Http2(gateway.port, settings={window: 0}) as connection:
        stream = connection.open(REFLECTION, ask * 1000, headers=calls.FIELDS)
        connection.ping()
        connection.write(frames.SettingsFrame(0, settings={window: 1 << 24}))
        answer = connection.wait(stream)
        assert int(answer.headers["grpc-status"]) == EXHAUSTED
        assert 1 < len(calls.messages(answer.body)) < 100
    assert gateway.resident_bytes() - before < 8 << 20


def test_watches_that_are_left_are_forgotten(gateway):
    """A reactor holds 1,024 of them: more than both have come and gone, and there is still room."""
    for _ in range(25):
        with Http2(gateway.port) as connection:
            opened = [connection.open("/grpc.health.v1.Health/Watch", calls.frame(b""), headers=calls.FIELDS) for _ in range(100)]
            for stream in opened:
                while not connection.streams[stream].body:
                    assert connection.poll(5)
                assert calls.messages(connection.streams[stream].body) == [b"\x08\x01"]
            connection.write(*(frames.RstStreamFrame(stream, error_code=8) for stream in opened[:20]))
    assert httpx.get(gateway.metrics_url + "/health/ready", timeout=5).status_code == 200
