"""Limits the size of log files while other processes write to them.

A log is copied and truncated, not renamed, so the writer keeps using its open file. The writer must append (`O_APPEND`), as all of our
processes do. It continues to work whatever happens to its log file.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

MAX_BYTES = 10_000_000
"""Size from which a log is rotated."""
KEPT_FILES = 3
"""Number of earlier parts of a log that are kept, the newest as `.1`. Each has `MAX_BYTES`, plus the output between two checks."""


def rotate(log: Path) -> None:
    """Rename the log to `.1` and delete the oldest part. For a log without a writer."""
    if log.exists():
        _make_room(log)
        log.replace(_earlier(log, 1))


def limit_size(log: Path) -> bool:
    """Rotate a log that is too long while its writer keeps it open; return whether it was too long. The content is copied to `.1`, or lost if
    the disk is full.

    A line that is written between the copy and the truncation is lost.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size > MAX_BYTES:
            _copy_aside(log)
            os.truncate(log, 0)
            return True
    return False


def _copy_aside(log: Path) -> None:
    _make_room(log)
    copy = _earlier(log, 1)
    try:
        shutil.copy(log, copy)
    except OSError:
        # On a full disk, delete the partial copy, because it would keep the disk full.
        copy.unlink(missing_ok=True)


def _make_room(log: Path) -> None:
    for number in range(KEPT_FILES - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            _earlier(log, number).replace(_earlier(log, number + 1))


def _earlier(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
