"""Fixtures: one shared gateway, gateways of a test's own, and clients whose connection can be watched."""

import shutil

import httpx
import pytest

from harness.bundles import bundle
from harness.certificates import Certificates
from harness.exposition import Exposition
from harness.gateway import BINARY, MODELS, Gateway

pytest_plugins = ["harness.channels"]


@pytest.fixture(scope="session")
def installed():
    """Ends the run at once where what it tests, or tests with, is not there."""
    if not BINARY.exists():
        pytest.exit(f"no {BINARY.name} at SERIN_BINARY or .build/release: run make release", returncode=3)
    for tool in ("curl", "nghttp", "h2load", "cc", "openssl", "promtool", "prometheus"):
        if not shutil.which(tool):
            pytest.exit(f"{tool} is not installed: run .ci/dependencies test", returncode=3)
    if not (MODELS / "fraud" / "1" / "manifest.yaml").exists():
        pytest.exit("models/fraud/1 is not there: the tests need the shipped bundles", returncode=3)


@pytest.fixture(scope="session")
def shared_gateway(installed, tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway):
    """The shared gateway, which no test may bring down."""
    yield shared_gateway
    assert shared_gateway.process.poll() is None, f"the gateway ended:\n{shared_gateway.log()}"


@pytest.fixture
def start_gateway(installed, tmp_path):
    """Starts gateways of the test's own, and ends them after it."""
    started = []

    def start(**settings) -> Gateway:
        gateway = Gateway(tmp_path / f"gateway-{len(started)}", **settings)
        started.append(gateway)
        return gateway.start()

    yield start
    codes = [gateway.stop() for gateway in started]
    assert all(code == 0 for code in codes), codes


def make_client(gateway: Gateway, version: int) -> httpx.Client:
    """A client with one connection, HTTP/1.1 or HTTP/2 with prior knowledge."""
    return httpx.Client(
        base_url=gateway.url, http1=version == 1, http2=version == 2, timeout=10,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
    )


@pytest.fixture(params=[1, 2], ids=["http1", "http2"])
def client(request, gateway):
    with make_client(gateway, request.param) as client:
        yield client


@pytest.fixture
def scrape(gateway):
    """Reads the shared gateway's metrics."""

    def read() -> Exposition:
        answer = httpx.get(gateway.metrics_url + "/metrics", timeout=10)
        assert answer.status_code == 200
        return Exposition(answer.text)

    return read


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """The test authority's files."""
    return Certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="session")
def fraud():
    """The first bundle: XGBoost."""
    return bundle("1")


def connection_of(answer: httpx.Response):
    """The client's own address: the same for two answers that came over one connection."""
    return answer.extensions["network_stream"].get_extra_info("client_addr")
