"""Ray Serve: a replica for each processor behind its HAProxy, the handler on the raw request, its throughput settings, no logs.

Dashboard and usage reports are off; the object store has its smallest size, since no object is large enough for it.
"""

from peer import WORKERS, Peer
import serving


class RayServe(Peer):
    name = "ray"
    title = "Ray Serve"

    def command(self) -> list:
        return [self.tool("python"), self.folder / "server.py", self.port, WORKERS, self.place / "ray"]

    def settings(self) -> dict[str, str]:
        proxy = {
            "CONFIG_FILE_LOC": self.place / "haproxy.cfg", "SOCKET_PATH": self.place / "haproxy.sock",
            "SERVER_STATE_BASE": self.place, "SERVER_STATE_FILE": self.place / "haproxy.state",
            "METRICS_PORT": serving.free_port(), "STATS_PORT": serving.free_port(), "NBTHREAD": WORKERS}
        return {
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_USAGE_STATS_ENABLED": "0",
            **{f"RAY_SERVE_HAPROXY_{name}": str(value) for name, value in proxy.items()}}
