"""Writes the ids of existing bills to their invoices in Procore, where the export that created the bill could not do it."""

from __future__ import annotations

from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.bill_differences import billed_digest, difference
from worker.domain.errors import Blocked
from worker.domain.identities import InvoiceKey, bill_id_of_origin
from worker.domain.outcomes import Outcome, Record
from worker.domain.problems import Cause, FindingKind
from worker.sync.bill_drafts import BillDrafts
from worker.sync.bill_records import BillRecords
from worker.sync.billables import Billable, Billables
from worker.sync.invoice_reader import InvoiceReader


@dataclass(frozen=True, slots=True)
class LateOriginIds:
    """Writes the id of one bill at a time."""

    remotes: Remotes
    reader: InvoiceReader
    billables: Billables
    drafts: BillDrafts
    records: BillRecords

    def write(self, key: InvoiceKey, record: Record) -> Outcome:
        """Write the bill's id to its invoice, which locks it, unless the invoice has changed since the bill was written.

        This may be long after the bill: Procore rejects the id until the permission is granted.
        """
        invoice = self.reader.read(key)
        is_named = bill_id_of_origin(invoice.origin_id) == record.remote_id
        project = self.reader.project_label(key.project_id)
        try:
            if not is_named and (not_ours := self.reader.why_skipped(invoice)):
                raise Blocked(cause=Cause.BILL_DIFFERS, facts={"difference": not_ours})
            if billed_digest(invoice) != record.billed and not (is_named and not record.billed):
                self._require_its_bill(record, self.billables.of(invoice))
        except Blocked as error:
            if not is_named:
                return self.records.not_named(key, record, invoice, error)
            differs, kind = error.facts.get("difference", str(error)), FindingKind.BILL_LINES_MISMATCH
            self.records.report_locked(key, record, invoice, kind, differs, project=project)
        return self.records.write_back(key, record, invoice, project=project)

    def _require_its_bill(self, record: Record, ready: Billable) -> None:
        """Raise Blocked if the created bill no longer matches the invoice, which was edited in the meantime."""
        bill, found = self.drafts.draft(ready), self.remotes.netsuite.bill(record.remote_id)
        differs = difference(bill, found) if found else "it no longer exists in NetSuite"
        if differs:
            raise Blocked(cause=Cause.BILL_DIFFERS, facts={"difference": differs})
