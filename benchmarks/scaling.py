"""docs/scaling.md: the measured costs, projected to more projects, with the formulas."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from benchmarks import figures
from benchmarks.figures import FOLDER, ROOT, number

SCALING = ROOT / "docs" / "scaling.md"
CODES = 50
CAP, WRITE_SECONDS = 15, 0.5
NEW_SHARE = 0.01
"""Of all codes, those that a daily scan finds new."""
FIRST_SEEN_BYTES = 45
"""What a record of a scan has in addition to a restored one, which was measured: when and by whom it was first seen (decision 12)."""
PROJECTS_PER_PAGE = 300
HOURLY = 3600
"""Procore's usual limit of requests in an hour."""
USABLE = 0.7
"""Of a core, what a worker process gets done: one Python thread computes at a time."""
SIZES = (10, 1_000, 100_000)


def text() -> str:
    """Return the page, computed from the figures in docs/performance/."""
    cost = _costs()
    rows = [_row(projects, cost) for projects in SIZES]
    header = (
        "Projects", "Codes", "First scan", "Daily scan, Procore's limit", "Daily scan, workers' CPU",
        "Workers", "Threads of each", "Redis memory", "Redis commands a second",
    )  # fmt: skip
    lines = [header, ("---",) * len(header), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"""# Scaling

NetSuite's concurrency limit (the cap) determines how long a first scan takes, and Procore's hourly limit how often all projects can be checked. All other costs must be small enough not to matter.
`python -m benchmarks report` computes this page from the measured costs ([performance](performance.md)); change the assumptions to compute your own.

## More machines

Each worker machine needs the same settings, above all the same `REDIS_URL` and `NETSUITE_CONCURRENCY`, and nothing else: no shared disk and no addresses of other workers. Any worker
can do any piece of work, since the gate, the limits, locks and tokens are in Redis. One `beat` is enough. With 1, 4 and 8 workers the slots are equally busy, and nothing is done twice
([performance](performance.md#more-workers)). `redis://`, `rediss://` (TLS) and `redis+sentinel://` addresses are accepted. A cluster is not, since scripts use keys of several slots.

## Capacity

{CODES} codes a project, a cap of {CAP}, {WRITE_SECONDS} s a write, {NEW_SHARE:.0%} of the codes new each day, Procore's limit at {HOURLY:,} requests an hour.

{table}

The formulas, with the measured costs:

| What | Formula |
|---|---|
| First scan | codes x seconds a write / (cap x {number(cost["busy"])}) |
| Daily scan, Procore's limit | pages / (0.96 x {HOURLY:,} an hour); a page of codes for each project, a page of the list for every {PROJECTS_PER_PAGE}. No wait below {HOURLY:,} |
| Daily scan, CPU | projects x {number(cost["project_ms"])} ms + new codes x {number(cost["item_ms"])} ms |
| Workers | cores at the busiest / {USABLE}: cap / seconds a write x {number(cost["item_ms"])} ms, or projects in ten minutes x {number(cost["project_ms"])} ms; at least two, one for exports |
| Threads of each | (cap + 5) / workers that create Items, at least 4 |
| Redis memory | 10 MB + codes x {number(cost["code_bytes"] + FIRST_SEEN_BYTES)} bytes + waiting codes x {number(cost["waiting_bytes"])} bytes; twice that while the append-only file is rewritten |
| Redis commands a second | cap / seconds a write x {number(cost["item_commands"])} while Items are created |

A first scan that waits in its lane uses Redis memory and does not fill Celery's queues: {number(cost["waiting_bytes"])} bytes for each waiting code (its record, its key in the lane and in the run). It can be stopped and continues later.
"""


def _row(projects: int, cost: Mapping[str, float]) -> tuple[str, ...]:
    codes = projects * CODES
    first = codes * WRITE_SECONDS / (CAP * cost["busy"])
    pages = projects + ceil(projects / PROJECTS_PER_PAGE)
    wait = "none" if pages <= 0.96 * HOURLY else _duration(pages / (0.96 * HOURLY) * 3600)
    cpu = (projects * cost["project_ms"] + NEW_SHARE * codes * cost["item_ms"]) / 1000
    making = CAP / WRITE_SECONDS * cost["item_ms"] / 1000
    looking = min(projects, 0.96 * HOURLY / 6) * cost["project_ms"] / 1000 / 600
    workers = max(1, ceil((making + looking) / USABLE))
    memory = 10 + codes * (cost["code_bytes"] + FIRST_SEEN_BYTES + cost["waiting_bytes"]) / 1e6
    return (
        f"{projects:,}",
        f"{codes:,}",
        _duration(first),
        wait,
        _duration(cpu),
        f"{workers} + 1 for exports",
        str(max(4, ceil((CAP + 5) / workers))),
        f"{memory:,.0f} MB",
        number(CAP / WRITE_SECONDS * cost["item_commands"]),
    )


def _costs() -> dict[str, float]:
    wanted_figures = {
        "busy": ("cold-15", "busy share of the slots"),
        "item_ms": ("overhead", "worker CPU per Item"),
        "item_commands": ("overhead", "Redis commands per Item"),
        "project_ms": ("warm", "1,000 projects: worker CPU per project"),
        "waiting_bytes": ("warm", "Redis bytes per code that waits for its Item"),
        "code_bytes": ("warm", "10,000 projects: Redis bytes per code"),
    }
    costs = {}
    for name, (benchmark, figure) in wanted_figures.items():
        _, sheet = figures.read(FOLDER / f"{benchmark}.json")
        costs[name] = next(one.median for one in sheet.figures if one.name == figure)
    return costs


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"
