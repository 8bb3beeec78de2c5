"""The cases of the HTTP/2 suite: each a sentence of an RFC, and what is sent to see it kept.

`case` registers a function; the other registrars write the common ones in a line. A case gets a `Peer` whose
connection is open, its SETTINGS acknowledged, and streams 1, 3, 5, … unused.
"""

from dataclasses import dataclass
from typing import Callable

from harness import wire


@dataclass
class Case:
    section: str
    sentence: str
    run: Callable
    settings: tuple = ()
    greets: bool = True

    def __str__(self):
        return f"{self.section} {self.sentence}"


CASES: list[Case] = []


def case(section: str, sentence: str, settings=(), greets: bool = True):
    def register(run):
        CASES.append(Case(section, sentence, run, tuple(settings), greets))
        return run

    return register


def breaks(section: str, sentence: str, codes, build, settings=()):
    """What `build(peer)` gives is a connection error of these codes."""
    codes = codes if isinstance(codes, tuple) else (codes,)

    def run(peer):
        peer.send(build(peer))
        peer.goaway(*codes)

    CASES.append(Case(section, sentence, run, tuple(settings)))


def resets(section: str, sentence: str, codes, build, stream: int = 1):
    """It is an error of `stream`, of these codes."""
    codes = codes if isinstance(codes, tuple) else (codes,)

    def run(peer):
        peer.send(build(peer))
        peer.reset(stream, *codes)

    CASES.append(Case(section, sentence, run))


def ignores(section: str, sentence: str, build, settings=(), streams: int = 0):
    """It changes nothing; it uses the first `streams` streams."""

    def run(peer):
        peer.send(build(peer))
        peer.next_stream = 1 + 2 * streams
        peer.serves()

    CASES.append(Case(section, sentence, run, tuple(settings)))


def serves(section: str, sentence: str, build, status: int = 200, settings=()):
    """The request on stream 1 is taken, and answered so."""

    def run(peer):
        peer.send(build(peer))
        answer = peer.answer(1)
        assert answer.status == status, answer
        peer.next_stream = 3
        peer.serves()

    CASES.append(Case(section, sentence, run, tuple(settings)))


def malformed(section: str, sentence: str, fields, body: bytes = None, trailers=None):
    """A request of these fields, in this order, is malformed."""

    def run(peer):
        stream, has_more = peer.next(), body is not None or trailers is not None
        end = 0 if has_more else wire.END_STREAM
        octets = wire.headers(stream, wire.block(fields), wire.END_HEADERS | end)
        if body is not None:
            octets += wire.data(stream, body, 0 if trailers is not None else wire.END_STREAM)
        if trailers is not None:
            octets += wire.headers(stream, wire.block(trailers))
        peer.send(octets)
        peer.malformed(stream)

    CASES.append(Case(section, sentence, run))
