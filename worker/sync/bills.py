"""The bill of an invoice: previewed, created once, or not created for a recorded reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from worker.domain.bills import Bill, FoundBill
from worker.domain.errors import Blocked
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Outcome, Record, State
from worker.domain.problems import Cause
from worker.domain.series import Series
from worker.store.locks import Lock
from worker.store.stores import Stores
from worker.sync.bill_drafts import BillDrafts
from worker.sync.bill_writer import BillWriter
from worker.sync.billables import Billable
from worker.sync.export_ends import ExportEnds
from worker.sync.links import Links
from worker.sync.settled_by_hand import SettledByHand, refused_before


@dataclass(frozen=True, slots=True)
class Bills:
    """Creates bills. `settled`: finds the bill of an invoice that cannot be billed but was settled by hand."""

    stores: Stores
    drafts: BillDrafts
    writer: BillWriter
    ends: ExportEnds
    links: Links
    settled: SettledByHand

    def make(self, key: InvoiceKey, ready: Billable) -> Outcome:
        """Create the invoice's bill, or adopt the one in NetSuite. Raises Transient and Misconfigured if nothing was sent."""
        attempt = self.writer.once.locked
        return attempt(key, ready.invoice.label, lambda record, lock: self._made(key, ready, record, lock))

    def _made(self, key: InvoiceKey, ready: Billable, record: Record | None, lock: Lock) -> Outcome:
        if decision := self.stores.decisions.of(key):
            skipped = Record(State.SKIPPED, ready.invoice.label, at=lock.at, detail=decision.reason)
            return self.ends.end(key, lock, skipped)
        try:
            return self.writer.make(key, ready, self.drafts.draft(ready), record, lock)
        except Blocked as error:
            if settled := self.settled.bill_of(key, ready.invoice, error):
                return self.ends.take_settled(key, ready.invoice, settled.id, project=ready.project.label)
            # Perhaps because of a link that somebody corrects next: the next attempt looks it up again.
            self.links.forget(ready.invoice, ready.project)
            error = self.ends.explained(ready.invoice, error)
            if paused := self.writer.once.refused(Series.BILLS, key, ready.invoice.label, error):
                return paused
            end = self.ends.records.blocked(key, ready.invoice, error)
            if end.cause is Cause.DOCUMENT_NUMBER_TAKEN:
                end = replace(end, facts={**end.facts, **refused_before(record)})
            return self.ends.end(key, lock, end)

    def preview(self, key: InvoiceKey, ready: Billable, coming: Mapping[int, str]) -> tuple[Bill, FoundBill | None]:
        """Return what `make` would do: the bill, and the one in NetSuite that would be adopted; reads only.

        `coming`: placeholder ids, by WBS code id, of Items that are created first. Raises Blocked.
        """
        try:
            bill = self.drafts.draft(ready, coming)
            found = self.writer.look_up(bill, known=self.stores.ledger.invoice(key) is not None)
            self.writer.require_free(key, bill, found)
            return (bill, found) if found else (self.writer.billables.completed(ready, bill), None)
        except Blocked as error:
            if settled := self.settled.bill_of(key, ready.invoice, error):
                return self.drafts.draft(ready, coming), settled
            self.links.forget(ready.invoice, ready.project)
            raise
