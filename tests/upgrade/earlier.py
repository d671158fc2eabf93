"""The code of an earlier version, taken from the history of this repository."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRST_RELEASE = "4ac4974640881a5a66e853840c45ae5136dd9c5b"
"""Version 0.1.0 as an installation of November 2026 has it: the last commit before claims, presence, decisions and pauses of one permission
came. No version was tagged, and all commits say 0.1.0, so the one that differs most from today's and can still be rolled back to is taken.
"""
PARTS = (
    "worker",
    "tasks",
    "config",
    "simulators",
    "tests/__init__.py",
    "tests/support.py",
    "tests/real",
    "pyproject.toml",
)


class NoHistory(Exception):
    """The repository does not hold that commit."""


def take_out(commit: str, folder: Path) -> Path:
    """Put the code of a commit into a folder, and return the folder. Raises NoHistory if the checkout has no such commit."""
    exported = subprocess.run(["git", "archive", commit, *PARTS], cwd=ROOT, capture_output=True, check=False)
    if exported.returncode:
        raise NoHistory(f"no commit {commit[:7]} here, as in a shallow clone: {exported.stderr.decode().strip()[:200]}")
    with tarfile.open(fileobj=io.BytesIO(exported.stdout)) as archive:
        # Python 3.11.0 to 3.11.3 has no argument for it, and no filters; this archive is our own.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)
    return folder
