"""Ensures that a vendor's document number is billed for one invoice only, and that a bill is adopted for one invoice only.

The lock of an invoice serializes attempts at that invoice. Two invoices of one vendor with the same number have two locks, and NetSuite's
list of bills may not show the first bill yet when the second invoice is checked. So the number is claimed before the intent is written. The
invoice's own lock is held throughout; another invoice's lock is tried without waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.bills import Bill, FoundBill, NumberKey, number_key
from worker.domain.errors import Blocked
from worker.domain.identities import InvoiceKey, bill_external_id
from worker.domain.outcomes import Outcome, OutcomeKind, Record, busy
from worker.domain.policy import Policy
from worker.domain.problems import Cause
from worker.store.stores import Stores

SAME_NUMBER = "it is the bill of another Procore invoice with the same number"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A claim: for a bill to be written, its number; for a bill to be adopted, its internal id."""

    claim: str
    key: InvoiceKey
    number: NumberKey | None = None
    bill_id: str = ""

    def is_number(self, text: str) -> bool:
        """Return whether an invoice with this number is the same document, given the same vendor."""
        return self.number is not None and number_key(*self.number[:2], text) == self.number


@dataclass(frozen=True, slots=True)
class BillOwnership:
    """Claims numbers and bills for invoices, and takes over claims of earlier invoices that have no bill."""

    stores: Stores
    remotes: Remotes
    policy: Policy

    def claim_number(self, key: InvoiceKey, bill: Bill) -> Outcome | None:
        """Claim the bill's number for the invoice before its bill is written. Return None if the invoice has it now.

        An outcome says how long to wait for the invoice that has it. Raises Blocked if that invoice has a bill with this number.
        """
        return self._claim(_Wanted(number_claim(bill), key, bill.number_key))

    def claim_bill(self, key: InvoiceKey, bill_id: str) -> Outcome | None:
        """Claim a bill that was entered by hand, before it is adopted. Returns and raises like `claim_number`."""
        return self._claim(_Wanted(bill_claim(bill_id), key, bill_id=bill_id))

    def require_free(self, key: InvoiceKey, bill: Bill, found: FoundBill | None) -> None:
        """Raise Blocked if another invoice has the number, or the bill found for it; reads only."""
        if found:
            wanted = _Wanted(bill_claim(found.id), key, bill_id=found.id)
        else:
            wanted = _Wanted(number_claim(bill), key, bill.number_key)
        holder = self.stores.bill_claims.holder(wanted.claim)
        if holder not in (None, key):
            self._require_none_of(holder, self.stores.ledger.invoice(holder), wanted)

    def _claim(self, wanted: _Wanted) -> Outcome | None:
        claims = self.stores.bill_claims
        holder = claims.take(wanted.claim, wanted.key)
        if holder == wanted.key:
            return None
        with self.stores.locks.hold(str(holder)) as lock:
            if lock is None:
                return busy(self.stores.now())
            record = self.stores.ledger.invoice(holder)
            self._require_none_of(holder, record, wanted)
            settled_at = record.sent_at + self.policy.settle_seconds if record else 0.0
            if record and record.in_doubt and lock.until(settled_at):
                again_at = record.next_check_at(lock.now(), settled_at)
                reason = f"invoice {record.name} has the same number, and NetSuite has not confirmed its bill yet"
                return Outcome(OutcomeKind.WAITING, reason=reason, again_at=again_at)
            claims.release(wanted.claim, holder, lock)
        if claims.take(wanted.claim, wanted.key) == wanted.key:
            return None
        return busy(self.stores.now())

    def _require_none_of(self, holder: InvoiceKey, record: Record | None, wanted: _Wanted) -> None:
        """Raise Blocked if the other invoice has the wanted bill, or a bill with the wanted number."""
        bill_id = record.remote_id if record and record.done else ""
        if wanted.bill_id:
            if bill_id == wanted.bill_id:
                raise _taken(bill_id, "it is the bill of another Procore invoice")
            return
        # Where NetSuite generates numbers, the bill has another one than the paper for which it was written.
        is_of_number = record is not None and wanted.is_number(record.name)
        external_id = bill_external_id(self.remotes.company_id, holder.invoice_id)
        for found in (
            self.remotes.netsuite.bill_by_external_id(external_id),
            self.remotes.netsuite.bill(bill_id) if bill_id else None,
        ):
            if found and not found.void and (is_of_number or found.number_key == wanted.number):
                raise _taken(found.id, SAME_NUMBER)


def number_claim(bill: Bill) -> str:
    """Return the claim key of a vendor's document number."""
    vendor_id, document, number = bill.number_key
    return f"number:{vendor_id}:{document}:{number}"


def bill_claim(bill_id: str) -> str:
    """Return the claim key of a bill by its internal id."""
    return f"bill:{bill_id}"


def _taken(bill_id: str, difference: str) -> Blocked:
    return Blocked(cause=Cause.DOCUMENT_NUMBER_TAKEN, facts={"bill_id": bill_id, "difference": difference})
