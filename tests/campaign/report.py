"""`python -m tests.campaign report`: docs/reliability.md, from the figures in docs/reliability/. It contains only what was run."""

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

These campaigns test whether everything is done exactly once: they inject faults of every kind into the product, and then check the result with the same
final questions. `python -m tests.campaign report` writes this page from the figures of the runs below. You can run them again.

{_table(("Campaign", "Commit", "Ended", "On"), rows)}

The questions, asked after the faults have stopped and all remaining work has ended by itself:

- Is there at most one Item of wbs-sync for each project's WBS code, and at most one bill for each invoice?
- Do the lines and the total of every bill equal those of its invoice, to the cent, and does the invoice in Procore name the bill?
- Does all work have a result: done, skipped with a reason, or a problem with a cause? Is nothing left waiting or in doubt without a next attempt?
- Is every record as an accountant left it, and is there no bill of wbs-sync in addition to one that a person had entered before?
- Was nothing sent again within the settle window of an unconfirmed write?
- Does every bill name a payee and a project with the right names, and do no two bills have the same vendor and number?
- Does a code with an adopted Item keep it, even if the Item was renamed or Redis was lost?
- Is each invoice locked under the bill with its lines, and has each invoice that a person settled by hand no open problem?
- Does an invoice that a person excluded get no bill, even if Redis was lost?
- Is every pause at most two minutes long unless a rate limit requires more, shown with its reason, and limited to the refused work?
- Was a request that came during an attempt carried out after it, and was no long work started twice?
- Does creation stop after the second record that NetSuite changes by itself, and does a comparison end despite every fault?
- Are all locks, leases and slots released, and did NetSuite never receive more concurrent requests than its cap?
- Is there no problem without a reason?
"""


def _simulated(figures: Figures) -> str:
    seeds, failing, excused, facts = figures["seeds"], figures["failing"], figures["excused"], figures["facts"]
    first = figures["first_seed"]
    rows = [(kind, f"{count:,}") for kind, count in figures["struck"].items()]
    reasons = Counter(message.rpartition("; ")[2] for messages in excused.values() for message in messages)
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
seeded scheduler decides which worker continues, is delayed or dies. The store is a model that runs the product's real Lua scripts; a test compares it with a real server
(`tests/campaign/simulated/test_store.py`). Both ways in which NetSuite may check uniqueness are simulated: at the commit, and some seconds before it.

**{seeds:,} seeds ({first:,} to {first + seeds - 1:,}): {len(failing)} failing, {len(excused)} with a pair that no client can prevent.** {_minutes(figures["wall_seconds"])}; {facts["requests"]:,} requests to the remotes, {facts["creates"]:,} of them
creating a record, {facts["store_calls"]:,} commands to the store. After the last fault, it took at most {figures["longest_rest_seconds"]:,} virtual seconds until all work had ended.
{lost}
{_table(("Fault", "Times it struck"), rows)}

A failing seed prints the shortest sequence of events that still fails; `--replay SEED` repeats it with the same result.
"""


def _mutations(figures: Figures) -> str:
    rows = []
    for name, part in figures["parts"].items():
        when = f"seed {part['seed']}" if part["seed"] is not None else f"not in {part['seeds']:,} seeds"
        message = part["told"].partition("; lanes")[0]
        rows.append((name, part["taken_out"], when, f"`{message}`" if message else ""))
    return f"""## What the campaign detects

Each safeguard is removed by itself, and the campaign runs until a seed fails, {figures["seeds"]:,} seeds at most. The last column is the message of that seed.

{_table(("Safeguard", "Without it", "First failing", "Message"), rows)}

`fence` removes its three parts together. `fence-clock` alone is rarely needed: it protects against a process that pauses for most of a settle window just before it
records its intent, which happened in one seed of 30,000.
"""


def _processes(figures: Figures) -> str:
    rounds, own = figures["rounds"], figures["product_times_rounds"]
    struck = [(fault, f"{count:,}") for fault, count in figures["struck"].items()]
    facts = [(name, f"{count:,}") for name, count in sorted(figures["facts"].items())]
    claims = [
        (words, *_spread(figures["claims"][name]), *_spread(figures["claims_with_shortened_times"][name]))
        for name, words in (
            ("dead_worker_seconds", "a killed worker's work continues (limit 60 s)"),
            ("term_seconds", "TERM ends a worker (limit 30 s)"),
            ("outage_seconds", "every worker works again after an outage of Redis"),
        )
    ]
    header = ("Seconds until", "n", "min", "median", "max", "n, shortened times", "min", "median", "max")
    return f"""## Campaign with real processes

This campaign runs an embedded server with its append-only file, both simulators over HTTP, several worker processes of both kinds and beat; where a whole machine is simulated, the product's own
supervisor runs its processes. Workers, beat and the server are killed with `kill -9` at random moments, stopped with SIGSTOP until their locks are lost, and restarted in turn with TERM; the
simulators make requests fail; connections are cut and queues deleted. The journal of the simulators answers the questions.

**{rounds} rounds, {own} of them with the product's own times, the others with shortened ones: {len(figures["failing"])} failing, {len(figures["excused"])} with a pair that no client can
prevent.** {_minutes(figures["wall_seconds"])}.

{_told(figures["failing"])}{_table(header, claims)}

{_table(("Fault", "Times it struck"), struck)}

{_table(("Counted", ""), facts)}

This campaign runs in real time, so a seed gives the same plan, but not the same history.
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

[Operations](operations.md) describes the commands. The ledger of this company takes {figures["redis_bytes_per_code"]:,.0f} bytes of Redis per code.

{_table(header, rows)}
"""


def _closing() -> str:
    commands = "\n".join(COMMANDS.values())
    return f"""## Bad input

[Input](input.md) lists all input from outside, what wbs-sync guarantees about it, and the tests.

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
