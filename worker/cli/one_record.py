"""Options of commands about one code or invoice, and the name of the user who runs them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from typing import Any, TypeVar

import click

from worker.cli.output import named_invoice, named_project
from worker.domain.texts import unwritable

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
MAX_NOTE_LENGTH = 1000
INVOICE_PROJECT: dict[str, Any] = {
    "type": named_project,
    "help": "The invoice's project (id, number or name); required if the invoice is not in the ledger.",
}
"""The option --project of commands about an invoice."""


def record_options(command: CommandT) -> CommandT:
    """Add PROJECT CODE, --invoice and --project to a command; `require_one_record` checks them."""
    for parameter in (
        click.option("--project", "of_project", **INVOICE_PROJECT),
        click.option("--invoice", type=named_invoice, help="Procore id or number of a subcontractor invoice."),
        click.argument("code", required=False),
        click.argument("project", required=False),
    ):
        command = parameter(command)
    return command


def require_one_record(project: str | None, code: str | None, invoice: str | None) -> None:
    """Raise UsageError unless exactly one code or one invoice is given."""
    if invoice is not None and (project or code):
        raise click.UsageError("Pass a code (PROJECT CODE) or an invoice (--invoice ID --project ID), not both.")
    if invoice is None and not (project and code):
        raise click.UsageError("Pass a code (PROJECT CODE) or an invoice (--invoice ID).")


def checked_note(note: str, *, required: str = "") -> str:
    """Return the note without surrounding space. Raises UsageError if it is too long or has unsupported characters, or, with the message
    `required`, if it is empty.
    """
    if required and not note.strip():
        raise click.UsageError(required)
    if len(note) > MAX_NOTE_LENGTH:
        raise click.UsageError(f"The note is {len(note)} characters long; the limit is {MAX_NOTE_LENGTH}.")
    if character := unwritable(note):
        raise click.UsageError(f"The note contains an unsupported character ({character}).")
    return note.strip()


def user() -> str:
    """Return the name of the operating system's user, or its number if it has no name, as in some containers."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
