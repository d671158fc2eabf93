"""Exports one vendor bill per approved subcontractor invoice: Items first, then the bill, then the invoice's origin id.

The bill is written only if every line has its Item, whichever messages arrive.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.errors import Blocked
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.store.stores import Stores
from worker.sync.billables import Billable, LookUp
from worker.sync.bills import Bills
from worker.sync.export_preview import ExportPreview
from worker.sync.invoice_items import InvoiceItems
from worker.sync.late_origin_ids import LateOriginIds
from worker.sync.unchanged_invoices import UnchangedInvoices

ITEMS_LATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class InvoiceExport:
    """Exports invoices, one at a time."""

    stores: Stores
    preview: ExportPreview
    items: InvoiceItems
    bills: Bills
    origin_ids: LateOriginIds
    unchanged: UnchangedInvoices

    def export(self, key: InvoiceKey) -> Outcome:
        """Export one invoice. If Items are missing, it stops before the bill, and the outcome has their codes: the caller creates them and then
        the bill.
        """
        ready = self._ready(key, look_up=self.items.resolve_missing)
        if isinstance(ready, Outcome):
            return ready
        missing: Sequence[int] = ()
        try:
            if self.items.missing(ready.invoice):
                missing = self.items.note(ready.project, ready.invoice, ready.resolved)
        except Blocked as error:
            return self._refuse(key, ready.invoice, error)
        if not missing:
            return self.bills.make(key, ready)
        self.stores.ledger.journal.add(key, AuditEvent(EventKind.WAITING_FOR_ITEMS, {"count": str(len(missing))}))
        reason = f"waiting for {len(missing)} Items to be created first"
        return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=reason, missing=tuple(missing))

    def make_items(self, key: InvoiceKey, wbs_code_ids: Collection[int]) -> Outcome:
        """Create the Items that `export` found missing. Whatever the result, `create_bill` checks again afterwards."""
        outcomes = self.items.make([CodeKey(key.project_id, wbs_code_id) for wbs_code_id in wbs_code_ids])
        made = sum(
            outcome.kind in (OutcomeKind.CREATED, OutcomeKind.ADOPTED, OutcomeKind.ALREADY) for outcome in outcomes
        )
        return Outcome(OutcomeKind.WAITING, reason=f"{made} of {len(outcomes)} Items exist; the bill is next")

    def create_bill(self, key: InvoiceKey) -> Outcome:
        """Write the bill, if every line has its Item now."""
        ready = self._ready(key, last_step=True)
        if isinstance(ready, Outcome):
            return ready
        try:
            self.items.require_none_blocked(ready.invoice)
        except Blocked as error:
            return self._refuse(key, ready.invoice, error)
        if missing := self.items.missing(ready.invoice):
            soon = self.stores.now() + ITEMS_LATE_SECONDS
            again_at = max(soon, self.items.looked_at_again(ready.invoice.project_id, missing))
            event = AuditEvent(EventKind.WAITING_FOR_ITEMS, {"count": str(len(missing))}, again_at)
            self.stores.ledger.journal.add(key, event)
            reason = f"waiting for {len(missing)} Items"
            return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=reason, again_at=again_at)
        return self.bills.make(key, ready)

    def _ready(self, key: InvoiceKey, *, look_up: LookUp | None = None, last_step: bool = False) -> Outcome | Billable:
        """Return the invoice as it is now, or the outcome if its export has ended already."""
        record = self.stores.ledger.invoice(key)
        if record and record.done:
            return self.origin_ids.write(key, record) if record.write_back_due else outcome_of(record)
        try:
            ready = self.preview.of(key, look_up=look_up, last_step=last_step, on_read=self._note_currency)
        except Blocked as error:
            return self.bills.ends.block(key, None, error)
        if isinstance(ready, Billable):
            if record:
                self.unchanged.found_unblocked(record, key.project_id)
            return ready
        if ready.kind is OutcomeKind.ADOPTED:
            return self._settle(key, self.preview.reader.read(key), ready)
        end = Record(
            State.CREATED if ready.kind is OutcomeKind.ALREADY else State.SKIPPED,
            ready.name,
            ready.remote_id,
            at=self.stores.now(),
            detail=ready.reason,
            facts=ready.facts,
            payment_due=ready.payment_due,
        )
        return self.bills.ends.conclude(key, end)

    def _refuse(self, key: InvoiceKey, invoice: Invoice, error: Blocked) -> Outcome:
        """Record a problem, unless the invoice was settled by hand."""
        if settled := self.preview.settled(key, invoice, error):
            return self._settle(key, invoice, settled)
        return self.bills.ends.block(key, invoice, error)

    def _settle(self, key: InvoiceKey, invoice: Invoice, settled: Outcome) -> Outcome:
        project = self.preview.reader.project_label(key.project_id)
        return self.bills.ends.settle(key, invoice, settled.remote_id, project=project)

    def _note_currency(self, invoice: Invoice) -> None:
        self.preview.books_currency.note([invoice.base_currency])
