"""Cold start: from the spawn of a server's first process until its first right answer.

The peer is asked on the path that is measured, so nobody's "ready" is taken on trust: every millisecond at first, later
every hundredth of the time that has passed.  Files are in the page cache, compiled bytecode and Serin's images on disk.
"""

import http.client
import socket
import time

import generator
from peer import Peer, Unusable
from process import ServerProcess


def start(peer: Peer) -> tuple[ServerProcess, float]:
    """The running server, and the seconds that it took; the caller ends it."""
    command, variables, question = peer.command(), peer.variables(), peer.question()
    begin = time.monotonic()
    server = ServerProcess(command, peer.place / "server.log", variables, peer.place)
    try:
        while not answers(peer, question):
            passed = time.monotonic() - begin
            if server.has_ended:
                raise Unusable(f"did not start: {server.last_words()}")
            if passed > peer.start_seconds:
                raise Unusable(f"no answer within {peer.start_seconds} s: {server.last_words()}")
            time.sleep(max(0.001, passed / 100))
        seconds = time.monotonic() - begin
        check(peer)
        return server, seconds
    except BaseException:
        server.stop()
        raise


def answers(peer: Peer, question: bytes) -> bool:
    if peer.is_limit:
        return listens(peer.port)
    connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=10)
    try:
        connection.request("POST", peer.path, question, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def listens(port: int) -> bool:
    """Enough for a server of files, which has nothing to load."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def check(peer: Peer):
    status, answer = generator.ask(peer)
    if status != 200:
        raise Unusable(f"answers {status or 'nothing'}: {answer[:200]!r}")
    peer.check(answer)
