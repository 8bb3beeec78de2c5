"""Writes a model bundle: the trainer's file, manifest, golden rows, profile and checksums.

    NAME/VERSION/  model.json | model.txt     as its trainer wrote it
                   manifest.yaml              what goes in and out, and where the model comes from
                   golden.ndjson              rows with the trainer's own answers
                   profile.json               how the training data were distributed
                   SHA256SUMS                 of the four files, checked by `sha256sum -c`

Works for any XGBoost or LightGBM model with one input row of numbers; `train.py` is its user.  The folder
appears whole: it is filled under another name and renamed.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from digits import double_text
from features import Feature
from generate import sha256_of
from golden import golden_lines
from oracle import FORMATS, open_oracle
from reference_profile import profile_text


@dataclass
class Bundle:
    """What a bundle says beside the model file itself.

    `training` is float64 [rows][features], NaN for missing, with its `labels`; `example` one such row.
    """

    name: str
    version: str
    features: list[Feature]
    objective: str
    training: np.ndarray
    labels: np.ndarray
    example: np.ndarray
    lineage: dict = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    threshold: float = 0.5
    golden_seed: int = 0


def write_bundle(repository: Path, model_file: Path, bundle: Bundle) -> Path:
    """Writes NAME/VERSION under `repository`, replacing what is there, and returns its path."""
    target = repository / bundle.name / bundle.version
    staging = target.with_name(f".{bundle.version}.new")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    shipped = staging / f"model{model_file.suffix}"
    shutil.copyfile(model_file, shipped)
    declared = "FP64" if shipped.suffix == ".txt" else "FP32"
    rng = np.random.default_rng(bundle.golden_seed)
    lines = golden_lines(rng, shipped, bundle.features, bundle.training, bundle.labels, bundle.example, declared)
    _write(staging / "golden.ndjson", "\n".join(lines) + "\n")
    scored = bundle.training if declared == "FP64" else bundle.training.astype(np.float32)
    _, scores = open_oracle(shipped).answers(scored)
    _write(staging / "profile.json", profile_text(bundle.features, bundle.training, scores, sha256_of(shipped)))
    _write(staging / "manifest.yaml", manifest_text(bundle, shipped.name, declared))
    names = sorted(file.name for file in staging.iterdir())
    _write(staging / "SHA256SUMS", "".join(f"{sha256_of(staging / name)}  {name}\n" for name in names))
    shutil.rmtree(target, ignore_errors=True)
    staging.rename(target)
    return target


def _write(path: Path, text: str):
    path.write_text(text, encoding="utf-8")


def manifest_text(bundle: Bundle, model_name: str, declared: str) -> str:
    """manifest.yaml.  Strings are JSON strings, which YAML reads alike: Norway stays "NO"."""
    model_format = FORMATS[Path(model_name).suffix]
    output = [f"objective: {_scalar(bundle.objective)}"]
    if bundle.classes:
        output.append(f"classes: [{', '.join(map(_scalar, bundle.classes))}]")
    output += [f"threshold: {double_text(bundle.threshold)}", "positive: 1"]
    lines = [
        "schema: 1",
        f"name: {bundle.name}",
        f"version: {_scalar(bundle.version)}",
        f"model: {{file: {model_name}, format: {model_format}}}",
        f"input: {{name: features, datatype: {declared}}}",
        "features:",
    ]
    for feature in bundle.features:
        lines += _feature(feature)
    lines += [f"output: {{{', '.join(output)}}}", "budgets: {latency: 10ms, cost: 50us}", "golden: present", "lineage:"]
    lines += _mapping(bundle.lineage, "  ")
    return "\n".join(lines) + "\n"


def _feature(feature: Feature) -> list[str]:
    lines = [f"# {feature.why}"] if feature.why else []
    parts = [f"name: {feature.name}", f"type: {feature.kind}"]
    if feature.unit:
        parts.append(f"unit: {feature.unit}")
    if feature.range:
        parts.append(f"range: [{double_text(feature.range[0])}, {double_text(feature.range[1])}]")
    if feature.missing != "model":
        parts.append(f"missing: {feature.missing}")
    if feature.reason:
        parts.append(f"reason: {_scalar(feature.reason)}")
    text = f"- {{{', '.join(parts)}"
    if feature.categories:
        text += ",\n   categories: [" + ", ".join(map(_scalar, feature.categories)) + "]"
    return lines + [text + "}"]


def _scalar(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return double_text(value)
    return json.dumps(value, ensure_ascii=False)


def _mapping(values: dict, indent: str) -> list[str]:
    lines = []
    for key, value in values.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{key}:")
            lines += _mapping(value, indent + "  ")
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}")
    return lines
