"""Somebody whom triggers tell: takes events, checks each by itself, and answers as it is told."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Of CloudEvents 1.0 as a trigger sends them, the attributes that must be there.
ATTRIBUTES = {"specversion", "type", "source", "subject", "id", "time", "datacontenttype", "data"}


class WebhookReceiver:
    """`statuses`: what the next answers are; 202 once there are none left."""

    def __init__(self, secret: bytes, statuses=(), port=0, certificate=None, key=None):
        self.secret, self.statuses, self.events = secret, list(statuses), []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.events.append(receiver.checked(self.path, self.headers, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"

    def checked(self, path: str, headers, body: bytes) -> dict:
        """The event, or why it is none: a test that reads it fails then."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()
        event = json.loads(body)
        problems = [
            headers["content-type"] != "application/cloudevents+json; charset=utf-8" and "content type",
            headers["webhook-signature"] != wanted and "signature",
            abs(time.time() - int(headers["webhook-timestamp"])) > 60 and "timestamp",
            headers["webhook-id"] != event["id"] and "id",
            set(event) != ATTRIBUTES and f"attributes {sorted(event)}",
            event["specversion"] != "1.0" and "specversion",
        ]
        return {**event, "path": path, "problems": [problem for problem in problems if problem]}

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/serin?from=gateway"

    def wait(self, count: int, seconds: float = 60) -> list[dict]:
        deadline = time.monotonic() + seconds
        while len(self.events) < count:
            assert time.monotonic() < deadline, f"{len(self.events)} events after {seconds} s"
            time.sleep(0.02)
        assert all(event["problems"] == [] for event in self.events), self.events
        return self.events

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port
