"""RFC 9113, sections 3.4, 4 and 7: the preface, frames as such, field blocks, error codes."""

import struct

from conformance.cases import breaks, case, ignores, serves
from harness import wire
from harness.wire import (
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FRAME_SIZE_ERROR, GOAWAY, HEADERS, PING, PRIORITY,
    PRIORITIZED, PROTOCOL_ERROR, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame,
)

# 3.4 HTTP/2 connection preface


@case("3.4", "the server's preface is a SETTINGS frame that MUST be the first frame it sends")
def server_preface(peer):
    assert peer.frames[0].type == SETTINGS and peer.frames[0].flags & ACK == 0


@case("3.4", "the client's SETTINGS MUST be acknowledged after the server's preface is sent")
def acknowledged(peer):
    kinds = [frame.flags & ACK for frame in peer.frames if frame.type == SETTINGS]
    assert kinds == [0, 1] and peer.acknowledged == 1


@case("3.4", "the preface's SETTINGS MAY be empty", greets=False)
def empty_settings(peer):
    peer.send(wire.PREFACE + wire.settings())
    peer.serves()


@case("3.4", "the client may send frames before it has the server's preface", greets=False)
def early_request(peer):
    peer.send(wire.PREFACE + wire.settings() + peer.get(1))
    assert peer.answer(1).status == 200


@case("3.4", "the preface may come an octet at a time", greets=False)
def slow_preface(peer):
    for octet in wire.PREFACE + wire.settings():
        peer.send(bytes([octet]))
    peer.serves()


def broken_preface(name, octets):
    @case("3.4", f"an invalid preface MUST be treated as a connection error: {name}", greets=False)
    def run(peer):
        peer.send(octets)
        # GOAWAY may be left out, since the peer may not speak HTTP/2 at all; what comes must be HTTP/2's.
        peer.until(lambda: peer.is_closed)
        assert peer.is_closed and all(code == PROTOCOL_ERROR for _, code in peer.goaways), peer


broken_preface("its last octet is another", wire.PREFACE[:-1] + b"x" + wire.settings())
broken_preface("SM is XX", wire.PREFACE.replace(b"SM", b"XX") + wire.settings())
broken_preface("another version", wire.PREFACE.replace(b"2.0", b"2.1") + wire.settings())


def first_frame(name, octets):
    @case("3.4", f"the preface MUST be followed by a SETTINGS frame, not by {name}", greets=False)
    def run(peer):
        peer.send(wire.PREFACE + octets)
        peer.goaway(PROTOCOL_ERROR)


first_frame("PING", wire.ping(b"12345678"))
first_frame("HEADERS", wire.headers(1, b"\x82\x86\x84\x01\x01a"))
first_frame("WINDOW_UPDATE", wire.window_update(0, 1))
first_frame("the acknowledgment of one", wire.settings(flags=ACK))
first_frame("a frame of an unknown type", frame(0x42, 0, 0, b"1234"))

# 4.1 Frame format

for kind in (0x0B, 0x42, 0xFF):
    ignores("4.1", f"frames of unknown types MUST be ignored and discarded: {kind:#x} on stream 0",
            lambda peer, kind=kind: frame(kind, 0xFF, 0, b"x" * 100))
ignores("4.1", "frames of unknown types MUST be ignored and discarded: on an idle stream", lambda peer: frame(0x42, 0, 99))
serves("4.1", "frames of unknown types MUST be ignored and discarded: on an open stream",
       lambda peer: peer.get(1, flags=END_HEADERS) + frame(0x42, 0xFF, 1, b"x") + wire.data(1))
ignores("4.1", "frames of unknown types MUST be ignored and discarded: of the largest size",
        lambda peer: frame(0x42, 0, 0, bytes(16384)))
ignores("4.1", "unused flags MUST be ignored on receipt: PING", lambda peer: wire.ping(b"abcdefgh", 0xFE))
ignores("4.1", "unused flags MUST be ignored on receipt: SETTINGS", lambda peer: wire.settings(flags=0xFE))
ignores("4.1", "unused flags MUST be ignored on receipt: WINDOW_UPDATE",
        lambda peer: frame(WINDOW_UPDATE, 0xFF, 0, struct.pack("!I", 1)))
serves("4.1", "unused flags MUST be ignored on receipt: HEADERS", lambda peer: peer.get(1, flags=0xD7 & ~PRIORITIZED & ~8))
serves("4.1", "unused flags MUST be ignored on receipt: DATA",
       lambda peer: peer.get(1, flags=END_HEADERS) + frame(DATA, 0xF7, 1))
ignores("4.1", "unused flags MUST be ignored on receipt: PRIORITY",
        lambda peer: frame(PRIORITY, 0xFF, 1, struct.pack("!IB", 0, 0)))
ignores("4.1", "unused flags MUST be ignored on receipt: RST_STREAM",
        lambda peer: peer.get(1, flags=END_HEADERS) + frame(RST_STREAM, 0xFF, 1, struct.pack("!I", 8)), streams=1)
ignores("4.1", "the reserved bit MUST be ignored when receiving: PING", lambda peer: wire.ping(b"abcdefgh", 0, 1 << 31))
ignores("4.1", "the reserved bit MUST be ignored when receiving: SETTINGS", lambda peer: frame(SETTINGS, 0, 1 << 31))
serves("4.1", "the reserved bit MUST be ignored when receiving: HEADERS", lambda peer: peer.get(1 | 1 << 31))
serves("4.1", "the reserved bit MUST be ignored when receiving: DATA",
       lambda peer: peer.get(1, flags=END_HEADERS) + wire.data(1 | 1 << 31))

# 4.2 Frame size

serves("4.2", "all implementations MUST be capable of receiving frames of 16,384 octets: DATA", status=400,
       build=lambda peer: peer.post(1) + wire.data(1, b" " * 16384))


@case("4.2", "all implementations MUST be capable of receiving frames of 16,384 octets: HEADERS")
def large_headers(peer):
    block = wire.block(peer.fields())
    block += wire.literal("x", b"y" * (16384 - len(block) - len(wire.literal("x", b"y" * 15000)) + 15000))
    assert len(block) == 16384
    peer.send(wire.headers(1, block))
    assert peer.answer(1).status in (200, 431)
    peer.next_stream = 3
    peer.serves()


def oversized(name, octets):
    breaks("4.2", f"a frame above MAX_FRAME_SIZE MUST be answered with FRAME_SIZE_ERROR: {name}", FRAME_SIZE_ERROR,
           lambda peer: octets(peer) if callable(octets) else octets)


oversized("DATA", lambda peer: peer.post(1) + frame(DATA, 0, 1, bytes(16385)))
oversized("HEADERS", frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes(16385)))
oversized("CONTINUATION", lambda peer: peer.get(1, flags=END_STREAM) + frame(CONTINUATION, 0, 1, bytes(16385)))
oversized("SETTINGS", frame(SETTINGS, 0, 0, bytes(16386)))
oversized("PING", frame(PING, 0, 0, bytes(16385)))
oversized("GOAWAY", frame(GOAWAY, 0, 0, bytes(16385)))
oversized("of an unknown type", frame(0x42, 0, 0, bytes(16385)))

# 4.3 Field section compression and decompression

breaks("4.3", "a field block that does not decompress MUST end the connection with COMPRESSION_ERROR: HEADERS",
       COMPRESSION_ERROR, lambda peer: wire.headers(1, b"\xff\xff\xff\xff\xff\xff"))
breaks("4.3", "a field block that does not decompress MUST end the connection with COMPRESSION_ERROR: CONTINUATION",
       COMPRESSION_ERROR,
       lambda peer: peer.get(1, flags=END_STREAM) + frame(CONTINUATION, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"))
breaks("4.3", "a field block that does not decompress MUST end the connection with COMPRESSION_ERROR: trailers",
       COMPRESSION_ERROR, lambda peer: peer.post(1) + wire.headers(1, b"\xff\xff\xff\xff\xff\xff"))
breaks("4.3", "a field block that ends within a representation MUST end the connection with COMPRESSION_ERROR",
       COMPRESSION_ERROR, lambda peer: wire.headers(1, wire.block(peer.fields()) + b"\x00\x05abc"))
breaks("4.3", "field blocks MUST be contiguous: DATA of another stream within one", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + peer.get(3, flags=END_STREAM) + wire.data(1, b"x"))
breaks("4.3", "field blocks MUST be contiguous: a frame of an unknown type within one", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=END_STREAM) + frame(0x42, 0, 1, b"x"))


@case("4.3", "a field block of a stream that is closed is decompressed all the same, and its error is the connection's")
def closed_stream_block(peer):
    peer.send(peer.post(1, ("te", "gzip")))
    assert peer.until(lambda: 1 in peer.resets)
    peer.send(wire.headers(1, b"\xff\xff\xff\xff\xff\xff"))
    peer.goaway(COMPRESSION_ERROR)



# 7 Error codes


def unknown_code(name, octets):
    ignores("7", f"unknown error codes MUST NOT trigger any special behavior: {name}", lambda peer: octets(peer), streams=1)


unknown_code("RST_STREAM", lambda peer: peer.post(1) + wire.reset(1, 0xDEAD))


@case("7", "unknown error codes MUST NOT trigger any special behavior: GOAWAY")
def unknown_goaway(peer):
    peer.send(peer.get(1, flags=END_HEADERS) + frame(GOAWAY, 0, 0, struct.pack("!II", 0, 0xDEADBEEF)) + wire.data(1))
    assert peer.answer(1).status == 200
