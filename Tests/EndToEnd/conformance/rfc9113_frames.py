"""RFC 9113, section 6: each type of frame."""

import struct

from conformance.cases import breaks, case, ignores, resets, serves
from harness import wire
from harness.peer import Peer
from harness.wire import (
    ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY,
    HEADER_TABLE_SIZE, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, PADDED,
    PING, PRIORITIZED, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_MAX,
    WINDOW_UPDATE, frame,
)

# 6.1 DATA


def padded_data(stream: int, body: bytes, padding: int, octets: bytes = None, flags: int = END_STREAM) -> bytes:
    return frame(DATA, flags | PADDED, stream, bytes([padding]) + body + (bytes(padding) if octets is None else octets))


breaks("6.1", "DATA on stream 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.data(0, b"x"))
resets("6.1", "DATA on a stream that is not open MUST be a stream error of type STREAM_CLOSED", STREAM_CLOSED,
       lambda peer: peer.get(1) + wire.data(1))
breaks("6.1", "padding as long as the payload MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + frame(DATA, PADDED, 1, b"\x05abcd"))
breaks("6.1", "padding longer than the payload MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + frame(DATA, PADDED, 1, b"\xff"))
resets("6.1", "a padded frame without room for the padding's length is too small: FRAME_SIZE_ERROR or PROTOCOL_ERROR",
       (FRAME_SIZE_ERROR, PROTOCOL_ERROR), lambda peer: peer.post(1) + frame(DATA, PADDED, 1))
serves("6.1", "padding is taken: all there is", lambda peer: peer.get(1, flags=END_HEADERS) + padded_data(1, b"", 0))
serves("6.1", "padding is taken: 255 octets", lambda peer: peer.get(1, flags=END_HEADERS) + padded_data(1, b"", 255))
serves("6.1", "padding is no part of the body", lambda peer: peer.post(1, ("content-length", "2")) + padded_data(1, b"{}", 9),
       status=400)
serves("6.1", "a body may come in any number of frames, also empty ones",
       lambda peer: peer.get(1, flags=END_HEADERS) + wire.data(1, b"", 0) * 3 + wire.data(1))


@case("6.1", "the whole payload counts for flow control, padding included: both windows are given back")
def padding_counts(peer):
    peer.send(peer.get(1, flags=END_HEADERS))
    for _ in range(8):
        peer.send(padded_data(1, b"x" * 8000, 255, flags=0))
    assert peer.until(lambda: sum(size for stream, size in peer.updates if stream == 1) > 30000), peer


# 6.2 HEADERS

breaks("6.2", "HEADERS on stream 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.get(0))
breaks("6.2", "padding as long as the payload MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x06\x82\x86\x84\x01a"))
breaks("6.2", "padding longer than the payload MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\xff"))
breaks("6.2", "a padded and prioritized frame without room for both is an error", (FRAME_SIZE_ERROR, PROTOCOL_ERROR),
       lambda peer: frame(HEADERS, END_HEADERS | END_STREAM | PADDED | PRIORITIZED, 1, b"\x00\x00"))
serves("6.2", "padding is taken", lambda peer: frame(
    HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x07" + wire.block(peer.fields()) + bytes(7)))
serves("6.2", "the deprecated priority fields are skipped", lambda peer: frame(
    HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, b"\x80\x00\x00\x00\x10" + wire.block(peer.fields())))
serves("6.2", "priority fields and padding are taken together", lambda peer: frame(
    HEADERS, END_HEADERS | END_STREAM | PRIORITIZED | PADDED, 1,
    b"\x03\x00\x00\x00\x00\x10" + wire.block(peer.fields()) + bytes(3)))
AFTER_HEADERS = "HEADERS without END_HEADERS MUST be followed by its CONTINUATION, else PROTOCOL_ERROR"
breaks("6.2", f"{AFTER_HEADERS}: HEADERS of another stream", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=END_STREAM) + peer.get(3))
breaks("6.2", f"{AFTER_HEADERS}: CONTINUATION of another stream", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=END_STREAM) + frame(CONTINUATION, END_HEADERS, 3))
breaks("6.2", f"{AFTER_HEADERS}: PRIORITY", PROTOCOL_ERROR, lambda peer: peer.get(1, flags=END_STREAM) + wire.priority(1))
breaks("6.2", f"{AFTER_HEADERS}: DATA", PROTOCOL_ERROR, lambda peer: peer.get(1, flags=0) + wire.data(1))
breaks("6.2", f"{AFTER_HEADERS}: PING", PROTOCOL_ERROR, lambda peer: peer.get(1, flags=0) + wire.ping(b"12345678"))
breaks("6.2", f"{AFTER_HEADERS}: RST_STREAM", PROTOCOL_ERROR, lambda peer: peer.get(1, flags=0) + wire.reset(1))
breaks("6.2", f"{AFTER_HEADERS}: SETTINGS", PROTOCOL_ERROR, lambda peer: peer.get(1, flags=0) + wire.settings())
breaks("6.2", f"{AFTER_HEADERS}: WINDOW_UPDATE", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=0) + wire.window_update(0, 1))
breaks("6.2", f"{AFTER_HEADERS}: GOAWAY", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=0) + frame(GOAWAY, 0, 0, bytes(8)))
serves("6.2", "END_STREAM on HEADERS may be followed by CONTINUATION",
       lambda peer: peer.get(1, flags=END_STREAM) + frame(CONTINUATION, END_HEADERS, 1))

# 6.3 PRIORITY

breaks("6.3", "PRIORITY on stream 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.priority(0))
for size in (0, 4, 6):
    resets("6.3", f"PRIORITY of other than 5 octets MUST be a stream error of type FRAME_SIZE_ERROR: {size}",
           FRAME_SIZE_ERROR, lambda peer, size=size: peer.post(1) + frame(PRIORITY, 0, 1, bytes(size)))
ignores("6.3", "PRIORITY changes nothing, whatever it depends on", lambda peer: wire.priority(3, 5, 255) + wire.priority(1, 3))

# 6.4 RST_STREAM

breaks("6.4", "RST_STREAM on stream 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.reset(0))
breaks("6.4", "RST_STREAM on an idle stream MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.get(1) + wire.reset(3))
for size in (0, 3, 5):
    breaks("6.4", f"RST_STREAM of other than 4 octets MUST be a connection error of type FRAME_SIZE_ERROR: {size}",
           FRAME_SIZE_ERROR, lambda peer, size=size: peer.post(1) + frame(RST_STREAM, 0, 1, bytes(size)))


@case("6.4", "after RST_STREAM the receiver MUST NOT send additional frames for the stream",
      settings=[(INITIAL_WINDOW_SIZE, 0)])
def silent_after_reset(peer):
    peer.send(peer.get(1))
    assert peer.until(lambda: 1 in peer.answers)
    peer.send(wire.reset(1))
    peer.alive()
    before = len(peer.frames)
    peer.send(wire.settings((INITIAL_WINDOW_SIZE, 1000)))
    peer.alive()
    assert all(frame.stream != 1 for frame in peer.frames[before:])


# 6.5 SETTINGS

breaks("6.5", "SETTINGS with ACK and a length other than 0 MUST be a connection error of type FRAME_SIZE_ERROR",
       FRAME_SIZE_ERROR, lambda peer: frame(SETTINGS, ACK, 0, bytes(6)))
breaks("6.5", "SETTINGS on another stream than 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: frame(SETTINGS, 0, 1))
breaks("6.5", "SETTINGS on an open stream MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + frame(SETTINGS, 0, 1, struct.pack("!HI", 4, 1)))
for size in (1, 5, 7, 13):
    breaks("6.5", f"SETTINGS of other than a multiple of 6 octets MUST be FRAME_SIZE_ERROR: {size}", FRAME_SIZE_ERROR,
           lambda peer, size=size: frame(SETTINGS, 0, 0, bytes(size)))
ignores("6.5", "SETTINGS MAY be sent at any time", lambda peer: wire.settings() * 3)

breaks("6.5.2", "ENABLE_PUSH other than 0 or 1 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.settings((ENABLE_PUSH, 2)))
breaks("6.5.2", "ENABLE_PUSH of 2^32-1 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.settings((ENABLE_PUSH, 2**32 - 1)))
for value in (2**31, 2**32 - 1):
    breaks("6.5.2", f"INITIAL_WINDOW_SIZE of {value} MUST be a connection error of type FLOW_CONTROL_ERROR",
           FLOW_CONTROL_ERROR, lambda peer, value=value: wire.settings((INITIAL_WINDOW_SIZE, value)))
for value in (0, 16383, 2**24, 2**32 - 1):
    breaks("6.5.2", f"MAX_FRAME_SIZE of {value} MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
           lambda peer, value=value: wire.settings((MAX_FRAME_SIZE, value)))
for key, value in ((MAX_FRAME_SIZE, 2**24 - 1), (INITIAL_WINDOW_SIZE, WINDOW_MAX), (ENABLE_PUSH, 0), (ENABLE_PUSH, 1),
                   (HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 2**32 - 1), (MAX_CONCURRENT_STREAMS, 0),
                   (MAX_HEADER_LIST_SIZE, 2**32 - 1)):  # fmt: skip
    serves("6.5.2", f"setting {key} may be {value}", lambda peer: peer.get(1), settings=[(key, value)])
ignores("6.5.2", "an unknown identifier MUST be ignored", lambda peer: wire.settings((0xABCD, 5), (0, 0)))



@case("6.5.2", "a server MUST NOT set ENABLE_PUSH to 1, and a MAX_FRAME_SIZE it sets is in range")
def server_settings(peer):
    assert peer.server_settings.get(ENABLE_PUSH, 0) == 0
    assert 16384 <= peer.server_settings.get(MAX_FRAME_SIZE, 16384) < 1 << 24


@case("6.5.2", "with ENABLE_PUSH 0 no PUSH_PROMISE comes", settings=[(ENABLE_PUSH, 0)])
def no_push(peer):
    peer.serves()
    assert all(frame.type != PUSH_PROMISE for frame in peer.frames)


@case("6.5.2", "a HEADER_TABLE_SIZE that was lowered is kept by the server's encoder", settings=[(HEADER_TABLE_SIZE, 0)])
def small_table(peer):
    """The peer's decoder has a table of that size, and fails where the server's blocks go beyond it."""
    for _ in range(3):
        peer.serves()


@case("4.3.1", "lowered below what the table holds: the next block MUST begin with a size update")
def lowered_table(peer):
    peer.serves()
    assert peer.decoder.table, "nothing was put into the table: the case sees nothing"
    held = peer.acknowledged
    peer.send(wire.settings((HEADER_TABLE_SIZE, 64)))
    assert peer.until(lambda: peer.acknowledged > held)
    peer.decoder.limit = 64
    peer.serves()
    assert peer.decoder.updates[0] <= 64


@case("4.3.1", "lowered and raised between two blocks: the smallest size MUST be signalled, and then the last")
def lowered_and_raised(peer):
    peer.serves()
    peer.send(wire.settings((HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 2048)))
    assert peer.until(lambda: peer.acknowledged > 1)
    peer.decoder.limit = 2048
    peer.serves()
    assert peer.decoder.updates[0] == 0 and peer.decoder.updates[-1] <= 2048 and len(peer.decoder.updates) <= 2


@case("6.5.3", "every SETTINGS MUST be acknowledged at once, one acknowledgment each")
def acknowledges(peer):
    peer.send(wire.settings((MAX_CONCURRENT_STREAMS, 5)) * 4)
    peer.alive()
    assert peer.acknowledged == 5


@case("6.5.3", "the acknowledgment of a SETTINGS is not acknowledged")
def no_ack_of_ack(peer):
    """The peer has acknowledged the server's once, while its connection opened."""
    peer.alive()
    assert peer.acknowledged == 1 and peer.server_settings


@case("6.5.3", "the values MUST be processed in the order they appear")
def order_of_values(peer):
    peer.send(wire.settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)))
    peer.initial_window = 1
    peer.send(peer.get(1))
    assert peer.until(lambda: 1 in peer.answers and peer.answers[1].body)
    peer.alive()
    assert len(peer.answers[1].body) == 1 and not peer.answers[1].has_ended


# 6.6 PUSH_PROMISE

PROMISE = b"\x00\x00\x00\x02"
breaks("6.6", "PUSH_PROMISE on stream 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: frame(PUSH_PROMISE, END_HEADERS, 0, PROMISE))
breaks("6.6", "PUSH_PROMISE from a client on an idle stream is a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: frame(PUSH_PROMISE, END_HEADERS, 1, PROMISE))
breaks("6.6", "PUSH_PROMISE from a client on a half-closed stream is a connection error of type PROTOCOL_ERROR",
       PROTOCOL_ERROR, lambda peer: peer.get(1) + frame(PUSH_PROMISE, END_HEADERS, 1, PROMISE))
breaks("6.6", "PUSH_PROMISE with padding beyond its payload is a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + frame(PUSH_PROMISE, END_HEADERS | PADDED, 1, b"\xff" + PROMISE))

# 6.7 PING


@case("6.7", "PING MUST be answered with ACK and the same payload")
def pong(peer):
    peer.send(wire.ping(b"\x00\xff serin"[:8].ljust(8)))
    assert peer.until(lambda: peer.pongs) and peer.pongs == [b"\x00\xff serin"]


@case("6.7", "each PING is answered, in order")
def pongs(peer):
    payloads = [struct.pack("!Q", index) for index in range(5)]
    peer.send(*(wire.ping(payload) for payload in payloads))
    assert peer.until(lambda: len(peer.pongs) == 5) and peer.pongs == payloads


@case("6.7", "an endpoint MUST NOT respond to PING with ACK")
def no_pong_of_pong(peer):
    peer.send(wire.ping(b"unasked!", ACK))
    peer.alive()
    assert b"unasked!" not in peer.pongs


breaks("6.7", "PING on another stream than 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.ping(b"12345678", 0, 1))
breaks("6.7", "PING with ACK on another stream than 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.ping(b"12345678", ACK, 3))
for size in (0, 7, 9):
    breaks("6.7", f"PING of other than 8 octets MUST be a connection error of type FRAME_SIZE_ERROR: {size}",
           FRAME_SIZE_ERROR, lambda peer, size=size: frame(PING, 0, 0, bytes(size)))

# 6.8 GOAWAY

breaks("6.8", "GOAWAY on another stream than 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: frame(GOAWAY, 0, 1, bytes(8)))
breaks("6.8", "GOAWAY of fewer than 8 octets is a connection error of type FRAME_SIZE_ERROR", FRAME_SIZE_ERROR,
       lambda peer: frame(GOAWAY, 0, 0, bytes(7)))



@case("6.8", "after the client's GOAWAY what is in flight is answered, and the connection ends")
def client_goaway(peer):
    peer.send(peer.get(1, flags=END_HEADERS) + frame(GOAWAY, 0, 0, bytes(8) + b"bye") + wire.data(1))
    assert peer.answer(1).status == 200
    assert peer.until(lambda: peer.is_closed), peer


# 6.9 WINDOW_UPDATE

resets("6.9", "an increment of 0 MUST be a stream error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + wire.window_update(1, 0))
breaks("6.9", "an increment of 0 on the connection MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: wire.window_update(0, 0))
for size in (0, 3, 5):
    breaks("6.9", f"WINDOW_UPDATE of other than 4 octets MUST be a connection error of type FRAME_SIZE_ERROR: {size}",
           FRAME_SIZE_ERROR, lambda peer, size=size: frame(WINDOW_UPDATE, 0, 0, bytes(size)))
serves("6.9", "the reserved bit of an increment is ignored",
       lambda peer: peer.get(1) + frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 31 | 1)))


breaks("6.9.1", "a window of the connection above 2^31-1 MUST end the connection with FLOW_CONTROL_ERROR",
       FLOW_CONTROL_ERROR, lambda peer: wire.window_update(0, WINDOW_MAX) * 2)
resets("6.9.1", "a window of a stream above 2^31-1 MUST end the stream or connection with FLOW_CONTROL_ERROR",
       FLOW_CONTROL_ERROR, lambda peer: peer.post(1) + wire.window_update(1, WINDOW_MAX) * 2)
serves("6.9.1", "a window of exactly 2^31-1 is fine", lambda peer: wire.window_update(0, WINDOW_MAX - 65535) + peer.get(1))


@case("6.9.1", "the sender MUST NOT send more than the connection's window either")
def connection_window(peer):
    """Every octet that comes is counted by the peer, which fails when one is too many."""
    sent = 0
    while peer.window > 0 and sent < 3000:
        streams = [peer.next() for _ in range(50)]
        peer.send(*(peer.get(stream) for stream in streams))
        peer.alive()
        sent += 50
    assert peer.window == 0, peer.window
    peer.send(peer.credit(0, 100_000))
    assert peer.answer(streams[-1]).status == 200


@case("6.9.2", "a changed INITIAL_WINDOW_SIZE MUST change the windows of open streams by the difference: it opens",
      settings=[(INITIAL_WINDOW_SIZE, 0)])
def window_opens(peer):
    peer.send(peer.get(1))
    assert peer.until(lambda: 1 in peer.answers)
    peer.initial_window = 1000
    peer.send(wire.settings((INITIAL_WINDOW_SIZE, 1000)))
    assert peer.answer(1).status == 200


@case("6.9.2", "a sender MUST track a negative window and wait until it is positive", settings=[(INITIAL_WINDOW_SIZE, 3)])
def negative_window(peer):
    peer.send(peer.get(1))
    assert peer.until(lambda: 1 in peer.answers and len(peer.answers[1].body) == 3)
    peer.send(wire.settings((INITIAL_WINDOW_SIZE, 1)))
    peer.send(wire.window_update(1, 2))  # the window is 0 now
    peer.alive()
    assert len(peer.answers[1].body) == 3
    peer.windows[1], peer.initial_window = 4, 1
    peer.send(wire.window_update(1, 1))
    assert peer.until(lambda: len(peer.answers[1].body) >= 4)
    peer.alive()
    assert len(peer.answers[1].body) == 4


breaks("6.9.2", "an INITIAL_WINDOW_SIZE that takes a window above the maximum MUST be FLOW_CONTROL_ERROR",
       FLOW_CONTROL_ERROR,
       lambda peer: peer.post(1) + wire.window_update(1, WINDOW_MAX - 65535) + wire.settings((INITIAL_WINDOW_SIZE, 65536)))

# 6.10 CONTINUATION

breaks("6.10", "CONTINUATION on stream 0 MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=END_STREAM) + frame(CONTINUATION, END_HEADERS, 0))
breaks("6.10", "CONTINUATION MUST follow a frame without END_HEADERS: behind HEADERS with it", (PROTOCOL_ERROR,),
       lambda peer: peer.post(1) + frame(CONTINUATION, END_HEADERS, 1, wire.block([("x", "y")])))
breaks("6.10", "CONTINUATION MUST follow a frame without END_HEADERS: behind CONTINUATION with it", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=0) + frame(CONTINUATION, END_HEADERS, 1) + frame(CONTINUATION, END_HEADERS, 1))
breaks("6.10", "CONTINUATION MUST follow a frame without END_HEADERS: behind DATA", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + wire.data(1, b"x", 0) + frame(CONTINUATION, END_HEADERS, 1))
breaks("6.10", "CONTINUATION MUST follow a frame without END_HEADERS: as the first frame", PROTOCOL_ERROR,
       lambda peer: frame(CONTINUATION, END_HEADERS, 1, wire.block(peer.fields())))
breaks("6.10", "CONTINUATION without END_HEADERS MUST be followed by another, not by DATA", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=0) + frame(CONTINUATION, 0, 1) + wire.data(1))


def pieces(peer: Peer, size: int) -> bytes:
    block = wire.block(peer.fields())
    parts = [block[start : start + size] for start in range(0, len(block), size)]
    octets = wire.headers(1, parts[0], END_STREAM)
    octets += b"".join(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1])
    return octets + frame(CONTINUATION, END_HEADERS, 1, parts[-1])


for size in (16, 40):
    serves("6.10", f"a field block may come in pieces of {size} octets", lambda peer, size=size: pieces(peer, size))
serves("6.10", "an empty CONTINUATION may end a field block",
       lambda peer: peer.get(1, flags=END_STREAM) + frame(CONTINUATION, 0, 1) + frame(CONTINUATION, END_HEADERS, 1))


@case("6.10", "a field block may come an octet at a time")
def octet_by_octet(peer):
    """libnghttp2 takes each piece of a CONTINUATION's header for a frame, and gives up at the ninth."""
    for octet in pieces(peer, 16):
        peer.send(bytes([octet]))
    assert peer.answer(1).status == 200
