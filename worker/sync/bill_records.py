"""Records the bill of an invoice: in the ledger, in Procore, and as problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.bill_differences import billed_digest, changes
from worker.domain.bills import Document
from worker.domain.errors import Blocked
from worker.domain.findings import KIND_OF_ASPECT, Finding
from worker.domain.identities import InvoiceKey, bill_origin_id
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Outcome, Record, State, outcome_of
from worker.domain.problems import FindingKind, describe
from worker.store.stores import Stores


@dataclass(frozen=True, slots=True)
class BillRecords:
    """Writes the results of exports to the ledger and to Procore."""

    stores: Stores
    remotes: Remotes

    def take(
        self,
        key: InvoiceKey,
        invoice: Invoice,
        bill_id: str,
        *,
        ours: bool,
        event: EventKind,
        facts: Mapping[str, str],
        project: str,
    ) -> Outcome:
        """Record the bill in NetSuite as that of the invoice, and save its id to Procore. `facts`: of the bill; `project`: its label."""
        record = Record(
            State.CREATED if ours else State.ADOPTED,
            invoice.label,
            bill_id,
            at=self.stores.now(),
            facts={**invoice.facts, **facts},
            payment_due=invoice.base_due,
            write_back_due=True,
            billed=billed_digest(invoice),
        )
        self.stores.ledger.write(key, record, AuditEvent(event, {"id": bill_id}))
        return self.write_back(key, record, invoice, project=project)

    def write_back(self, key: InvoiceKey, record: Record, invoice: Invoice, *, project: str) -> Outcome:
        """Write the bill's id to its invoice in Procore, which locks the invoice there.

        If Procore rejects it, the bill is still in NetSuite: a separate problem, retried by the next export. If Procore's response shows
        that the invoice was changed after it was read, a problem says so: it is locked with figures that differ from the bill.
        """
        origin_id = bill_origin_id(record.remote_id, credit=record.facts.get("document") == Document.CREDIT)
        if invoice.origin_id != origin_id:
            try:
                locked = self.remotes.procore.write_origin_id(invoice, origin_id)
            except Blocked as error:
                return replace(self.not_named(key, record, invoice, error), reason="Procore refused the origin id")
            if locked and (differs := changes(invoice, locked)):
                kind = KIND_OF_ASPECT[next(iter(differs))]
                self.report_locked(key, record, locked, kind, "; ".join(differs.values()), project=project)
        event = AuditEvent(EventKind.WRITTEN_BACK, {"origin_id": origin_id})
        facts = {**record.facts, **invoice.facts}
        named = replace(record, write_back_due=False, facts=facts, payment_due=invoice.base_due)
        self.stores.ledger.write(key, named, event)
        return outcome_of(record)

    def report_locked(
        self, key: InvoiceKey, record: Record, invoice: Invoice, kind: FindingKind, differs: str, *, project: str
    ) -> None:
        """Open a problem, which `verify` closes, for an invoice that was changed before Procore locked it."""
        words = (
            f"Invoice {invoice.label} of project {project} was changed in Procore after its bill (id {record.remote_id}) was written and before it "
            f"was locked: {differs}."
        )
        self.report(Finding(kind, str(key), words, invoice.document_number))

    def not_named(self, key: InvoiceKey, record: Record, invoice: Invoice, error: Blocked) -> Outcome:
        """Open a problem for a bill whose id cannot be written to Procore now; the next export retries it."""
        facts = {**invoice.facts, "bill_id": record.remote_id, **error.facts}
        self.stores.ledger.report(str(key), error.cause, facts, at=self.stores.now())
        return replace(outcome_of(record), cause=error.cause, reason=describe(error.cause, facts).sentence)

    def blocked(self, key: InvoiceKey, invoice: Invoice | None, error: Blocked) -> Record:
        """Return the record for an invoice's problem, without writing it."""
        facts = {**(invoice.facts if invoice else {}), **error.facts}
        if invoice and invoice.billing_date:
            facts["date"] = invoice.billing_date.isoformat()
            facts.setdefault("period", f"of {facts['date']}")
        name = invoice.label if invoice else facts.get("invoice", str(key.invoice_id))
        due = invoice.base_due if invoice else error.payment_due
        return Record(State.BLOCKED, name, at=self.stores.now(), cause=error.cause, facts=facts, payment_due=due)

    def report(self, finding: Finding) -> None:
        """Open the problem that `verify` would find, and later close."""
        self.stores.ledger.report(finding.problem_key, finding.cause, finding.facts, at=self.stores.now())
