"""Records how the export of an invoice ends without a new bill: settled by hand, blocked, skipped, or done before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import EventKind
from worker.domain.errors import Blocked
from worker.domain.identities import InvoiceKey, bill_external_id
from worker.domain.invoices import Invoice
from worker.domain.outcomes import SETTLED, Outcome, OutcomeKind, Record, State, busy, outcome_of
from worker.domain.problems import Cause, describe
from worker.domain.series import Series
from worker.engine.exactly_once import ExactlyOnce
from worker.store.locks import Lock
from worker.store.stores import Stores
from worker.sync.bill_ownership import BillOwnership
from worker.sync.bill_records import BillRecords
from worker.sync.refusal_names import RefusalNames
from worker.sync.settled_by_hand import BY_HAND


@dataclass(frozen=True, slots=True)
class ExportEnds:
    """Ends exports. A write that NetSuite did not confirm stays unconfirmed."""

    stores: Stores
    remotes: Remotes
    once: ExactlyOnce
    records: BillRecords
    ownership: BillOwnership
    refusal_names: RefusalNames

    def settle(self, key: InvoiceKey, invoice: Invoice, bill_id: str, *, project: str) -> Outcome:
        """Adopt a bill that was entered by hand for an invoice that cannot be exported, and save its id to Procore."""

        def settled(record: Record | None, lock: Lock) -> Outcome:
            if record and record.in_doubt:
                return self.once.look_later(key, record, lock)
            try:
                return self.take_settled(key, invoice, bill_id, project=project)
            except Blocked as error:
                return self.end(key, lock, self.records.blocked(key, invoice, error))

        return self.once.locked(key, invoice.label, settled)

    def take_settled(self, key: InvoiceKey, invoice: Invoice, bill_id: str, *, project: str) -> Outcome:
        """Record a bill that was entered by hand as that of the invoice, under the invoice's lock. Raises Blocked if it has another invoice."""
        if other_first := self.ownership.claim_bill(key, bill_id):
            return replace(other_first, name=invoice.label)
        facts = {SETTLED: "by hand", "document": invoice.document.value}
        outcome = self.records.take(
            key, invoice, bill_id, ours=False, event=EventKind.SETTLED, facts=facts, project=project
        )
        return replace(outcome, kind=OutcomeKind.ADOPTED, reason="; ".join(filter(None, (outcome.reason, BY_HAND))))

    def block(self, key: InvoiceKey, invoice: Invoice | None, error: Blocked) -> Outcome:
        """Record the problem of an invoice. An unconfirmed bill stays unconfirmed and is looked up as well."""
        return self.conclude(key, self.records.blocked(key, invoice, error))

    def conclude(self, key: InvoiceKey, end: Record) -> Outcome:
        """Record how an invoice's export ended without a write: skipped, blocked, or already done. Raises Transient, Misconfigured."""
        if self.stores.ledger.write(key, end):
            return outcome_of(end)
        with self.stores.locks.hold(str(key)) as lock:
            return self.end(key, lock, end) if lock else busy(self.stores.now(), end.name)

    def explained(self, invoice: Invoice, error: Blocked) -> Blocked:
        """Return the problem of an invoice; if NetSuite refused its bill, with names in place of ids."""
        bill = f"the {invoice.document} of invoice {invoice.label} ({invoice.vendor_name})"
        return self.refusal_names.explained(error, Series.BILLS, bill)

    def end(self, key: InvoiceKey, lock: Lock, end: Record) -> Outcome:
        """End the export, but not an unconfirmed write: a bill that was sent may still appear although the invoice changed in the meantime.

        An existing bill gets a separate problem; while one may still appear, it is looked up again.
        """
        record = self.stores.ledger.invoice(key)
        if record and record.done:
            return outcome_of(record)
        if record and record.in_doubt and end.cause is not Cause.BILL_DIFFERS:
            external_id = bill_external_id(self.remotes.company_id, key.invoice_id)
            found = self.remotes.netsuite.bill_by_external_id(external_id)
            if found:
                words = describe(end.cause, end.facts).sentence if end.cause else end.detail
                facts = {**record.facts, "invoice": record.name, **end.facts, "bill_id": found.id, "difference": words}
                end = replace(end, state=State.BLOCKED, cause=Cause.BILL_DIFFERS, facts=facts)
            elif self.once.is_unsettled(record, lock):
                if end.cause:
                    self.stores.ledger.report(str(key), end.cause, end.facts, at=end.at)
                later = self.once.look_later(key, record, lock)
                return replace(later, reason=outcome_of(end).reason, cause=end.cause)
        self.stores.ledger.write(key, replace(end, fence=lock.fence))
        return outcome_of(end)
