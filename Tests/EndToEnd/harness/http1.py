"""HTTP/1.1 on a bare socket: what client libraries would not send, byte by byte."""

import json
import socket
from dataclasses import dataclass

SECONDS = 10


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Closed(Exception):
    """The server has closed the connection where an answer was awaited."""


def connect(port: int, tls=None, server_name: str = "localhost"):
    """A socket, with TLS's handshake done where `tls` is a context."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(plain, server_hostname=server_name) if tls else plain


class Http1:
    """`tls`: an `ssl.SSLContext`, where the port speaks TLS."""

    def __init__(self, port: int, tls=None):
        self.socket = connect(port, tls)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def request(self, method: str, path: str, body: bytes = None, headers: dict = None) -> Answer:
        self.send(request_bytes(method, path, body, headers))
        return self.read(head_only=method == "HEAD")

    def _fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def read(self, head_only: bool = False) -> Answer:
        """The next answer; its length comes from content-length or chunks, never from the close."""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = (first + " ").split(" ", 2)
        assert version == "HTTP/1.1", first
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()
        if int(status) < 200 or int(status) in (204, 304) or head_only:
            return Answer(int(status), headers, b"")
        length = int(headers["content-length"])
        while len(self.buffer) < length:
            self._fill()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(int(status), headers, body)

    def is_closed_within(self, seconds: float) -> bool:
        """Whether the server ends the connection; bytes that still come are dropped."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(SECONDS)


def request_bytes(method: str, path: str, body: bytes = None, headers: dict = None) -> bytes:
    fields = {"Host": "localhost"}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    fields.update(headers or {})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
