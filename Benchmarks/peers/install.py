"""A virtual environment for each folder below servers/ that has a requirements.txt, in CACHE/NAME/venv.

What is installed is kept until the requirements change.  A peer whose packages cannot be had is named with pip's reason.
"""

import subprocess
import sys
from pathlib import Path

from peer import Unusable, environment

INSTALL_SECONDS = 1800


def install(folder: Path, cache: Path):
    requirements = folder / "requirements.txt"
    if not requirements.exists():
        return
    venv = environment(folder, cache)
    mark = venv.parent / "installed.txt"
    if mark.exists() and mark.read_bytes() == requirements.read_bytes():
        return
    print(f"installing {folder.name} into {venv}", file=sys.stderr, flush=True)
    venv.parent.mkdir(parents=True, exist_ok=True)
    run([sys.executable, "-m", "venv", "--clear", venv])
    pip = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--requirement", requirements])
    mark.write_bytes(requirements.read_bytes())


def run(command: list):
    try:
        subprocess.run(
            [str(word) for word in command], check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise Unusable(f"not installed: pip took more than {INSTALL_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.startswith("ERROR")] or error.stderr.splitlines()
        raise Unusable(f"not installed: {' '.join(lines[-1:])[:300]}") from error
