"""Drafts the bill of an invoice, whether it exists or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from worker.domain import money
from worker.domain.bill_lines import bill_lines
from worker.domain.bills import MEMO_LIMIT, Bill
from worker.domain.errors import Blocked
from worker.domain.identities import bill_external_id
from worker.domain.policy import Policy
from worker.domain.problems import Cause
from worker.store.stores import Stores
from worker.sync.billables import Billable
from worker.sync.invoice_items import InvoiceItems


@dataclass(frozen=True, slots=True)
class BillDrafts:
    """Drafts bills; queries no remote."""

    stores: Stores
    policy: Policy
    items: InvoiceItems

    def draft(self, ready: Billable, coming: Mapping[int, str] = MappingProxyType({})) -> Bill:
        """Return the expected bill; `coming`: placeholder ids of Items that are created first. Raises Blocked if its total is not the payment due."""
        invoice = ready.invoice
        if invoice.billing_date is None:
            raise Blocked(cause=Cause.BILLING_DATE_MISSING, facts=invoice.facts)
        known = {**coming, **self.items.known(invoice)}
        if missing := [line.flat_code for line in invoice.lines if line.gross and line.wbs_code_id not in known]:
            raise Blocked(cause=Cause.BLOCKED_CODES, facts=invoice.facts | {"codes": ", ".join(missing[:5])})
        bill = Bill(
            external_id=bill_external_id(self.stores.installation.company_id, invoice.id),
            vendor_id=ready.vendor.id,
            job_id=ready.job.id,
            document_number=invoice.document_number,
            date=invoice.billing_date,
            memo=f"Procore invoice {invoice.number}, {ready.project.label}"[:MEMO_LIMIT],
            lines=bill_lines(invoice, ready.retained, known, self.policy.fixed_items),
            vendor_name=invoice.vendor_name,
        )
        if bill.total != invoice.payment_due:
            facts = invoice.facts | {"lines_total": money.text(bill.total)}
            raise Blocked(cause=Cause.LINES_DO_NOT_TIE, facts=facts)
        return bill
