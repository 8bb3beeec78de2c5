"""KServe's Python SDK, the server inside its XGBoost runtime: V2's REST, a process for each processor, no gRPC, no logs."""

from peer import WORKERS, Peer


class KServe(Peer):
    name = "kserve"
    title = "KServe SDK"

    def command(self) -> list:
        return [
            self.tool("python"), self.folder / "server.py", "--http_port", self.port, "--workers", WORKERS,
            "--enable_grpc", "False", "--enable_latency_logging", "False"]

    def settings(self) -> dict[str, str]:
        return {"KSERVE_LOGLEVEL": "WARNING"}
