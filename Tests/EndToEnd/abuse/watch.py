"""The well-behaved client: a hundred requests a second over a few connections, each timed from when it was due."""

import json
import threading
import time

from harness.http1 import Http1
from harness.http2 import Http2

PER_SECOND = 100


class Client:
    """Runs in the caller's thread for `seconds`; whatever is no 200 with a score is an error."""

    def __init__(self, gateway, body: bytes, path: str, tls):
        self.body, self.path = body, path
        self.connections = [
            Http2(gateway.port), Http1(gateway.port), Http2(gateway.tls_port, tls=tls(("h2",))),
            Http1(gateway.tls_port, tls(("http/1.1",))),
        ]

    def close(self):
        for connection in self.connections:
            connection.__exit__()

    def _ask(self, connection):
        if isinstance(connection, Http2):
            answer = connection.request(self.path, self.body)
            connection.streams.clear()
        else:
            answer = connection.request("POST", self.path, self.body)
        assert answer.status == 200 and json.loads(answer.body)["outputs"], answer

    def run(self, seconds: float) -> tuple[list[float], list[str]]:
        """Latencies in seconds, and the errors."""
        latencies, errors = [], []
        begin = time.monotonic()
        for index in range(int(seconds * PER_SECOND)):
            due = begin + index / PER_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                self._ask(self.connections[index % len(self.connections)])
            except Exception as error:  # whatever it is, the client has no answer
                errors.append(repr(error))
                if len(errors) > 10:
                    break
            latencies.append(time.monotonic() - due)
        return latencies, errors


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Memory:
    """The most that the gateway's resident memory has grown, looked at twenty times a second."""

    def __init__(self, gateway):
        self._gateway, self._stop = gateway, threading.Event()
        self.before = self.peak = gateway.resident_bytes()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self):
        while not self._stop.wait(0.05):
            self.peak = max(self.peak, self._gateway.resident_bytes())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, self._gateway.resident_bytes())

    @property
    def grown(self) -> int:
        return self.peak - self.before
