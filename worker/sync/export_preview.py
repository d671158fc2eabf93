"""Decides whether an invoice is to be billed, and what its bill would be. Reads only: exports, dry runs and comparisons use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from worker.domain.bill_lines import bills_nothing
from worker.domain.bills import Bill, FoundBill, number_key
from worker.domain.errors import Blocked
from worker.domain.identities import InvoiceKey, bill_id_of_origin
from worker.domain.invoices import NOTHING_BILLED, Invoice
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.store.stores import Stores
from worker.sync.bill_drafts import BillDrafts
from worker.sync.billables import Billable, Billables, LookUp
from worker.sync.books_currency import BooksCurrency
from worker.sync.invoice_reader import InvoiceReader
from worker.sync.parallel_reads import read_in_parallel
from worker.sync.settled_by_hand import BY_HAND, SettledByHand, settles


@dataclass(frozen=True, slots=True)
class ExportPreview:
    """Says how the export of an invoice would end, or what its bill would be made of."""

    stores: Stores
    reader: InvoiceReader
    billables: Billables
    drafts: BillDrafts
    by_hand: SettledByHand
    books_currency: BooksCurrency

    def of(
        self,
        key: InvoiceKey,
        *,
        look_up: LookUp | None = None,
        last_step: bool = False,
        on_read: Callable[[Invoice], None] = lambda _invoice: None,
    ) -> Outcome | Billable:
        """Return whether an invoice would be billed. An outcome says why not; raises Blocked for a problem.

        `look_up` is called in parallel if the invoice may be billed. `last_step`: the first step of the export has already read the vendor
        in Procore. `on_read`: called with the invoice before anything is decided about its bill.
        """
        projects = self.reader.projects
        if not projects.in_pilot(key.project_id):
            return Outcome(OutcomeKind.SKIPPED, f"id {key.invoice_id}", reason="its project is not in PROJECT_IDS")
        if decision := self.stores.decisions.of(key):
            return Outcome(OutcomeKind.SKIPPED, decision.label, reason=decision.reason)
        with read_in_parallel(self.reader.pool, partial(self.reader.read, key)) as read:
            project = projects.get(key.project_id)
            if project and (why := projects.why_left_out(project)):
                return Outcome(OutcomeKind.SKIPPED, f"id {key.invoice_id}", reason=why)
            invoice = read()
        if skip := self.reader.why_skipped(invoice):
            return _ended(OutcomeKind.SKIPPED, invoice, reason=skip)
        if bill_id := bill_id_of_origin(invoice.origin_id):
            return _ended(OutcomeKind.ALREADY, invoice, bill_id)
        on_read(invoice)
        try:
            self.books_currency.require_known(invoice)
            ready = self.billables.of(invoice, look_up=look_up, last_step=last_step)
        except Blocked as error:
            if settled := self.settled(key, invoice, error):
                return settled
            error.payment_due = invoice.base_due
            raise
        return _ended(OutcomeKind.SKIPPED, invoice, reason=NOTHING_BILLED) if _bills_nothing(ready) else ready

    def settled(self, key: InvoiceKey, invoice: Invoice, error: Blocked) -> Outcome | None:
        """Return how the export of a blocked invoice ends if its bill was entered in NetSuite by hand; None if it was not."""
        bill = self.by_hand.bill_of(key, invoice, error)
        return Outcome(OutcomeKind.ADOPTED, invoice.label, bill.id, BY_HAND, facts=invoice.facts) if bill else None

    def is_settled_by(self, key: InvoiceKey, bill: FoundBill) -> bool:
        """Return whether a bill settles an invoice that cannot be exported: entered by hand, with its number and amount."""
        try:
            invoice = self.reader.read(key)
        except Blocked:
            return False
        same_number = number_key(bill.vendor_id, invoice.document, invoice.document_number) == bill.number_key
        return same_number and settles(invoice, bill)

    def why_none(self, key: InvoiceKey) -> str | None:
        """Return why the invoice in its current state in Procore would not be billed; None if it would be processed."""
        try:
            return self.reader.why_skipped(self.reader.read(key))
        except Blocked as error:
            return f"it could not be read from Procore ({error})"

    def expected_bill(self, key: InvoiceKey) -> Bill:
        """Return the expected bill of an invoice, whether it exists or not. Raises Blocked if there can be none."""
        return self.drafts.draft(self.billables.of(self.reader.read(key), comparing=True))


def _bills_nothing(ready: Billable) -> bool:
    return bills_nothing(ready.invoice, ready.retained)


def _ended(kind: OutcomeKind, invoice: Invoice, bill_id: str = "", *, reason: str = "") -> Outcome:
    return Outcome(kind, invoice.label, bill_id, reason, facts=invoice.facts, payment_due=invoice.base_due)
