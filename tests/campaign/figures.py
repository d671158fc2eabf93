"""The figures of a campaign as a file: what was counted, and of which commit, on which machine, when."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def write(path: Path | str, figures: Mapping[str, Any]) -> None:
    """Write the figures with the facts of this run."""
    Path(path).write_text(json.dumps({"run": _run(), **figures}, indent=1, ensure_ascii=False) + "\n")


def _run() -> dict[str, Any]:
    changed = _git(
        "status", "--porcelain", "--untracked-files=no", "--", "worker", "tasks", "config", "simulators", "tests"
    )
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "with_local_changes": bool(changed),
        "ended": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
