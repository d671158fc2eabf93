"""What scan and export say at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from worker.cli.output import counts_line, out, styled, table
from worker.container import Container
from worker.domain.work import RUN_OF_LANE, lane_of, work_behind
from worker.services.overview import run_view
from worker.store.work import Run

UNFINISHED = ("unknown", "waiting")


def run_report(container: Container, run: Run, *, joined: bool) -> dict[str, Any]:
    """A run as JSON: counts, seconds, and the open problems."""
    view = run_view(run)
    seconds = (run.ended_at or run.started_at) - run.started_at
    return {**view, "joined": joined, "seconds": round(seconds, 2), "problems": container.overview.problems()}


def all_well(container: Container, run: Run) -> bool:
    """Whether nothing is in doubt or still waiting, and nothing blocked but by problems that somebody ignores until they change."""
    if not run.ended or any(run.counts.get(name) for name in UNFINISHED):
        return False
    blocked = run.counts.get("blocked", 0)
    problems = [one for one in container.ledger.problems() if _belongs_to(run, one.key)] if blocked else []
    ignored = sum(one.ignored is not None for one in problems)
    return blocked <= ignored and ignored == len(problems)


def _belongs_to(run: Run, key: str) -> bool:
    return any(RUN_OF_LANE[lane_of(piece)] is run.kind for piece in work_behind(key))


def print_run(title: str, report: Mapping[str, Any]) -> None:
    """One line of counts, then the problems by cause."""
    out.print(styled((title, "bold"), f" in {report['seconds']:.1f} s: {counts_line(report['counts'])}"))


def print_problems(problems: Iterable[Mapping[str, Any]], *, title: str, by_cause: bool) -> None:
    """Open problems by cause, the commonest first: all of each with the one next step that they share, or one row with an example."""
    of_cause: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(problems, key=lambda row: (row["about"], row["key"])):
        of_cause.setdefault(row["cause"], []).append(row)
    causes = sorted(of_cause.items(), key=lambda one: (-len(one[1]), one[0]))
    if by_cause:
        columns = ("cause", "count", "who", "for example")
        grouped = ((cause, len(rows), rows[0]["owner"], rows[0]["sentence"]) for cause, rows in causes)
        table(title, columns, grouped)
        return
    out.print(styled((title, "bold")))
    for cause, rows in causes:
        out.print()
        shown = ((row["key"], row["about"], row["sentence"]) for row in rows)
        table(f"{cause}: {len(rows)}, for the {rows[0]['owner']}", ("key", "about", "what"), shown)
        out.print(f"Next step: {rows[0]['next_step']}")
