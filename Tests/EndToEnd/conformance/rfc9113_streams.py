"""RFC 9113, section 5: states of streams, their identifiers, concurrency, flow control, errors."""

from conformance.cases import breaks, case, ignores, resets, serves
from harness import wire
from harness.wire import (
    CONTINUATION, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, INITIAL_WINDOW_SIZE, PROTOCOL_ERROR, PUSH_PROMISE,
    REFUSED_STREAM, STREAM_CLOSED, frame,
)

CLOSED = (STREAM_CLOSED, PROTOCOL_ERROR)

# 5.1 Stream states: idle

IDLE = "idle: any frame but HEADERS or PRIORITY MUST be treated as a connection error of type PROTOCOL_ERROR"
breaks("5.1", f"{IDLE}: DATA", PROTOCOL_ERROR, lambda peer: wire.data(1, b"x"))
breaks("5.1", f"{IDLE}: RST_STREAM", PROTOCOL_ERROR, lambda peer: wire.reset(1))
breaks("5.1", f"{IDLE}: WINDOW_UPDATE", PROTOCOL_ERROR, lambda peer: wire.window_update(1, 1))
breaks("5.1", f"{IDLE}: CONTINUATION", PROTOCOL_ERROR, lambda peer: frame(CONTINUATION, END_HEADERS, 1, b"\x82"))
breaks("5.1", f"{IDLE}: WINDOW_UPDATE above the streams that are open", PROTOCOL_ERROR,
       lambda peer: peer.get(1) + wire.window_update(9, 1))
breaks("5.1", f"{IDLE}: DATA on a stream of the server's", PROTOCOL_ERROR, lambda peer: wire.data(2, b"x"))
breaks("5.1", f"{IDLE}: RST_STREAM on a stream of the server's", PROTOCOL_ERROR, lambda peer: wire.reset(2))
breaks("5.1", f"{IDLE}: WINDOW_UPDATE on a stream of the server's", PROTOCOL_ERROR, lambda peer: wire.window_update(2, 1))
breaks("5.1", "idle: HEADERS on a stream of the server's MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.get(2))
ignores("5.1", "PRIORITY can be sent in any state: idle", lambda peer: wire.priority(1, 0))

# open

serves("5.1", "open: both peers may send frames of any type: WINDOW_UPDATE, PRIORITY and DATA",
       lambda peer: peer.get(1, flags=END_HEADERS) + wire.window_update(1, 5) + wire.priority(1) + wire.data(1))


# half-closed (remote): the request is whole, its answer not yet sent since all comes in one write

REMOTE = "half-closed (remote): a further frame MUST be answered with a stream error of type STREAM_CLOSED"
resets("5.1", f"{REMOTE}: DATA", STREAM_CLOSED, lambda peer: peer.get(1) + wire.data(1, b"x"))
resets("5.1", f"{REMOTE}: HEADERS", STREAM_CLOSED, lambda peer: peer.get(1) + peer.get(1))
resets("5.1", f"{REMOTE}: CONTINUATION", CLOSED, lambda peer: peer.get(1) + frame(CONTINUATION, END_HEADERS, 1, b"\x82"))
resets("5.1", f"{REMOTE}: DATA behind DATA", STREAM_CLOSED,
       lambda peer: peer.post(1) + wire.data(1, b"{}") + wire.data(1, b"x"))
serves("5.1", "half-closed (remote): WINDOW_UPDATE is taken", lambda peer: peer.get(1) + wire.window_update(1, 1))
serves("5.1", "half-closed (remote): PRIORITY is taken", lambda peer: peer.get(1) + wire.priority(1))
ignores("5.1", "half-closed (remote): RST_STREAM is taken", lambda peer: peer.get(1) + wire.reset(1), streams=1)

# closed


def closed(name, octets, *codes):
    @case("5.1", f"closed after END_STREAM from both sides: {name} is an error of type STREAM_CLOSED")
    def run(peer):
        peer.send(peer.get(1))
        peer.answer(1)
        peer.send(octets(peer))
        peer.reset(1, *codes)


closed("DATA", lambda peer: wire.data(1, b"x"), STREAM_CLOSED)
closed("HEADERS", lambda peer: peer.get(1), STREAM_CLOSED)
closed("CONTINUATION", lambda peer: frame(CONTINUATION, END_HEADERS, 1, b"\x82"), *CLOSED)


def closed_and_fine(name, octets):
    @case("5.1", f"closed: {name} may come in the time before the peer knows, and is no error")
    def run(peer):
        peer.send(peer.get(1))
        peer.answer(1)
        peer.send(octets)
        peer.next_stream = 3
        peer.serves()


closed_and_fine("WINDOW_UPDATE", wire.window_update(1, 1))
closed_and_fine("RST_STREAM", wire.reset(1))
closed_and_fine("PRIORITY", wire.priority(1))


def reset_by_server(name, octets):
    @case("5.1", f"closed by the server's RST_STREAM: frames MUST be minimally processed and discarded: {name}")
    def run(peer):
        """Its header list says TE: gzip, which is malformed: the server resets it."""
        peer.send(peer.post(1, ("te", "gzip")))
        assert peer.until(lambda: 1 in peer.resets), peer
        peer.send(octets(peer))
        peer.next_stream = 3
        peer.serves()


reset_by_server("DATA", lambda peer: wire.data(1, b"x" * 1000))
reset_by_server("HEADERS", lambda peer: wire.headers(1, wire.block([("x-trailer", "1")])))
reset_by_server("WINDOW_UPDATE", lambda peer: wire.window_update(1, 1))
reset_by_server("RST_STREAM", lambda peer: wire.reset(1))


@case("5.1", "closed by the server's RST_STREAM: the state of field compression is updated all the same")
def table_after_reset(peer):
    peer.send(peer.post(1, ("te", "gzip")))
    assert peer.until(lambda: 1 in peer.resets), peer
    peer.send(wire.headers(1, wire.literal("x-kept", "1", wire.KEPT)))
    peer.send(wire.headers(3, wire.block(peer.fields()) + wire.indexed(62)))
    assert peer.answer(3).status == 200


@case("5.1", "closed by the server's RST_STREAM: DATA counts toward the connection's window, which is given back")
def window_after_reset(peer):
    for stream in range(1, 161, 2):
        peer.send(peer.post(stream, ("te", "gzip")) + wire.data(stream, bytes(16384)))
        assert peer.until(lambda: stream in peer.resets or peer.goaways), peer
    assert peer.until(lambda: sum(size for stream, size in peer.updates if stream == 0) > (1 << 20) - 65535), peer


resets("5.1", "closed by the client's RST_STREAM: it sends no more: DATA", CLOSED,
       lambda peer: peer.post(1) + wire.reset(1) + wire.data(1, b"x"))
resets("5.1", "closed by the client's RST_STREAM: it sends no more: HEADERS", CLOSED,
       lambda peer: peer.post(1) + wire.reset(1) + peer.get(1))

# 5.1.1 Stream identifiers

breaks("5.1.1", "streams of a client MUST use odd identifiers", PROTOCOL_ERROR, lambda peer: peer.get(2))
breaks("5.1.1", "an even identifier MUST be refused with PROTOCOL_ERROR also above those in use", PROTOCOL_ERROR,
       lambda peer: peer.get(1) + peer.get(4))

SMALLER = "a new stream's identifier MUST be greater than all that were opened: connection error of type PROTOCOL_ERROR"
breaks("5.1.1", f"{SMALLER}: the larger is open", PROTOCOL_ERROR, lambda peer: peer.post(5) + peer.get(3))
breaks("5.1.1", f"{SMALLER}: the larger is half-closed", PROTOCOL_ERROR, lambda peer: peer.get(5) + peer.get(3))
breaks("5.1.1", f"{SMALLER}: the larger was reset", PROTOCOL_ERROR, lambda peer: peer.post(5) + wire.reset(5) + peer.get(3))
breaks("5.1.1", f"{SMALLER}: far below", PROTOCOL_ERROR, lambda peer: peer.get(1) + peer.get(2001) + peer.get(1001))


@case("5.1.1", f"{SMALLER}: the larger is closed")
def smaller_after_close(peer):
    peer.send(peer.get(5))
    peer.answer(5)
    peer.send(peer.get(3))
    peer.goaway(PROTOCOL_ERROR)
    assert 3 not in peer.answers


@case("5.1.1", f"{SMALLER}: with more fields to come")
def smaller_with_continuation(peer):
    peer.send(peer.get(5))
    peer.answer(5)
    peer.send(peer.get(3, flags=END_STREAM) + frame(CONTINUATION, END_HEADERS, 3))
    peer.goaway(PROTOCOL_ERROR)


@case("5.1.1", "identifiers may be skipped, and the skipped ones are closed")
def skipped(peer):
    peer.send(peer.get(7) + peer.get(2**31 - 1))
    assert peer.answer(7).status == 200 and peer.answer(2**31 - 1).status == 200
    peer.alive()


# 5.1.2 Stream concurrency


@case("5.1.2", "HEADERS above the limit MUST be a stream error of type PROTOCOL_ERROR or REFUSED_STREAM")
def concurrency(peer):
    limit = peer.server_settings[wire.MAX_CONCURRENT_STREAMS]
    peer.send(*(peer.post(1 + 2 * index) for index in range(limit + 1)))
    peer.until(lambda: 1 + 2 * limit in peer.resets or peer.goaways)
    if peer.goaways:
        return peer.goaway(PROTOCOL_ERROR)
    assert peer.resets == {1 + 2 * limit: peer.resets[1 + 2 * limit]}, "others were reset"
    assert peer.resets[1 + 2 * limit] in (PROTOCOL_ERROR, REFUSED_STREAM)


@case("5.1.2", "closed streams do not count")
def concurrency_of_closed(peer):
    for _ in range(3 * peer.server_settings[wire.MAX_CONCURRENT_STREAMS]):
        stream = peer.next()
        peer.send(peer.get(stream))
        assert peer.answer(stream).status == 200


# 5.2 Flow control


@case("5.2.1", "a sender MUST respect the receiver's limits: no answer's body into a window of 0",
      settings=[(INITIAL_WINDOW_SIZE, 0)])
def closed_window(peer):
    peer.send(peer.get(1))
    peer.alive()
    assert peer.until(lambda: 1 in peer.answers) and not peer.answers[1].body
    peer.send(peer.credit(1, 1))
    assert peer.until(lambda: len(peer.answers[1].body) == 1)
    peer.send(peer.credit(1, 1000))
    assert peer.answer(1).status == 200 and len(peer.answers[1].body) > 1


@case("5.2.1", "flow control applies to DATA only: fields come into a window of 0", settings=[(INITIAL_WINDOW_SIZE, 0)])
def fields_are_free(peer):
    peer.send(peer.get(1) + peer.get(3))
    assert peer.until(lambda: 1 in peer.answers and 3 in peer.answers), peer


@case("5.2.2", "endpoints MUST read frames as soon as they are there: PING is answered while answers wait",
      settings=[(INITIAL_WINDOW_SIZE, 0)])
def reads_while_blocked(peer):
    for _ in range(20):
        peer.send(peer.get(peer.next()))
        peer.alive()


# 5.4 Error handling


@case("5.4.1", "after GOAWAY for an error the endpoint MUST close the TCP connection")
def error_closes(peer):
    peer.send(wire.data(0, b"x"))
    peer.goaway(PROTOCOL_ERROR)


@case("5.4.1", "GOAWAY names the last stream that was processed")
def error_names_last(peer):
    peer.send(peer.get(1))
    peer.answer(1)
    peer.send(peer.get(3))
    peer.answer(3)
    peer.send(wire.data(0, b"x"))
    peer.goaway(PROTOCOL_ERROR)
    assert peer.goaways[-1][0] == 3


@case("5.4.2", "an endpoint MUST NOT send RST_STREAM in response to RST_STREAM")
def no_reset_of_reset(peer):
    peer.send(peer.post(1) + wire.reset(1) + wire.reset(1))
    peer.alive()
    assert not peer.resets


@case("5.4.2", "the sender of RST_STREAM MUST be prepared for what was under way, and sends no second one for it")
def reset_once(peer):
    peer.send(peer.post(1, ("te", "gzip")))
    assert peer.until(lambda: 1 in peer.resets)
    peer.send(wire.data(1, b"x", 0) * 5 + wire.data(1))
    peer.next_stream = 3
    peer.serves()


# 5.5 Extending HTTP/2

ignores("5.5", "unknown values MUST be ignored in all extensible elements: a setting",
        lambda peer: wire.settings((0xFFFF, 0xFFFFFFFF), (0x0, 1), (0x7, 1)))
ignores("5.5", "frames of unknown types MUST be discarded: ORIGIN's, ALTSVC's and PRIORITY_UPDATE's too",
        lambda peer: frame(0xC, 0, 0, b"\x00\x01a") + frame(0xA, 0, 0, b"\x00\x00") + frame(0x10, 0, 0, b"\x00\x00\x00\x01u=1"))
breaks("5.5", "an extension frame within a field block MUST be a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.get(1, flags=END_STREAM) + frame(0xF0, 0, 0))


@case("5.2", "the peer's window for a body: more than it was given is FLOW_CONTROL_ERROR")
def overrun(peer):
    window = peer.server_settings.get(INITIAL_WINDOW_SIZE, 65535)
    body, octets = bytes(16384), peer.post(1)
    peer.send(octets + b"".join(wire.data(1, body, 0) for _ in range(window // 16384)) + wire.data(1, b"xx", 0))
    assert peer.until(lambda: peer.goaways or 1 in peer.resets or any(stream == 1 for stream, _ in peer.updates)), peer
    if not any(stream == 1 for stream, _ in peer.updates):  # else its window had been opened meanwhile
        peer.reset(1, FLOW_CONTROL_ERROR)



breaks("5.1", "a client MUST NOT push: PUSH_PROMISE on an open stream", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + frame(PUSH_PROMISE, END_HEADERS, 1, b"\x00\x00\x00\x02" + wire.block(peer.fields())))
