"""`wbs-sync scan`: create the missing Items of budgeted codes."""

from __future__ import annotations

import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path

import click

from config.names import TaskName
from worker.cli.output import FAILED, json_option, named_project, print_json
from worker.cli.plans import plan_options, require_dry_run, run_dry
from worker.cli.runs import is_complete, print_problems, print_run, print_started, run_report
from worker.cli.session import open_container, send, watch
from worker.domain.plans import Plan
from worker.observability import correlation
from worker.reconcile.planning import Planning, Progress


@click.command()
@click.option(
    "--project",
    "named",
    type=named_project,
    multiple=True,
    help="Procore id, number or name of a project; may be repeated.",
)
@plan_options
@click.option("--wait", is_flag=True, help="Wait until the scan has ended.")
@json_option
def scan(named: tuple[str, ...], dry_run: bool, save: Path | None, force: bool, wait: bool, as_json: bool) -> None:
    """Find budgeted codes without an Item, in all projects or the given ones, and create their Items.

    Only one scan runs at a time: a second call joins it. With --wait, the exit code is 0 only if nothing is blocked, in doubt
    or waiting. With --dry-run, nothing is written, and --save FILE saves the plan for `apply`.
    """
    require_dry_run(dry_run=dry_run, wait=wait, save=save, force=force)
    container = open_container()
    project_ids = [container.named_records.project_id(one) for one in named]
    if dry_run:
        run_dry(container, partial(_plan, project_ids), save=save, force=force, as_json=as_json)
        return
    run, joined = container.wbs_scan.request("command line", project_ids)
    with correlation.of(run.correlation_id):
        send(TaskName.SCAN_PROJECTS, trigger="command line", project_ids=project_ids)
    if not wait:
        started = {"run": run.id, "joined": joined}
        print_json(started) if as_json else print_started(started)
        return
    ended = watch(container, run, noun="codes")
    report = run_report(container, ended, joined=joined)
    if as_json:
        print_json(report)
    else:
        print_run("Scan", report)
        print_problems(report["problems"], title="Open problems", by_cause=True)
    sys.exit(0 if is_complete(container, ended) else FAILED)


def _plan(project_ids: Collection[int], planning: Planning, progress: Progress) -> Plan:
    return planning.scan(project_ids, progress)
