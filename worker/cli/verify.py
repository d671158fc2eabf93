"""`wbs-sync verify`: compare Procore, NetSuite and the ledger."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import asdict
from typing import Any

import click

from config.logs import shown
from worker.cli.output import FAILED, clock, json_option, out, print_fault, print_json, progress, styled, table
from worker.cli.runs import grouped, print_cause
from worker.cli.session import open_container
from worker.container import Container
from worker.domain.findings import Finding, Verified
from worker.domain.texts import counted
from worker.store.verifications import VerificationState

NOT_COMPARED = 3
INTERRUPTED = 130
COLUMNS = ("level", "kind", "key", "owner", "sentence", "next_step")


@click.command()
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print one CSV row per finding, for a spreadsheet.")
@click.option("--full", is_flag=True, help="Read every bill and invoice again, including those without a change.")
def verify(as_json: bool, as_csv: bool, full: bool) -> None:
    """Compare Procore, NetSuite and the ledger. Writes nothing to Procore or NetSuite.

    Exit code 0: everything was compared and agrees. 1: there is a finding. 3: there is no finding, but something could not be compared.

    A code or invoice without an Item or bill for a known reason (an open problem, a skipped invoice, waiting work) counts as
    explained, not as a finding. Each finding is an open problem until a later `verify` no longer finds it. Entries listed for
    information change neither the exit code nor the problems.

    Continues a comparison that is in progress or was interrupted. Ctrl-C stops it; the next `verify` or a worker continues.
    """
    if as_json and as_csv:
        raise click.UsageError("Pass --json or --csv, not both.")
    container = open_container()
    try:
        verified = run_verification(container, full=full)
    except KeyboardInterrupt:
        print_fault("Stopped. Results so far are kept; the next `wbs-sync verify` continues from here.")
        sys.exit(INTERRUPTED)
    if as_json:
        print_json(as_dict(verified))
    elif as_csv:
        click.echo(as_csv_text(verified), nl=False)
    else:
        print_verified(verified)
    sys.exit(exit_code(verified))


def exit_code(verified: Verified) -> int:
    """Return 1 if there are findings, 3 if there are none but something was not compared, else 0."""
    if verified.findings:
        return FAILED
    return 0 if verified.whole else NOT_COMPARED


def run_verification(container: Container, *, full: bool = False) -> Verified:
    """Run a comparison with a progress bar, and record its findings as problems."""
    with progress() as bars:
        bar = bars.add_task("projects", total=None, note="")

        def show(state: VerificationState) -> None:
            bars.update(bar, completed=state.projects_done, total=state.projects, note=_note(state))

        return container.verification.verify(show, full=full)


def _note(state: VerificationState) -> str:
    """Return the number of requests so far, and if the comparison is waiting, why and until when."""
    requests = f"{state.requests.procore:,} requests to Procore, {state.requests.netsuite:,} to NetSuite"
    if not state.waits_for or state.ended:
        return requests
    return f"{requests}; waiting until {clock(state.waits_until)}: {state.waits_for}"


def progress_line(state: VerificationState) -> str:
    """Return the progress of a comparison in one line."""
    done = (
        f"{state.projects_done:,} of {counted(state.projects, 'projects')}" if state.projects is not None else "begins"
    )
    return f"{done}, {_note(state)}"


def progress_dict(state: VerificationState) -> dict[str, Any]:
    """Return the progress as JSON values; times in unix seconds."""
    return {
        "id": state.id,
        "full": state.full,
        "started_at": state.started_at,
        "projects": state.projects,
        "projects_done": state.projects_done,
        "requests": asdict(state.requests),
        "waits_until": state.waits_until or None,
        "waits_for": state.waits_for,
    }


def as_dict(verified: Verified) -> dict[str, Any]:
    """Return the result as JSON values."""
    return {
        "codes": verified.codes,
        "invoices": verified.invoices,
        "correct": verified.right,
        "explained": verified.explained,
        "unreadable": list(verified.unreadable.values()),
        "not_compared": list(verified.not_compared.values()),
        "findings": [_row(finding) for finding in verified.findings],
        "information": [_row(finding) for finding in verified.information],
    }


def as_csv_text(verified: Verified) -> str:
    """Return CSV according to RFC 4180: a header, one row per finding, then the entries for information.

    Control characters in names are escaped as elsewhere. Every cell starts with a fixed word, so that no spreadsheet reads it as a formula.
    """
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS)
    rows.writeheader()
    for finding in (*verified.findings, *verified.information):
        rows.writerow({name: shown(value) for name, value in _row(finding).items()})
    return text.getvalue()


def print_verified(verified: Verified) -> None:
    """Print one line of counts, then what was not compared, the findings by kind, and the entries for information."""
    left_out = len(verified.unreadable) + len(verified.not_compared)
    counts = (
        f" {counted(verified.codes, 'budgeted codes')} and {counted(verified.invoices, 'invoices')}: {verified.right:,} correct, "
        f"{verified.explained:,} explained by a problem or a reason, {counted(len(verified.findings), 'findings')}"
        + (f", {left_out:,} not compared" if left_out else "")
    )
    out.print(styled(("Verified", "bold"), counts))
    for unread in (*verified.unreadable.values(), *verified.not_compared.values()):
        out.print(f"Not compared: {unread}", soft_wrap=True)
    rows = ({"record": finding.sentence, **_row(finding)} for finding in verified.findings)
    for kind, findings in grouped(rows, "kind"):
        print_cause(kind, findings, {"finding": "sentence"}, rest=f"wbs-sync problems --cause drift_{kind}")
    if verified.information:
        out.print()
        entries = ((finding.kind.value, finding.sentence) for finding in verified.information)
        table("For information; no action needed", ("kind", "entry"), entries)


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
