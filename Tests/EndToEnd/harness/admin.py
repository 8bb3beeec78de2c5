"""The admin plane of one gateway: its calls over HTTP, and `serin ctl`."""

import json
import time

import httpx

from harness.gateway import run_serin


class Admin:
    def __init__(self, gateway, token_file=None):
        self.gateway = gateway
        self.token_file = token_file
        self.client = httpx.Client(base_url=f"{gateway.admin_url}/admin/v1", timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def model(self, name="fraud") -> dict:
        return self.client.get(f"/models/{name}").raise_for_status().json()

    def route(self, name="fraud") -> dict:
        return self.client.get(f"/models/{name}/route").raise_for_status().json()

    def put_route(self, route: dict, match="*", name="fraud", **query) -> httpx.Response:
        return self.client.put(f"/models/{name}/route", json=route, headers={"If-Match": match}, params=query)

    def act(self, path: str, body=None, **headers) -> httpx.Response:
        return self.client.post(path, json=body, headers=headers)

    def states(self, name="fraud") -> dict:
        return {version["version"]: version["state"] for version in self.model(name)["versions"]}

    def ctl(self, *arguments, code=0) -> str:
        """Runs `serin ctl`; returns what it printed."""
        flags = ["--admin", self.gateway.admin_url]
        if self.token_file:
            flags += ["--token-file", str(self.token_file)]
        done = run_serin("ctl", *arguments, *flags)
        assert done.returncode == code, f"exit code {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def ctl_json(self, *arguments):
        return json.loads(self.ctl(*arguments, "--json"))


def await_explanations(gateway, model="fraud") -> dict:
    """What the admin plane says of each version's explanations, once none is being prepared."""
    with Admin(gateway) as admin:
        deadline = time.monotonic() + 60
        while True:
            versions = {version["version"]: version for version in admin.model(model)["versions"]}
            if all(version.get("explanations") != "preparing" for version in versions.values()):
                return versions
            assert time.monotonic() < deadline, versions
            time.sleep(0.02)
