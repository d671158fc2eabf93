"""How commands are told one code or one invoice, and who tells them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from typing import Any, TypeVar

import click

from worker.cli.output import named_invoice, named_project
from worker.domain.texts import unwritable

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
LONGEST_NOTE = 1000


def names_one(command: CommandT) -> CommandT:
    """PROJECT CODE, or --invoice ID with --project where the ledger does not know it; `require_one` checks them."""
    for parameter in (
        click.option(
            "--project",
            "of_project",
            type=named_project,
            help="The invoice's project (id, number or name), where the ledger does not know it.",
        ),
        click.option("--invoice", type=named_invoice, help="Procore id or number of a subcontractor invoice."),
        click.argument("code", required=False),
        click.argument("project", required=False),
    ):
        command = parameter(command)
    return command


def require_one(project: str | None, code: str | None, invoice: str | None) -> None:
    """Raise UsageError unless either a code or an invoice is named."""
    if invoice is not None and (project or code):
        raise click.UsageError("Name a code (PROJECT CODE) or an invoice (--invoice ID --project ID), not both.")
    if invoice is None and not (project and code):
        raise click.UsageError("Name a code (PROJECT CODE) or an invoice (--invoice ID).")


def checked_note(note: str) -> str:
    """A person's note. Raises UsageError for one that cannot be kept as it is."""
    if len(note) > LONGEST_NOTE:
        raise click.UsageError(f"The note has {len(note)} characters; {LONGEST_NOTE} are kept.")
    if character := unwritable(note):
        raise click.UsageError(f"The note holds a character that cannot be written ({character}).")
    return note.strip()


def user() -> str:
    """The user of the operating system; in a container it may have no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
