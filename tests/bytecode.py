"""Bytecode for a test run where none may be written next to the sources: compiled once, for all its processes and the next runs.

Loaded by pytest before everything else (`-p tests.bytecode` in pyproject.toml). With PYTHONDONTWRITEBYTECODE set, as in many
containers, every test process and every process that a test starts would compile everything it imports: three quarters of their start.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.dont_write_bytecode:
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(
        Path(__file__).parents[1] / ".pytest_cache" / "bytecode"
    )
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
