"""A cancelled call is not executed, and counted: grpcio's cancel(), its channel's end, and RST_STREAM by hand.

A call lasts microseconds, so the gateway is stopped (SIGSTOP) until the kernel holds the calls and what cancels them;
then it reads both in one round, and scores nothing.
"""

import time
from pathlib import Path

import grpc
import httpx
import pytest
from hyperframe import frame as frames

from harness import calls
from harness.exposition import Exposition
from harness.http2 import Http2

COUNT = 20
SECONDS = 20


@pytest.fixture
def gateway(start_gateway):
    return start_gateway(reactors=1)


class Growth:
    def __init__(self, gateway):
        self.gateway = gateway
        self.before = self.read()

    def read(self) -> Exposition:
        return Exposition(httpx.get(self.gateway.metrics_url + "/metrics", timeout=SECONDS).text)

    def __call__(self, name: str, **labels) -> float:
        return self.read().total(name, **labels) - self.before.total(name, **labels)

    def reaches(self, count: float, name: str, **labels) -> float:
        """Waits until the counter has grown by `count`; what it has grown by."""
        deadline = time.monotonic() + SECONDS
        while (grown := self(name, **labels)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return grown


def unread_bytes(port: int) -> int:
    """What the kernel holds for the gateway on connections to this port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if row[1].endswith(f":{port:04X}") and row[3] in ("01", "08"))


def wait_for_bytes(port: int, count: int) -> int:
    """Waits until so many are there, and for a fifth of a second none have come on top."""
    deadline = time.monotonic() + SECONDS
    before, found = -1, unread_bytes(port)
    while found < count or found > before:
        assert time.monotonic() < deadline, f"{found} bytes have come, not {count}"
        time.sleep(0.2)
        before, found = found, unread_bytes(port)
    return found


def judge(grown: Growth, count: int):
    assert grown.reaches(count, "serin_requests_total", outcome="cancelled") == count
    assert grown("serin_unexecuted_total", reason="cancelled") == count
    assert grown("serin_grpc_calls_total", method="ModelInfer", code="CANCELLED") == count
    assert grown("serin_batch_size_sum") == 0 == grown("serin_requests_total", outcome="ok")
    assert grown.read().total("serin_inflight") == 0


@pytest.mark.parametrize("ending", ["cancel", "close"])
def test_grpcio_cancels_calls_that_are_not_executed(gateway, fraud, ending):
    request = calls.infer_request(fraud, fraud.rows("FP32")[:1])
    size = len(request.SerializeToString())
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        stub = calls.stub(channel)
        stub.ModelInfer(request, timeout=SECONDS)
        grown = Growth(gateway)
        with gateway.stopped():
            running = [stub.ModelInfer.future(request, timeout=SECONDS) for _ in range(COUNT)]
            held = wait_for_bytes(gateway.port, COUNT * size)
            if ending == "close":
                channel.close()
            else:
                assert all(call.cancel() for call in running)
            # RST_STREAM has 13 bytes.
            wait_for_bytes(gateway.port, held + COUNT * 13)
        judge(grown, COUNT)
        assert all(call.code() == grpc.StatusCode.CANCELLED for call in running)
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        calls.stub(channel).ModelInfer(request, timeout=SECONDS)


def test_reset_streams_are_not_executed(gateway, fraud):
    message = calls.frame(calls.infer_request(fraud, fraud.rows("FP32")[:1]).SerializeToString())
    with Http2(gateway.port) as connection:
        assert connection.request(calls.INFER, message, headers=calls.FIELDS).status == 200
        grown = Growth(gateway)
        streams = [connection.open(calls.INFER, message[:-1], headers=calls.FIELDS, end=False) for _ in range(COUNT)]
        last = [frames.DataFrame(stream, message[-1:], flags=["END_STREAM"]) for stream in streams]
        resets = [frames.RstStreamFrame(stream, error_code=8) for stream in streams]
        connection.write(*last, *resets)
        judge(grown, COUNT)
        # One call of two is cancelled: the other is answered.
        kept, lost = (connection.open(calls.INFER, message[:-1], headers=calls.FIELDS, end=False) for _ in range(2))
        last = [frames.DataFrame(stream, message[-1:], flags=["END_STREAM"]) for stream in (kept, lost)]
        connection.write(*last, frames.RstStreamFrame(lost, error_code=8))
        assert connection.wait(kept).headers["grpc-status"] == "0"
    assert grown("serin_batch_size_sum") == 1
