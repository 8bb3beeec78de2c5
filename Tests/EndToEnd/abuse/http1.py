"""The attacks over HTTP/1.1, on connections as such, and on the TLS port before there is any protocol."""

from abuse.swarm import Attack

PATH = b"/v2/models/fraud/versions/1/infer"
HEAD = b"POST " + PATH + b" HTTP/1.1\r\nHost: a\r\n"


def forever(block: bytes, first: bytes = b"", times: int = 1000):
    def script():
        yield first
        while True:
            yield block * times
    return script


def slowly(first: bytes, again: bytes | None):
    def script():
        if first:
            yield first
        while True:
            yield None
            if again:
                yield again
    return script


def once(block: bytes):
    """Says it, waits for a moment, and comes again on another connection."""
    def script():
        yield block
    return script


def attacks(small: bytes, large: bytes, hello: bytes) -> list[Attack]:
    """`small`, `large`: bodies that are answered 200; `hello`: a TLS client's first message."""
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(small) + small
    batch = HEAD + b"Content-Length: %d\r\n\r\n" % len(large) + large
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    return [
        Attack("head by the line", slowly(b"GET / HTTP/1.1\r\n", b"X-Drip: 1\r\n"), ("header_timeout",), 100),
        Attack("head without end", forever(b"X-A: b\r\n", b"GET / HTTP/1.1\r\n"), ("header_bytes",)),
        Attack("line without end", forever(b"a", b"GET /"), ("header_bytes",)),
        Attack("empty lines", forever(b"\r\n"), closed=True),
        Attack("bad heads", slowly(b"GET / HTTP/1.1\nHost: a\n\n", None), closed=True),
        Attack("body by the byte", slowly(HEAD + b"Content-Length: 100\r\n\r\n", b" "), ("receive_rate",), 100),
        Attack("chunks by the byte", slowly(chunked, b"1\r\n \r\n"), ("receive_rate",), 100),
        Attack("chunks of a byte", forever(b"1\r\n \r\n", chunked), ("small_chunks",)),
        Attack("chunks of 64 bytes", forever(b"40\r\n" + b" " * 64 + b"\r\n", chunked), ("body_bytes",)),
        Attack("body over the limit", forever(b"4000\r\n" + b" " * 0x4000 + b"\r\n", chunked, 4), ("body_bytes",)),
        Attack("trailers without end", forever(b"X-A: b\r\n", chunked + b"0\r\n"), closed=True),
        Attack("pipelining, never reading", forever(batch, times=1), ("send_rate",), reads=False),
        Attack("pipelining", forever(request, times=20)),
        Attack("100-continue without end", slowly(HEAD + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", None),
               ("receive_rate",), 100),
        Attack("silence", slowly(b"", None), ("header_timeout",), 200),
        Attack("connections beyond the address' share", slowly(b"", None), ("connections_per_address",), 600),
        Attack("connections in and out", once(b"G"), connections=50),
        Attack("TLS: silence", slowly(b"", None), connections=200, port="tls", closed=True),
        Attack("TLS: hellos without end", slowly(hello, None), connections=150, port="tls", closed=True),
        Attack("TLS: hellos by the byte", slowly(hello[:50], hello[50:51]), connections=50, port="tls", closed=True),
        Attack("TLS: hellos, in and out", once(hello), connections=20, port="tls"),
        Attack("TLS: not TLS", slowly(b"GET / HTTP/1.1\r\n\r\n", None), port="tls", closed=True),
    ]
