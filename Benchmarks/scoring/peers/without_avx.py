"""A copy of ONNX Runtime that takes the processor for one without AVX.

It chooses its kernels by the cpuid instruction, and no setting of its own limits the choice.  In the copy every cpuid
is ud2, an instruction of the same length that stops the process with SIGILL; ../CPeers/without_avx.c answers the
signal with what the processor says, less everything that needs AVX.
"""

import platform
import re
import subprocess
from pathlib import Path

import generated

CPUID, UD2 = b"\x0f\xa2", b"\x0f\x0b"


def cpuid_places(library: Path) -> list[int]:
    """Where in the file its cpuid instructions are; the same bytes elsewhere are parts of others."""
    sections = subprocess.run(["objdump", "-h", "-w", library], capture_output=True, text=True, check=True).stdout
    # Index, name, size, address in memory (twice), offset in the file.
    text = next(line.split() for line in sections.splitlines() if " .text " in line)
    address, offset = int(text[3], 16), int(text[5], 16)
    command = ["objdump", "-d", "-j", ".text", "--no-show-raw-insn", library]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [
        int(found, 16) - address + offset for found in re.findall(r"^\s*([0-9a-f]+):\s+cpuid\b", code, re.MULTILINE)
    ]


def copy_library(library: Path, target: Path):
    raw = library.resolve().read_bytes()
    parts = [raw, Path(__file__).read_bytes()]
    if generated.is_current(target, *parts):
        return
    copy = bytearray(raw)
    if platform.machine() == "x86_64":
        places = cpuid_places(library.resolve())
        if not places or any(copy[place : place + 2] != CPUID for place in places):
            raise SystemExit(f"{library.name}: its cpuid instructions are not where objdump says")
        for place in places:
            copy[place : place + 2] = UD2
    target.write_bytes(copy)
    generated.stamp(target, *parts)
