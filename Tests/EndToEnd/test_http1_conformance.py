"""HTTP/1.1 requests as RFC 9112 has them, and the ways to read one twice that it closes, over plain TCP and TLS.

Each case is a section, a sentence and the bytes of a request. `refused`: an answer of one of these statuses, then the
connection's end, and nothing behind the request is ever taken for another. `taken`: the answer, and the connection lives.
"""

import json

import pytest

from harness.gateway import Gateway
from harness.http1 import Closed, Http1

LIVE, SINK = b"/v2/health/live", b"/v2/models/fraud/versions/1/infer"
#: What a smuggler hides behind a request: answered 404, which no case expects.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"


def get(*fields: bytes, target: bytes = LIVE, method: bytes = b"GET", version: bytes = b"HTTP/1.1", host=b"Host: a") -> bytes:
    lines = [method + b" " + target + b" " + version, *([host] if host else []), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def post(*fields: bytes, body: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return get(*fields, target=SINK, method=b"POST", version=version) + body


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


def line(text: bytes) -> bytes:
    """A request with this line and nothing wrong behind it."""
    return text + b"\r\nHost: a\r\n\r\n"


REFUSED, TAKEN = [], []


def refused(section: str, sentence: str, octets: bytes, *statuses: int):
    REFUSED.append((f"{section} {sentence}", octets, statuses or (400,)))


def taken(section: str, sentence: str, octets: bytes, status: int = 200):
    TAKEN.append((f"{section} {sentence}", octets, status))


# 2.2 Message parsing

refused("2.2", "a bare LF ends no line: the request line", LF := b"GET " + LIVE + b" HTTP/1.1\nHost: a\r\n\r\n")
refused("2.2", "a bare LF ends no line: a field", b"GET " + LIVE + b" HTTP/1.1\r\nHost: a\nX: y\r\n\r\n")
refused("2.2", "a bare LF ends no line: the head", b"GET " + LIVE + b" HTTP/1.1\r\nHost: a\r\n\n")
refused("2.2", "a bare LF ends no line: all of them", LF.replace(b"\r\n", b"\n"))
refused("2.2", "a recipient of a bare CR MUST consider it invalid: in a field's value", get(b"X: a\rb"))
refused("2.2", "a recipient of a bare CR MUST consider it invalid: in a field's name", get(b"X\r: a"))
refused("2.2", "a recipient of a bare CR MUST consider it invalid: in the target", get(target=LIVE + b"\rx"))
refused("2.2", "a recipient of a bare CR MUST consider it invalid: as a line's end", b"GET / HTTP/1.1\rHost: a\r\r")
refused("2.2", "white space between the start line and the first field MUST be rejected or its lines consumed: a space",
        b"GET " + LIVE + b" HTTP/1.1\r\n Host: a\r\n\r\n")
refused("2.2", "white space between the start line and the first field MUST be rejected or its lines consumed: a tab",
        b"GET " + LIVE + b" HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n")
taken("2.2", "at least one empty line before the request line should be ignored", b"\r\n" + get())
refused("2.2", "what is not HTTP is answered 400 and the connection closed", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")

# 2.3 HTTP version

taken("2.3", "a higher minor version is read as the highest that is known", get(version=b"HTTP/1.9"))
for version in (b"http/1.1", b"HTTP/1.1 ", b"HTTP/1.10", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/11", b"HTTP 1.1", b"HTTPS/1.1",
                b"HTTP/1.1x", b"HTTP/1,1", b"HTTP/+1.1"):  # fmt: skip
    refused("2.3", f"the version is HTTP, a slash, a digit, a dot, a digit: {version.decode()!r}", get(version=version))
for version in (b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.0"):
    refused("2.3", f"another major version is not spoken: {version.decode()}", get(version=version), 505)

# 3 Request line

refused("3", "a request line of one word is invalid", line(b"GET"))
refused("3", "HTTP/0.9's request line is invalid", line(b"GET /v2/health/live"))
refused("3", "two spaces behind the method are invalid", line(b"GET  " + LIVE + b" HTTP/1.1"))
refused("3", "two spaces before the version are invalid", line(b"GET " + LIVE + b"  HTTP/1.1"))
refused("3", "a space behind the version is invalid", line(b"GET " + LIVE + b" HTTP/1.1 "))
refused("3", "a space before the method is invalid", line(b" GET " + LIVE + b" HTTP/1.1"))
refused("3", "a tab parts nothing", line(b"GET\t" + LIVE + b"\tHTTP/1.1"))
refused("3", "a space within the target is invalid", line(b"GET /v2 /health HTTP/1.1"))
refused("3", "a form feed parts nothing", line(b"GET\x0c" + LIVE + b" HTTP/1.1"))
refused("3", "a request target that is too long MUST be answered with 414", get(target=b"/" + b"a" * 20000), 414)
refused("3.1", "a method is a token: a slash", line(b"GE/T " + LIVE + b" HTTP/1.1"))
refused("3.1", "a method is a token: a control byte", line(b"GE\x01T " + LIVE + b" HTTP/1.1"))
refused("3.1", "a method is a token: above 0x7f", line(b"G\xc3\x89T " + LIVE + b" HTTP/1.1"))
refused("3.1", "a method that is not known should be answered with 501", get(method=b"BREW"), 501)
refused("3.1", "methods are case-sensitive", get(method=b"get"), 501)
taken("3.1", "a method that is known and not allowed here is answered with 405", get(method=b"DELETE"), 405)

# 3.2 Request target

refused("3.2", "a request of HTTP/1.1 without Host MUST be answered with 400", get(host=None))
taken("3.2", "HTTP/1.0 needs no Host", get(b"Connection: keep-alive", host=None, version=b"HTTP/1.0"))
refused("3.2", "more than one Host MUST be answered with 400", get(b"Host: b"))
refused("3.2", "more than one Host MUST be answered with 400, also when they agree", get(b"hOST: a"))
for host in (b"a b", b"a/b", b"user@a", b"a:b", b"a:80:80", b"[::1", b"::1", b"a\tb", b"a,b", b"a?b", b"a#b", b"[]", b":80", b"\xc3\xa9"):
    if host != b"a,b":  # a sub-delimiter, which a registered name may have
        refused("3.2", f"an invalid Host MUST be answered with 400: {host.decode('latin-1')!r}", get(host=b"Host: " + host))
for host in (b"", b"a", b"a:80", b"127.0.0.1:8080", b"[::1]", b"[::1]:8080", b"a-b.c_d", b"a:", b"xn--bcher-kva.example"):
    taken("3.2", f"a valid Host is taken: {host.decode()!r}", get(host=b"Host: " + host))
taken("3.2.1", "a query is no part of the path", get(target=LIVE + b"?a=b&c=%20"))
refused("3.2.1", "an origin-form begins with a slash", get(target=b"v2/health/live"))
refused("3.2.1", "a target has no fragment", get(target=LIVE + b"#top"))
for octet in (b'"', b"<", b">", b"\\", b"^", b"`", b"{", b"|", b"}", b"\x80", b"\xff", b"\x7f", b"\x00"):
    refused("3.2.1", f"a target has no octet that must be escaped: {octet[0]:#04x}", get(target=LIVE + octet))
taken("3.2.2", "a server MUST accept the absolute form", get(target=b"http://a" + LIVE))
taken("3.2.2", "a server MUST accept the absolute form: https, with a port", get(target=b"https://a:8443" + LIVE))
taken("3.2.2", "the scheme's case does not matter", get(target=b"HTTP://a" + LIVE))
taken("3.2.2", "with the absolute form Host MUST be ignored", get(target=b"http://a" + LIVE, host=b"Host: elsewhere"))
taken("3.2.2", "an absolute form without a path is the root's", get(target=b"http://a"))
taken("3.2.2", "an absolute form without a path may have a query", get(target=b"http://a?x=y"))
refused("3.2.2", "an absolute form has a host", get(target=b"http://" + LIVE))
refused("3.2.2", "an absolute form has no userinfo", get(target=b"http://user:secret@a" + LIVE))
refused("3.2.2", "another scheme is not served", get(target=b"ftp://a" + LIVE))
refused("3.2.2", "the absolute form replaces no missing Host", get(target=b"http://a" + LIVE, host=None))
refused("3.2.3", "the authority form is CONNECT's only", get(target=b"a:80"))
taken("3.2.3", "CONNECT is not taken up", get(target=b"a:80", method=b"CONNECT"), 405)
taken("3.2.4", "the asterisk form is OPTIONS'", get(target=b"*", method=b"OPTIONS"), 404)
refused("3.2.4", "the asterisk form is OPTIONS' only", get(target=b"*"))

# 5 Field syntax

refused("5.1", "white space between a field's name and the colon MUST be rejected: a space", get(b"X : y"))
refused("5.1", "white space between a field's name and the colon MUST be rejected: a tab", get(b"X\t: y"))
refused("5.1", "white space before the colon of Transfer-Encoding", post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"))
refused("5", "a field without a colon", get(b"X y"))
refused("5", "a field without a name", get(b": y"))
for label, octet in (("NUL", b"\0"), ("0x01", b"\1"), ("VT", b"\x0b"), ("FF", b"\x0c"), ("DEL", b"\x7f"), ("ESC", b"\x1b")):
    refused("5.5", f"a value has no {label}", get(b"X: a" + octet + b"b"))
    refused("5.1", f"a name has no {label}", get(b"X" + octet + b"Y: a"))
for octet in (b"(", b"@", b"/", b'"', b"\x80", b"{"):
    refused("5.1", f"a field's name is a token: {octet.decode('latin-1')!r}", get(b"X" + octet + b"Y: a"))
taken("5.5", "white space around a value is no part of it", get(b"X:\t a \t", b"Y:a", b"Content-Length:  0 "))
taken("5.5", "a value may be empty, and hold octets above 0x7f", get(b"X:", b"Y: \x80\xff"))
taken("5.1", "names are case-insensitive", post(b"cOnTeNt-LeNgTh: 2", body=b"{}"), 400)
refused("5.2", "a folded line MUST be rejected or replaced: a space", get(b"X: a", b" b"))
refused("5.2", "a folded line MUST be rejected or replaced: a tab", get(b"X: a", b"\tb"))
refused("5.2", "a folded Content-Length", post(b"Content-Length:", b" 2", body=b"{}"))
refused("5.2", "a folded Transfer-Encoding", post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n"))
refused("5.4", "header fields that are too large are answered with 431", get(b"X: " + b"a" * 20000), 431)
refused("5", "Content_Length shadows Content-Length", post(b"Content_Length: 2", b"Content-Length: 2", body=b"{}"))
refused("5", "Transfer_Encoding shadows Transfer-Encoding", post(b"Transfer_Encoding: chunked", body=b""))
taken("5", "another name may have _", get(b"X_Y: z"))

# 6 Message body

refused("6.1", "Transfer-Encoding and Content-Length together are a smuggler's", post(
    b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN))
refused("6.1", "Transfer-Encoding and Content-Length together, in the other order", post(
    b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN))
refused("6.1", "Transfer-Encoding and a Content-Length of 0", post(
    b"Transfer-Encoding: chunked", b"Content-Length: 0", body=b"0\r\n\r\n" + HIDDEN))
refused("6.1", "Transfer-Encoding in HTTP/1.0 is faulty framing", post(
    b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN, version=b"HTTP/1.0"))
for value in (b"gzip, chunked", b"chunked, gzip", b"gzip", b"identity", b"chunked, chunked", b"xchunked", b"chunkedx", b"chunked;q=1",
              b"chunked,", b",chunked", b'"chunked"', b"", b"chunke d", b"cow"):  # fmt: skip
    refused("6.1", f"a coding that is not chunked alone is refused, and the connection closed: {value.decode()!r}", post(
        b"Transfer-Encoding: " + value, body=b"0\r\n\r\n" + HIDDEN), 400, 501)
refused("6.1", "two Transfer-Encodings", post(
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN))
refused("6.1", "two Transfer-Encodings, one of them unknown", post(
    b"Transfer-Encoding: chunked", b"Transfer-encoding: cow", body=b"0\r\n\r\n" + HIDDEN))
taken("6.1", "the coding's name is case-insensitive", post(b"Transfer-Encoding: CHUNKED", body=b"0\r\n\r\n"), 400)
for value in (b"+2", b"-2", b"0x2", b"2x", b"2,2", b"2, 2", b"2 2", b"", b"two", b"2.0", b"1e1", b'"2"', b"\xb2"):
    refused("6.2", f"an invalid Content-Length MUST be answered with 400 and the connection closed: {value.decode('latin-1')!r}",
            post(b"Content-Length: " + value, body=b"{}" + HIDDEN))
refused("6.2", "two Content-Lengths that agree", post(b"Content-Length: 2", b"Content-Length: 2", body=b"{}" + HIDDEN))
refused("6.2", "two Content-Lengths that differ", post(b"Content-Length: 2", b"Content-Length: 40", body=b"{}" + HIDDEN))
refused("6.2", "a Content-Length above any body", post(b"Content-Length: " + b"9" * 15), 413)
refused("6.2", "a Content-Length above 64 bits", post(b"Content-Length: " + b"9" * 40), 400, 413)
refused("6.2", "a Content-Length that wraps to 2 in 64 bits", post(b"Content-Length: 18446744073709551618", body=b"{}" + HIDDEN),
        400, 413)
taken("5.5", "a tab behind a Content-Length is no part of it", post(b"Content-Length: 2\t", body=b"{}"), 400)
taken("5.5", "tabs around a Content-Length are no part of it", post(b"Content-Length:\t2 \t ", body=b"{}"), 400)
taken("5.5", "a tab behind chunked is no part of it", post(b"Transfer-Encoding:\tchunked\t", body=b"2\r\n{}\r\n0\r\n\r\n"), 400)
refused("6.2", "a tab within a Content-Length", post(b"Content-Length: 2\t2", body=b"{}" + HIDDEN))
taken("6.2", "a Content-Length may have leading zeros", post(b"Content-Length: 0002", body=b"{}"), 400)
taken("6.3", "a request without either has no body", get())
taken("6.3", "GET may have a body, which is read and not taken for a request", get(b"Content-Length: %d" % len(HIDDEN)) + HIDDEN)

# 7 Transfer codings

taken("7.1", "chunks are put together", chunked(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), 400)
taken("7.1", "a size may be in either case, with leading zeros", chunked(b"00A\r\n          \r\n00a\r\n          \r\n0\r\n\r\n"), 400)
taken("7.1", "the last chunk's size may have many zeros", chunked(b"2\r\n{}\r\n000\r\n\r\n"), 400)
for size in (b"", b"-2", b"+2", b"0x2", b"2h", b"g", b" 2", b"2 ", b"\t2", b"2\t", b"2,", b"2 2", b"2\x00", b"\xef\xbc\x92"):
    refused("7.1", f"a chunk's size is hexadecimal: {size.decode('latin-1')!r}", chunked(size + b"\r\n{}\r\n0\r\n\r\n" + HIDDEN))
for size in (b"10000000000000002", b"ffffffffffffffff", b"7fffffffffffffff", b"8000000000000000", b"f" * 17, b"0" * 17 + b"2"):
    refused("7.1", f"a size too large for an integer MUST NOT overflow: {size.decode()}",
            chunked(size + b"\r\n{}\r\n0\r\n\r\n" + HIDDEN), 400, 413)
for label, body in (("LF behind the size", b"2\n{}\r\n0\r\n\r\n"), ("CR behind the size", b"2\r{}\r\n0\r\n\r\n"),
                    ("another octet for the size's LF", b"2\rX{}\r\n0\r\n\r\n"), ("LF behind the data", b"2\r\n{}\n0\r\n\r\n"),
                    ("two other octets behind the data", b"2\r\n{}XX0\r\n\r\n"), ("CR and another", b"2\r\n{}\rX0\r\n\r\n"),
                    ("nothing behind the data", b"2\r\n{}0\r\n\r\n"), ("more data than the size", b"2\r\n{}}\r\n0\r\n\r\n"),
                    ("LF behind the last chunk", b"2\r\n{}\r\n0\n\r\n"), ("LF behind the trailers", b"2\r\n{}\r\n0\r\n\n"),
                    ("LF behind a trailer", b"2\r\n{}\r\n0\r\nX: y\n\r\n")):  # fmt: skip
    refused("7.1", f"CR LF end a chunk's size and its data: {label}", chunked(body + HIDDEN))
taken("7.1.1", "a recipient MUST ignore unrecognized chunk extensions", chunked(b'2;a;b=c;d="e f"\r\n{}\r\n0;x\r\n\r\n'), 400)
taken("7.1.1", "white space may stand before an extension", chunked(b"2 ; a = b\r\n{}\r\n0\r\n\r\n"), 400)
taken("7.1.1", "extensions of 256 octets are taken", chunked(b"2;" + b"a" * 255 + b"\r\n{}\r\n0\r\n\r\n"), 400)
refused("7.1.1", "longer extensions are not", chunked(b"2;" + b"a" * 256 + b"\r\n{}\r\n0\r\n\r\n"))
refused("7.1.1", "an extension without end is not waited for", chunked(b"2;" + b"a" * 1000))
refused("7.1.1", "all extensions together are bounded", chunked((b"1;" + b"a" * 250 + b"\r\n{\r\n") * 100 + b"0\r\n\r\n"))
refused("7.1.1", "an extension has no LF", chunked(b"2;a\nb\r\n{}\r\n0\r\n\r\n" + HIDDEN))
refused("7.1.1", "an extension has no bare CR", chunked(b"2;a\rb\r\n{}\r\n0\r\n\r\n" + HIDDEN))
refused("7.1.1", "an extension has no NUL", chunked(b"2;a\0b\r\n{}\r\n0\r\n\r\n" + HIDDEN))
taken("7.1.2", "trailers are taken", chunked(b"2\r\n{}\r\n0\r\nX-Sum: 1\r\nY: z\r\n\r\n"), 400)
taken("7.1.2", "trailers that would change the framing are ignored", chunked(
    b"2\r\n{}\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: gzip\r\nHost: b\r\n\r\n"), 400)
refused("7.1.2", "trailers are fields: white space before the colon", chunked(b"2\r\n{}\r\n0\r\nX : y\r\n\r\n" + HIDDEN))
refused("7.1.2", "trailers are fields: folded", chunked(b"2\r\n{}\r\n0\r\nX: y\r\n z\r\n\r\n" + HIDDEN))
refused("7.1.2", "trailers are fields: no request", chunked(b"2\r\n{}\r\n0\r\n" + HIDDEN))
refused("7.1.2", "trailers are bounded", chunked(b"2\r\n{}\r\n0\r\n" + b"X: aaaaaaaaaaaaaaaa\r\n" * 2000 + b"\r\n"), 431)
refused("7.1.2", "one long trailer is bounded", chunked(b"2\r\n{}\r\n0\r\nX: " + b"a" * 40000), 431)

# 9 Connection management, and RFC 9110's expectations

taken("9.3", "HTTP/1.1 connections persist", get())
refused("9.6", "a server MUST NOT process requests behind one with close", get(b"Connection: close") + HIDDEN, 200)
refused("9.6", "close may stand among others, in any case", get(b"Connection: x, CLOSE") + HIDDEN, 200)
refused("9.3", "HTTP/1.0 connections do not persist", get(version=b"HTTP/1.0") + HIDDEN, 200)
taken("9.3", "HTTP/1.0 connections persist with keep-alive", get(b"Connection: Keep-Alive", version=b"HTTP/1.0"))
taken("9.7", "an upgrade is not taken up", get(b"Connection: upgrade", b"Upgrade: h2c"))
taken("9110 10.1.1", "100-continue in HTTP/1.0 MUST be ignored", post(
    b"Expect: 100-continue", b"Content-Length: 2", b"Connection: keep-alive", body=b"{}", version=b"HTTP/1.0"), 400)
taken("9110 10.1.1", "100 may be left out where the body has come", post(
    b"Expect: 100-continue", b"Content-Length: 2", body=b"{}"), 400)
taken("9110 10.1.1", "100 is left out without a body", get(b"Expect: 100-continue"))
refused("9110 10.1.1", "an expectation that is not known is answered with 417, the body unread", post(
    b"Expect: 200-ok", b"Content-Length: 500"), 417)
refused("9110 10.1.1", "a final answer may come in place of 100", post(
    b"Expect: 100-continue", b"Content-Length: 99999999999"), 413)


@pytest.fixture(scope="module")
def conforming(installed, certs, tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("conformance"), listen={"tls": certs.listener()}) as gateway:
        yield gateway
        assert gateway.process.poll() is None, f"the gateway ended:\n{gateway.log()}"


@pytest.fixture(params=["plain", "tls"])
def connection(request, conforming, certs):
    tls = certs.client(protocols=("http/1.1",)) if request.param == "tls" else None
    with Http1(conforming.tls_port if tls else conforming.port, tls) as connection:
        yield connection


def named(cases):
    return [pytest.param(*rest, id=name) for name, *rest in cases]


@pytest.mark.parametrize("octets, statuses", named(REFUSED))
def test_refused(connection, octets, statuses):
    try:
        connection.send(octets)
    except OSError:
        pass  # the server has answered and closed before all was sent
    answer = connection.read()
    assert answer.status in statuses, answer
    assert answer.headers["connection"].lower() == "close"
    if answer.status >= 400:
        assert answer.json()["error"]
    with pytest.raises(Closed) as closed:
        connection.read()
    assert closed.value.args[0] == b"", "something behind the last answer"


@pytest.mark.parametrize("octets, status", named(TAKEN))
def test_taken(connection, octets, status):
    connection.send(octets + get(target=b"/v2"))
    answer = connection.read(head_only=octets.startswith(b"HEAD"))
    assert answer.status == status, answer
    assert connection.read().json()["name"] == "serin", "the next request is the next"
    connection.send(get(target=b"/v2"))
    assert connection.read().json()["name"] == "serin", "and nothing stands between"


def test_the_suite_is_whole():
    names = [name for name, *_ in REFUSED + TAKEN]
    assert len(set(names)) == len(names) >= 80, len(names)


def test_continue_is_asked_for_once_and_in_its_place(connection):
    """Behind a request that is still to be answered, 100 waits for that answer."""
    body = json.dumps({"inputs": []}).encode()
    connection.send(get() + post(b"Expect: 100-continue", b"Content-Length: %d" % len(body)))
    assert connection.read().status == 200
    assert connection.read().status == 100
    connection.send(body[:5])
    connection.send(body[5:] + get())
    assert connection.read().status == 400
    assert connection.read().status == 200
    connection.send(get())
    assert connection.read().status == 200


def test_head_has_the_fields_of_get_and_no_body(connection):
    connection.send(get(target=b"/v2") + get(target=b"/v2", method=b"HEAD") + get(target=b"/v2"))
    first, second, third = connection.read(), connection.read(head_only=True), connection.read()
    assert first.headers["content-length"] == second.headers["content-length"] and first.status == second.status == 200
    assert third.body == first.body


def test_http10_is_told_that_the_connection_stays(connection):
    connection.send(get(b"Connection: keep-alive", version=b"HTTP/1.0"))
    assert connection.read().headers["connection"] == "keep-alive"


def test_a_body_in_any_pieces_is_the_same(connection):
    octets = chunked(b"5;a=b\r\n{    \r\n1\r\n}\r\n0\r\nX: y\r\n\r\n")
    for size in range(1, len(octets), 7):
        for start in range(0, len(octets), size):
            connection.send(octets[start : start + size])
        assert connection.read().status == 400
    connection.send(get())
    assert connection.read().status == 200
