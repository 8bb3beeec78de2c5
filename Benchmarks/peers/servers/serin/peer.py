"""Serin as it comes: every default, the model by `serin model import`, so without golden rows and profile.

A reload is what an operator does with a new version: load it, which compiles it (its image is removed before, since all
versions have the same bytes here), and switch all traffic to it.  The one before stays in memory, to go back to.
"""

import urllib.request

from peer import MODEL, Peer
import serving


#: As many reloads as the default lengths have room for, and some.
VERSIONS = 30


class Serin(Peer):
    name = "serin"
    title = "Serin"
    reloads = "load a version, switch to it"

    def prepare(self):
        self.version = 1
        self.admin = serving.free_port()
        for version in range(1, VERSIONS + 1):
            self.run(self.serin, "model", "import", MODEL, "--name", "fraud", "--version", version, "--repository", "models")
        (self.place / "serin.yaml").write_text(
            f"listen: {{address: 127.0.0.1, port: {self.port}}}\nmetrics: {{address: 127.0.0.1, port: 0}}\n"
            f"admin: {{address: 127.0.0.1, port: {self.admin}}}\nrepository: models\ncache: {{path: images}}\n"
            "models:\n  fraud: {load: ['1'], route: {stable: '1'}}\n")

    def command(self) -> list:
        return [self.serin, "serve", "--config", "serin.yaml"]

    def reload(self):
        for image in (self.place / "images").iterdir():
            image.unlink()
        self.version += 1
        self.call(f"/versions/{self.version}:load", b"{}")
        self.call(":switch", b'{"version": "%d"}' % self.version)

    def call(self, path: str, body: bytes):
        url = f"http://127.0.0.1:{self.admin}/admin/v1/models/fraud{path}"
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as answer:
            answer.read()


class SerinHTTP2(Serin):
    """One stream on each connection: beside nghttpd, which speaks nothing else."""

    name = "serin-http2"
    title = "Serin, HTTP/2"
    http = 2
    reloads = ""
