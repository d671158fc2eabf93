"""`wbs-sync scan`: create the missing Items of budgeted codes."""

from __future__ import annotations

from pathlib import Path

import click

from config.names import TaskName
from worker.cli.output import json_option, named_project
from worker.cli.plans import plan_options, require_dry_run, run_dry
from worker.cli.runs import end_command
from worker.cli.session import open_container, send
from worker.context import correlated


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
        run_dry(
            container,
            lambda planning, progress: planning.scan(project_ids, progress),
            save=save,
            force=force,
            as_json=as_json,
        )
        return
    run, joined = container.wbs_scan.request("command line", project_ids)
    with correlated(run.correlation_id):
        send(TaskName.SCAN_PROJECTS, trigger="command line", project_ids=project_ids)
    end_command(container, (run, joined), wait=wait, as_json=as_json)
