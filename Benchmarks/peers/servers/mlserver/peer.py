"""MLServer with a runtime of its own kind around the booster: fewer copies than the one that wraps scikit-learn's interface.

No parallel workers: handing a row of 128 bytes to another process costs more than its score.  Debug mode, metrics and gzip
are off.
"""

import json
import urllib.request

from peer import Peer
import serving


class MLServer(Peer):
    name = "mlserver"
    title = "MLServer"
    reloads = "repository load API"

    def prepare(self):
        settings = {
            "host": "127.0.0.1", "http_port": self.port, "grpc_port": serving.free_port(), "parallel_workers": 0,
            "debug": False, "metrics_endpoint": None, "gzip_enabled": False}
        model = {"name": "fraud", "implementation": "runtime.XGBoost"}
        (self.place / "settings.json").write_text(json.dumps(settings))
        (self.place / "model-settings.json").write_text(json.dumps(model))
        (self.place / "runtime.py").symlink_to(self.folder / "runtime.py")

    def command(self) -> list:
        return [self.tool("mlserver"), "start", "."]

    def reload(self):
        url = f"http://127.0.0.1:{self.port}/v2/repository/models/fraud/load"
        with urllib.request.urlopen(urllib.request.Request(url, b""), timeout=60) as answer:
            answer.read()
