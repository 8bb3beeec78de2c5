"""An HTTP/2 client that sends what it is told and judges what comes back: the conformance suite's side of the wire.

    Peer(port) ── preface, SETTINGS ──► send(octets…) ──► goaway(code) | reset(stream, code) | answer(stream) | alive()

Everything a server sends is checked as it is read: a frame a server may not send, an unset reserved bit, a window that
is overrun or a field block it packed wrongly fails the case, whatever the case is about.
"""

import os
import struct
import time
from dataclasses import dataclass, field

from harness import wire
from harness.http1 import connect

SECONDS = 5
#: The path that always answers 200, and one that takes a body of any kind.
LIVE, SINK = "/v2/health/live", "/v2/models/fraud/versions/1/infer"


@dataclass
class Answer:
    #: Of each block of fields: informational, final, trailers.
    blocks: list = field(default_factory=list)
    body: bytes = b""
    has_ended: bool = False

    @property
    def status(self) -> int:
        return int(dict(self.blocks[-1])[b":status"]) if self.blocks else 0


class Peer:
    def __init__(self, port: int, tls=None, settings=(), greets: bool = True):
        self.socket = connect(port, tls)
        self.socket.settimeout(SECONDS)
        self.decoder = wire.Decoder(dict(settings).get(wire.HEADER_TABLE_SIZE, 4096))
        self.answers: dict[int, Answer] = {}
        self.resets: dict[int, int] = {}
        self.goaways: list[tuple[int, int]] = []
        self.pongs: list[bytes] = []
        self.updates: list[tuple[int, int]] = []
        self.frames: list[wire.Frame] = []
        self.server_settings: dict[int, int] = {}
        self.acknowledged = 0
        self.is_closed, self.acknowledges = False, True
        self.frame_max = dict(settings).get(wire.MAX_FRAME_SIZE, 16384)
        self.initial_window = dict(settings).get(wire.INITIAL_WINDOW_SIZE, 65535)
        self.window, self.windows = 65535, {}
        self._buffer, self._fragment, self.next_stream = b"", None, 1
        if greets:
            self.send(wire.PREFACE + wire.settings(*settings))
            self.until(lambda: self.acknowledged and self.server_settings)

    # What is sent

    def send(self, *octets: bytes):
        try:
            self.socket.sendall(b"".join(octets))
        except OSError:
            pass  # closed by the server: what it said before stands in the buffer

    def next(self) -> int:
        identifier, self.next_stream = self.next_stream, self.next_stream + 2
        return identifier

    @staticmethod
    def fields(path: str = LIVE, method: str = "GET", *extra) -> list:
        return [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path), *extra]

    def get(self, stream: int, *extra, flags: int = wire.END_HEADERS | wire.END_STREAM) -> bytes:
        """HEADERS of a request that is whole."""
        return wire.headers(stream, wire.block(self.fields(LIVE, "GET", *extra)), flags)

    def post(self, stream: int, *extra, flags: int = wire.END_HEADERS) -> bytes:
        """HEADERS of a request whose body is to come."""
        return wire.headers(stream, wire.block(self.fields(SINK, "POST", *extra)), flags)

    # What is read

    def until(self, condition, seconds: float = SECONDS) -> bool:
        """Reads until the condition holds; False: it does not, and the connection is closed or the time over."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.is_closed or not self._read(deadline - time.monotonic()):
                return bool(condition())
        return True

    def _read(self, seconds: float) -> bool:
        if seconds <= 0:
            return False
        self.socket.settimeout(seconds)
        try:
            octets = self.socket.recv(65536)
        except TimeoutError:
            return False
        except OSError:
            octets = b""
        if not octets:
            self.is_closed = True
            assert not self._buffer, f"half a frame: {self._buffer!r}"
            return True
        self._buffer += octets
        while len(self._buffer) >= 9:
            length = int.from_bytes(self._buffer[:3], "big")
            assert length <= self.frame_max, f"a frame of {length} octets"
            if len(self._buffer) < 9 + length:
                break
            kind, flags, stream = struct.unpack("!BBI", self._buffer[3:9])
            assert stream < 1 << 31, "the reserved bit is set"
            payload, self._buffer = self._buffer[9 : 9 + length], self._buffer[9 + length :]
            self._take(wire.Frame(kind, flags, stream, payload))
        return True

    def _take(self, frame: wire.Frame):
        assert self.frames or frame.type == wire.SETTINGS and not frame.flags, f"{frame} opens the server's preface"
        assert self._fragment is None or frame.type == wire.CONTINUATION, f"{frame} within a field block"
        assert frame.stream % 2 == 0 or frame.stream not in self.resets or frame.type == wire.RST_STREAM, (
            f"{frame} on a stream the server has reset")
        self.frames.append(frame)
        take = {
            wire.DATA: self._data, wire.HEADERS: self._headers, wire.CONTINUATION: self._headers,
            wire.RST_STREAM: self._reset, wire.SETTINGS: self._settings, wire.PING: self._ping,
            wire.GOAWAY: self._goaway, wire.WINDOW_UPDATE: self._window_update,
        }.get(frame.type)
        assert take, f"{frame} is none that this server has a use for"
        take(frame)

    def _data(self, frame):
        answer = self.answers[frame.stream]
        assert answer.blocks and not answer.has_ended, f"{frame} before the fields or behind the end"
        self.window -= len(frame.payload)
        left = self.windows.get(frame.stream, 0) + self.initial_window - len(answer.body) - len(frame.payload)
        assert not frame.payload or (self.window >= 0 and left >= 0), f"{frame} overruns a window"
        answer.body += frame.payload
        answer.has_ended = bool(frame.flags & wire.END_STREAM)

    def _headers(self, frame):
        if frame.type == wire.HEADERS:
            assert frame.flags & ~(wire.END_STREAM | wire.END_HEADERS) == 0, f"unused flags: {frame}"
            self._fragment, self._flags = b"", frame.flags
        self._fragment += frame.payload
        if not frame.flags & wire.END_HEADERS:
            return
        block, self._fragment = self.decoder.decode(self._fragment), None
        answer = self.answers.setdefault(frame.stream, Answer())
        assert not answer.has_ended, "fields behind the end of a stream"
        names = [name for name, _ in block]
        assert all(name == name.lower() for name in names) and b"connection" not in names, names
        pseudo = [name for name in names if name.startswith(b":")]
        assert pseudo == ([b":status"] if not answer.body else pseudo), names
        assert names[: len(pseudo)] == pseudo, names
        answer.blocks.append(block)
        answer.has_ended = bool(self._flags & wire.END_STREAM)

    def _reset(self, frame):
        assert len(frame.payload) == 4 and frame.stream, frame
        assert frame.stream not in self.resets, f"{frame}, reset already"
        self.resets[frame.stream] = struct.unpack("!I", frame.payload)[0]

    def _settings(self, frame):
        assert frame.stream == 0 and len(frame.payload) % 6 == 0, frame
        if frame.flags & wire.ACK:
            assert not frame.payload
            self.acknowledged += 1
            return
        values = dict(struct.unpack_from("!HI", frame.payload, at) for at in range(0, len(frame.payload), 6))
        assert values.get(wire.ENABLE_PUSH, 0) == 0 and 16384 <= values.get(wire.MAX_FRAME_SIZE, 16384) < 1 << 24
        self.server_settings.update(values)
        if self.acknowledges:
            self.send(wire.settings(flags=wire.ACK))

    def _ping(self, frame):
        assert frame.stream == 0 and len(frame.payload) == 8, frame
        if frame.flags & wire.ACK:
            self.pongs.append(frame.payload)
        elif self.acknowledges:
            self.send(wire.ping(frame.payload, wire.ACK))

    def _goaway(self, frame):
        assert frame.stream == 0 and len(frame.payload) >= 8, frame
        last, code = struct.unpack("!II", frame.payload[:8])
        assert not self.goaways or last <= self.goaways[-1][0], "the last stream of a GOAWAY has grown"
        self.goaways.append((last, code))

    def _window_update(self, frame):
        assert len(frame.payload) == 4, frame
        increment = struct.unpack("!I", frame.payload)[0]
        assert 0 < increment <= wire.WINDOW_MAX
        self.updates.append((frame.stream, increment))

    # Judgements

    def credit(self, stream: int, increment: int) -> bytes:
        """WINDOW_UPDATE, remembered, so that the server is held to it."""
        if stream:
            self.windows[stream] = self.windows.get(stream, 0) + increment
        else:
            self.window += increment
        return wire.window_update(stream, increment)

    def answer(self, stream: int, seconds: float = SECONDS) -> Answer:
        """The whole answer on a stream."""
        ended = self.until(
            lambda: self.answers.get(stream, Answer()).has_ended or stream in self.resets or self.goaways, seconds)
        assert ended and stream in self.answers, f"no answer on {stream}: {self}"
        assert self.until(lambda: self.answers[stream].has_ended, seconds), f"no end of {stream}: {self}"
        return self.answers[stream]

    def serves(self):
        """A request of its own is answered: the connection lives, and nothing on it was found wrong."""
        stream = self.next()
        self.send(self.get(stream))
        assert self.answer(stream).status == 200, self
        self.alive()

    def alive(self):
        """A round trip, with no complaint about anything before it."""
        data = os.urandom(8)
        self.send(wire.ping(data))
        assert self.until(lambda: data in self.pongs or self.goaways), f"no answer to PING: {self}"
        assert not self.goaways and data in self.pongs, self

    def goaway(self, *codes: int):
        """The connection ends with an error of one of these codes: GOAWAY, and then the TCP connection's end."""
        assert self.until(lambda: self.goaways and self.goaways[-1][1] != wire.NO_ERROR), f"no GOAWAY: {self}"
        assert self.goaways[-1][1] in codes, f"GOAWAY with {self.goaways[-1][1]}, not {codes}: {self}"
        assert self.until(lambda: self.is_closed), "GOAWAY, but the connection stays"

    def reset(self, stream: int, *codes: int):
        """A stream error of one of these codes, and the connection lives; or, as 5.4 allows, a connection error."""
        assert self.until(lambda: stream in self.resets or self.goaways), f"no RST_STREAM: {self}"
        if stream not in self.resets:
            return self.goaway(*codes)
        assert self.resets[stream] in codes, f"RST_STREAM with {self.resets[stream]}, not {codes}"
        self.next_stream = max(self.next_stream, stream + 2)
        self.serves()

    def malformed(self, stream: int):
        """8.1.1: a stream error of type PROTOCOL_ERROR; an answer of 400 may come before it."""
        self.until(lambda: stream in self.resets or self.goaways or stream in self.answers)
        if stream in self.answers:
            assert self.answer(stream).status == 400, f"taken: {self}"
            return self.serves()
        self.reset(stream, wire.PROTOCOL_ERROR)

    def __str__(self):
        kinds = [f"{frame.type}@{frame.stream}" for frame in self.frames[-8:]]
        return (f"closed {self.is_closed}, GOAWAYs {self.goaways}, resets {self.resets}, frames … {kinds}, "
                f"statuses { {stream: answer.status for stream, answer in self.answers.items()} }")
