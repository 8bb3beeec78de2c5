"""Attackers: a process that keeps a number of connections busy with an attack's bytes, and counts how they fare.

    script (a generator of bytes, one a connection) ──► send as fast as the socket takes it ──► closed? open anew

The process is niced: what is to be measured is the gateway, not whose Python gets a core.
"""

import errno
import multiprocessing
import os
import select
import socket
import time
from dataclasses import dataclass
from typing import Callable, Iterator

#: Attackers come from an address of their own, so that limits by address can tell them from the well-behaved client.
SOURCE = "127.0.0.2"


@dataclass(frozen=True)
class Attack:
    """`script`: the bytes of one connection, piece by piece; None: wait for `pause` seconds. When it ends, the connection is
    closed and another one opened."""

    name: str
    script: Callable[[], Iterator[bytes | None]]
    #: Reasons of serin_limits_total of which at least one must have been counted; empty: it is served in its turn.
    limited: tuple = ()
    connections: int = 8
    #: False: the attacker never reads.
    reads: bool = True
    pause: float = 0.1
    port: str = "data"
    #: The gateway must have ended connections.
    closed: bool = False


@dataclass
class Outcome:
    opened: int = 0
    refused: int = 0
    closed: int = 0
    sent: int = 0
    received: int = 0


class Attacker:
    def __init__(self, attack: Attack, port: int, outcome: Outcome):
        self.attack, self.outcome = attack, outcome
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not attack.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((SOURCE, 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.script, self.left, self.resumes_at = attack.script(), memoryview(b""), 0.0
        outcome.opened += 1

    @property
    def has_work(self) -> bool:
        return time.monotonic() >= self.resumes_at

    def write(self) -> bool:
        """Sends one piece; False: the script has ended or the connection is gone."""
        if not self.left:
            try:
                piece = next(self.script)
            except StopIteration:
                return False
            if piece is None:
                self.resumes_at = time.monotonic() + self.attack.pause
                return True
            self.left = memoryview(piece)
        try:
            count = self.socket.send(self.left)
        except BlockingIOError:
            return True
        except OSError:
            self.outcome.closed += 1
            return False
        self.outcome.sent += count
        self.left = self.left[count:]
        return True

    def read(self) -> bool:
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self.outcome.received += len(data)
        self.outcome.closed += not data
        return bool(data)


def _work(attack: Attack, port: int, end: float, outcome: Outcome):
    swarm: dict[int, Attacker] = {}
    poll = select.poll()
    while time.monotonic() < end:
        while len(swarm) < attack.connections:
            try:
                attacker = Attacker(attack, port, outcome)
            except OSError as error:
                outcome.refused += 1
                if error.errno not in (errno.ECONNREFUSED, errno.ECONNRESET, errno.EADDRNOTAVAIL):
                    raise
                time.sleep(0.001)
                break
            swarm[attacker.socket.fileno()] = attacker
        for descriptor, attacker in swarm.items():
            mask = (select.POLLOUT if attacker.has_work else 0) | (select.POLLIN if attack.reads else 0)
            poll.register(descriptor, mask)
        for descriptor, event in poll.poll(20):
            attacker = swarm[descriptor]
            alive = True
            if event & select.POLLIN:
                alive = attacker.read()
            elif event & (select.POLLHUP | select.POLLERR):
                outcome.closed += 1
                alive = False
            if alive and event & select.POLLOUT and attacker.has_work:
                alive = attacker.write()
            if not alive:
                poll.unregister(descriptor)
                swarm.pop(descriptor).socket.close()
    for attacker in swarm.values():
        attacker.socket.close()


def _main(attack: Attack, port: int, seconds: float, pipe):
    os.nice(10)
    outcome = Outcome()
    _work(attack, port, time.monotonic() + seconds, outcome)
    pipe.send(outcome)


class Raid:
    """The attack in a process of its own, from entering to leaving the context."""

    def __init__(self, attack: Attack, port: int, seconds: float):
        context = multiprocessing.get_context("fork")
        self._pipe, child = context.Pipe(duplex=False)
        self._process = context.Process(target=_main, args=(attack, port, seconds, child), daemon=True)
        self._seconds = seconds

    def __enter__(self):
        self._process.start()
        return self

    def __exit__(self, *_):
        self._process.join(self._seconds + 10)
        if self._process.is_alive():
            self._process.kill()
            raise AssertionError("the attacker did not end")

    @property
    def outcome(self) -> Outcome:
        assert self._pipe.poll(1), "the attacker ended without a word"
        return self._pipe.recv()
