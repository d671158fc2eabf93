"""The figures of a campaign as a file: what was counted, and of which commit, on which machine, when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import run_facts


def write(path: Path | str, figures: Mapping[str, Any]) -> None:
    """Write the figures with the facts of this run."""
    Path(path).write_text(json.dumps({"run": run_facts("tests"), **figures}, indent=1, ensure_ascii=False) + "\n")
