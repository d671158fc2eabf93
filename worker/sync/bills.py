"""The bill of an invoice: drafted, planned, created once, or not created for a recorded reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from worker.clients.netsuite.client import NetSuite
from worker.domain import money
from worker.domain.bill_differences import difference
from worker.domain.bill_lines import FixedItems, bill_lines
from worker.domain.bills import MEMO_LIMIT, Bill, FoundBill
from worker.domain.errors import Blocked
from worker.domain.identities import InvoiceKey, bill_external_id
from worker.domain.invoices import Invoice
from worker.domain.outcomes import SETTLED, Outcome, OutcomeKind, Record, State, busy, outcome_of
from worker.domain.problems import Cause, describe
from worker.domain.story import What
from worker.engine.exactly_once import ExactlyOnce
from worker.store.decisions import Decisions
from worker.store.locks import Lock
from worker.sync.bill_ownership import BillOwnership
from worker.sync.bill_records import BillRecords
from worker.sync.bill_writer import Billable, BillWriter
from worker.sync.invoice_items import InvoiceItems
from worker.sync.links import Links
from worker.sync.settled_by_hand import SettledByHand, refused_before

BY_HAND = "entered by hand in NetSuite with the same vendor, number and amount"
"""Reason for an invoice that cannot be exported but needs no bill from wbs-sync."""


class Bills:
    """Creates bills, and ends exports that need none."""

    def __init__(
        self,
        once: ExactlyOnce,
        *,
        netsuite: NetSuite,
        company_id: int,
        writer: BillWriter,
        records: BillRecords,
        links: Links,
        invoice_items: InvoiceItems,
        ownership: BillOwnership,
        settled: SettledByHand,
        decisions: Decisions,
        fixed_items: FixedItems,
    ) -> None:
        self._once = once
        self._ledger = once.stores.ledger
        self._netsuite = netsuite
        self._company_id = company_id
        self._writer = writer
        self.records = records
        self._links = links
        self._items = invoice_items
        self._ownership = ownership
        self._settled = settled
        self._decisions = decisions
        self._fixed_items = fixed_items

    def make(self, key: InvoiceKey, ready: Billable) -> Outcome:
        """Create the invoice's bill, or adopt the one in NetSuite. Raises Transient and Misconfigured if nothing was sent."""
        return self._once.locked(key, ready.invoice.label, lambda record, lock: self._made(key, ready, record, lock))

    def _made(self, key: InvoiceKey, ready: Billable, record: Record | None, lock: Lock) -> Outcome:
        if decision := self._decisions.of(key):
            skipped = Record(State.SKIPPED, ready.invoice.label, at=lock.at, detail=decision.reason)
            return self._end(key, lock, skipped)
        try:
            return self._writer.make(key, ready, self.draft(ready), record, lock)
        except Blocked as error:
            if settled := self._settled.bill_of(key, ready.invoice, error):
                return self._take_settled(key, ready.invoice, settled.id, project=ready.project.label)
            # Perhaps because of a link that somebody corrects next: it is looked up anew then.
            self._links.forget(ready.invoice, ready.project)
            end = self.records.blocked(key, ready.invoice, error)
            if end.cause is Cause.DOCUMENT_NUMBER_TAKEN:
                end = replace(end, facts={**end.facts, **refused_before(record)})
            return self._end(key, lock, end)

    def read_ahead(self) -> None:
        """Read what writing any bill requires, before the bill is created."""
        self._writer.periods.read_ahead()

    def plan(self, key: InvoiceKey, ready: Billable, coming: Mapping[int, str]) -> tuple[Bill, FoundBill | None]:
        """Return what `make` would do: the bill, and the one in NetSuite that would be adopted; reads only.

        `coming`: placeholder ids, by WBS code id, of Items that are created first. Raises Blocked.
        """
        try:
            bill = self.draft(ready, coming)
            found = self._writer.look(bill, known=self._ledger.invoice(key) is not None)
            self._writer.require_free(key, bill, found)
            return (bill, found) if found else (self._writer.periods.placed(bill), None)
        except Blocked as error:
            if settled := self._settled.bill_of(key, ready.invoice, error):
                return self.draft(ready, coming), settled
            self._links.forget(ready.invoice, ready.project)
            raise

    def draft(self, ready: Billable, coming: Mapping[int, str] = MappingProxyType({})) -> Bill:
        """Return the expected bill; `coming`: placeholder ids of Items that are created first. Raises Blocked if its total is not the payment due."""
        invoice = ready.invoice
        if invoice.billing_date is None:
            raise Blocked(cause=Cause.BILLING_DATE_MISSING, facts=invoice.facts)
        known = {**coming, **self._items.known(invoice)}
        if lacking := [line.flat_code for line in invoice.lines if line.gross and line.wbs_code_id not in known]:
            raise Blocked(cause=Cause.BLOCKED_CODES, facts=invoice.facts | {"codes": ", ".join(lacking[:5])})
        bill = Bill(
            external_id=bill_external_id(self._company_id, invoice.id),
            vendor_id=ready.vendor.id,
            job_id=ready.job.id,
            document_number=invoice.document_number,
            date=invoice.billing_date,
            memo=f"Procore invoice {invoice.number}, {ready.project.label}"[:MEMO_LIMIT],
            lines=bill_lines(invoice, ready.retained, known, self._fixed_items),
            vendor_name=invoice.vendor_name,
        )
        if bill.total != invoice.payment_due:
            facts = invoice.facts | {"lines_total": money.text(bill.total)}
            raise Blocked(cause=Cause.LINES_DO_NOT_TIE, facts=facts)
        return bill

    def settle(self, key: InvoiceKey, invoice: Invoice, bill_id: str, *, project: str) -> Outcome:
        """Adopt a bill that was entered by hand for an invoice that cannot be exported, and save its id to Procore."""

        def taken(record: Record | None, lock: Lock) -> Outcome:
            if record and record.in_doubt:
                return self._once.look_later(key, record, lock)
            try:
                return self._take_settled(key, invoice, bill_id, project=project)
            except Blocked as error:
                return self._end(key, lock, self.records.blocked(key, invoice, error))

        return self._once.locked(key, invoice.label, taken)

    def _take_settled(self, key: InvoiceKey, invoice: Invoice, bill_id: str, *, project: str) -> Outcome:
        if other_first := self._ownership.claim_bill(key, bill_id):
            return replace(other_first, name=invoice.label)
        facts = {SETTLED: "by hand", "document": invoice.document.value}
        outcome = self.records.take(key, invoice, bill_id, ours=False, event=What.SETTLED, facts=facts, project=project)
        return replace(outcome, kind=OutcomeKind.ADOPTED, reason="; ".join(filter(None, (outcome.reason, BY_HAND))))

    def require_still_its_bill(self, record: Record, ready: Billable) -> None:
        """Raise Blocked if the created bill no longer matches the invoice, which was edited in the meantime."""
        bill, found = self.draft(ready), self._netsuite.bill(record.remote_id)
        differs = difference(bill, found) if found else "it no longer exists in NetSuite"
        if differs:
            raise Blocked(cause=Cause.BILL_DIFFERS, facts={"difference": differs})

    def block(self, key: InvoiceKey, invoice: Invoice | None, error: Blocked) -> Outcome:
        """Record the problem of an invoice. An unconfirmed bill stays unconfirmed and is looked up as well."""
        return self.conclude(key, self.records.blocked(key, invoice, error))

    def conclude(self, key: InvoiceKey, end: Record) -> Outcome:
        """Record how an invoice's export ended without a write: skipped, blocked, or already done. Raises Transient, Misconfigured."""
        if self._ledger.write(key, end):
            return outcome_of(end)
        with self._once.stores.locks.hold(str(key)) as lock:
            return self._end(key, lock, end) if lock else busy(self._once.stores.now(), end.name)

    def _end(self, key: InvoiceKey, lock: Lock, end: Record) -> Outcome:
        """End the export, but not an unconfirmed write: a bill that was sent may still appear although the invoice changed in the meantime.

        An existing bill gets a separate problem; while one may still appear, it is looked up again.
        """
        record = self._ledger.invoice(key)
        if record and record.done:
            return outcome_of(record)
        if record and record.in_doubt and end.cause is not Cause.BILL_DIFFERS:
            found = self._netsuite.bill_by_external_id(bill_external_id(self._company_id, key.invoice_id))
            if found:
                words = describe(end.cause, end.facts).sentence if end.cause else end.detail
                facts = {**record.facts, "invoice": record.name, **end.facts, "bill_id": found.id, "difference": words}
                end = replace(end, state=State.BLOCKED, cause=Cause.BILL_DIFFERS, facts=facts)
            elif self._once.is_unsettled(record, lock):
                if end.cause:
                    self._ledger.report(str(key), end.cause, end.facts, at=end.at)
                later = self._once.look_later(key, record, lock)
                return replace(later, reason=outcome_of(end).reason, cause=end.cause)
        self._ledger.write(key, replace(end, fence=lock.fence))
        return outcome_of(end)
