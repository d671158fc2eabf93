"""Restricts files written by wbs-sync to its user: they contain amounts, vendor names and access to Redis."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

log = logging.getLogger(__name__)

OURS = (
    "valkey", "logs", "flower", "flower-password", "up.lock", "*.json", "*.json.new", "*.heartbeat", "*.html",
)  # fmt: skip
"""Folders (with their content) and files of wbs-sync in DATA_DIR. Anything else there is not touched."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private(data_dir: Path) -> None:
    """Restrict all files that this process creates from here on to its user, and those that an older version left in DATA_DIR."""
    os.umask(OTHERS)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if _is_only_ours(data_dir):
            _tighten(data_dir)
        for pattern in OURS:
            for path in data_dir.glob(pattern):
                _tighten(path)
                for inner in path.rglob("*") if path.is_dir() and not path.is_symlink() else ():
                    _tighten(inner)
    except OSError as error:
        log.warning("Could not restrict access to %s: %s", data_dir, error.strerror)


def _tighten(path: Path) -> None:
    """Remove permissions of other users. Files of other users and links are not changed."""
    try:
        state = path.lstat()
        if state.st_uid == os.geteuid() and state.st_mode & OTHERS and not stat.S_ISLNK(state.st_mode):
            path.chmod(stat.S_IMODE(state.st_mode) & ~OTHERS)
    except OSError as error:
        log.warning("Could not restrict access to %s: %s", path, error.strerror)


def _is_only_ours(data_dir: Path) -> bool:
    """Return whether the folder is neither shared (/tmp) nor contains the working directory or the home directory."""
    folder = data_dir.resolve()
    others = {Path.cwd().resolve(), Path.home().resolve()}
    return not folder.stat().st_mode & stat.S_ISVTX and not any(one.is_relative_to(folder) for one in others)
