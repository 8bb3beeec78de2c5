"""BentoML: a process for each processor, an asynchronous handler, rows as lists; access log, metrics and tracing off."""

import json

from peer import WORKERS, Peer, compact


class BentoML(Peer):
    name = "bentoml"
    title = "BentoML"
    path = "/infer"

    def command(self) -> list:
        return [
            self.tool("bentoml"), "serve", "service:Fraud", "--working-dir", self.folder, "--host", "127.0.0.1", "--port",
            self.port]

    def settings(self) -> dict[str, str]:
        return {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(self.place), "PEERS_WORKERS": str(WORKERS)}

    def body(self, row: list[float]) -> bytes:
        return compact({"rows": [row]})

    def score(self, answer: bytes) -> float:
        return json.loads(answer)[0]
