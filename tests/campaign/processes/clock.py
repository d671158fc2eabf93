"""A process whose wall clock is off: a small library in front of the C library, built on the spot where there is a compiler."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("clock_shift.c")


def shifted(seconds: float, folder: Path) -> Mapping[str, str]:
    """Variables of a process whose clock is off by so many seconds; none where it cannot be done: no Linux, or no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        return {}
    library = folder / "clock_shift.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    built = subprocess.run(command, capture_output=True, check=False)
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT": f"{seconds:.0f}"} if built.returncode == 0 else {}
