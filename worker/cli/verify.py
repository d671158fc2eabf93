"""`wbs-sync verify`."""

from __future__ import annotations

import sys
from typing import Any

import click

from worker.cli.output import FAILED, faults_as_sentences, json_option, out, print_json, progress, styled, table
from worker.cli.session import open_container
from worker.container import Container
from worker.services.verification import Verified


@click.command()
@json_option
def verify(as_json: bool) -> None:
    """Compare Procore, NetSuite and the ledger; reads only. Exit code 0 when there is no finding.

    What lacks an Item or a bill for a known reason (an open problem, a skipped invoice, work that waits) is explained, and
    no finding.
    """
    with faults_as_sentences():
        verified = run_verification(open_container())
        if as_json:
            print_json(as_dict(verified))
        else:
            print_verified(verified)
        sys.exit(FAILED if verified.findings else 0)


def run_verification(container: Container) -> Verified:
    """Verify with a progress bar."""
    with progress() as bars:
        bar = bars.add_task("projects", total=None, note="")
        return container.verification.verify(lambda done, of: bars.update(bar, completed=done, total=of))


def as_dict(verified: Verified) -> dict[str, Any]:
    """The result as plain JSON values."""
    findings = [
        {"kind": finding.kind.value, "key": finding.key, "sentence": finding.sentence} for finding in verified.findings
    ]
    return {
        "codes": verified.codes,
        "invoices": verified.invoices,
        "right": verified.right,
        "explained": verified.explained,
        "unreadable": verified.unreadable,
        "findings": findings,
    }


def print_verified(verified: Verified) -> None:
    """One line of counts, then the findings."""
    counts = (
        f" {verified.codes} codes and {verified.invoices} invoices: {verified.right} right, "
        f"{verified.explained} explained by a problem or a reason, {len(verified.findings)} findings"
    )
    out.print(styled(("Verified", "bold"), counts))
    for unread in verified.unreadable:
        out.print(f"Not readable: {unread}", soft_wrap=True)
    if verified.findings:
        table("Findings", ("kind", "what"), ((finding.kind.value, finding.sentence) for finding in verified.findings))
