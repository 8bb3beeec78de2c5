"""Health and reflection with grpcio, over h2c and over mutual TLS."""

import signal
import threading

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import service_pb2 as pb

SECONDS = 10


# Health

def test_health_check_and_list(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "inference.GRPCInferenceService", "fraud"):
        assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS).status == 1
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="frau"), timeout=SECONDS)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    # grpcio's own stub does not know List: the messages are the server's.
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    response = message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.health.v1.HealthListResponse"))
    ask = channel.unary_unary("/grpc.health.v1.Health/List", response_deserializer=response.FromString)
    statuses = ask(b"", timeout=SECONDS).statuses
    assert {name: status.status for name, status in statuses.items()} == {
        "": 1, "inference.GRPCInferenceService": 1, "fraud": 1}


def test_a_watch_says_what_is_and_can_be_cancelled(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service, status in [("", 1), ("fraud", 1), ("frau", 3)]:
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
        assert next(watch).status == status
        watch.cancel()


def test_a_watch_hears_of_the_drain(start_gateway):
    gateway = start_gateway(drain={"delay": "2s"})
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""))
        assert next(watch).status == 1
        timer = threading.Timer(0.2, gateway.signal)
        timer.start()
        assert next(watch).status == 2
        with pytest.raises(grpc.RpcError) as caught:
            next(watch)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        timer.join()
    assert gateway.wait(10) == 0


# Reflection

def test_reflection_describes_what_tritonclient_knows(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    assert set(database.get_services()) == {
        "inference.GRPCInferenceService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection"}
    pool = descriptor_pool.DescriptorPool(database)
    ours = pool.FindServiceByName("inference.GRPCInferenceService")
    theirs = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    assert len(ours.methods) == 8
    compared = set()
    for method in ours.methods:
        other = theirs.methods_by_name[method.name]
        assert (method.client_streaming, method.server_streaming) == (False, False)
        for mine, known in ((method.input_type, other.input_type), (method.output_type, other.output_type)):
            compare(mine, known, compared)
    assert len(compared) > 25
    health = pool.FindServiceByName("grpc.health.v1.Health")
    for method in health.methods:
        other = health_pb2.DESCRIPTOR.services_by_name["Health"].methods_by_name.get(method.name)
        if other is None:
            assert method.name == "List"
            continue
        assert method.server_streaming == other.server_streaming
        compare(method.input_type, other.input_type, compared)
        compare(method.output_type, other.output_type, compared)


def test_reflection_can_be_switched_off(start_gateway):
    gateway = start_gateway(grpc={"reflection": False})
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        with pytest.raises(grpc.RpcError) as caught:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS).status == 1
        gateway.config.write_text(gateway.config.read_text().replace("reflection: false", "reflection: true"))
        gateway.signal(signal.SIGHUP)
        gateway.wait_for_log("configuration read again", 5)
        assert "grpc.health.v1.Health" in ProtoReflectionDescriptorDatabase(channel).get_services()


def compare(ours, theirs, compared: set):
    """Every field of ours is theirs: number, type, name, oneof and whether it repeats."""
    if ours.full_name in compared:
        return
    compared.add(ours.full_name)
    assert ours.full_name == theirs.full_name and ours.GetOptions().map_entry == theirs.GetOptions().map_entry
    for field in ours.fields:
        other = theirs.fields_by_name[field.name]
        assert (field.number, field.type, field.is_repeated, field.json_name) == (
            other.number, other.type, other.is_repeated, other.json_name), field.full_name
        mine, known = field.containing_oneof, other.containing_oneof
        assert (mine and mine.name) == (known and known.name)
        if field.message_type:
            compare(field.message_type, other.message_type, compared)
        if field.enum_type:
            assert [(value.name, value.number) for value in field.enum_type.values] == [
                (value.name, value.number) for value in other.enum_type.values]


def test_reflection_answers_while_the_client_goes_on(channel):
    """grpcurl holds its call open, and asks again when it has read."""
    for package in ("v1", "v1alpha"):
        ask = channel.stream_stream(
            f"/grpc.reflection.{package}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString, reflection_pb2.ServerReflectionResponse.FromString)
        has_answer, requests = threading.Semaphore(0), []

        def send():
            for text in ("inference.GRPCInferenceService", "grpc.health.v1.Health", "nothing"):
                yield reflection_pb2.ServerReflectionRequest(file_containing_symbol=text)
                requests.append(text)
                assert has_answer.acquire(timeout=SECONDS)

        answers = ask(send(), timeout=SECONDS)
        for index, kind in enumerate(["file_descriptor_response", "file_descriptor_response", "error_response"]):
            assert next(answers).WhichOneof("message_response") == kind and len(requests) <= index + 1
            has_answer.release()
        assert list(answers) == [] and answers.code() == grpc.StatusCode.OK
