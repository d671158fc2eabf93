"""`wbs-sync scan`: make the Items that budgeted codes lack."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from config.logs import shown
from config.names import TaskName
from worker.cli.output import (
    FAILED,
    faults_as_sentences,
    json_option,
    out,
    print_json,
    procore_id,
    progress,
    styled,
    table,
)
from worker.cli.runs import all_well, print_problems, print_run, run_report
from worker.cli.session import open_container, send, watch
from worker.container import Container
from worker.domain.outcomes import OutcomeKind
from worker.domain.problems import describe
from worker.domain.wbs_codes import Project
from worker.services.wbs_scan import ProjectPlan

WORDS = {
    OutcomeKind.CREATED: "create",
    OutcomeKind.ADOPTED: "adopt",
    OutcomeKind.ALREADY: "already",
    OutcomeKind.BLOCKED: "blocked",
}


@click.command()
@click.option(
    "--project", "project_ids", type=procore_id, multiple=True, help="Procore id of one project; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Tell what would happen; write nothing.")
@click.option("--wait", is_flag=True, help="Follow the scan to its end.")
@json_option
def scan(project_ids: tuple[int, ...], dry_run: bool, wait: bool, as_json: bool) -> None:
    """Find budgeted codes without an Item, in all projects or in some, and make their Items.

    One scan runs at a time: a second call joins it. With --wait the exit code is 0 only when nothing is blocked, in doubt
    or waiting.
    """
    with faults_as_sentences():
        container = open_container()
        if dry_run:
            _dry_run(container, project_ids, as_json=as_json)
            return
        run, joined = container.wbs_scan.request("command line", project_ids)
        send(TaskName.SCAN_PROJECTS, trigger="command line", project_ids=list(project_ids))
        if not wait:
            _say_started({"run": run.id, "joined": joined}, as_json=as_json)
            return
        ended = watch(container, run, noun="codes")
        report = run_report(container, ended, joined=joined)
        if as_json:
            print_json(report)
        else:
            print_run("Scan", report)
            print_problems(report["problems"], title="Open problems", by_cause=True)
        sys.exit(0 if all_well(container, ended) else FAILED)


def _say_started(started: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(started)
    else:
        out.print(f"{'Joined' if started['joined'] else 'Started'} {started['run']}. Follow it with `wbs-sync status`.")


def _dry_run(container: Container, project_ids: Sequence[int], *, as_json: bool) -> None:
    with progress() as bars:
        bar = bars.add_task("projects", total=None, note="")
        plans = container.wbs_scan.plan(
            project_ids, lambda project: bars.update(bar, advance=1, note=shown(project.label))
        )
    if as_json:
        print_json([_as_json(plan) for plan in plans])
        return
    for plan in plans:
        if isinstance(plan, ProjectPlan) and plan.planned:
            rows = ((one.code.flat_code, WORDS[one.kind], one.name, _why(one)) for one in plan.planned)
            table(plan.project.label, ("WBS code", "would", "Item", "why"), rows)
    unread = [plan.label for plan in plans if isinstance(plan, Project)]
    kinds = [one.kind for plan in plans if isinstance(plan, ProjectPlan) for one in plan.planned]
    totals = ", ".join(f"{kinds.count(kind)} {word}" for kind, word in WORDS.items() if kinds.count(kind))
    out.print(styled(("Would:", "bold"), f" {totals or 'do nothing'}. Not readable: {', '.join(unread) or 'none'}."))


def _as_json(plan: ProjectPlan | Project) -> dict[str, Any]:
    if isinstance(plan, Project):
        return {"project_id": plan.id, "project": plan.label, "readable": False}
    codes = [
        {
            "wbs_code_id": one.code.id,
            "code": one.code.flat_code,
            "would": WORDS[one.kind],
            "item": one.name,
            "item_id": one.item.id if one.item else "",
            "cause": one.cause.value if one.cause else "",
            "why": _why(one),
        }
        for one in plan.planned
    ]
    return {
        "project_id": plan.project.id,
        "project": plan.project.label,
        "readable": True,
        "already": plan.already,
        "inactive": [code.flat_code for code in plan.inactive],
        "codes": codes,
    }


def _why(one: Any) -> str:
    return describe(one.cause, one.facts).sentence if one.cause else ""
