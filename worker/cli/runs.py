"""What scan and export say at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from worker.cli.output import out, styled, table
from worker.container import Container
from worker.domain.run_counts import run_counts
from worker.domain.work import RUN_OF_LANE, lane_of, work_behind
from worker.services.overview import run_view
from worker.store.work import Run

UNFINISHED = ("unknown", "waiting")
MOST_ROWS = 25
"""Of one cause, where nobody asked for that cause alone: a list is for reading."""
ROOM_FOR_WORDS = 60
"""Columns of a terminal that the words about a problem want beside its key."""


def run_report(container: Container, run: Run, *, joined: bool) -> dict[str, Any]:
    """A run as JSON: counts, seconds, and the open problems."""
    view = run_view(run)
    seconds = (run.ended_at or run.started_at) - run.started_at
    return {**view, "joined": joined, "seconds": round(seconds, 2), "problems": container.overview.problems()}


def all_well(container: Container, run: Run) -> bool:
    """Whether nothing is in doubt or still waiting, and nothing blocked but by problems that somebody ignores until they change."""
    if not run.ended or any(run.counts.get(name) for name in UNFINISHED):
        return False
    blocked = run.counts.get("blocked", 0) + run.counts.get("projects_blocked", 0)
    problems = [one for one in container.ledger.problems() if _belongs_to(run, one.key)] if blocked else []
    ignored = sum(one.ignored is not None for one in problems)
    return blocked <= ignored and ignored == len(problems)


def _belongs_to(run: Run, key: str) -> bool:
    return any(RUN_OF_LANE.get(lane_of(piece)) is run.kind for piece in work_behind(key))


def say_started(started: Mapping[str, Any]) -> None:
    """What a command says that does not wait for its run."""
    out.print(f"{'Joined' if started['joined'] else 'Started'} {started['run']}. Follow it with `wbs-sync status`.")


def print_run(title: str, report: Mapping[str, Any]) -> None:
    """One line of counts, then the problems by cause."""
    out.print(styled((title, "bold"), f" in {report['seconds']:.1f} s: {run_counts(report['counts'])}"))


def print_problems(problems: Iterable[Mapping[str, Any]], *, title: str, by_cause: bool, whole: bool = False) -> None:
    """Open problems by cause, the commonest first: one row with an example, or all of each with the one next step that they share.

    Of a cause with more than MOST_ROWS the first stand there, unless `whole`.
    """
    causes = grouped(problems, "cause")
    if by_cause and causes:
        columns = ("cause", "count", "who", "for example")
        table(title, columns, ((cause, len(some), some[0]["owner"], some[0]["sentence"]) for cause, some in causes))
        return
    out.print(styled((title, "bold")))
    for cause, some in causes:
        told = {"key": "key", "about": "about", "what": "sentence"}
        print_cause(cause, some, told, rest="" if whole else f"wbs-sync problems --cause {cause}")


def grouped(rows: Iterable[Mapping[str, Any]], by: str) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The rows of each cause (or kind), the commonest first; within it by what they are about."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["about"], row["key"])):
        groups.setdefault(row[by], []).append(row)
    return sorted(groups.items(), key=lambda one: (-len(one[1]), one[0]))


def print_cause(cause: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, rest: str = "") -> None:
    """All that has one cause, and the one next step. `columns`: titles to names; `rest`: the command that tells all, where the first are enough."""
    told = rows[:MOST_ROWS] if rest else rows
    out.print()
    title = f"{cause}: {len(rows):,}, for the {rows[0]['owner']}"
    texts = [[row[name] for name in columns.values()] for row in told]
    longest_key = max(len(row["key"]) for row in told) if "key" in columns else 0
    if len(columns) == 1 or longest_key + ROOM_FOR_WORDS > out.width:
        # A table of one column is but a frame, and beside keys of this length the words would stand one to a line.
        out.print(styled((title, "bold")), soft_wrap=True)
        for key, *words in texts if longest_key else (["", *text] for text in texts):
            out.print(f"- {': '.join(words)}")
            if key:
                out.print(f"  {key}", soft_wrap=True)
    else:
        table(title, columns, texts)
    if len(told) < len(rows):
        out.print(f"and {len(rows) - len(told):,} more: `{rest}` has all.", soft_wrap=True)
    out.print(f"Next step: {rows[0]['next_step']}")
