"""Finds invoices that cannot be exported but were settled by hand: their bill or credit was entered in NetSuite.

Before an invoice is blocked for any reason, a bill or credit with the same vendor, number and amount is looked up. Lines, date and posting
period may differ. Reads only; if the vendor is not known, or NetSuite cannot be queried, the invoice counts as not settled.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from worker.clients.remotes import Remotes
from worker.domain.bills import FoundBill, number_key
from worker.domain.errors import Blocked, SyncError
from worker.domain.identities import InvoiceKey, bill_external_id, is_our_bill
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause
from worker.domain.texts import unwritable
from worker.store.stores import Stores
from worker.sync.links import Links

log = logging.getLogger(__name__)

ABOUT_A_FOUND_BILL = frozenset({Cause.DOCUMENT_NUMBER_TAKEN, Cause.BILL_DIFFERS, Cause.DUPLICATE_BILL})
"""Causes that result from a bill that was found; that bill does not settle the invoice by itself."""

REFUSED_BEFORE = "refused_before"
BY_HAND = "entered by hand in NetSuite with the same vendor, number and amount"
"""Reason for an invoice that cannot be exported but needs no bill from wbs-sync."""


@dataclass(frozen=True, slots=True)
class SettledByHand:
    """Looks up bills that settle invoices."""

    stores: Stores
    remotes: Remotes
    links: Links

    def bill_of(self, key: InvoiceKey, invoice: Invoice, refused: Blocked) -> FoundBill | None:
        """Return the bill or credit that settles a blocked invoice; None if there is none, or more than one.

        A bill that was found and differs (`document_number_taken`) settles the invoice only if the invoice was blocked for another reason
        before: then the bill was entered to resolve that. Never while a write is unconfirmed.
        """
        record = self.stores.ledger.invoice(key)
        if record and (record.done or record.in_doubt):
            return None
        about_a_bill = refused.cause in ABOUT_A_FOUND_BILL
        if about_a_bill and not (refused.cause is Cause.DOCUMENT_NUMBER_TAKEN and refused_before(record)):
            return None
        if not invoice.document_number or unwritable(invoice.document_number):
            return None
        try:
            bills = [bill for bill in self._of_this_number(invoice) if settles(invoice, bill)]
        except SyncError as error:
            log.info("Could not check whether invoice %s is settled by hand: %s", invoice.label, error)
            return None
        return bills[0] if len(bills) == 1 else None

    def _of_this_number(self, invoice: Invoice) -> Iterable[FoundBill]:
        vendor = self.links.vendor(invoice, remembered=True)
        wanted = number_key(vendor.id, invoice.document, invoice.document_number)
        ids = self.remotes.netsuite.find_bill_ids(
            external_id=bill_external_id(self.remotes.company_id, invoice.id),
            vendor_id=vendor.id,
            document_number=invoice.document_number,
            document=invoice.document,
        )
        found = (self.remotes.netsuite.bill(bill_id) for bill_id in ids)
        return [bill for bill in found if bill and bill.number_key == wanted]


def refused_before(record: Record | None) -> dict[str, str]:
    """Return the reason an invoice was blocked before a bill with its number was found, as a fact for its next record; empty if it was not."""
    if record is None or record.state is not State.BLOCKED or record.cause is None:
        return {}
    if record.cause in ABOUT_A_FOUND_BILL:
        return {name: words for name, words in record.facts.items() if name == REFUSED_BEFORE}
    return {REFUSED_BEFORE: record.cause.stored}


def settles(invoice: Invoice, bill: FoundBill) -> bool:
    """Return whether a bill with the invoice's vendor and number was entered by hand, is active, is in the invoice's currency, and has its amount."""
    if bill.void or is_our_bill(bill.external_id):
        return False
    is_foreign = invoice.currency != invoice.base_currency
    return is_foreign == (bill.exchange_rate != 1) and bill.total in _amounts(invoice)


def _amounts(invoice: Invoice) -> set[Decimal]:
    """Return the amounts that may have been entered. Whether Procore's payment due includes the tax is not documented."""
    return {invoice.payment_due, invoice.payment_due + invoice.tax}
