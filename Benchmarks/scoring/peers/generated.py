"""The peers that turn a model into machine code, each compiled as its users would.

    tl2cgen   model ─► treelite ─► main.c ─► gcc -O2 -march=native ─► tl2cgen.so     XGBoost models, forest
    lleaves   model.txt ─► LLVM ─► object file ─► linked ─► lleaves.so               LightGBM models
    catboost  model.cpp ─► g++ -O2 -march=native ─► catboost.so                      CatBoost

A compilation is done again only when the model, the tool's version or the commands change.  The big ones take about
nine minutes each of one core: that is the peers' way, and part of the comparison.
"""

import hashlib
import importlib.metadata
import pickle
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GCC = ["gcc", "-O2", "-march=native", "-shared", "-fPIC"]
GXX = ["g++", "-O2", "-march=native", "-shared", "-fPIC", "-std=c++17"]
CATBOOST_ENTRY = """
extern "C" double catboost_score(const void *features) {
    return ApplyCatboostModel(*static_cast<const std::vector<float> *>(features));
}
extern "C" void *catboost_row(const float *values, unsigned long count) {
    return new std::vector<float>(values, values + count);
}
extern "C" void catboost_free_row(void *row) { delete static_cast<std::vector<float> *>(row); }
"""


def is_current(target: Path, *parts: str | bytes) -> bool:
    """Whether `target` was made from exactly these parts; if not, the stamp is renewed by `stamp`."""
    mark = target.with_suffix(target.suffix + ".stamp")
    return target.exists() and mark.exists() and mark.read_text() == fingerprint(*parts)


def stamp(target: Path, *parts: str | bytes):
    target.with_suffix(target.suffix + ".stamp").write_text(fingerprint(*parts))


def fingerprint(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode()
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()


def machine() -> str:
    """What -march=native means here, and the compiler."""
    shown = subprocess.run([*GCC[:3], "-Q", "--help=target"], capture_output=True, text=True, check=True)
    version = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True)
    return shown.stdout + version.stdout


def run(command: list[str], folder: Path):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def compile_tl2cgen(folder: Path, work: Path):
    import tl2cgen
    import treelite

    if (folder / "model.pickle").exists():
        model = treelite.sklearn.import_model(pickle.loads((folder / "model.pickle").read_bytes()))
    else:
        model = treelite.frontend.load_xgboost_model(folder / "model.json", format_choice="use_suffix")
    tl2cgen.generate_c_code(model, dirpath=work, params={})
    run([*GCC, "-o", "tl2cgen.so", *sorted(path.name for path in work.glob("*.c")), "-lm"], work)


def compile_lleaves(folder: Path, work: Path):
    import lleaves

    lleaves.Model(model_file=str(folder / "model.txt")).compile(cache=str(work / "model.o"), raw_score=True)
    run(["gcc", "-shared", "-o", "lleaves.so", "model.o", "-lm"], work)


def compile_catboost(folder: Path, work: Path):
    (work / "model.cpp").write_text((folder / "model.cpp").read_text() + CATBOOST_ENTRY)
    run([*GXX, "-o", "catboost.so", "model.cpp"], work)


@dataclass(frozen=True)
class Tool:
    compiler: Callable[[Path, Path], None]
    models: tuple[str, ...]
    # What it reads, the first that is there.
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    # Everything else that its output depends on.
    recipe: str


TOOLS = {
    "lleaves": Tool(
        compile_lleaves, ("lgb100x31", "lgbcat100x31", "lgb500x63"), ("model.txt",), ("lleaves", "llvmlite"), ""
    ),
    "catboost": Tool(compile_catboost, ("cat500x6",), ("model.cpp",), (), " ".join(GXX) + CATBOOST_ENTRY),
    "tl2cgen": Tool(
        compile_tl2cgen,
        ("xgb100x6", "rf200x10", "xgb500x8"),
        ("model.json", "model.pickle"),
        ("tl2cgen", "treelite"),
        " ".join(GCC),
    ),
}


def compile_peer(name: str, folder: Path):
    """Makes `folder`/`name`.so unless it is there already, and says how long it took."""
    tool = TOOLS[name]
    target = folder / f"{name}.so"
    source = next(folder / file for file in tool.sources if (folder / file).exists())
    versions = " ".join(f"{package} {importlib.metadata.version(package)}" for package in tool.packages)
    parts = [source.read_bytes(), versions, tool.recipe, machine()]
    if is_current(target, *parts):
        return
    print(f"{folder.name}: compiling {name}", flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder) as work:
        tool.compiler(folder, Path(work))
        shutil.move(Path(work) / target.name, target)
    seconds = time.monotonic() - begin
    target.with_suffix(".seconds").write_text(f"{seconds:.1f}\n")
    stamp(target, *parts)
    print(f"{folder.name}: {name} compiled in {seconds:.0f} s", flush=True)
