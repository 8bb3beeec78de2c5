"""granian, an HTTP server in Rust, with an application on its own interface (RSGI) and no framework in between."""

from peer import WORKERS, Peer


class Granian(Peer):
    name = "granian"
    title = "granian (RSGI), tuned"

    def command(self) -> list:
        return [
            self.tool("granian"), "app:infer", "--working-dir", self.folder, "--interface", "rsgi", "--host", "127.0.0.1",
            "--port", self.port, "--workers", WORKERS, "--loop", "uvloop", "--http", "1", "--no-access-log",
            "--log-level", "warning", "--no-ws"]
