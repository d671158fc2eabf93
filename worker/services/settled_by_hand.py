"""An invoice that cannot be exported may be settled by hand: a person entered its bill or credit in NetSuite.

Before an invoice is refused for any reason, a bill or credit of the same vendor, number and amount is looked up. Lines, date and posting
period are the person's choice. Reads only; where the vendor is not known, or NetSuite cannot be asked, the invoice counts as not settled.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal

from worker.clients.netsuite.client import NetSuite
from worker.domain.errors import Blocked, SyncError
from worker.domain.identities import InvoiceKey, bill_external_id, is_our_bill
from worker.domain.invoices import FoundBill, Invoice, number_key
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause
from worker.domain.texts import unwritable
from worker.services.links import Links
from worker.store.ledger import Ledger

log = logging.getLogger(__name__)

ABOUT_A_FOUND_BILL = frozenset({Cause.DOCUMENT_NUMBER_TAKEN, Cause.BILL_DIFFERS, Cause.BILL_DOUBLED})
"""Refusals because of a bill that was found: that one settles nothing by itself."""

REFUSED_BEFORE = "refused_before"


class SettledByHand:
    """Looks up bills that settle invoices."""

    def __init__(self, *, netsuite: NetSuite, links: Links, ledger: Ledger, company_id: int) -> None:
        self._netsuite = netsuite
        self._links = links
        self._ledger = ledger
        self._company_id = company_id

    def bill_of(self, key: InvoiceKey, invoice: Invoice, refused: Blocked) -> FoundBill | None:
        """The bill or credit that settles an invoice which is refused; None when there is none, or more than one.

        A bill that was found and differs (`document_number_taken`) settles the invoice only if the invoice was blocked for another
        reason before: then the bill is the person's answer to that. Never while a write of ours is unconfirmed.
        """
        record = self._ledger.invoice(key)
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
        vendor = self._links.vendor(invoice, remembered=True)
        wanted = number_key(vendor.id, invoice.document, invoice.document_number)
        ids = self._netsuite.find_bill_ids(
            external_id=bill_external_id(self._company_id, invoice.id),
            vendor_id=vendor.id,
            document_number=invoice.document_number,
            document=invoice.document,
        )
        found = (self._netsuite.bill(bill_id) for bill_id in ids)
        return [bill for bill in found if bill and bill.number_key == wanted]


def refused_before(record: Record | None) -> dict[str, str]:
    """Why an invoice was blocked before a bill of its number was found, as a fact for its next record; empty when it was not."""
    if record is None or record.state is not State.BLOCKED or record.cause is None:
        return {}
    if record.cause in ABOUT_A_FOUND_BILL:
        return {name: words for name, words in record.facts.items() if name == REFUSED_BEFORE}
    return {REFUSED_BEFORE: record.cause.value}


def settles(invoice: Invoice, bill: FoundBill) -> bool:
    """Whether a bill of the invoice's vendor and number is a person's, in force, in the invoice's currency, and over its amount."""
    if bill.void or is_our_bill(bill.external_id):
        return False
    is_foreign = invoice.currency != invoice.base_currency
    return is_foreign == (bill.exchange_rate != 1) and bill.total in _amounts(invoice)


def _amounts(invoice: Invoice) -> set[Decimal]:
    """What a person may have entered. Whether Procore's payment due contains the tax is not documented."""
    return {invoice.payment_due, invoice.payment_due + invoice.tax}
