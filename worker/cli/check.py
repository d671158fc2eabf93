"""`wbs-sync check`."""

from __future__ import annotations

import sys

import click
from rich.text import Text

from worker.cli.output import FAILED, faults_as_sentences, json_option, out, print_json, styled
from worker.cli.session import open_to_look
from worker.inspect.checks.check import Check

MARKS = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("WARN", "yellow")}


@click.command()
@json_option
def check(as_json: bool) -> None:
    """Check the settings, Redis and its persistence, both logins, and the records that the settings refer to. Each failed check comes with a
    fix. Writes nothing to Procore or NetSuite.
    """
    with faults_as_sentences():
        container = open_to_look()
        done = []
        for one in container.checks.run():
            done.append(one)
            if not as_json:
                print_check(one)
        if as_json:
            print_json([{"check": one.name, "ok": one.ok, "message": one.words, "fix": one.cure} for one in done])
        sys.exit(FAILED if any(one.ok is False for one in done) else 0)


def print_check(one: Check) -> None:
    """Print one line for a check, and a second one with the fix if there is something to do."""
    out.print(styled(MARKS[one.ok], f" {one.name}: {one.words}"), soft_wrap=True)
    if one.cure:
        out.print(Text(f"     {one.cure}"), soft_wrap=True)
