"""HTTP/2 with prior knowledge on a bare socket, frame by frame: every GOAWAY is seen, nothing is retried.

Libraries stop reading at the first GOAWAY, so a graceful shutdown (notice, then the final one) cannot be watched
through them.
"""

import json
import select
import ssl
import struct
import time
from dataclasses import dataclass, field

import hpack
from hyperframe import frame as frames

from harness.http1 import SECONDS, connect

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW_MAX = 2**31 - 1


@dataclass
class Stream:
    window: int
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    #: The error code of a RST_STREAM.
    reset: int | None = None

    def json(self):
        return json.loads(self.body)


class Http2:
    def __init__(self, port: int, settings: dict | None = None, tls=None):
        self.socket = connect(port, tls)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.streams: dict[int, Stream] = {}
        #: `(last_stream_id, error_code)` of each GOAWAY, in order.
        self.goaways: list[tuple[int, int]] = []
        self.is_closed = False
        self.peer_settings = {}
        self._next, self._buffer = 1, b""
        self._window, self._stream_window, self._frame_max = 65535, 65535, 16384
        settings = settings or {frames.SettingsFrame.INITIAL_WINDOW_SIZE: WINDOW_MAX}
        credit = WINDOW_MAX - 65535
        opening = [frames.SettingsFrame(0, settings=settings), frames.WindowUpdateFrame(0, window_increment=credit)]
        self.socket.sendall(PREFACE + b"".join(frame.serialize() for frame in opening))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def write(self, *to_send):
        self.socket.sendall(b"".join(frame.serialize() for frame in to_send))

    # Requests

    def open(self, path: str, body: bytes | None = None, method: str = "POST", headers=(), end: bool = True) -> int:
        """Sends a request and returns its stream; `end`: false keeps the body open."""
        identifier, self._next = self._next, self._next + 2
        fields = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path), *headers]
        self.streams[identifier] = Stream(self._stream_window)
        flags = ["END_HEADERS"] + (["END_STREAM"] if end and body is None else [])
        self.write(frames.HeadersFrame(identifier, self.encoder.encode(fields), flags=flags))
        if body is not None:
            self.send(identifier, body, end)
        return identifier

    def send(self, identifier: int, body: bytes, end: bool = True):
        """Sends body bytes, waiting for the windows to open; stops when the stream is answered before the end."""
        stream = self.streams[identifier]
        while True:
            size = max(0, min(self._window, stream.window, self._frame_max, len(body)))
            last = size == len(body)
            if size or last:
                flags = ["END_STREAM"] if last and end else []
                self.write(frames.DataFrame(identifier, body[:size], flags=flags))
                self._window -= size
                stream.window -= size
                body = body[size:]
            if last or stream.ended:
                return
            if size == 0:
                assert self.poll(SECONDS), "the window does not open"

    def open_at_once(self, count: int, path: str, body: bytes, headers=()) -> list[int]:
        """Requests whose last bytes go out in one write, so that the server finds all of them in one round."""
        identifiers = [self.open(path, body[:-1], headers=headers, end=False) for _ in range(count)]
        self._window -= count
        assert self._window >= 0
        self.write(*(frames.DataFrame(identifier, body[-1:], flags=["END_STREAM"]) for identifier in identifiers))
        return identifiers

    def wait(self, identifier: int, seconds: float = SECONDS) -> Stream:
        """The stream when it has ended."""
        deadline = time.monotonic() + seconds
        stream = self.streams[identifier]
        while not stream.ended and not self.is_closed and time.monotonic() < deadline:
            self.poll(max(0.0, deadline - time.monotonic()))
        assert stream.ended, f"stream {identifier} has not ended (closed: {self.is_closed}, {self.goaways})"
        return stream

    def request(self, path: str, body: bytes | None = None, method: str = "POST", headers=()) -> Stream:
        return self.wait(self.open(path, body, method, headers))

    # Frames

    def poll(self, seconds: float) -> bool:
        """Takes what has come, waiting up to `seconds`; False: nothing came, or the connection is closed."""
        if self.is_closed or not (self._holds_bytes() or select.select([self.socket], [], [], seconds)[0]):
            return False
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            self.is_closed = True
            return False
        self._buffer += data
        self._parse()
        return True

    def _holds_bytes(self) -> bool:
        """TLS has opened a record and not handed all of it out: the socket itself has nothing to tell."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def _parse(self):
        while len(self._buffer) >= 9:
            frame, length = frames.Frame.parse_frame_header(memoryview(self._buffer[:9]))
            if len(self._buffer) < 9 + length:
                return
            frame.parse_body(memoryview(self._buffer[9 : 9 + length]))
            self._buffer = self._buffer[9 + length :]
            self._take(frame)

    def _take(self, frame):
        stream = self.streams.get(frame.stream_id)
        match frame:
            case frames.SettingsFrame() if "ACK" not in frame.flags:
                self._take_settings(frame.settings)
                self.write(frames.SettingsFrame(0, flags=["ACK"]))
            case frames.PingFrame() if "ACK" not in frame.flags:
                self.write(frames.PingFrame(0, frame.opaque_data, flags=["ACK"]))
            case frames.GoAwayFrame():
                self.goaways.append((frame.last_stream_id, frame.error_code))
            case frames.WindowUpdateFrame() if stream:
                stream.window += frame.window_increment
            case frames.WindowUpdateFrame() if frame.stream_id == 0:
                self._window += frame.window_increment
            case frames.HeadersFrame():
                assert "END_HEADERS" in frame.flags
                self._take_headers(stream, self.decoder.decode(frame.data))
            case frames.DataFrame():
                stream.body += bytes(frame.data)
            case frames.RstStreamFrame() if stream:
                stream.reset, stream.ended = frame.error_code, True
        if stream and "END_STREAM" in frame.flags:
            stream.ended = True

    def _take_headers(self, stream: Stream, fields):
        for name, value in fields:
            assert name not in stream.headers, f"{name} twice"
            stream.headers[name] = value
        stream.status = int(stream.headers[":status"])

    def _take_settings(self, settings: dict):
        self.peer_settings.update(settings)
        window = settings.get(frames.SettingsFrame.INITIAL_WINDOW_SIZE, self._stream_window)
        for stream in self.streams.values():
            stream.window += window - self._stream_window
        self._stream_window = window
        self._frame_max = settings.get(frames.SettingsFrame.MAX_FRAME_SIZE, self._frame_max)

    def ping(self, seconds: float = SECONDS):
        """A round trip."""
        self.write(frames.PingFrame(0, struct.pack("!Q", 1)))
        self.poll(seconds)
