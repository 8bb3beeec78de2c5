"""Ray Serve: a replica for each processor, the handler on the raw request, its documented throughput settings, no logs.

Dashboard and usage reports are off; the object store has its smallest size, since no object is large enough for it.
"""

from peer import WORKERS, Peer


class RayServe(Peer):
    name = "ray"
    title = "Ray Serve"

    def command(self) -> list:
        return [self.tool("python"), self.folder / "server.py", self.port, WORKERS, self.place / "ray"]

    def settings(self) -> dict[str, str]:
        return {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
