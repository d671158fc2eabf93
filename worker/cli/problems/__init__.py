"""`wbs-sync problems`: list open problems, with subcommands to handle them."""

from __future__ import annotations

import sys

import click

from worker.cli.output import FAILED, json_option, print_json
from worker.cli.problems.handle import continue_writing, ignore, resolve
from worker.cli.problems.options import cause_option, class_option, matching, owner_option, project_option
from worker.cli.problems.retry import retry
from worker.cli.problems.show import show
from worker.cli.runs import print_problems
from worker.cli.session import open_container
from worker.domain.texts import counted


@click.group(invoke_without_command=True)
@owner_option
@cause_option
@class_option
@project_option
@click.option("--by-cause", is_flag=True, help="Print one row per cause.")
@click.option("--ignored", is_flag=True, help="List ignored problems instead of open ones.")
@json_option
@click.pass_context
def problems(
    context: click.Context,
    owner: str | None,
    cause: str | None,
    problem_class: str | None,
    project: str | None,
    by_cause: bool,
    ignored: bool,
    as_json: bool,
) -> None:
    """List open problems by cause, with owner and next step. With --json, lists the oldest problem first.

    The exit code is 0 if there are none; ignored problems do not count.
    """
    if context.invoked_subcommand is not None:
        if any((owner, cause, problem_class, project, by_cause, ignored, as_json)):
            raise click.UsageError(f"Pass the options after `{context.invoked_subcommand}`.")
        return
    container = open_container()
    project_id = container.named_records.project_id(project) if project else None
    wanted = {"owner": owner, "cause": cause, "class": problem_class, "project_id": project_id}
    rows = [row for row in matching(container.problem_views.all(), **wanted) if (row["ignored"] is not None) == ignored]
    if project and not rows:
        # Raises NotFound for a project that does not exist, which must not look like one without problems.
        container.named_records.project(project)
    if as_json:
        print_json(rows)
    else:
        title = counted(len(rows), f"{'ignored' if ignored else 'open'} problems")
        print_problems(rows, title=title, by_cause=by_cause, complete=ignored or cause is not None)
    sys.exit(FAILED if rows and not ignored else 0)


for _command in (show, retry, resolve, continue_writing, ignore):
    problems.add_command(_command)
