"""`wbs-sync verify`."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any

import click

from config.logs import shown
from worker.cli.output import (
    FAILED,
    counted,
    faults_as_sentences,
    json_option,
    out,
    print_json,
    progress,
    styled,
    table,
)
from worker.cli.runs import grouped, print_cause
from worker.cli.session import open_container
from worker.container import Container
from worker.domain.findings import Finding, Verified

COLUMNS = ("level", "kind", "key", "owner", "sentence", "next_step")


@click.command()
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="One row for each finding on standard output, for a spreadsheet.")
def verify(as_json: bool, as_csv: bool) -> None:
    """Compare Procore, NetSuite and the ledger; writes nothing to either system. Exit code 0 when there is no finding.

    What lacks an Item or a bill for a known reason (an open problem, a skipped invoice, work that waits) is explained, and
    no finding. Each finding is an open problem until a later `verify` finds it gone. What is told for information alone
    changes neither the exit code nor the problems.
    """
    if as_json and as_csv:
        raise click.UsageError("Either --json or --csv.")
    with faults_as_sentences():
        verified = run_verification(open_container())
        if as_json:
            print_json(as_dict(verified))
        elif as_csv:
            click.echo(as_csv_text(verified), nl=False)
        else:
            print_verified(verified)
        sys.exit(FAILED if verified.findings else 0)


def run_verification(container: Container) -> Verified:
    """Verify with a progress bar, and keep the problems of its findings."""
    with progress() as bars:
        bar = bars.add_task("projects", total=None, note="")
        return container.verification.reconcile(lambda done, of: bars.update(bar, completed=done, total=of))


def as_dict(verified: Verified) -> dict[str, Any]:
    """The result as plain JSON values."""
    return {
        "codes": verified.codes,
        "invoices": verified.invoices,
        "right": verified.right,
        "explained": verified.explained,
        "unreadable": list(verified.unreadable.values()),
        "findings": [_row(finding) for finding in verified.findings],
        "information": [_row(finding) for finding in verified.information],
    }


def as_csv_text(verified: Verified) -> str:
    """A header and one row for each finding, then those for information, as RFC 4180 wants it.

    Names are shown as everywhere else; every cell begins with a word of ours, so that no spreadsheet takes it for a formula.
    """
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS)
    rows.writeheader()
    for finding in (*verified.findings, *verified.information):
        rows.writerow({name: shown(value) for name, value in _row(finding).items()})
    return text.getvalue()


def print_verified(verified: Verified) -> None:
    """One line of counts, then the findings by kind, then what is told for information."""
    counts = (
        f" {counted(verified.codes, 'codes')} and {counted(verified.invoices, 'invoices')}: {verified.right:,} right, "
        f"{verified.explained:,} explained by a problem or a reason, {counted(len(verified.findings), 'findings')}"
    )
    out.print(styled(("Verified", "bold"), counts))
    for unread in verified.unreadable.values():
        out.print(f"Not readable: {unread}", soft_wrap=True)
    rows = ({"about": finding.sentence, **_row(finding)} for finding in verified.findings)
    for kind, some in grouped(rows, "kind"):
        print_cause(kind, some, {"what": "sentence"}, rest=f"wbs-sync problems --cause drift_{kind}")
    if verified.information:
        out.print()
        told = ((finding.kind.value, finding.sentence) for finding in verified.information)
        table("For information: nothing to mend", ("kind", "what"), told)


def _row(finding: Finding) -> dict[str, str]:
    problem = finding.problem
    return {
        "level": "finding" if problem else "information",
        "kind": finding.kind.value,
        "key": finding.key,
        "owner": problem.owner.value if problem else "",
        "sentence": finding.sentence,
        "next_step": problem.next_step if problem else "",
    }
