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
    "alternatives",
    "machines",
    "overhead",
    "warm",
    "first",
    "invoices",
    "limits",
    "footprint",
)
TITLES = {
    "cold-5": "A scan in which everything is new, cap 5",
    "cold-15": "The same, cap 15",
    "cold-65": "The same, cap 65",
    "alternatives": "What else one would write",
    "machines": "More workers",
    "overhead": "What one Item costs",
    "warm": "A scan in which nothing is new",
    "first": "The first result",
    "invoices": "Invoices",
    "limits": "Procore's limits",
    "footprint": "Memory and start",
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
    parts.append(_closing())
    return "\n".join(parts)


def is_current() -> bool:
    """Whether the report says what the figures say."""
    return REPORT.read_text() == text() and scaling.SCALING.read_text() == scaling.text()


def _opening(runs: Sequence[tuple[str, ...]]) -> str:
    return f"""# Performance

NetSuite's account-wide cap is the physical limit of this job, so the figures ask two things: is the cap kept busy, and is everything else cheap. Everything runs
on one machine: the simulators in a process of their own, an embedded server, real workers, all over HTTP and Redis' protocol. Baselines run in the same run. This page is
made by `python -m benchmarks report` from the figures of the runs below; each command says by its exit code whether every limit was kept.

{_table(("Benchmark", "Commit", "Ended", "On"), runs)}

What is compared with: a script with as many threads as the cap, sessions kept, that posts and hopes (nothing is looked up, nothing is remembered, nothing is
said twice without making two records) is the upper bound and what one would write instead; a sequential script; and Celery as its first example has it.
"""


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
