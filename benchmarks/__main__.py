"""`python -m benchmarks NAME [--runs N] [--json FILE]`, `python -m benchmarks report`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import report
from benchmarks.comparisons import verify
from benchmarks.figures import FOLDER, Sheet
from benchmarks.footprint import footprint
from benchmarks.invoices import invoices
from benchmarks.limits import limits
from benchmarks.reruns import reruns
from benchmarks.scans import alternatives, cold, default, machines, overhead
from benchmarks.warm import first, warm

BENCHMARKS: dict[str, Callable[..., Sheet]] = {
    "cold-5": partial(cold, 5),
    "cold-15": partial(cold, 15),
    "cold-65": partial(cold, 65),
    "default-15": partial(default, 15, projects=30),
    "default-65": partial(default, 65, projects=80),
    "alternatives": alternatives,
    "machines": machines,
    "overhead": overhead,
    "warm": warm,
    "first": first,
    "invoices": invoices,
    "reruns": reruns,
    "verify": verify,
    "limits": limits,
    "footprint": footprint,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark and store its figures, or write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*BENCHMARKS, "report"])
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--json", type=Path, help="where the figures go; docs/performance/NAME.json if not given")
    asked = parser.parse_args(arguments)
    if asked.name == "report":
        return report.write()
    print(asked.name, flush=True)
    sheet = BENCHMARKS[asked.name](runs=asked.runs)
    sheet.write(asked.json or FOLDER / f"{asked.name}.json")
    return 0 if all(figure.kept is not False for figure in sheet.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
