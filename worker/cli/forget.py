"""`wbs-sync forget`: what was deleted in NetSuite may be made anew."""

from __future__ import annotations

import click

from worker.cli.one_record import checked_note, names_one, require_one, user
from worker.cli.output import err, faults_as_sentences, json_option, out, print_json
from worker.cli.session import open_container
from worker.services.forgetting import Forgettable


@click.command()
@names_one
@click.option(
    "--take",
    metavar="ID",
    default="",
    help="Internal id of the Item or bill that stands in the place of the recorded one: the next scan or export takes it if it fits.",
)
@click.option("--note", default="", help="Why; kept in the record's story.")
@click.option("--yes", is_flag=True, help="Do not ask.")
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
    """Forget that the Item of a code (PROJECT CODE) or the bill of an invoice (--invoice ID) was made, so that it is made anew.

    For one that was deleted in NetSuite. NetSuite is asked first, and nothing is forgotten while the Item or bill stands, while one stands
    that could be taken for it, or while a write of it has no known end. It starts no work and writes to neither system.
    """
    with faults_as_sentences():
        require_one(project, code, invoice)
        kept_note, forgetting = checked_note(note), open_container().forgetting

        def look() -> Forgettable:
            if invoice is not None:
                return forgetting.invoice(invoice, of_project, take=take)
            return forgetting.code(str(project), str(code), take=take)

        one = look()
        if not yes:
            err.print(f"{one.about}: {one.why}.", soft_wrap=True)
            click.confirm(f"Forget that its record is {one.record.remote_id}?", abort=True, err=True)
        done = forgetting.forget(one, look, by=user(), note=kept_note)
        if as_json:
            told = {"forgotten": str(done.key), "about": done.about, "id": done.record.remote_id}
            print_json(told | {"why": done.why, "next": done.next})
        else:
            out.print(f"Forgotten: {done.about}, id {done.record.remote_id}. {done.next}", soft_wrap=True)
