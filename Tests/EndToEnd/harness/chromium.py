"""Headless Chromium that opens a file: its DOM, what it asked the network for, what its console says, a screenshot.

    Chromium() ── DevTools protocol, NUL-ended JSON over two pipes ──► Page.open(file, width) ──► evaluate, screenshot
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60
#: Puts two descriptors where the browser looks for them, whichever numbers they and others have, and becomes it.
LAUNCHER = """
import fcntl, os, sys
pair = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 10) for number in sys.argv[1:3]]
os.dup2(pair[0], 3)
os.dup2(pair[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Chromium:
    """The browser, with one page."""

    def __init__(self, folder: Path):
        binary = next(filter(None, map(shutil.which, NAMES)), None)
        assert binary, "chromium is not installed: run .ci/dependencies test"
        # It reads commands from its descriptor 3 and writes to 4.
        command_read, self.commands = os.pipe()
        self.answers, answer_write = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--no-first-run", "--disable-background-networking", "--disable-extensions", "--force-color-profile=srgb",
                 "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "about:blank"]
        launcher = [sys.executable, "-c", LAUNCHER, str(command_read), str(answer_write)]
        self.log = (folder / "chromium.log").open("wb")
        self.process = subprocess.Popen(
            [*launcher, binary, *flags], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=(command_read, answer_write))
        os.close(command_read)
        os.close(answer_write)
        self.buffer = b""
        self.number = 0
        self.events = []
        self.session = None

    def __enter__(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self.commands)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)
        self.log.close()

    def call(self, method: str, **parameters) -> dict:
        """One command and its answer; events that come before it are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while (answer := self.next_message(deadline)).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def next_message(self, deadline: float) -> dict:
        while b"\0" not in self.buffer:
            assert select.select([self.answers], [], [], max(0, deadline - time.monotonic()))[0], "chromium does not answer"
            data = os.read(self.answers, 1 << 20)
            assert data, "chromium has ended"
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(line)

    def open(self, file: Path, width: int, height: int = 900):
        """Loads a file in a window of `width`, as a phone's where that is narrow."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.events.clear()
        self.call("Page.navigate", url=file.absolute().as_uri())
        deadline = time.monotonic() + SECONDS
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.next_message(deadline))

    def evaluate(self, expression: str):
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: Path):
        """The whole page as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(picture["data"]))

    # What happened since `open`

    def requests(self) -> list[str]:
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """Lines of the console, and exceptions."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in kinds]
