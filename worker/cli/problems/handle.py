"""`wbs-sync problems resolve`, `continue` and `ignore`: what a person says about one problem, with their name, the time and a note."""

from __future__ import annotations

import click

from config.names import TaskName
from worker.cli.one_record import checked_note, user
from worker.cli.output import Fault, faults_as_sentences, json_option, out, print_json
from worker.cli.problems.named import problem_key
from worker.cli.session import open_container, send
from worker.container import Container
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import State
from worker.domain.problems import Cause
from worker.domain.series import Series
from worker.store.open_problems import OpenProblem


@click.command()
@click.argument("key", metavar="KEY")
@click.option("--note", required=True, help="What was done; kept with the problem.")
@json_option
def resolve(key: str, note: str, as_json: bool) -> None:
    """Close the problem KEY, because it is dealt with. If its cause comes again, it opens anew and tells of this note.

    It starts no work and stops none: whether anything is sent is decided by the records alone.
    """
    with faults_as_sentences():
        if not note.strip():
            raise click.UsageError("Say in the note what was done.")
        container = open_container()
        one = _open_problem(container, key)
        if key in {each.problem_key for each in Series}:
            raise Fault(f"Nothing is written until somebody says so: `wbs-sync problems continue {key} --note NOTE`.")
        kept = checked_note(note)
        _require_an_end(container, one)
        if not container.handling.resolve(one, by=user(), at=container.now(), note=kept):
            raise Fault(_CHANGED.format(key=key))
        if as_json:
            print_json({"resolved": key, "sentence": one.problem.sentence})
        else:
            out.print(f"Resolved: {one.problem.sentence}", soft_wrap=True)


@click.command("continue")
@click.argument("key", metavar="KEY")
@click.option(
    "--note",
    required=True,
    help="What was changed in NetSuite, or why the difference is accepted; kept with the problem.",
)
@json_option
def go_on(key: str, note: str, as_json: bool) -> None:
    """Go on with a series of records that was stopped because NetSuite changes each of them (KEY: series:items or series:bills).

    The same difference does not stop it again until a record agrees once. Records that differ keep problems of their own. For a problem
    items_of_former_name: create new Items, because those that it names are not the project's.
    """
    with faults_as_sentences():
        if not note.strip():
            raise click.UsageError("Say in the note what was changed, or why the difference is accepted.")
        container = open_container()
        one = _open_problem(container, key)
        series = next((each for each in Series if each.problem_key == key), None)
        former = one.problem.cause is Cause.ITEMS_OF_FORMER_NAME
        if series is None and not former:
            raise click.UsageError(
                f"{key} is not a stopped series. For other problems: `wbs-sync problems retry {key}`."
            )
        if not container.handling.go_on(one, by=user(), at=container.now(), note=checked_note(note)):
            raise Fault(_CHANGED.format(key=key))
        if series:
            container.differences.go_on(series)
        else:
            container.former_items.reject(one.facts)
            same = (other.key for other in container.ledger.problems() if other.problem.cause is one.problem.cause)
            container.retries.again([key, *same])
            send(TaskName.RESUME)
        if as_json:
            print_json({"continued": key, "sentence": one.problem.sentence})
        else:
            out.print(f"Writing {series or 'Items'} goes on.", soft_wrap=True)


@click.command()
@click.argument("key", metavar="KEY")
@click.option("--until-changed", is_flag=True, help="Has to be said: nothing can be ignored for ever.")
@click.option("--note", default="", help="Why; kept with the problem.")
@json_option
def ignore(key: str, until_changed: bool, note: str, as_json: bool) -> None:
    """Leave the problem KEY out of the list and of exit codes until it says anything else; then it comes back by itself.

    `wbs-sync problems --ignored` lists them.
    """
    if not until_changed:
        raise click.UsageError("Say --until-changed: a problem is ignored until its cause or one of its facts changes.")
    with faults_as_sentences():
        container = open_container()
        one = _open_problem(container, key)
        if not container.handling.ignore(one, by=user(), at=container.now(), note=checked_note(note)):
            raise Fault(_CHANGED.format(key=key))
        if as_json:
            print_json({"ignored": key, "sentence": one.problem.sentence})
        else:
            out.print(f"Ignored until it changes: {one.problem.sentence}", soft_wrap=True)


ENTERED_BY_HAND = frozenset(
    {
        Cause.NEEDS_VENDOR_CREDIT,
        Cause.FOREIGN_CURRENCY,
        Cause.INVOICE_HAS_TAX,
        Cause.TAX_NOT_IN_PAYMENT_DUE,
        Cause.LINES_DO_NOT_TIE,
    }
)
"""Causes whose remedy may be a bill that a person enters in NetSuite."""
_CHANGED = "{key} has changed just now. Look at it again: `wbs-sync problems show {key}`."


def _require_an_end(container: Container, one: OpenProblem) -> None:
    """An invoice that is entered by hand stays blocked until its bill is found, or until somebody says where it is."""
    if one.problem.cause not in ENTERED_BY_HAND or not one.key.startswith("invoice:"):
        return
    key = InvoiceKey.parse(one.key)
    record = container.ledger.invoice(key)
    if record is None or record.state is not State.BLOCKED or record.cause is not one.problem.cause:
        return
    of = f"{key.invoice_id} --project {key.project_id}"
    raise Fault(
        "This would open again with the next export: the invoice is still blocked. If its bill or credit is in NetSuite with the same "
        f"vendor, number and amount: `wbs-sync problems retry {one.key} --wait`. If with another number or amount: `wbs-sync invoices "
        f"mark-billed {of} --bill ID --note NOTE`. If it is not to be billed: `wbs-sync invoices exclude {of} --note NOTE`."
    )


def _open_problem(container: Container, key: str) -> OpenProblem:
    key = problem_key(container, key)
    found = next((one for one in container.ledger.problems() if one.key == key), None)
    if found is None:
        raise Fault(f"No problem is open under {key}. `wbs-sync problems` shows the keys.")
    return found
