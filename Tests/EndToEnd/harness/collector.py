"""A small OTLP collector: takes posts of spans, decodes them with opentelemetry-proto's own classes, and can misbehave.

    with Collector() as collector: …; collector.wait_for(lambda spans: len(spans) == 4)
"""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


class Collector:
    def __init__(self, port: int = 0):
        self.requests, self.spans, self.resources = [], [], []
        #: Statuses that the next posts get instead of 200, in their order.
        self.refusals: list[int] = []
        self.retry_after = None
        #: Spans of each post that the answer calls rejected.
        self.rejects = 0
        #: Seconds that an answer takes.
        self.delay = 0.0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def wait_for(self, done, seconds: float = 20) -> list:
        """The spans, when they are those."""
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                spans = list(self.spans)
            if done(spans):
                return spans
            assert time.monotonic() < deadline, f"{len(spans)} spans: {[span.name for span in spans[:20]]}"
            time.sleep(0.02)

    def _take(self, path: str, headers, body: bytes) -> int:
        with self._lock:
            self.requests.append((path, dict(headers), len(body)))
            if self.refusals:
                return self.refusals.pop(0)
            request = ExportTraceServiceRequest.FromString(body)
            for resource_spans in request.resource_spans:
                self.resources.append({a.key: a.value.string_value for a in resource_spans.resource.attributes})
                for scope_spans in resource_spans.scope_spans:
                    self.spans += scope_spans.spans
            return 200

    def _handler(self):
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                time.sleep(collector.delay)
                status = collector._take(self.path, self.headers.items(), body)
                answer = ExportTraceServiceResponse()
                if collector.rejects:
                    answer.partial_success.rejected_spans = collector.rejects
                    answer.partial_success.error_message = "too many"
                content = answer.SerializeToString() if status == 200 else b""
                self.send_response(status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(content)))
                if collector.retry_after is not None:
                    self.send_header("retry-after", str(collector.retry_after))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        return Handler


def attributes(span) -> dict:
    """A span's attributes by name."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}
