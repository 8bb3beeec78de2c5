"""nghttpd with a file of 100 bytes in the model's place: what HTTP/2 alone costs, in C, with no JSON and no model."""

import shutil

from peer import WORKERS, Peer, Unusable


class Nghttpd(Peer):
    name = "nghttpd"
    title = "limit: nghttpd, a file, HTTP/2"
    http = 2
    is_limit = True

    def prepare(self):
        if not shutil.which("nghttpd"):
            raise Unusable("not installed: run .ci/dependencies test")
        file = self.place / "site" / self.path.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(b"0123456789" * 10)

    def command(self) -> list:
        return ["nghttpd", "--no-tls", "-n", WORKERS, "-d", "site", "-a", "127.0.0.1", self.port]

    def check(self, answer: bytes):
        if len(answer) != 100:
            raise Unusable(f"answers {len(answer)} bytes instead of its file")
