"""`wbs-sync invoices`: record decisions on invoices that wbs-sync must not bill."""

from __future__ import annotations

from collections.abc import Callable

import click

from worker.cli.one_record import INVOICE_PROJECT, CommandT, checked_note, user
from worker.cli.output import clock, json_option, named_invoice, print_done, print_json, table
from worker.cli.session import open_container
from worker.domain.texts import counted
from worker.inspect.invoice_decisions import Decided

NOTE_MISSING = "Give the reason in --note."


@click.group()
def invoices() -> None:
    """Mark an invoice as billed elsewhere, exclude it from export, or undo either decision."""


def _about_one(command: CommandT) -> CommandT:
    """Add INVOICE, --project and --note to a command."""
    for parameter in (
        click.option("--note", required=True, help="Reason; saved with the invoice and shown by `explain`."),
        click.option("--project", **INVOICE_PROJECT),
        click.argument("invoice", type=named_invoice),
    ):
        command = parameter(command)
    return command


@invoices.command("mark-billed")
@_about_one
@click.option("--bill", metavar="ID", required=True, help="Internal id of the bill or vendor credit in NetSuite.")
@json_option
def mark_billed(invoice: str, project: str | None, note: str, bill: str, as_json: bool) -> None:
    """Mark INVOICE (Procore id or number) as billed elsewhere, by the NetSuite bill or vendor credit given as --bill.

    Use it if the bill has a different number or amount; the next export finds a bill with the same vendor, number and amount.
    """
    _decide(as_json, note, lambda text: open_container().invoice_decisions.mark_billed(
        invoice, project, bill, by=user(), note=text
    ))  # fmt: skip


@invoices.command()
@_about_one
@json_option
def exclude(invoice: str, project: str | None, note: str, as_json: bool) -> None:
    """Exclude INVOICE (Procore id or number) from export."""
    _decide(as_json, note, lambda text: open_container().invoice_decisions.exclude(
        invoice, project, by=user(), note=text
    ))  # fmt: skip


@invoices.command()
@_about_one
@json_option
def include(invoice: str, project: str | None, note: str, as_json: bool) -> None:
    """Undo the decision on INVOICE (Procore id or number) and process the invoice now."""
    reason = checked_note(note, required=NOTE_MISSING)
    done = open_container().invoice_decisions.undo(invoice, project, by=user(), note=reason)
    undone = {"key": str(done.key), "undone": done.decision.stored}
    print_done(undone, f"Undone: {done.decision.label} was {done.decision.reason}", as_json=as_json)


@invoices.command()
@json_option
def decisions(as_json: bool) -> None:
    """List the decisions on invoices: who, when and why."""
    by_key = open_container().stores.decisions.all()
    if as_json:
        print_json([{"key": str(key), **decision.stored} for key, decision in by_key.items()])
        return
    columns = ("invoice", "decision", "bill", "by", "since", "note")
    rows = (
        (one.label, one.kind.replace("_", " "), one.bill_id, one.by, clock(one.at), one.note) for one in by_key.values()
    )
    table(counted(len(by_key), "decisions"), columns, rows)


def _decide(as_json: bool, note: str, decide: Callable[[str], Decided]) -> None:
    done = decide(checked_note(note, required=NOTE_MISSING))
    saved = {"key": str(done.key), **done.decision.stored}
    print_done(saved, f"Saved: {done.decision.label} is {done.decision.reason}", as_json=as_json)
