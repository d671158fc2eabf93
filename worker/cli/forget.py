"""`wbs-sync forget`: clear a deleted record from the ledger so that it can be recreated."""

from __future__ import annotations

import click

from worker.cli.one_record import checked_note, record_options, require_one_record, user
from worker.cli.output import err, json_option, print_done
from worker.cli.session import open_container
from worker.reconcile.forgetting import Forgettable


@click.command()
@record_options
@click.option(
    "--take",
    metavar="ID",
    default="",
    help="Internal id of the Item or bill that replaces the recorded one; the next scan or export adopts it if it matches.",
)
@click.option("--note", default="", help="Reason; saved in the record's history.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def forget(
    project: str | None,
    code: str | None,
    invoice: str | None,
    of_project: str | None,
    take: str,
    note: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Clear the Item of a code (PROJECT CODE) or the bill of an invoice (--invoice ID) from the ledger so that it can be recreated.

    Use it for a record that was deleted in NetSuite. It queries NetSuite first and refuses if the Item or bill still exists, if another
    record could be mistaken for it, or if a write of it is unconfirmed. It starts no work and writes to neither system.
    """
    require_one_record(project, code, invoice)
    kept_note, forgetting = checked_note(note), open_container().forgetting

    def find() -> Forgettable:
        if invoice is not None:
            return forgetting.invoice(invoice, of_project, take=take)
        return forgetting.code(str(project), str(code), take=take)

    target = find()
    if not yes:
        err.print(f"{target.about}: {target.why}.", soft_wrap=True)
        click.confirm(f"Clear id {target.record.remote_id} from the ledger?", abort=True, err=True)
    done = forgetting.forget(target, find, by=user(), note=kept_note)
    cleared = {"cleared": str(done.key), "record": done.about, "id": done.record.remote_id}
    cleared |= {"reason": done.why, "next_step": done.next}
    print_done(cleared, f"Cleared: {done.about}, id {done.record.remote_id}. {done.next}", as_json=as_json)
