"""Figures as they are stored and printed: the minimum, the median and the maximum of several runs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "performance"


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, in which unit, every run's value, and the limit it must keep ("" = for comparison)."""

    name: str
    unit: str
    values: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Return the median of the runs."""
        return statistics.median(self.values)

    @property
    def kept(self) -> bool | None:
        """Return whether the median keeps its limit; None if there is no limit."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or self.median >= self.at_least) and (
            self.at_most is None or self.median <= self.at_most
        )


@dataclass
class Sheet:
    """All figures of one benchmark, and the facts of its run."""

    benchmark: str
    setting: str
    figures: list[Figure] = field(default_factory=list)

    def add(
        self,
        name: str,
        unit: str,
        values: Iterable[float],
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        note: str = "",
    ) -> None:
        """Add a figure and print it immediately."""
        figure = Figure(name, unit, [float(value) for value in values], at_least, at_most, note)
        self.figures.append(figure)
        print(line_of(figure), flush=True)

    def write(self, path: Path) -> None:
        """Write the figures and the facts of the run as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"run": run_facts("benchmarks"), **asdict(self)}, indent=1, ensure_ascii=False) + "\n"
        )


def read(path: Path) -> tuple[Mapping[str, Any], Sheet]:
    """Return the facts of the run and the sheet that `write` wrote."""
    kept = json.loads(path.read_text())
    figures = [Figure(**figure) for figure in kept["figures"]]
    return kept["run"], Sheet(kept["benchmark"], kept["setting"], figures)


def line_of(figure: Figure) -> str:
    """Return a figure as one line for the terminal."""
    verdict = {None: "", True: "  kept", False: "  NOT KEPT"}[figure.kept]
    values = " ".join(number(value) for value in sorted(figure.values))
    return f"  {figure.name}: {values} {figure.unit} {limit(figure)}{verdict}"


def limit(figure: Figure) -> str:
    """Return the limit as text, with its unit."""
    if figure.at_least is not None:
        return f"≥ {number(figure.at_least)}"
    return f"≤ {number(figure.at_most)}" if figure.at_most is not None else ""


def number(value: float) -> str:
    """Return a number as text with three significant digits."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.2g}"


def run_facts(*folders: str) -> dict[str, Any]:
    """Return the commit (and whether the product or these folders have changes), the machine and the time of this run."""
    watched = ("worker", "tasks", "config", "simulators", *folders)
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "with_local_changes": bool(_git("status", "--porcelain", "--untracked-files=no", "--", *watched)),
        "ended": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
