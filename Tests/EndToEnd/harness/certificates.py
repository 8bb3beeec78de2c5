"""The test authority of `make certs`, as settings for a gateway and contexts for its clients."""

import shutil
import ssl
import subprocess
from pathlib import Path

from harness.gateway import ROOT


class Certificates:
    def __init__(self, folder: Path):
        self.folder = folder
        subprocess.run([ROOT / ".ci" / "certs", folder], check=True, timeout=60)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def pair(self, name: str) -> dict:
        return {"certificate": self.path(f"{name}.pem"), "key": self.path(f"{name}.key")}

    def copy(self, name: str, place: Path) -> dict:
        """Puts a pair at `place`.pem and .key, over what is there."""
        for kind in ("key", "pem"):
            shutil.copyfile(self.folder / f"{name}.{kind}", f"{place}.{kind}.new")
            Path(f"{place}.{kind}.new").chmod(0o600)
            Path(f"{place}.{kind}.new").rename(f"{place}.{kind}")
        return {"certificate": f"{place}.pem", "key": f"{place}.key"}

    def listener(self, *names: str, **changes) -> dict:
        """The section `listen.tls`."""
        return {
            "address": "127.0.0.1", "port": 0, "certificates": [self.pair(name) for name in names or ("server",)],
            **changes,
        }

    def mutual(self, *names: str, **changes) -> dict:
        changes = {"client_authentication": "required", "authorities": self.path("ca.pem"), **changes}
        return self.listener(*names, **changes)

    def client(self, name: str | None = None, protocols=("h2",), version=ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """A client's context; `name`: the pair it authenticates with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.path("ca.pem"))
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(list(protocols))
        if name:
            context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        return context
