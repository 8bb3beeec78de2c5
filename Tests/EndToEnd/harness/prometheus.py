"""A real Prometheus on a free port, with the shipped rules, that scrapes one gateway; ended by its id.

    with Prometheus(folder, gateway) as prometheus: prometheus.query("up") ──► [({labels}, value), …]
"""

import re
import subprocess
import time
from pathlib import Path

import httpx
import yaml

from harness.gateway import ROOT, Gateway

SHIPPED = ROOT / "config" / "prometheus"
LISTENING = re.compile(r'msg="Listening on" address=127\.0\.0\.1:(\d+)')
START_SECONDS = 60


class Prometheus:
    def __init__(self, folder: Path, gateway: Gateway, interval: str = "1s"):
        folder.mkdir(parents=True, exist_ok=True)
        settings = yaml.safe_load((SHIPPED / "prometheus.yaml").read_text())
        settings["global"] |= {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
        settings["rule_files"] = [str(SHIPPED / name) for name in settings["rule_files"]]
        [job] = settings["scrape_configs"]
        job["static_configs"] = [{"targets": [gateway.metrics_url.removeprefix("http://")]}]
        self.config = folder / "prometheus.yaml"
        self.config.write_text(yaml.safe_dump(settings))
        self.log_path = folder / "prometheus.log"
        self.command = [
            "prometheus", f"--config.file={self.config}", f"--storage.tsdb.path={folder / 'data'}",
            "--web.listen-address=127.0.0.1:0", "--enable-feature=exemplar-storage"]
        self.process, self.client = None, None

    def __enter__(self):
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not (match := LISTENING.search(self.log())):
                assert self.process.poll() is None and time.monotonic() < deadline, self.log()
                time.sleep(0.05)
            self.client = httpx.Client(base_url=f"http://127.0.0.1:{match[1]}", timeout=30)
            while self.client.get("/-/ready").status_code != 200:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.1)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.client:
            self.client.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def get(self, path: str, **parameters):
        answer = self.client.get(f"/api/v1/{path}", params=parameters)
        document = answer.json()
        assert document["status"] == "success" and not document.get("warnings"), (path, parameters, document)
        return document["data"]

    def query(self, expression: str) -> list[tuple[dict, float]]:
        """An instant vector's samples, or a scalar as one."""
        data = self.get("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def value(self, expression: str) -> float:
        [(_, value)] = self.query(expression)
        return value

    def wait_for(self, expression: str, seconds: float = 60) -> list:
        """What the expression gives, when it gives something."""
        deadline = time.monotonic() + seconds
        while not (found := self.query(expression)):
            assert time.monotonic() < deadline, f"no data for {expression}\n{self.log()[-2000:]}"
            time.sleep(0.25)
        return found
