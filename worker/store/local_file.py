"""Small JSON files in DATA_DIR: what a machine still has when Redis is lost."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def read(file: Path) -> dict[str, Any]:
    """Return the content of a file; empty if it is missing or unreadable."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def write(file: Path, content: Mapping[str, Any]) -> None:
    """Replace a file atomically. A failure is only logged: the process continues with the data in memory."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=file.name, delete=False, encoding="utf-8") as new:
            json.dump(content, new)
            new.flush()
            os.fsync(new.fileno())
        Path(new.name).replace(file)
    except OSError as error:
        log.warning("Could not write %s: %s", file, error.strerror)


class Copy:
    """One part of a file: what this machine copies from a ledger. `owner`: names the part, since several ledgers may share the file."""

    def __init__(self, file: Path, owner: str) -> None:
        self.file, self._owner = file, owner

    def read(self) -> dict[str, Any]:
        """Return the part; empty if it is missing or unreadable."""
        kept = read(self.file).get(self._owner)
        return kept if isinstance(kept, dict) else {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the part if its content differs."""
        kept = read(self.file)
        if kept.get(self._owner) != content:
            write(self.file, {**kept, self._owner: content})
