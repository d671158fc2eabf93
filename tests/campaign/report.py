"""`python -m tests.campaign report`: docs/reliability.md, from the figures in docs/reliability/. Only what was run stands in it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import ROOT

FOLDER = ROOT / "docs" / "reliability"
REPORT = ROOT / "docs" / "reliability.md"
COMMANDS = {
    "simulate": "uv run python -m tests.campaign simulate --seeds 10000 --json docs/reliability/simulate.json",
    "mutations": "uv run python -m tests.campaign mutations --seeds 2000 --json docs/reliability/mutations.json",
    "processes": "uv run python -m tests.campaign processes --rounds 100 --json docs/reliability/processes.json",
    "recovery": "uv run python -m tests.campaign recovery --codes 50000 --json docs/reliability/recovery.json",
}
Figures = Mapping[str, Any]


def add_to(commands: Any) -> None:
    """The command `report`."""
    command = commands.add_parser("report", help="docs/reliability.md from the figures in docs/reliability/")
    command.set_defaults(job=_write)


def _write(_: argparse.Namespace) -> int:
    missing = [name for name in COMMANDS if not (FOLDER / f"{name}.json").exists()]
    for name in missing:
        sys.stderr.write(f"not run yet: {COMMANDS[name]}\n")
    if missing:
        return 1
    REPORT.write_text(text(FOLDER))
    return 0


def text(folder: Path) -> str:
    """The report on the figures of a folder."""
    kept = {name: json.loads((folder / f"{name}.json").read_text()) for name in COMMANDS}
    parts = [
        _opening(kept),
        _simulated(kept["simulate"]),
        _mutations(kept["mutations"]),
        _processes(kept["processes"]),
        _recovery(kept["recovery"]),
        _closing(),
    ]
    return "\n".join(parts)


def _opening(kept: Mapping[str, Figures]) -> str:
    rows = []
    for name, figures in kept.items():
        run = figures["run"]
        changes = ", with local changes" if run["with_local_changes"] else ""
        machine = f"{run['cores']} cores, {run['system']}, Python {run['python']}"
        rows.append((f"[{name}](reliability/{name}.json)", f"`{run['commit']}`{changes}", run["ended"], machine))
    return f"""# Reliability

Whether everything is done exactly once is not argued here but tried: faults of every kind strike the product, and what they leave is asked the same
final questions. This page is made by `python -m tests.campaign report` from the figures of the runs below; anyone can run them again.

{_table(("Campaign", "Commit", "Ended", "On"), rows)}

The questions, when the faults have stopped and the system was left alone until it came to rest by itself:

- Is there at most one Item of ours for each project's WBS code, and at most one bill for each invoice?
- Are the lines and the total of every bill those of its invoice, to the cent, and does Procore name the bill?
- Has everything that was begun an end: done, skipped with a reason, or a problem with a cause? Does nothing wait or stay in doubt while nobody will look again?
- Does everything stand as an accountant left it, and no bill of ours beside one that a person had entered before?
- Was nothing sent again within the settle window of a write whose end was not known?
- Does no bill go to a payee or a project of another name, and have no two bills one vendor and one number?
- Does a code whose Item was adopted keep it, whatever became of its name and of Redis?
- Is an invoice locked under the bill that has its lines, and is what a person settled by hand nobody's problem any more?
- Does an invoice that a person excluded get no bill, whatever became of Redis?
- Is every pause at most two minutes long unless a rate limit says so, with a reason that people see, and never of more than what was refused?
- Was what was asked for during an attempt done after it, and nothing begun twice because it took long?
- Do records that NetSuite changes by itself stop with the second one, and does a comparison end whatever strikes it?
- Is no lock, lease or slot left, and did NetSuite never see more requests at once than its cap?
- Is no one told a problem that is none?
"""


def _simulated(figures: Figures) -> str:
    seeds, failing, excused, facts = figures["seeds"], figures["failing"], figures["excused"], figures["facts"]
    first = figures["first_seed"]
    rows = [(kind, f"{count:,}") for kind, count in figures["struck"].items()]
    reasons = Counter(told.rpartition("; ")[2] for words in excused.values() for told in words)
    excuses = "".join(f"- {count}: {reason}\n" for reason, count in reasons.items())
    lost = (
        f"""
Pairs that no client can prevent ([decision 3](decisions/0003-exactly-once.md)), each found by `verify`, or shown by an open problem of the invoice, in the same schedule:

{excuses}"""
        if excused
        else ""
    )
    return f"""## Deterministic campaign

The product's own services, ledger, locks, gate, lanes and clients run as several virtual workers on virtual time. At every call to a remote, to the store or to the clock a
seeded scheduler decides who goes on, who is late and who dies. The store is a model that runs the product's real Lua scripts; it is held against a real server by a test
(`tests/campaign/simulated/test_store.py`). Both worlds of NetSuite's uniqueness are played, checked at the commit and some seconds before it.

**{seeds:,} seeds ({first:,} to {first + seeds - 1:,}): {len(failing)} failing, {len(excused)} with a pair that no client can prevent.** {_minutes(figures["wall_seconds"])}; {facts["requests"]:,} requests to the remotes, {facts["creates"]:,} of them
creating a record, {facts["store_calls"]:,} commands to the store. The longest way to rest after the last fault took {figures["longest_rest_seconds"]:,} virtual seconds.
{lost}
{_table(("Fault", "Times it struck"), rows)}

A failing seed prints the shortest story that still fails; `--replay SEED` plays it again to the same end.
"""


def _mutations(figures: Figures) -> str:
    rows = []
    for name, part in figures["parts"].items():
        when = f"seed {part['seed']}" if part["seed"] is not None else f"not in {part['seeds']:,} seeds"
        rows.append((name, part["taken_out"], when, part["told"].partition("; lanes")[0]))
    return f"""## What the campaign sees

Each part is taken out by itself, and the campaign runs until a seed fails, {figures["seeds"]:,} seeds at most.

{_table(("Part", "Without it", "First failing", "What it told"), rows)}

`fence` takes out its three parts together. By itself `fence-clock` is hardly ever needed: it is there because of a process that stood still for most of a settle window just before it
noted its intent, which one seed in 30,000 had.
"""


def _processes(figures: Figures) -> str:
    rounds, own = figures["rounds"], figures["product_times_rounds"]
    struck = [(fault, f"{count:,}") for fault, count in figures["struck"].items()]
    facts = [(name, f"{count:,}") for name, count in sorted(figures["facts"].items())]
    claims = [
        (words, *_spread(figures["claims"][name]), *_spread(figures["claims_with_shortened_times"][name]))
        for name, words in (
            ("dead_worker_seconds", "a killed worker's work goes on (limit 60 s)"),
            ("term_seconds", "TERM ends a worker (limit 30 s)"),
            ("outage_seconds", "after an outage of Redis every worker is at work again"),
        )
    ]
    header = ("Seconds until", "n", "min", "median", "max", "n, shortened times", "min", "median", "max")
    return f"""## Campaign with real processes

An embedded server with its append-only file, both simulators over HTTP, several worker processes of both kinds and beat, kept by the product's own supervisor where a machine
is played. Workers, beat and the server are killed with `kill -9` at random moments, stopped with SIGSTOP until their locks are lost, restarted in turn with TERM; requests fail in the
simulators' ways; connections are cut and queues deleted. The questions are asked of the simulators' journal.

**{rounds} rounds, {own} of them with the product's own times, the others with shortened ones: {len(figures["failing"])} failing, {len(figures["excused"])} with a pair that no client can
prevent.** {_minutes(figures["wall_seconds"])}.

{_told(figures["failing"])}{_table(header, claims)}

{_table(("Fault", "Times it struck"), struck)}

{_table(("Counted", ""), facts)}

Time is real here, so a seed gives the same plan and not the same history.
"""


def _told(failing: Mapping[str, Sequence[str]]) -> str:
    lines = "".join(f"- round {seed}: {'; '.join(words)}\n" for seed, words in failing.items())
    return f"{lines}\n" if lines else ""


def _recovery(figures: Figures) -> str:
    rows = [
        (
            step["step"],
            f"{step['seconds']:,.1f}",
            f"{step['procore_requests']:,}",
            f"{step['netsuite_requests']:,}",
            step["checked"],
        )
        for step in figures["steps"]
    ]
    header = ("Step", "Seconds", "Requests to Procore", "Requests to NetSuite", "Checked")
    return f"""## Recovery at {figures["codes"]:,} codes

The commands are described in [operations](operations.md). The ledger of this company takes {figures["redis_bytes_per_code"]:,.0f} bytes of Redis per code.

{_table(header, rows)}
"""


def _closing() -> str:
    commands = "\n".join(COMMANDS.values())
    return f"""## Bad input

What enters the system from outside, what is promised about it and which checks guard that: [input](input.md).

## Run it again

```sh
{commands}
uv run python -m tests.campaign report
```

A short form of each is part of `uv run pytest`.
"""


def _spread(claim: Figures) -> Sequence[str]:
    figures = [claim["min"], claim["median"], claim["max"]]
    return (str(claim["n"]), *("-" if one is None else f"{one:.1f}" for one in figures))


def _minutes(seconds: float) -> str:
    return f"It took {seconds / 60:.0f} minutes"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)


def is_current() -> bool:
    """Whether the report says what the figures say."""
    return REPORT.read_text() == text(FOLDER)
