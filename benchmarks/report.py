"""docs/performance.md from the figures in docs/performance/. Only what was run stands in it."""

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
    "cold-15": "The same, cap 15",
    "cold-65": "The same, cap 65",
    "default-15": "A scan of about a minute with default settings, cap 15",
    "default-65": "A scan of about half a minute with default settings, cap 65",
    "alternatives": "What else one would write",
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
    "login 9, our own 11; Celery's worker, its threads and their kept-alive sessions are the rest.",
    "an invoice of 300 lines and 300 new codes: time / (300 x write / cap)": "The Items themselves are made at the cap's speed; what is left are some 2.5 s that do not grow with the codes: "
    "a dozen reads of 0.1 s before and after, the bill's own write, and two steps through the queue.",
    "CPU per project, most / least of the sizes": "With 100 projects the fixed costs of a second (the list, resume, heartbeats) weigh a millisecond a project; between 1,000 and 10,000 "
    "projects it is flat.",
    "100 projects: worker CPU per project": "As below: the fixed costs of a second weigh a millisecond a project.",
}


def write() -> int:
    """Write the report and the capacity sheet; 1 while a benchmark has not been run."""
    missing = [name for name in ORDER if not (FOLDER / f"{name}.json").exists()]
    for name in missing:
        sys.stderr.write(f"not run yet: uv run python -m benchmarks {name}\n")
    if missing:
        return 1
    REPORT.write_text(text())
    scaling.SCALING.write_text(scaling.text())
    return 0


def text() -> str:
    """The report on the figures as they are kept."""
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
    """Whether the report says what the figures say."""
    return REPORT.read_text() == text() and scaling.SCALING.read_text() == scaling.text()


def _opening(runs: Sequence[tuple[str, ...]]) -> str:
    return f"""# Performance

NetSuite's account-wide cap is the physical limit of this job, so the figures ask two things: is the cap kept busy, and is everything else cheap. Everything runs
on one machine: the simulators in a process of their own, an embedded server, real workers, all over HTTP and Redis' protocol. The script with threads runs in the same run as the product, the other two in one of their own. This page is
made by `python -m benchmarks report` from the figures of the runs below; each command says by its exit code whether every limit was kept.

{_table(("Benchmark", "Commit", "Ended", "On"), runs)}

What is compared with: a script with as many threads as the cap, sessions kept, that posts and hopes (nothing is looked up, nothing is remembered, nothing is
said twice without making two records) is the upper bound and what one would write instead; a sequential script; and Celery as its first example has it.
"""


def _not_kept(missed: Sequence[Figure]) -> str:
    """What stands in the way of each figure that keeps no limit."""
    lines = [
        f"- {one.name} ({number(one.median)} {one.unit}): {REASONS.get(one.name, 'not looked into yet')}"
        for one in missed
    ]
    told = "\n".join(lines) or "Every limit was kept."
    return f"## What was not kept, and why\n\n{told}\n"


def _closing() -> str:
    commands = "\n".join(f"uv run python -m benchmarks {name}" for name in ORDER)
    return f"""## Run it again

```sh
{commands}
uv run python -m benchmarks report
```

Linux only, for what processes cost is read from `/proc`. Leave the machine alone meanwhile. What these costs come to on more machines and for more projects: [scaling](scaling.md).
"""


def _spread(figure: Figure) -> tuple[str, str, str]:
    return number(min(figure.values)), number(figure.median), number(max(figure.values))


def _verdict(figure: Figure) -> str:
    return {None: "", True: "kept", False: "**not kept**"}[figure.kept]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
