"""Tasks that export subcontractor invoices to vendor bills: the missing Items first, then the bill."""

from __future__ import annotations

from typing import Any

from celery import Task, chain

from config.names import DISPATCHED_HEADER, TaskName
from tasks.messages import ExportApproved, MakeItems, OneInvoice, OneProject, read
from tasks.results import BillEnded, Ended, Started, bill_ended, ended, started
from worker.app import app
from worker.context import is_dispatched
from worker.domain.identities import InvoiceKey
from worker.domain.work import EXPORTS_OF_ALL, Lane, RunKind, exports_of
from worker.runtime.current import current


@app.task(name=TaskName.EXPORT_APPROVED.value, lanes=(Lane.LISTINGS,))
def export_approved(**arguments: Any) -> Started:
    """Start the export of all approved invoices, or join the one in progress: {"run": id, "joined": bool}."""
    message = read(ExportApproved, arguments)
    requested = None if is_dispatched() else current().export_runs.request(message.trigger)
    current().runner.run(EXPORTS_OF_ALL)
    return started(requested or (current().runs.current(RunKind.EXPORT), True))


@app.task(name=TaskName.EXPORT_PROJECT.value, lanes=(Lane.LISTINGS, Lane.EXPORTS))
def export_project(**arguments: Any) -> Ended:
    """List the invoices of one project, and queue those to export."""
    message = read(OneProject, arguments)
    return ended(current().runner.run(exports_of(message.project_id)), noun="project")


@app.task(name=TaskName.EXPORT.value, lanes=(Lane.EXPORTS, Lane.ITEMS), bind=True)
def export(self: Task, **arguments: Any) -> BillEnded:
    """Export one invoice: {"outcome": "created", "bill": "ACME-0417", "bill_id": "88123"}. A chain creates the missing Items first."""
    message = read(OneInvoice, arguments)
    outcome = current().runner.run(str(InvoiceKey(message.project_id, message.invoice_id)))
    if outcome.missing:
        ids = message.model_dump()
        steps = (make_items.si(**ids, wbs_code_ids=list(outcome.missing)), create_bill.si(**ids))
        # The tasks of the chain continue the work of this message.
        raise self.replace(chain(*(one.set(headers={DISPATCHED_HEADER: True}) for one in steps)))
    return bill_ended(outcome)


@app.task(name=TaskName.MAKE_ITEMS.value, lanes=())
def make_items(**arguments: Any) -> Ended:
    """Create the missing Items of an invoice."""
    message = read(MakeItems, arguments)
    key = InvoiceKey(message.project_id, message.invoice_id)
    export = current().invoice_export
    outcome = current().runner.run(str(key), lambda _: export.make_items(key, message.wbs_code_ids))
    return ended(outcome, noun="invoice")


@app.task(name=TaskName.CREATE_BILL.value, lanes=(Lane.EXPORTS, Lane.ITEMS))
def create_bill(**arguments: Any) -> BillEnded:
    """Create the bill if every line has its Item; otherwise return which Items are missing and retry later."""
    message = read(OneInvoice, arguments)
    key, export = InvoiceKey(message.project_id, message.invoice_id), current().invoice_export
    return bill_ended(current().runner.run(str(key), lambda _: export.create_bill(key)))
