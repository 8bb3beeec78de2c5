"""Trains the models, exports them and compiles the peers that need it; what is there already is kept.

prepare.py CACHE [NAME ...]

CACHE/lib/             the libraries by plain names, for dlopen; ONNX Runtime once more, without AVX
CACHE/models/NAME/     model.json | model.txt | model.onnx, rows.f32, answers.f64, tl2cgen.so …
"""

import argparse
import importlib.metadata
import importlib.util
import sys
import time
import warnings
from pathlib import Path

import generated
import models
import onnx_export
import onnxruntime
import without_avx

HERE = Path(__file__).resolve().parent
LIBRARIES = {
    "libxgboost.so": ("xgboost", "lib/libxgboost.so"),
    "lib_lightgbm.so": ("lightgbm", "lib/lib_lightgbm.so"),
    "libonnxruntime.so": ("onnxruntime", "capi/libonnxruntime.so.*"),
}
OPENBLAS = ("/usr/lib/*/openblas-pthread/libopenblas.so.0", "/usr/lib/*/libopenblas.so.0", "/usr/lib/libopenblas.so.0")


def link_libraries(folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, pattern) in LIBRARIES.items():
        root = Path(importlib.util.find_spec(package).origin).parent
        link(folder / name, next(iter(sorted(root.glob(pattern))), None))
    found = (path for pattern in OPENBLAS for path in sorted(Path("/").glob(pattern[1:])))
    link(folder / "libopenblas.so", next(found, None))


def link(name: Path, target: Path | None):
    if target is None:
        raise SystemExit(f"{name.name} is not installed; run .ci/dependencies bench")
    name.unlink(missing_ok=True)
    name.symlink_to(target)


def train(model: models.Model, folder: Path):
    scripts = [(HERE / name).read_bytes() for name in ("data.py", "models.py", "onnx_export.py")]
    scripts.append((HERE.parents[2] / "models" / "train" / "export_sklearn.py").read_bytes())
    packages = ("catboost", "lightgbm", "numpy", "onnxmltools", "scikit-learn", "skl2onnx", "xgboost")
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    target = folder / "model.onnx"
    if generated.is_current(target, *scripts, versions):
        return
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    model.train(folder)
    onnx_export.export(folder, model.width)
    onnx_export.check(folder, model.width)
    generated.stamp(target, *scripts, versions)
    print(f"{model.name}: trained and exported in {time.monotonic() - begin:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models, default all")
    options = parser.parse_args()
    known = [model.name for model in models.MODELS]
    unknown = set(options.names) - set(known)
    if unknown:
        sys.exit(f"no such model: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    wanted = options.names or known
    # Networks stop before they converge, on purpose; exporters name shapes that ONNX Runtime corrects.
    warnings.simplefilter("ignore")
    onnxruntime.set_default_logger_severity(3)
    libraries = options.cache / "lib"
    link_libraries(libraries)
    without_avx.copy_library(libraries / "libonnxruntime.so", libraries / "libonnxruntime-sse.so")
    for model in models.MODELS:
        if model.name in wanted:
            train(model, options.cache / "models" / model.name)
    for tool, recipe in generated.TOOLS.items():
        for name in recipe.models:
            if name in wanted:
                generated.compile_peer(tool, options.cache / "models" / name)


main()
