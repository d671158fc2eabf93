"""Writes docs/performance.md from the figures in docs/performance/. The page only has figures of runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import figures, scaling
from benchmarks.figures import FOLDER, ROOT, Figure, number

REPORT = ROOT / "docs" / "performance.md"
ORDER = (
    "cold-5",
    "cold-15",
    "cold-65",
    "default-15",
    "default-65",
    "alternatives",
    "machines",
    "overhead",
    "warm",
    "first",
    "invoices",
    "reruns",
    "verify",
    "limits",
    "footprint",
)
TITLES = {
    "cold-5": "A scan in which everything is new, cap 5",
    "cold-15": "A scan in which everything is new, cap 15",
    "cold-65": "A scan in which everything is new, cap 65",
    "default-15": "A scan of about a minute with default settings, cap 15",
    "default-65": "A scan of about half a minute with default settings, cap 65",
    "alternatives": "Alternatives",
    "machines": "More workers",
    "overhead": "What one Item costs",
    "warm": "A scan in which nothing is new",
    "first": "The first result",
    "invoices": "Invoices",
    "reruns": "A run of all invoices in which nothing is new",
    "verify": "A comparison of both systems",
    "limits": "Procore's limits",
    "footprint": "Memory and start",
}


REASONS = {
    "a worker with 16 threads": "66 MB are imports before any work: Celery 20, its Redis transport 5, pydantic and settings 10, requests 6, the signing of NetSuite's "
    "login 9, our own code 11. The rest is Celery's worker, its threads and their kept-alive sessions.",
    "an invoice of 300 lines and 300 new codes: time / (300 x write / cap)": "The Items themselves are created at the cap's speed. The rest is some 2.5 s that do not grow with the number of codes: "
    "a dozen reads of 0.1 s before and after, the write of the bill, and two steps through the queue.",
    "CPU per project, most / least of the sizes": "A scan has fixed costs (its own message, and one for each thread) that are divided by few projects in a small one. "
    "With 10,000 projects the CPU per project is not higher than with 1,000.",
    "from the start of the scan until the first Item exists": "A new server is recorded first, and nothing is written for some seconds after that: otherwise a loss of Redis in this "
    "moment could not be distinguished from a first start (decision 3). Only the first write of a new or restarted server waits.",
    "Redis commands per Item": "Every two seconds a heartbeat compares the clocks, which takes one command more; in a short scan that is some tenths of a command per Item.",
    "memory of a worker, most / least of the sizes": "A worker keeps the list of projects that it read last: about 1 KB for each of 10,000 projects.",
}


def write() -> int:
    """Write the report and the capacity sheet. Return 1 if a benchmark has not been run yet, else 0."""
    missing = [name for name in ORDER if not (FOLDER / f"{name}.json").exists()]
    for name in missing:
        sys.stderr.write(f"not run yet: uv run python -m benchmarks {name}\n")
    if missing:
        return 1
    REPORT.write_text(text())
    scaling.SCALING.write_text(scaling.text())
    return 0


def text() -> str:
    """Return the report for the kept figures."""
    kept = {name: figures.read(FOLDER / f"{name}.json") for name in ORDER}
    runs = [
        (
            f"[{name}](performance/{name}.json)",
            f"`{run['commit']}`{', with local changes' if run['with_local_changes'] else ''}",
            run["ended"],
            f"{run['cores']} cores, {run['system']}, Python {run['python']}",
        )
        for name, (run, _) in kept.items()
    ]
    parts = [_opening(runs)]
    for name, (_, sheet) in kept.items():
        rows = [(one.name, *_spread(one), one.unit, figures.limit(one), _verdict(one)) for one in sheet.figures]
        header = ("Figure", "Min", "Median", "Max", "", "Must be", "")
        parts.append(f"## {TITLES[name]}\n\n{sheet.setting}.\n\n{_table(header, rows)}\n")
    parts.append(_not_kept([one for _, sheet in kept.values() for one in sheet.figures if one.kept is False]))
    parts.append(_closing())
    return "\n".join(parts)


def is_current() -> bool:
    """Return whether the report agrees with the kept figures."""
    return REPORT.read_text() == text() and scaling.SCALING.read_text() == scaling.text()


def _opening(runs: Sequence[tuple[str, ...]]) -> str:
    return f"""# Performance

NetSuite's account-wide cap limits the speed of wbs-sync, so the figures answer two questions: is the cap kept busy, and is everything else cheap? Everything runs
on one machine: the simulators in a separate process, an embedded server and real workers, connected by HTTP and Redis' protocol. `python -m benchmarks report` writes this page from the
figures of the runs below; the exit code of each command shows whether every limit was kept.

{_table(("Benchmark", "Commit", "Ended", "On"), runs)}

The product is compared with three alternatives:

- A script with as many threads as the cap and kept-alive sessions, which only posts. It looks nothing up and records nothing, so a repeated request creates a second record. It is the upper bound of
  the speed, and is measured in the same run as the product.
- A sequential script, measured in a separate run.
- Celery with one task per code, as in its first example, measured in a separate run.
"""


def _not_kept(missed: Sequence[Figure]) -> str:
    """Return the section with the reason for each figure that misses its limit."""
    lines = [
        f"- {one.name} ({number(one.median)} {one.unit}): {REASONS.get(one.name, 'not analyzed yet')}" for one in missed
    ]
    reasons = "\n".join(lines) or "Every limit was kept."
    return f"## Limits that were not kept, and why\n\n{reasons}\n"


def _closing() -> str:
    commands = "\n".join(f"uv run python -m benchmarks {name}" for name in ORDER)
    return f"""## Run it again

```sh
{commands}
uv run python -m benchmarks report
```

The benchmarks need Linux, because they read the costs of processes from `/proc`. Run nothing else on the machine in the meantime. [Scaling](scaling.md) computes the costs on more machines and for more projects.
"""


def _spread(figure: Figure) -> tuple[str, str, str]:
    return number(min(figure.values)), number(figure.median), number(max(figure.values))


def _verdict(figure: Figure) -> str:
    return {None: "", True: "kept", False: "**not kept**"}[figure.kept]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
