"""Triton's own server program, from PyTriton's wheel: its Python backend, V2's REST.

An instance for each processor, and dynamic batching without a delay: rows that wait are scored in one call.  The backends in C
(among them the one for forests) are in no wheel.  The file is touched before a reload, because Triton skips what has not changed.
"""

import os
import urllib.request

from peer import MODEL, WORKERS, Peer

CONFIG = """backend: "python"
max_batch_size: 64
input [{{ name: "features" data_type: TYPE_FP32 dims: [32] }}]
output [{{ name: "score" data_type: TYPE_FP32 dims: [1] }}]
instance_group [{{ kind: KIND_CPU count: {workers} }}]
dynamic_batching {{ }}
parameters: {{ key: "model" value: {{ string_value: "{model}" }} }}
"""


class Triton(Peer):
    name = "triton"
    title = "Triton, Python backend"
    reloads = "model repository load API"

    def prepare(self):
        self.server = self.installed("pytriton") / "tritonserver"
        backend = self.place / "backends" / "python"
        backend.mkdir(parents=True)
        # The wheel has the backend's other half for several Pythons; it is looked for beside the library.
        stub = self.server / "python_backend_stubs" / self.server.parents[2].name.removeprefix("python")
        for file in (*(self.server / "backends" / "python").iterdir(), *stub.iterdir()):
            (backend / file.name).symlink_to(file)
        folder = self.place / "repository" / "fraud"
        (folder / "1").mkdir(parents=True)
        (folder / "config.pbtxt").write_text(CONFIG.format(workers=WORKERS, model=MODEL))
        (folder / "1" / "model.py").write_bytes((self.folder / "model.py").read_bytes())

    def command(self) -> list:
        return [
            self.server / "bin" / "tritonserver", "--model-repository", "repository", "--backend-directory",
            self.place / "backends", "--http-address", "127.0.0.1", "--http-port", self.port, "--allow-grpc", "false",
            "--allow-metrics", "false", "--model-control-mode", "explicit", "--load-model", "fraud",
            "--http-thread-count", 2 * WORKERS, "--log-info", "false"]

    def settings(self) -> dict[str, str]:
        """The backend runs the first python3 on the PATH, with the environment's packages."""
        return {
            "LD_LIBRARY_PATH": str(self.installed("nvidia_pytriton.libs")),
            "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}"}

    def reload(self):
        os.utime(self.place / "repository" / "fraud" / "1" / "model.py")
        url = f"http://127.0.0.1:{self.port}/v2/repository/models/fraud/load"
        with urllib.request.urlopen(urllib.request.Request(url, b""), timeout=60) as answer:
            answer.read()
