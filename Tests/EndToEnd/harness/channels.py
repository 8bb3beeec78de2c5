"""Fixtures of the gRPC tests: channels to a gateway in clear and to one with mutual TLS."""

import grpc
import pytest
import tritonclient.grpc as triton

from harness import calls
from harness.gateway import Gateway


@pytest.fixture(scope="session")
def mutual_gateway(installed, tmp_path_factory, certs):
    with Gateway(tmp_path_factory.mktemp("mutual"), reactors=1, listen={"tls": certs.mutual()}) as gateway:
        yield gateway


@pytest.fixture(params=["h2c", "mutual TLS"])
def target(request, gateway, certs):
    """Where to connect, and the credentials that takes; None: in clear."""
    if request.param == "h2c":
        return f"127.0.0.1:{gateway.port}", None
    secure = request.getfixturevalue("mutual_gateway")
    return f"localhost:{secure.tls_port}", calls.credentials(certs, "client")


@pytest.fixture
def channel(target):
    address, credentials = target
    opened = grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
    with opened:
        yield opened


@pytest.fixture
def stub(channel):
    return calls.stub(channel)


@pytest.fixture
def triton_client(target):
    address, credentials = target
    with triton.InferenceServerClient(address, ssl=credentials is not None, creds=credentials) as client:
        yield client


@pytest.fixture
def plain(gateway):
    """A channel to the shared gateway, whatever the other tests connect to."""
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        yield channel
