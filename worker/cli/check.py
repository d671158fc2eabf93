"""`wbs-sync check`."""

from __future__ import annotations

import sys

import click
from rich.text import Text

from worker.cli.output import FAILED, json_option, out, print_json, styled
from worker.cli.session import open_container
from worker.inspect.checks import Check

MARKS = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("WARN", "yellow")}


@click.command()
@json_option
def check(as_json: bool) -> None:
    """Check the settings, Redis and its persistence, both logins, and the records that the settings refer to. Each failed check comes with a
    fix. Writes nothing to Procore or NetSuite.
    """
    # The settings to check may be those of the wrong company.
    container = open_container(may_claim=False)
    done = []
    for result in container.checks.run():
        done.append(result)
        if not as_json:
            print_check(result)
    if as_json:
        print_json(
            [{"check": result.name, "ok": result.ok, "message": result.message, "fix": result.fix} for result in done]
        )
    sys.exit(FAILED if any(result.ok is False for result in done) else 0)


def print_check(result: Check) -> None:
    """Print one line for a check, and a second one with the fix, if it has one."""
    out.print(styled(MARKS[result.ok], f" {result.name}: {result.message}"), soft_wrap=True)
    if result.fix:
        out.print(Text(f"     {result.fix}"), soft_wrap=True)
