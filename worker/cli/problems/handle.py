"""`wbs-sync problems resolve`, `continue` and `ignore`: record a decision on one problem with user, time and note."""

from __future__ import annotations

import click

from config.names import TaskName
from worker.cli.one_record import checked_note, user
from worker.cli.output import Fault, json_option, print_done
from worker.cli.problems.options import problem_key
from worker.cli.session import open_container, send
from worker.container import Container
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import State
from worker.domain.problems import Cause, record_of
from worker.domain.series import Series
from worker.store.open_problems import OpenProblem


@click.command()
@click.argument("key", metavar="KEY")
@click.option("--note", required=True, help="What was done; saved with the problem.")
@json_option
def resolve(key: str, note: str, as_json: bool) -> None:
    """Close the problem KEY as resolved. If the cause occurs again, the problem reopens and shows this note.

    This starts and stops no work: what is written depends only on the records.
    """
    text = checked_note(note, required="Describe in --note what was done.")
    container = open_container()
    entry = _open_problem(container, key)
    if key in {each.problem_key for each in Series}:
        raise Fault(f"Writing is stopped until you run `wbs-sync problems continue {key} --note NOTE`.")
    _require_an_end(container, entry)
    if not container.stores.handling.resolve(entry, by=user(), at=container.now(), note=text):
        raise Fault(_CHANGED.format(key=key))
    sentence = entry.problem.sentence
    print_done({"resolved": key, "sentence": sentence}, f"Resolved: {sentence}", as_json=as_json)


@click.command("continue")
@click.argument("key", metavar="KEY")
@click.option(
    "--note",
    required=True,
    help="What was changed in NetSuite, or why the difference is accepted; saved with the problem.",
)
@json_option
def continue_writing(key: str, note: str, as_json: bool) -> None:
    """Resume writing Items or bills after it was stopped because NetSuite changed or refused each one (KEY: series:items or series:bills).

    The same difference does not stop writing again until one record matches; two more refusals do. Records that differ keep separate problems. For a
    problem possible_former_items: create new Items, because the listed Items do not belong to the project.
    """
    text = checked_note(note, required="Describe in --note what was changed, or why the difference is accepted.")
    container = open_container()
    entry = _open_problem(container, key)
    series = next((each for each in Series if each.problem_key == key), None)
    former = entry.problem.cause is Cause.POSSIBLE_FORMER_ITEMS
    if series is None and not former:
        raise click.UsageError(
            f"{key} is not a stopped series. For other problems, run `wbs-sync problems retry {key}`."
        )
    if not container.stores.handling.resume(entry, by=user(), at=container.now(), note=text):
        raise Fault(_CHANGED.format(key=key))
    if series:
        if not container.differences.go_on(series) and any(one.key == key for one in container.ledger.problems()):
            # A difference that the user has not seen has stopped it since.
            raise Fault(_CHANGED.format(key=key))
    else:
        container.former_items.reject(entry.facts)
        same = (other.key for other in container.ledger.problems() if other.problem.cause is entry.problem.cause)
        container.retries.retry([key, *same])
        send(TaskName.RESUME)
    continued = {"continued": key, "sentence": entry.problem.sentence}
    print_done(continued, f"Writing {series or 'Items'} resumes.", as_json=as_json)


@click.command()
@click.argument("key", metavar="KEY")
@click.option("--until-changed", is_flag=True, help="Required: a problem cannot be ignored permanently.")
@click.option("--note", default="", help="Reason; saved with the problem.")
@json_option
def ignore(key: str, until_changed: bool, note: str, as_json: bool) -> None:
    """Hide the problem KEY from the list and from exit codes until its cause or facts change; then it is listed again.

    List ignored problems with `wbs-sync problems --ignored`.
    """
    if not until_changed:
        raise click.UsageError(
            "Pass --until-changed: a problem is ignored until its cause or one of its facts changes."
        )
    container = open_container()
    entry = _open_problem(container, key)
    if not container.stores.handling.ignore(entry, by=user(), at=container.now(), note=checked_note(note)):
        raise Fault(_CHANGED.format(key=key))
    sentence = entry.problem.sentence
    print_done({"ignored": key, "sentence": sentence}, f"Ignored until it changes: {sentence}", as_json=as_json)


ENTERED_BY_HAND = frozenset(
    {
        Cause.NEEDS_VENDOR_CREDIT,
        Cause.FOREIGN_CURRENCY,
        Cause.TAX_ITEM_MISSING,
        Cause.TAX_EXCLUDED_FROM_PAYMENT_DUE,
        Cause.LINES_DO_NOT_TIE,
    }
)
"""Causes that can be resolved by entering a bill in NetSuite by hand."""
_CHANGED = "{key} has just changed. Check it again with `wbs-sync problems show {key}`."


def _require_an_end(container: Container, entry: OpenProblem) -> None:
    """Raise Fault for an invoice entered by hand: it stays blocked until its bill is found or named."""
    key = record_of(entry.key)
    if entry.problem.cause not in ENTERED_BY_HAND or not isinstance(key, InvoiceKey):
        return
    record = container.ledger.invoice(key)
    if record is None or record.state is not State.BLOCKED or record.cause is not entry.problem.cause:
        return
    of = f"{key.invoice_id} --project {key.project_id}"
    raise Fault(
        "This problem would reopen with the next export because the invoice is still blocked. If NetSuite has its bill or credit with the same "
        f"vendor, number and amount, run `wbs-sync problems retry {entry.key} --wait`. If the number or amount differs, run `wbs-sync invoices "
        f"mark-billed {of} --bill ID --note NOTE`. If it must not be billed, run `wbs-sync invoices exclude {of} --note NOTE`."
    )


def _open_problem(container: Container, key: str) -> OpenProblem:
    key = problem_key(container, key)
    entry = next((one for one in container.ledger.problems() if one.key == key), None)
    if entry is None:
        raise Fault(f"There is no open problem {key}. `wbs-sync problems` lists the keys.")
    return entry
