"""HTTP/2 frames as bytes, also those no library would write."""

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", increment))


def settings(values: dict | None = None) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack("!HI", *pair) for pair in (values or {}).items()))


def integer(value: int, bits: int, first: int) -> bytes:
    """An HPACK integer (RFC 7541, 5.1)."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    encoded, value = bytes([first | limit]), value - limit
    while value >= 128:
        encoded, value = encoded + bytes([value & 127 | 128]), value >> 7
    return encoded + bytes([value])


def text(value: bytes) -> bytes:
    return integer(len(value), 7, 0) + value


def literal(name: bytes, value: bytes, indexed: bool = False) -> bytes:
    return (b"\x40" if indexed else b"\x00") + text(name) + text(value)


#: Acknowledges the gateway's SETTINGS without having seen them; answers are wanted as they come.
OPENING = PREFACE + settings({4: (1 << 31) - 1}) + frame(SETTINGS, ACK) + window_update(0, (1 << 31) - 1 - 65535)

#: GET / over http at "a", all of it from the static table but the authority.
GET = b"\x82\x84\x86" + b"\x41" + text(b"a")


def post(path: bytes, length: int | None = None) -> bytes:
    """The fields of a POST; with a content-length where `length` is given."""
    block = b"\x83\x86" + b"\x41" + text(b"a") + b"\x04" + text(path)
    return block if length is None else block + b"\x0f\x0d" + text(str(length).encode())


def headers(stream: int, block: bytes, flags: int = END_HEADERS) -> bytes:
    return frame(HEADERS, flags, stream, block)


def streams():
    """Identifiers, as a client may use them once each."""
    return iter(range(1, 1 << 31, 2))
