"""`wbs-sync status`."""

from __future__ import annotations

from typing import Any

import click

from worker.cli.output import clock, counts_line, faults_as_sentences, json_option, out, print_json, table
from worker.cli.session import open_container


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Codes and invoices by state, work that waits, the last runs, open problems. Asks no remote."""
    with faults_as_sentences():
        told = open_container().overview.status()
        if as_json:
            print_json(told)
        else:
            _print(told)


def _print(told: dict[str, Any]) -> None:
    if not told["ledger"]["open"]:
        so_far = told["ledger"]["rebuilt_so_far"]
        out.print(
            f"The ledger is not there yet: it is rebuilt from NetSuite before anything is written; {so_far} Items so far."
        )
    for noun in ("codes", "invoices"):
        table(noun.capitalize(), ("state", "count"), sorted(told[noun].items()))
    lanes = ((lane, depth["waiting"], depth["in_hand"]) for lane, depth in told["lanes"].items())
    table("Work", ("lane", "waiting", "in hand"), lanes)
    out.print(f"NetSuite slots in use: {told['gate']['in_use']} of {told['gate']['slots']}")
    for kind, run in told["runs"].items():
        end = f"ended {clock(run['ended_at'])}" if run["ended_at"] else f"{run['open']} pieces of work open"
        out.print(
            f"Last {kind} ({run['trigger']}): began {clock(run['started_at'])}, {end}; {counts_line(run['counts'])}"
        )
    problems = sum(told["problems"].values())
    ignored = f"; {told['ignored_problems']} ignored" if told["ignored_problems"] else ""
    out.print(f"Open problems: {problems}{ignored}" + (" (see `wbs-sync problems`)" if problems else ""))
