"""FastAPI on uvicorn with what its users tune: uvloop, httptools, orjson, a process for each processor, no access log.

The handler reads the body itself: Pydantic's model of the same tensor costs more than the model's score.
"""

from peer import WORKERS, Peer


class FastAPI(Peer):
    name = "fastapi"
    title = "FastAPI on uvicorn, tuned"

    def command(self) -> list:
        return [
            self.tool("uvicorn"), "app:app", "--app-dir", self.folder, "--host", "127.0.0.1", "--port", self.port,
            "--workers", WORKERS, "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
            "--no-server-header"]
