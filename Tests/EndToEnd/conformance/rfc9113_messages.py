"""RFC 9113, section 8: requests and answers in frames."""

from conformance.cases import breaks, case, malformed, serves
from harness import wire
from harness.peer import LIVE, SINK
from harness.wire import END_HEADERS, END_STREAM, NO_ERROR, PROTOCOL_ERROR, PUSH_PROMISE, frame

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", LIVE)]
POST = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", SINK)]


def without(name: str, fields=GET) -> list:
    return [field for field in fields if field[0] != name]


def replaced(name: str, value: str) -> list:
    return [(key, value if key == name else old) for key, old in GET]


# 8.1 Message framing

malformed("8.1", "trailers MUST NOT include pseudo-header fields: :method", POST, b"{}", [(":method", "GET")])
malformed("8.1", "trailers MUST NOT include pseudo-header fields: :status", POST, b"{}", [(":status", "200")])


@case("8.1", "HEADERS without END_STREAM behind the request's own MUST make the request malformed")
def trailers_without_end(peer):
    peer.send(peer.post(1) + wire.data(1, b"{}", 0) + wire.headers(1, wire.block([("x", "y")]), END_HEADERS) + wire.data(1))
    peer.malformed(1)


serves("8.1", "a trailer section is taken",
       lambda peer: peer.get(1, flags=END_HEADERS) + wire.data(1, b"", 0) + wire.headers(1, wire.block([("x-sum", "1")])))
serves("8.1", "a trailer section may follow the fields without DATA between them",
       lambda peer: peer.get(1, flags=END_HEADERS) + wire.headers(1, wire.block([("x-sum", "1")])))
serves("8.1", "an empty DATA frame may end a request", lambda peer: peer.get(1, flags=END_HEADERS) + wire.data(1))


@case("8.1", "an answer before the request's end is whole, and RST_STREAM with NO_ERROR may follow it")
def early_answer(peer):
    peer.send(peer.post(1, ("content-length", str(1 << 40))))
    assert peer.answer(1).status == 413
    peer.alive()
    assert peer.resets.get(1, NO_ERROR) == NO_ERROR
    peer.next_stream = 3
    peer.serves()


@case("8.1", "an answer to HEAD has the fields of GET's, and no body")
def head(peer):
    peer.send(wire.headers(1, wire.block(replaced(":method", "HEAD"))) + peer.get(3))
    head, get = peer.answer(1), peer.answer(3)
    assert head.status == 200 and not head.body and get.body
    assert dict(head.blocks[0])[b"content-length"] == dict(get.blocks[0])[b"content-length"]


@case("8.1", "streams are answered independently: a body that hangs holds up no other")
def independent(peer):
    peer.send(peer.post(1) + wire.data(1, b"{", 0))
    peer.next_stream = 3
    peer.serves()
    peer.send(wire.data(1, b"}"))
    assert peer.answer(1).status == 400


# 8.1.1 Malformed messages

LENGTH = "a content-length that differs from the sum of DATA payloads is malformed"
malformed("8.1.1", f"{LENGTH}: more is said", [*POST, ("content-length", "3")], b"{}")
malformed("8.1.1", f"{LENGTH}: less is said", [*POST, ("content-length", "1")], b"{}")
malformed("8.1.1", f"{LENGTH}: there is no body", [*POST, ("content-length", "1")])
malformed("8.1.1", f"{LENGTH}: 0 is said", [*POST, ("content-length", "0")], b"{}")
malformed("8.1.1", f"{LENGTH}: and trailers end it", [*POST, ("content-length", "5")], b"{}", [("x", "y")])
malformed("8.1.1", "a content-length that is no number is malformed", [*POST, ("content-length", "2x")], b"{}")
malformed("8.1.1", "a negative content-length is malformed", [*POST, ("content-length", "-2")], b"{}")
malformed("8.1.1", "two content-lengths are malformed", [*POST, ("content-length", "2"), ("content-length", "2")], b"{}")


@case("8.1.1", "content-length over several DATA frames: their sum counts")
def sum_of_data(peer):
    peer.send(peer.post(1, ("content-length", "4")) + wire.data(1, b"{", 0) + wire.data(1, b"{}}") )
    assert peer.answer(1).status == 400 and not peer.resets
    peer.alive()


# 8.2 and 8.2.1 Field validity

malformed("8.2", "field names MUST be lowercase", [*GET, ("X-Upper", "1")])
malformed("8.2", "field names MUST be lowercase: one letter within", [*GET, ("x-uPper", "1")])
malformed("8.2", "field names MUST be lowercase in trailers", POST, b"{}", [("X-Sum", "1")])

NAME = "a field name MUST NOT contain"
for label, name in (("NUL", "x\0y"), ("LF", "x\ny"), ("CR", "x\ry"), ("a space", "x y"), ("a tab", "x\ty"),
                    ("DEL", "x\x7fy"), ("0x80", "x\x80y"), ("0xff", "x\xffy"), ("a colon", "x:y"),
                    ("a control octet", "x\x01")):  # fmt: skip
    malformed("8.2.1", f"{NAME} {label}", [*GET, (name, "1")])
malformed("8.2.1", f"{NAME} a space, in trailers either", POST, b"{}", [("x y", "1")])
malformed("8.2.1", "a field name is not empty", [*GET, ("", "1")])

VALUE = "a field value MUST NOT"
for label, value in (("contain NUL", "a\0b"), ("contain LF", "a\nb"), ("contain CR", "a\rb"), ("contain CR LF", "a\r\nb: c"),
                     ("start with a space", " a"), ("end with a space", "a "), ("start with a tab", "\ta"),
                     ("end with a tab", "a\t")):  # fmt: skip
    malformed("8.2.1", f"{VALUE} {label}", [*GET, ("x-value", value)])
malformed("8.2.1", f"{VALUE} contain NUL, in trailers either", POST, b"{}", [("x", "a\0b")])
serves("8.2.1", "a field value may be empty, and hold a tab, a space or octets above 0x7f within",
       lambda peer: peer.get(1, ("x-empty", ""), ("x-tab", "a\tb c"), ("x-high", "\x80\xff")))

# 8.2.2 Connection-specific header fields

for name, value in (("connection", "keep-alive"), ("keep-alive", "timeout=5"), ("proxy-connection", "keep-alive"),
                    ("transfer-encoding", "chunked"), ("upgrade", "websocket"), ("te", "gzip"),
                    ("te", "trailers, deflate")):  # fmt: skip
    malformed("8.2.2", f"connection-specific fields MUST be malformed: {name}: {value}", [*GET, (name, value)])
serves("8.2.2", "te: trailers is allowed", lambda peer: peer.get(1, ("te", "trailers")))
serves("8.2.3", "cookie may come in several fields", lambda peer: peer.get(1, ("cookie", "a=b"), ("cookie", "c=d")))

# 8.3 Control data

malformed("8.3", "pseudo-header fields of answers MUST NOT appear in requests", [*GET, (":status", "200")])
malformed("8.3", "undefined pseudo-header fields MUST be malformed", [*GET, (":test", "1")])
malformed("8.3", "undefined pseudo-header fields MUST be malformed: :protocol without an agreement",
          [*GET, (":protocol", "websocket")])
malformed("8.3", "pseudo-header fields MUST come before all others", [GET[0], GET[1], ("x", "y"), GET[2], GET[3]])
malformed("8.3", "pseudo-header fields MUST come before all others: the last one behind a regular field",
          [*GET[:3], ("x", "y"), GET[3]])
for repeated in GET:
    malformed("8.3", f"a pseudo-header field MUST NOT appear twice: {repeated[0]}", [*GET, repeated])

# 8.3.1 Request pseudo-header fields

for name in (":method", ":scheme", ":path"):
    malformed("8.3.1", f"all requests MUST include {name}", without(name))
malformed("8.3.1", ":path MUST NOT be empty", replaced(":path", ""))
malformed("8.3.1", ":method is not empty", replaced(":method", ""))
malformed("8.3.1", ":method is a token", replaced(":method", "GE T"))
malformed("8.3.1", ":scheme is not empty", replaced(":scheme", ""))
malformed("8.3.1", ":scheme is one", replaced(":scheme", "ht tp"))
malformed("8.3.1", ":path of http begins with a slash", replaced(":path", "v2/health/live"))
malformed("8.3.1", ":path of * is for OPTIONS", replaced(":path", "*"))
malformed("8.3.1", ":path has no space", replaced(":path", "/v2 x"))
malformed("8.3.1", ":path has no control octet", replaced(":path", "/v2\x01"))
malformed("8.3.1", ":authority MUST NOT include userinfo", replaced(":authority", "user:secret@localhost"))
malformed("8.3.1", ":authority has no space", replaced(":authority", "local host"))
malformed("8.3.1", "a request without :authority and host has none to go to", without(":authority"))
malformed("8.3.1", "a host that differs from :authority is malformed", [*GET, ("host", "elsewhere")])
serves("8.3.1", "host may stand for :authority", lambda peer: wire.headers(
    1, wire.block([*without(":authority"), ("host", "localhost")])))
serves("8.3.1", "a host that equals :authority is fine", lambda peer: peer.get(1, ("host", "localhost")))
serves("8.3.1", "pseudo-header fields may come in any order", lambda peer: wire.headers(1, wire.block(GET[::-1])))


@case("8.3.1", "OPTIONS MUST have a :path of *, and it is not malformed")
def options(peer):
    fields = [(":method", "OPTIONS"), (":scheme", "http"), (":authority", "localhost"), (":path", "*")]
    peer.send(wire.headers(1, wire.block(fields)))
    assert 200 <= peer.answer(1).status < 500 and not peer.resets
    peer.alive()


@case("8.3.2", ":status MUST be included in all answers, also to what is refused")
def statuses(peer):
    for path in (LIVE, "/nothing", "/v2/models/none"):
        stream = peer.next()
        peer.send(wire.headers(stream, wire.block(peer.fields(path))))
        block = peer.answer(stream).blocks[-1]
        assert [name for name, _ in block].count(b":status") == 1 and block[0][0] == b":status"


# 8.4 Server push

breaks("8.4", "servers MUST treat PUSH_PROMISE as a connection error of type PROTOCOL_ERROR", PROTOCOL_ERROR,
       lambda peer: peer.post(1) + frame(PUSH_PROMISE, END_HEADERS, 1, b"\x00\x00\x00\x04" + wire.block(GET)))

# 8.5 The CONNECT method

malformed("8.5", ":scheme MUST be omitted of CONNECT",
          [(":method", "CONNECT"), (":scheme", "http"), (":authority", "localhost:1")])
malformed("8.5", ":path MUST be omitted of CONNECT",
          [(":method", "CONNECT"), (":path", "/"), (":authority", "localhost:1")])
malformed("8.5", "CONNECT has an :authority", [(":method", "CONNECT")])


@case("8.5", "CONNECT is not taken up, and its stream is answered with an error")
def connect(peer):
    peer.send(wire.headers(1, wire.block([(":method", "CONNECT"), (":authority", "localhost:1")]), END_HEADERS))
    peer.send(wire.data(1, b"x", END_STREAM))
    assert 400 <= peer.answer(1).status < 600
    peer.alive()
