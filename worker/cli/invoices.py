"""`wbs-sync invoices`: what a person says about an invoice that wbs-sync shall not bill."""

from __future__ import annotations

from collections.abc import Callable

import click

from worker.cli.one_record import CommandT, checked_note, user
from worker.cli.output import (
    clock,
    faults_as_sentences,
    json_option,
    named_invoice,
    named_project,
    out,
    print_json,
    table,
)
from worker.cli.session import open_container
from worker.domain.texts import counted
from worker.services.invoice_decisions import Decided


@click.group()
def invoices() -> None:
    """Say that an invoice was billed elsewhere or shall not be exported, or take that back."""


def _about_one(command: CommandT) -> CommandT:
    """INVOICE, --project and --note."""
    for parameter in (
        click.option("--note", required=True, help="Why; kept with the invoice and shown wherever it is explained."),
        click.option(
            "--project",
            type=named_project,
            help="The invoice's project (id, number or name), where the ledger does not know the invoice.",
        ),
        click.argument("invoice", type=named_invoice),
    ):
        command = parameter(command)
    return command


@invoices.command("mark-billed")
@_about_one
@click.option("--bill", metavar="ID", required=True, help="Internal id of the bill or vendor credit in NetSuite.")
@json_option
def mark_billed(invoice: str, project: str | None, note: str, bill: str, as_json: bool) -> None:
    """Say that INVOICE (Procore id or number) was billed elsewhere: its bill or credit is in NetSuite under --bill.

    For one with another number or amount; one of the same vendor, number and amount is found by the next export.
    """
    _decide(as_json, note, lambda text: open_container().invoice_decisions.mark_billed(
        invoice, project, bill, by=user(), note=text
    ))  # fmt: skip


@invoices.command()
@_about_one
@json_option
def exclude(invoice: str, project: str | None, note: str, as_json: bool) -> None:
    """Say that INVOICE (Procore id or number) shall not be exported."""
    _decide(as_json, note, lambda text: open_container().invoice_decisions.exclude(
        invoice, project, by=user(), note=text
    ))  # fmt: skip


@invoices.command()
@_about_one
@json_option
def include(invoice: str, project: str | None, note: str, as_json: bool) -> None:
    """Take back what was said about INVOICE (Procore id or number): it is looked at again now."""
    with faults_as_sentences():
        kept = _required(note)
        done = open_container().invoice_decisions.take_back(invoice, project, by=user(), note=kept)
        if as_json:
            print_json({"key": str(done.key), "taken_back": done.decision.stored})
        else:
            out.print(f"Taken back: {done.decision.label} was {done.decision.reason}", soft_wrap=True)


@invoices.command()
@json_option
def decisions(as_json: bool) -> None:
    """List what people said about invoices: who, when and why."""
    with faults_as_sentences():
        found = open_container().decisions.all()
        if as_json:
            print_json([{"key": str(key), **decision.stored} for key, decision in found.items()])
            return
        columns = ("invoice", "decision", "bill", "by", "since", "note")
        rows = (
            (one.label, one.kind.replace("_", " "), one.bill_id, one.by, clock(one.at), one.note)
            for one in found.values()
        )
        table(counted(len(found), "decisions"), columns, rows)


def _decide(as_json: bool, note: str, decide: Callable[[str], Decided]) -> None:
    with faults_as_sentences():
        done = decide(_required(note))
        if as_json:
            print_json({"key": str(done.key), **done.decision.stored})
        else:
            out.print(f"Noted: {done.decision.label} is {done.decision.reason}", soft_wrap=True)


def _required(note: str) -> str:
    if not note.strip():
        raise click.UsageError("Say in the note why.")
    return checked_note(note)
