"""`wbs-sync apply`: carry out a saved plan."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from config.names import TaskName
from worker.cli.output import FAILED, Fault, clock, json_option, out, print_json, progress, styled, table
from worker.cli.plan_file import read_plan
from worker.cli.session import follow, open_container, send
from worker.container import Container
from worker.context import correlated, new_id
from worker.domain import money
from worker.domain.outcomes import Outcome
from worker.domain.plans import Plan
from worker.domain.texts import counted
from worker.reconcile.applying import Applied

INCOMPLETE_RESULTS = ("refused", "blocked", "unknown", "waiting")
EXISTING_RESULTS = ("created", "adopted", "already")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--plan", "plan_id", help="Id of the approved plan; any other plan is refused.")
@click.option("--wait", is_flag=True, help="Wait until the work has ended.")
@json_option
def apply(file: Path, plan_id: str | None, wait: bool, as_json: bool) -> None:
    """Carry out the plan in FILE, and nothing else. Save a plan with `scan --dry-run --save FILE` or `export --dry-run --save FILE`.

    Each create, adopt or bill line is checked again first and refused if its data has changed since the plan was made. The exit
    code is 0 only if no line was refused; with --wait, also only if nothing is blocked, in doubt or waiting.
    """
    container = open_container()
    plan = read_plan(container, file)
    if plan_id is not None and plan_id.strip().lower() != plan.id:
        raise Fault(f"{file} is plan {plan.id}, not plan {plan_id}. Nothing was done.")
    with correlated(new_id("apply")) as correlation_id, progress() as bars:
        bar = bars.add_task("projects", total=None, note="")
        applied = container.applying.apply(plan, lambda done, of: bars.update(bar, completed=done, total=of))
        send(TaskName.RESUME)
    if wait:
        count = len(applied.to_do)
        follow(container, lambda: container.applying.count_unfinished(applied), count=count, noun="lines")
    report = {"correlation_id": correlation_id, **_report(container, plan, applied, waited=wait)}
    print_json(report) if as_json else print_applied(report)
    sys.exit(FAILED if any(row["result"] in INCOMPLETE_RESULTS for row in report["lines"]) else 0)


def _report(container: Container, plan: Plan, applied: Applied, *, waited: bool) -> dict[str, Any]:
    """Return one row for each plan line that requires a change, and the number of lines that require none."""
    outcomes = container.applying.outcomes(applied) if waited else {}
    rows = []
    for line in plan.lines:
        if line.action.is_change:
            row = {"key": line.key, "project": line.project, "record": line.record, "action": line.action.value}
            total = line.data.get("total", "") if line.is_invoice else ""
            rows.append({**row, "name": line.name, "total": total, **_result(line.key, applied, outcomes)})
    counts = Counter(row["result"] for row in rows)
    return {"plan": plan.id, "kind": plan.kind.value, "made_at": plan.made_at, "counts": counts, "lines": rows,
            "unchanged": len(plan.lines) - len(rows), "removed": plan.line_count - len(plan.lines)}  # fmt: skip


def _result(key: str, applied: Applied, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    if key in applied.refused:
        return {"result": "refused", "id": "", "cause": "", "reason": applied.refused[key]}
    if key in applied.already:
        return {"result": "already", "id": applied.already[key], "cause": "", "reason": ""}
    if key not in outcomes:
        return {"result": "queued", "id": "", "cause": "", "reason": ""}
    outcome = outcomes[key]
    cause = outcome.cause.value if outcome.cause else ""
    return {"result": outcome.kind.value, "id": outcome.remote_id, "cause": cause, "reason": outcome.reason}


def print_applied(report: Mapping[str, Any]) -> None:
    """Print the result of applying a plan."""
    columns = ("project", "record", "planned", "result", "name", "id", "total", "reason")
    # Rows that need attention come last, because they stay visible after a long table.
    rows = sorted(report["lines"], key=lambda row: row["result"] in INCOMPLETE_RESULTS)
    table(
        f"Plan {report['plan']} of {clock(datetime.fromisoformat(report['made_at']).timestamp())}",
        columns,
        (_cells(row) for row in rows),
    )
    counts = ", ".join(f"{count} {result}" for result, count in report["counts"].items()) or "nothing to do"
    out.print(
        styled(
            ("Applied:", "bold"),
            f" {counts}; no change needed for {counted(report['unchanged'], 'lines')} of the plan.",
        )
    )
    if report["removed"]:
        out.print(f"{counted(report['removed'], 'lines')} had been removed from the saved plan.")
    if report["counts"].get("refused"):
        out.print("The data of refused lines changed after the plan was made. Check them, then make a new plan.")
    totals = [Decimal(row["total"]) for row in rows if row["total"] and row["result"] in EXISTING_RESULTS]
    if totals:
        out.print(f"Bills of the plan in NetSuite: {len(totals)}, total {money.text(sum(totals, money.ZERO))}.")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    name = row["name"] if row["name"] != row["record"] else ""
    total = money.text(Decimal(row["total"])) if row["total"] else ""
    return row["project"], row["record"], row["action"], row["result"], name, row["id"], total, row["reason"]
