"""How scan and export end: they print the id of their run, or follow it, print its result, and choose the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from worker.cli.output import FAILED, out, print_done, print_json, styled, table
from worker.cli.session import watch
from worker.container import Container
from worker.domain.problems import work_behind
from worker.domain.work import RunKind, lane_of
from worker.inspect.overview import run_counts, run_view
from worker.store.runs import Run

UNFINISHED = ("unknown", "waiting")
MAX_ROWS = 25
"""Maximum rows per cause, unless one cause was requested."""
PROBLEM_TEXT_COLUMNS = 60
"""Terminal columns needed for a problem's text next to its key."""


def run_report(container: Container, run: Run, *, joined: bool) -> dict[str, Any]:
    """Return a run as JSON values: counts, seconds and open problems."""
    view = run_view(run)
    seconds = (run.ended_at or run.started_at) - run.started_at
    return {**view, "joined": joined, "seconds": round(seconds, 2), "problems": container.overview.problems()}


def is_complete(container: Container, run: Run) -> bool:
    """Return whether the run has ended and nothing is in doubt, waiting, or blocked by a problem that is not ignored."""
    if not run.ended or any(run.counts.get(name) for name in UNFINISHED):
        return False
    blocked = run.counts.get("blocked", 0) + run.counts.get("projects_blocked", 0)
    problems = [
        one
        for one in (container.ledger.problems() if blocked else ())
        if any(lane_of(piece).run is run.kind for piece in work_behind(one.key))
    ]
    ignored = sum(one.ignored is not None for one in problems)
    return blocked <= ignored and ignored == len(problems)


def end_command(container: Container, started: tuple[Run, bool], *, wait: bool, as_json: bool) -> None:
    """Print the id of a run that a command started or joined. With `wait`: follow the run, print its result, and exit with 0 only if it is
    complete.
    """
    run, joined = started
    if not wait:
        sentence = f"{'Joined' if joined else 'Started'} {run.id}. Follow it with `wbs-sync status`."
        print_done({"run": run.id, "joined": joined}, sentence, as_json=as_json)
        return
    ended = watch(container, run)
    report = run_report(container, ended, joined=joined)
    if as_json:
        print_json(report)
    else:
        print_run(run.kind, report)
        print_problems(report["problems"], title="Open problems", by_cause=True)
    sys.exit(0 if is_complete(container, ended) else FAILED)


def print_run(kind: RunKind, report: Mapping[str, Any]) -> None:
    """Print one line with the counts of a run."""
    counts = f" in {report['seconds']:.1f} s: {run_counts(report['counts'])}"
    out.print(styled((kind.value.capitalize(), "bold"), counts))


def print_problems(
    problems: Iterable[Mapping[str, Any]], *, title: str, by_cause: bool, complete: bool = False
) -> None:
    """Print open problems by cause, most frequent first: with `by_cause` one row per cause with an example, else the problems of each
    cause with their common next step.

    Prints at most MAX_ROWS problems per cause, unless `complete`.
    """
    causes = grouped(problems, "cause")
    if by_cause and causes:
        titles = ("cause", "count", "owner", "example")
        table(title, titles, ((cause, len(rows), rows[0]["owner"], rows[0]["sentence"]) for cause, rows in causes))
        return
    out.print(styled((title, "bold")))
    for cause, rows in causes:
        columns = {"key": "key", "record": "record", "problem": "sentence"}
        print_cause(cause, rows, columns, rest="" if complete else f"wbs-sync problems --cause {cause}")


def grouped(rows: Iterable[Mapping[str, Any]], by: str) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Group rows by cause or kind, most frequent first, and sort each group by record."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["record"], row["key"])):
        groups.setdefault(row[by], []).append(row)
    return sorted(groups.items(), key=lambda one: (-len(one[1]), one[0]))


def print_cause(cause: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, rest: str = "") -> None:
    """Print the rows of one cause and their next step. `columns`: row keys by column title; `rest`: the command that lists all rows, if only the
    first are printed."""
    shown = rows[:MAX_ROWS] if rest else rows
    out.print()
    title = f"{cause}: {len(rows):,} ({rows[0]['owner']})"
    texts = [[row[name] for name in columns.values()] for row in shown]
    longest_key = max(len(row["key"]) for row in shown) if "key" in columns else 0
    if len(columns) == 1 or longest_key + PROBLEM_TEXT_COLUMNS > out.width:
        # One column needs no table, and next to keys of this length a table would wrap the sentences after each word.
        out.print(styled((title, "bold")), soft_wrap=True)
        for key, *cells in texts if longest_key else (["", *text] for text in texts):
            out.print(f"- {': '.join(cells)}")
            if key:
                out.print(f"  {key}", soft_wrap=True)
    else:
        table(title, columns, texts)
    if len(shown) < len(rows):
        out.print(f"{len(rows) - len(shown):,} more: `{rest}` lists all.", soft_wrap=True)
    out.print(f"Next step: {rows[0]['next_step']}")
