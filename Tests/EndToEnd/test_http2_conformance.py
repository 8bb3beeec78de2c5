"""HTTP/2 as RFC 9113 and RFC 7541 have it, sentence by sentence, over h2c and over TLS: `conformance/` holds the cases."""

import pytest

from conformance import rfc7541, rfc9113_connection, rfc9113_frames, rfc9113_messages, rfc9113_streams  # noqa: F401
from conformance.cases import CASES
from harness.gateway import Gateway
from harness.peer import Peer


@pytest.fixture(scope="module")
def conforming(installed, certs, tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("conformance"), listen={"tls": certs.listener()}) as gateway:
        yield gateway
        assert gateway.process.poll() is None, f"the gateway ended:\n{gateway.log()}"


@pytest.mark.parametrize("transport", ["h2c", "tls"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_rfc(conforming, certs, transport, case):
    tls = certs.client() if transport == "tls" else None
    peer = Peer(conforming.tls_port if tls else conforming.port, tls, case.settings, case.greets)
    try:
        case.run(peer)
    finally:
        peer.socket.close()


def test_the_suite_is_whole():
    names = [str(case) for case in CASES]
    assert len(names) == len(set(names)) and len(names) >= 150, len(names)
