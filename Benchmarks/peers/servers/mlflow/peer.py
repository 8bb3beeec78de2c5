"""`mlflow models serve` on a saved XGBoost model, in the environment that is there, with a process for each processor.

The saved booster has no names of features, so that rows are taken by position (`inputs`); with names each request would
become a data frame, which is slower still.  uvloop is installed beside it: with asyncio's own loop and several processes the
kernel holds back small answers for 40 ms (no TCP_NODELAY on inherited sockets).
"""

import json
import os

from peer import MODEL, WORKERS, Peer, compact


class MLflow(Peer):
    name = "mlflow"
    title = "mlflow models serve"
    path = "/invocations"

    def prepare(self):
        self.run(self.tool("python"), self.folder / "save.py", MODEL, "model")

    def command(self) -> list:
        return [
            self.tool("mlflow"), "models", "serve", "--model-uri", "model", "--env-manager", "local", "--host", "127.0.0.1",
            "--port", self.port, "--workers", WORKERS]

    def settings(self) -> dict[str, str]:
        path = f"{self.environment / 'bin'}:{os.environ['PATH']}"
        return {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}

    def body(self, row: list[float]) -> bytes:
        return compact({"inputs": [row]})

    def score(self, answer: bytes) -> float:
        return json.loads(answer)["predictions"][0]
