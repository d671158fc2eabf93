"""A small JSON file in DATA_DIR: data that a machine keeps when Redis is lost."""

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
    """Return what was written last; empty if the file is missing or unreadable."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def write(file: Path, content: Mapping[str, Any]) -> None:
    """Replace the file in one step. If that fails, it is logged, and the process continues with the data in memory."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=file.name, delete=False, encoding="utf-8") as new:
            json.dump(content, new)
            new.flush()
            os.fsync(new.fileno())
        Path(new.name).replace(file)
    except OSError as error:
        log.warning("Could not write %s: %s", file, error.strerror)
