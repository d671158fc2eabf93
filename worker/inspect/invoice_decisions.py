"""Records decisions on an invoice: billed elsewhere, or excluded from export; and undoes them. Writes to neither system."""

from __future__ import annotations

from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.decisions import Decision, DecisionKind
from worker.domain.errors import Blocked, SyncError
from worker.domain.identities import InvoiceKey, bill_external_id, is_internal_id, is_our_bill, same_external_id
from worker.domain.outcomes import Record, State
from worker.domain.problems import describe
from worker.domain.work import Lane
from worker.inspect.named_records import NamedRecords
from worker.store.stores import Stores
from worker.sync.bill_ownership import BillOwnership


class NotDecided(SyncError):
    """A decision was not recorded; the message says why."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision that was recorded or undone."""

    key: InvoiceKey
    decision: Decision


@dataclass(frozen=True, slots=True)
class InvoiceDecisions:
    """Records decisions under the invoice's lock. `named`, `project`: the invoice and project as typed. All methods raise SyncError."""

    stores: Stores
    remotes: Remotes
    named: NamedRecords
    ownership: BillOwnership

    def mark_billed(self, named: str, project: str | None, bill_id: str, *, by: str, note: str) -> Decided:
        """Mark the invoice as billed elsewhere by this NetSuite bill or credit, whose number and amount may differ."""
        key = self.named.invoice(named, project)
        if not is_internal_id(bill_id):
            raise NotDecided(f"{bill_id!r} is not a NetSuite internal id: internal ids contain digits only.")
        bill = self.remotes.netsuite.bill(bill_id)
        if bill is None or bill.void:
            state = "is void" if bill else "does not exist"
            raise NotDecided(f"The bill or credit {bill_id} {state} in NetSuite.")
        our_external_id = bill_external_id(self.remotes.company_id, key.invoice_id)
        if is_our_bill(bill.external_id) and not same_external_id(bill.external_id, our_external_id):
            raise NotDecided(f"The {bill.label} was created for another Procore invoice.")
        return self._note(key, DecisionKind.BILLED_ELSEWHERE, by=by, note=note, bill_id=bill.id)

    def exclude(self, named: str, project: str | None, *, by: str, note: str) -> Decided:
        """Exclude the invoice from export. Refused if wbs-sync has created its bill in NetSuite, which would be paid anyway."""
        return self._note(self.named.invoice(named, project), DecisionKind.EXCLUDED, by=by, note=note)

    def undo(self, named: str, project: str | None, *, by: str, note: str) -> Decided:
        """Undo any decision on the invoice and queue it again."""
        key = self.named.invoice(named, project)
        with self.stores.locks.hold(str(key)) as lock:
            if lock is None:
                raise NotDecided("A worker is working on this invoice. Try again in a minute.")
            decision = self.stores.decisions.of(key)
            if decision is None:
                raise NotDecided("There is no decision on this invoice.")
            self._keep_copy()
            self.stores.decisions.take_back(key)
            self._keep_copy()
            waiting = Record(State.WAITING, decision.label, at=lock.at, fence=lock.fence)
            event = AuditEvent(EventKind.DECISION_UNDONE, {"by": by, "why": decision.reason, "note": note})
            self.stores.ledger.write(key, waiting, event)
        self.stores.work.request(Lane.EXPORTS, [str(key)])
        return Decided(key, decision)

    def _note(self, key: InvoiceKey, kind: DecisionKind, *, by: str, note: str, bill_id: str = "") -> Decided:
        with self.stores.locks.hold(str(key)) as lock:
            if lock is None:
                raise NotDecided("A worker is working on this invoice. Try again in a minute.")
            record = self.stores.ledger.invoice(key)
            if record and record.done:
                raise NotDecided(f"Its bill is already in NetSuite (id {record.remote_id}), so no decision is needed.")
            if record and record.in_doubt:
                raise NotDecided(
                    "A write of its bill is unconfirmed and may still succeed. Try again when that is known."
                )
            if bill_id:
                self._claim(key, bill_id)
            else:
                self._require_no_bill(key)
            label = record.name if record and record.name else f"id {key.invoice_id}"
            decision = Decision(kind, label, by, self.stores.now(), note, bill_id)
            self.stores.decisions.note(key, decision)
            self._keep_copy()
            facts, due = (dict(record.facts), record.payment_due) if record else ({}, None)
            end = Record(
                State.SKIPPED,
                label,
                at=decision.at,
                detail=decision.reason,
                facts=facts,
                payment_due=due,
                fence=lock.fence,
            )
            event = AuditEvent(EventKind.DECIDED, {"by": by, "what": kind.value, "id": bill_id, "note": note})
            self.stores.ledger.write(key, end, event)
            self.stores.ledger.resolve(str(key))
        return Decided(key, decision)

    def _require_no_bill(self, key: InvoiceKey) -> None:
        bill = self.remotes.netsuite.bill_by_external_id(bill_external_id(self.remotes.company_id, key.invoice_id))
        if bill and not bill.void:
            raise NotDecided(
                f"The {bill.label} that wbs-sync created for this invoice is in NetSuite and would be paid. Void it there first, or mark the invoice as "
                f"billed by it: `wbs-sync invoices mark-billed {key.invoice_id} --bill {bill.id} --note NOTE`."
            )

    def _claim(self, key: InvoiceKey, bill_id: str) -> None:
        try:
            in_the_way = self.ownership.claim_bill(key, bill_id)
        except Blocked as error:
            raise NotDecided(describe(error.cause, {**error.facts}).sentence if error.cause else str(error)) from error
        if in_the_way:
            raise NotDecided(f"The bill {bill_id} cannot be assigned to this invoice now: {in_the_way.reason}.")

    def _keep_copy(self) -> None:
        """Save the decision on this machine too. A copy of an earlier ledger is restored first."""
        if opened_at := self.stores.ledger.state.opened_at():
            self.stores.decisions.catch_up(opened_at)
