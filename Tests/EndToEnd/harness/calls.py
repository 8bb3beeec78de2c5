"""gRPC's messages and frames by hand: what libraries never send, and what the tests compare with.

`tritonclient.grpc.service_pb2` has the messages; a frame is a flag byte, a length and a message.
"""

import gzip
import struct

import grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

INFER = "/inference.GRPCInferenceService/ModelInfer"
FIELDS = [("content-type", "application/grpc"), ("te", "trailers")]


def frame(message: bytes, flag: int = 0, length: int | None = None) -> bytes:
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


def compressed(message: bytes) -> bytes:
    return frame(gzip.compress(message), flag=1)


def messages(body: bytes) -> list[bytes]:
    """The messages of an answer, which must be whole."""
    found = []
    while body:
        flag, length = struct.unpack(">BI", body[:5])
        assert len(body) >= 5 + length, "an answer's message is cut short"
        found.append(gzip.decompress(body[5 : 5 + length]) if flag else body[5 : 5 + length])
        body = body[5 + length :]
    return found


def infer_request(fraud, rows, datatype="FP32", raw=True, model="fraud", version="1", outputs=(), identifier="") -> pb.ModelInferRequest:
    matrix = fraud.matrix(rows, datatype)
    request = pb.ModelInferRequest(model_name=model, model_version=version, id=identifier)
    tensor = request.inputs.add(name=fraud.tensor_name, datatype=datatype, shape=matrix.shape)
    if raw:
        request.raw_input_contents.append(matrix.tobytes())
    elif datatype == "FP32":
        tensor.contents.fp32_contents.extend(matrix.ravel().tolist())
    else:
        tensor.contents.fp64_contents.extend(matrix.ravel().tolist())
    for name in outputs:
        request.outputs.add(name=name)
    return request


def stub(channel: grpc.Channel) -> service_pb2_grpc.GRPCInferenceServiceStub:
    return service_pb2_grpc.GRPCInferenceServiceStub(channel)


def credentials(certs, client: str | None = None) -> grpc.ChannelCredentials:
    """Those of a channel; `client`: the pair it authenticates with."""
    def read(name):
        return (certs.folder / name).read_bytes()

    if client is None:
        return grpc.ssl_channel_credentials(read("ca.pem"))
    return grpc.ssl_channel_credentials(read("ca.pem"), read(f"{client}.key"), read(f"{client}.pem"))
