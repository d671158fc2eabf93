"""`wbs-sync problems`: the list of what stands still, and below it what can be done about it."""

from __future__ import annotations

import sys

import click

from worker.cli.output import FAILED, faults_as_sentences, json_option, print_json
from worker.cli.problems.retry import retry
from worker.cli.runs import print_problems
from worker.cli.session import open_container
from worker.domain.problems import Owner


@click.group(invoke_without_command=True)
@click.option("--owner", type=click.Choice([owner.value for owner in Owner]), help="Only what this person mends.")
@click.option("--cause", help="Only this cause.")
@click.option("--by-cause", is_flag=True, help="One row per cause.")
@json_option
@click.pass_context
def problems(context: click.Context, owner: str | None, cause: str | None, by_cause: bool, as_json: bool) -> None:
    """List open problems, oldest first: what stands still, why, who mends it, and how. Exit code 0 when there is none."""
    if context.invoked_subcommand is not None:
        if owner or cause or by_cause or as_json:
            raise click.UsageError(f"Say the options after `{context.invoked_subcommand}`.")
        return
    with faults_as_sentences():
        rows = [
            row
            for row in open_container().overview.problems()
            if owner in (None, row["owner"]) and cause in (None, row["cause"])
        ]
        if as_json:
            print_json(rows)
        else:
            print_problems(rows, title=f"{len(rows)} open problems", by_cause=by_cause)
        sys.exit(FAILED if rows else 0)


problems.add_command(retry)
