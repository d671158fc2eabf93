"""Log files of bounded size, for processes that write to a file that somebody else keeps small.

The writer goes on with the descriptor that it has: the file is copied and emptied, not renamed. It has to append (`O_APPEND`), as all of
ours do. So a writer needs nobody to read from it, and whatever becomes of its log, it goes on working.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

MAX_BYTES = 10_000_000
"""A log that is longer is put aside."""
KEPT_FILES = 3
"""So many earlier parts of a log are kept, the newest as `.1`: `MAX_BYTES` each, and what is written between two looks."""


def put_aside(log: Path) -> None:
    """Begin a new log under the same name; the present one becomes `.1`, and the oldest is forgotten. For a log that nobody writes to."""
    if log.exists():
        _make_room(log)
        log.replace(_earlier(log, 1))


def limit_size(log: Path) -> bool:
    """Empty a log that is too long, whose writer goes on; whether it was. What it held becomes `.1`, or is lost where the disk is full.

    A line that is written in the very moment between the copy and the emptying is lost.
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
        # Part of a copy, on a disk without room, would only keep it full.
        copy.unlink(missing_ok=True)


def _make_room(log: Path) -> None:
    for number in range(KEPT_FILES - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            _earlier(log, number).replace(_earlier(log, number + 1))


def _earlier(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
