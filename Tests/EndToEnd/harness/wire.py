"""HTTP/2 frames and HPACK representations as bytes, also the wrong ones: what a conformance suite needs of a codec.

    frame ──► 9 octets of header + payload        integer, string ──► indexed | literal | size update

Nothing is checked and nothing is remembered when writing, so any octet can be put anywhere. Reading is strict: a server
that writes a field block against RFC 7541 fails the case that reads it. The static table and Huffman's codes, which
are RFC 7541's appendices, come from the hpack package.
"""

import struct
from dataclasses import dataclass

from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)  # fmt: skip

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(
    1, 7
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW_MAX = 2**31 - 1


@dataclass
class Frame:
    type: int
    flags: int
    stream: int
    payload: bytes

    def __bytes__(self):
        return frame(self.type, self.flags, self.stream, self.payload)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"", length: int = None) -> bytes:
    """A frame; `length`: what its header says instead of the truth. Bit 31 of `stream` is the reserved bit."""
    size = len(payload) if length is None else length
    return struct.pack("!I", size)[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def settings(*values: tuple[int, int], flags: int = 0) -> bytes:
    return frame(SETTINGS, flags, 0, b"".join(struct.pack("!HI", key, value) for key, value in values))


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", increment))


def reset(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack("!I", code))


def ping(data: bytes, flags: int = 0, stream: int = 0) -> bytes:
    return frame(PING, flags, stream, data)


def priority(stream: int, parent: int = 0, weight: int = 15) -> bytes:
    return frame(PRIORITY, 0, stream, struct.pack("!IB", parent, weight))


def headers(stream: int, block: bytes, flags: int = END_HEADERS | END_STREAM) -> bytes:
    return frame(HEADERS, flags, stream, block)


def data(stream: int, payload: bytes = b"", flags: int = END_STREAM) -> bytes:
    return frame(DATA, flags, stream, payload)


# HPACK, written


def integer(value: int, prefix: int, first: int = 0) -> bytes:
    """RFC 7541, 5.1: `prefix` bits of the first octet, whose other bits are those of `first`."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([first | value])
    out, value = bytearray([first | limit]), value - limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def huffman(text: bytes) -> bytes:
    bits = "".join(f"{REQUEST_CODES[octet]:0{REQUEST_CODES_LENGTH[octet]}b}" for octet in text)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def octets(text) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def string(text, is_huffman: bool = False) -> bytes:
    text = octets(text)
    if is_huffman:
        packed = huffman(text)
        return integer(len(packed), 7, 0x80) + packed
    return integer(len(text), 7) + text


def indexed(index: int) -> bytes:
    return integer(index, 7, 0x80)


#: The first octet and the prefix of a literal's kinds (RFC 7541, 6.2).
KEPT, PLAIN, NEVER = (0x40, 6), (0x00, 4), (0x10, 4)


def literal(name, value, kind=PLAIN, is_huffman: bool = False) -> bytes:
    """`name`: text, or the index of a table's entry."""
    first, prefix = kind
    if isinstance(name, int):
        return integer(name, prefix, first) + string(value, is_huffman)
    return bytes([first]) + string(name, is_huffman) + string(value, is_huffman)


def size_update(size: int) -> bytes:
    return integer(size, 5, 0x20)


def block(fields) -> bytes:
    return b"".join(literal(name, value) for name, value in fields)


# HPACK, read

STATIC = [(name, value) for name, value in HeaderTable.STATIC_TABLE]
DECODING = {(REQUEST_CODES_LENGTH[octet], REQUEST_CODES[octet]): octet for octet in range(257)}


class Decoder:
    """RFC 7541, 3: one connection's tables; `limit` is the HEADER_TABLE_SIZE that was announced."""

    def __init__(self, limit: int = 4096):
        self.limit, self.size, self.table = limit, limit, []
        #: The table's sizes that updates at the head of blocks have set.
        self.updates: list[int] = []

    def decode(self, octets: bytes) -> list[tuple[bytes, bytes]]:
        fields, position = [], 0
        while position < len(octets):
            first = octets[position]
            if first & 0x80:
                index, position = self._integer(octets, position, 7)
                fields.append(self._entry(index))
            elif first & 0xE0 == 0x20:
                assert not fields, "a size update behind a field"
                size, position = self._integer(octets, position, 5)
                assert size <= self.limit, f"a table of {size}, {self.limit} are allowed"
                self.size = size
                self.updates.append(size)
                self._evict()
            else:
                field, position = self._literal(octets, position, 6 if first & 0x40 else 4)
                fields.append(field)
                if first & 0x40:
                    self.table.insert(0, field)
                    self._evict()
        return fields

    def _literal(self, octets, position, prefix):
        index, position = self._integer(octets, position, prefix)
        if index:
            name = self._entry(index)[0]
        else:
            name, position = self._string(octets, position)
        value, position = self._string(octets, position)
        return (name, value), position

    def _evict(self):
        while sum(len(name) + len(value) + 32 for name, value in self.table) > self.size:
            self.table.pop()

    def _entry(self, index):
        assert 1 <= index <= len(STATIC) + len(self.table), f"index {index} is in no table"
        return STATIC[index - 1] if index <= len(STATIC) else self.table[index - len(STATIC) - 1]

    @staticmethod
    def _integer(octets, position, prefix):
        value, position = octets[position] & ((1 << prefix) - 1), position + 1
        if value < (1 << prefix) - 1:
            return value, position
        shift = 0
        while True:
            octet, position = octets[position], position + 1
            value += (octet & 127) << shift
            shift += 7
            if octet < 128:
                return value, position

    def _string(self, octets, position):
        is_huffman = octets[position] & 0x80
        count, position = self._integer(octets, position, 7)
        text = octets[position : position + count]
        assert len(text) == count, "a string longer than its block"
        return (self._expand(text) if is_huffman else text), position + count

    @staticmethod
    def _expand(packed):
        out, length, code = bytearray(), 0, 0
        for octet in packed:
            for bit in range(7, -1, -1):
                length, code = length + 1, code << 1 | octet >> bit & 1
                symbol = DECODING.get((length, code))
                if symbol is not None:
                    assert symbol != 256, "EOS in a string"
                    out.append(symbol)
                    length = code = 0
        assert length < 8 and code == (1 << length) - 1, "padding"
        return bytes(out)
