"""The shipped bundles: golden rows as requests, and copies of a bundle with something changed."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from harness.gateway import MODELS

VERSIONS = ("1", "2")
MODEL = "fraud"


@dataclass(frozen=True)
class Golden:
    """One golden row. `row`: numbers as the trainer's own predict got them, None, category strings."""

    row: tuple
    input: str
    margin: tuple
    score: tuple


@dataclass(frozen=True)
class Bundle:
    version: str
    manifest: dict
    golden: tuple

    @property
    def names(self) -> list[str]:
        return [feature["name"] for feature in self.manifest["features"]]

    @property
    def score_type(self):
        """The type the trainer accumulates in."""
        return np.float64 if self.manifest["model"]["format"] == "lightgbm" else np.float32

    @property
    def score_datatype(self) -> str:
        return "FP64" if self.score_type is np.float64 else "FP32"

    @property
    def tensor_name(self) -> str:
        return self.manifest.get("input", {}).get("name", "features")

    def rows(self, kind: str) -> list[Golden]:
        return [golden for golden in self.golden if golden.input == kind]

    def codes(self, golden: Golden) -> list:
        """The row as V2 has it: categories as codes, missing as None."""
        values = []
        for feature, value in zip(self.manifest["features"], golden.row, strict=True):
            values.append(float(feature["categories"].index(value)) if isinstance(value, str) else value)
        return values

    def objects(self, rows: list[Golden]) -> list[dict]:
        """Rows as V1 has them by name."""
        return [dict(zip(self.names, golden.row, strict=True)) for golden in rows]

    def matrix(self, rows: list[Golden], datatype: str) -> np.ndarray:
        """Rows as a binary tensor; missing is NaN."""
        numbers = [[np.nan if value is None else value for value in self.codes(golden)] for golden in rows]
        return np.array(numbers, dtype=np.float32 if datatype == "FP32" else np.float64)

    def v2(self, rows: list[Golden], datatype: str, outputs=None) -> dict:
        data = [value for golden in rows for value in self.codes(golden)]
        tensor = {"name": self.tensor_name, "shape": [len(rows), len(self.names)], "datatype": datatype, "data": data}
        body = {"inputs": [tensor]}
        if outputs is not None:
            body["outputs"] = [{"name": name} for name in outputs]
        return body


@cache
def bundle(version: str) -> Bundle:
    folder = MODELS / MODEL / version
    manifest = yaml.load((folder / "manifest.yaml").read_text(), Loader=yaml.CSafeLoader)
    lines = (folder / "golden.ndjson").read_text().splitlines()
    return Bundle(version, manifest, tuple(_golden(json.loads(line)) for line in lines))


def _golden(line: dict) -> Golden:
    def exact(value):
        # The digits of an FP32 row are a float32's: widen that number, not the digits.
        if isinstance(value, str) or value is None:
            return value
        return float(np.float32(value)) if line["input"] == "FP32" else float(value)

    return Golden(tuple(map(exact, line["row"])), line["input"], tuple(line["margin"]), tuple(line["score"]))


def ulps(first, second, kind) -> int:
    """How many representable numbers of `kind` lie between two finite ones."""
    width = np.int32 if kind is np.float32 else np.int64

    def place(number) -> int:
        bits = int(np.array(number, dtype=kind).view(width))
        return bits if bits >= 0 else int(np.iinfo(width).min) - bits

    return abs(place(first) - place(second))


def assert_scores(found, rows: list[Golden], kind):
    """Scores within 1 unit in the last place of the trainer's own."""
    found = np.asarray(found, dtype=np.float64).reshape(len(rows), -1)
    for index, golden in enumerate(rows):
        for value, wanted in zip(found[index], golden.score, strict=True):
            assert ulps(value, wanted, kind) <= 1, f"golden row {index}: score {value!r}, trainer's {wanted!r}"


def assert_margins(found, rows: list[Golden], kind):
    """Margins bit for bit."""
    wanted = np.array([golden.margin for golden in rows], dtype=kind)
    found = np.asarray(found, dtype=np.float64).astype(kind).reshape(wanted.shape)
    different = [i for i in range(len(rows)) if found[i].tobytes() != wanted[i].tobytes()]
    assert not different, f"golden rows {different[:5]}: {found[different[:5]]!r}, trainer's {wanted[different[:5]]!r}"


def copy_bundle(repository: Path, version: str = "1", change=None) -> Path:
    """Copies a shipped bundle; `change(folder)` alters it, after which its checksums are written anew."""
    folder = repository / MODEL / version
    shutil.copytree(MODELS / MODEL / version, folder)
    if change:
        change(folder)
        rewrite_sums(folder)
    return folder


def rewrite_sums(folder: Path):
    """The checksums of a bundle's files as they are now."""
    sums = folder / "SHA256SUMS"
    names = [line.split(maxsplit=1)[1].lstrip("*") for line in sums.read_text().splitlines() if line]
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    sums.write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))


def change_manifest(change):
    """A change for `copy_bundle` that edits the manifest's dictionary."""

    def apply(folder: Path):
        path = folder / "manifest.yaml"
        manifest = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        change(manifest)
        path.write_text(yaml.safe_dump(manifest, sort_keys=False))

    return apply
