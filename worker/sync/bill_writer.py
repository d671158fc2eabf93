"""Creates, finds or adopts the bill of one invoice; never changes an existing bill.

Only the external id (and in some accounts the vendor's document number) prevents a double payment. So NetSuite is queried before each
write, also for bills entered by hand, and the vendor's number is claimed for the invoice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.bill_differences import difference, differences
from worker.domain.bills import Bill, Document, FoundBill
from worker.domain.errors import Blocked, OutcomeUnknown, SeriesStopped, SyncError
from worker.domain.findings import Finding, bills_of_one_number
from worker.domain.identities import InvoiceKey, is_our_bill, same_external_id
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State
from worker.domain.problems import Cause, FindingKind
from worker.domain.series import Deviation, Series
from worker.engine.exactly_once import ExactlyOnce
from worker.store.locks import Lock
from worker.store.stores import Stores
from worker.sync.bill_ownership import SAME_NUMBER, BillOwnership
from worker.sync.bill_records import BillRecords
from worker.sync.billables import Billable, Billables


@dataclass(frozen=True, slots=True)
class BillWriter:
    """Writes bills, each exactly once."""

    stores: Stores
    remotes: Remotes
    once: ExactlyOnce
    records: BillRecords
    ownership: BillOwnership
    billables: Billables

    def make(self, key: InvoiceKey, ready: Billable, bill: Bill, record: Record | None, lock: Lock) -> Outcome:
        """Adopt or create the invoice's bill. `record`: its ledger record. Raises Blocked; Transient and Misconfigured if nothing was sent."""
        facts, due = ready.invoice.facts, ready.invoice.base_due
        waiting = Record(State.WAITING, ready.invoice.label, at=lock.at, facts=facts, payment_due=due, fence=lock.fence)
        candidate = _Candidate(self, key, ready, bill, waiting, known=record is not None)
        return self.once.make(candidate, record, lock)

    def look_up(self, bill: Bill, *, known: bool) -> FoundBill | None:
        """Return the bill with the wbs-sync external id, or one of the same vendor with the same number. `known`: a write may exist that
        SuiteQL does not show yet.

        Raises Blocked if there are several.
        """
        if known and (found := self.remotes.netsuite.bill_by_external_id(bill.external_id)):
            return found
        bills = [found for bill_id in self._ids(bill) if (found := self.remotes.netsuite.bill(bill_id))]
        ours = [found for found in bills if same_external_id(found.external_id, bill.external_id)]
        if len(ours or bills) > 1:
            raise Blocked(
                cause=Cause.DUPLICATE_BILL, facts={"bill_ids": ", ".join(found.id for found in ours or bills)}
            )
        return next(iter(ours or bills), None)

    def require_free(self, key: InvoiceKey, bill: Bill, found: FoundBill | None) -> None:
        """Raise Blocked if the bill could not be adopted or written for the invoice; reads only."""
        if not (found and is_ours(bill, found)):
            self.ownership.require_free(key, bill, found)

    def claim_number(self, key: InvoiceKey, bill: Bill) -> Outcome | None:
        """Claim the vendor's number. Return an outcome if another invoice comes first. Raises Blocked, SeriesStopped."""
        if self.once.differences.state(Series.BILLS).stops(str(key)):
            raise SeriesStopped("writing bills is stopped")
        return self.ownership.claim_number(key, bill)

    def create(self, ready: Billable, bill: Bill, leaving: Callable[[], None]) -> FoundBill:
        """Create the bill and read it back."""
        bill_id = self.remotes.netsuite.create_bill(bill, before_sending=leaving)
        written = self._read_back(bill_id)
        self.once.differences.note(Series.BILLS, ready.invoice.label, self._deviations(bill, written))
        return written

    def compare(self, ready: Billable, bill: Bill, found: FoundBill) -> None:
        """Compare a bill whose write was unconfirmed with what was sent, like a confirmed one."""
        if same_external_id(found.external_id, bill.external_id):
            self.once.differences.note(Series.BILLS, ready.invoice.label, self._deviations(bill, found))

    def accept(
        self, key: InvoiceKey, ready: Billable, found: FoundBill, document: Document, *, ours: bool, created: bool
    ) -> Outcome:
        """Record a bill that matches to the cent as that of the invoice."""
        if not ours and (other_first := self.ownership.claim_bill(key, found.id)):
            return replace(other_first, name=ready.invoice.label)
        is_credit = document is Document.CREDIT
        notes = ["the payment due is negative, so it is a vendor credit"] if is_credit else []
        # Before the record, after which the period is not checked again: a process that dies in between repeats both.
        notes += [elsewhere] if ours and (elsewhere := self._report_period(key, ready, found)) else []
        event = EventKind.CREATED if created else EventKind.FOUND if ours else EventKind.ADOPTED
        facts = {"document": document.value} if is_credit else {}
        outcome = self.records.take(
            key, ready.invoice, found.id, ours=ours, event=event, facts=facts, project=ready.project.label
        )
        kind = OutcomeKind.CREATED if created else OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED
        return replace(outcome, kind=kind, reason="; ".join([outcome.reason, *notes] if outcome.reason else notes))

    def report_twins(self, key: InvoiceKey, ready: Billable, bill: Bill, found: FoundBill) -> None:
        """Report that the bill was entered by hand while the write was unconfirmed, so that NetSuite now has both."""
        others = [
            other
            for bill_id in self._ids(bill)
            if bill_id != found.id and (other := self.remotes.netsuite.bill(bill_id))
        ]
        twins = [other for other in others if not other.void and not is_our_bill(other.external_id)]
        if twins:
            words = bills_of_one_number([found, *twins])
            self.records.report(_finding(key, ready, FindingKind.DUPLICATE_BILL, words))

    def _ids(self, bill: Bill) -> list[str]:
        """Return the ids of the bill with the wbs-sync external id and of bills of the same vendor with the same number."""
        return self.remotes.netsuite.find_bill_ids(
            external_id=bill.external_id,
            vendor_id=bill.vendor_id,
            document_number=bill.document_number,
            document=bill.document,
        )

    def _deviations(self, bill: Bill, written: FoundBill) -> dict[Deviation, str]:
        """Return the differences between a bill that was just created and what was sent."""
        found = differences(bill, written)
        if period := self.billables.periods.unwanted(written):
            found[Deviation.PERIOD] = f"posted in {period}, not in the period of its date {written.date}"
        wanted = self.remotes.netsuite.subsidiary_id
        if wanted and written.subsidiary_id and written.subsidiary_id != wanted:
            found[Deviation.SUBSIDIARY] = f"subsidiary {written.subsidiary_id} instead of {wanted}"
        return found

    def _read_back(self, bill_id: str) -> FoundBill:
        """Read back the bill that was just created. NetSuite has it, so any error leaves it unconfirmed and does not count as a failed write."""
        try:
            written = self.remotes.netsuite.bill(bill_id)
        except SyncError as error:
            raise OutcomeUnknown(f"bill {bill_id} was created but could not be read back: {error}") from error
        if written is None:
            raise OutcomeUnknown(f"bill {bill_id} was created but could not be read back")
        return written

    def _report_period(self, key: InvoiceKey, ready: Billable, found: FoundBill) -> str:
        """Report a bill that is not in the posting period of its date: in the journal, and as a problem unless the settings ask for it."""
        elsewhere = self.billables.periods.elsewhere(found)
        if not elsewhere:
            return ""
        event = AuditEvent(EventKind.POSTED_ELSEWHERE, {"period": elsewhere, "date": str(found.date)})
        self.stores.ledger.journal.add(key, event)
        words = f"posted in {elsewhere}, not in the period of its date {found.date}"
        if self.billables.periods.unwanted(found):
            finding = _finding(key, ready, FindingKind.BILL_PERIOD_MISMATCH, f": its {found.label} is {words}.")
            self.records.report(finding)
        return words


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The bill that an invoice needs, for one attempt (`worker/engine/exactly_once.py`)."""

    writer: BillWriter
    key: InvoiceKey
    ready: Billable
    bill: Bill
    waiting: Record
    known: bool
    series: ClassVar[Series] = Series.BILLS

    @property
    def name(self) -> str:
        return self.ready.invoice.label

    def look_up(self, sent: Record | None, *, exists: bool = False) -> FoundBill | None:
        return self.writer.look_up(self.bill, known=self.known or exists or sent is not None)

    def same(self, found: FoundBill, sent: Record | None) -> bool:
        if sent and sent.facts == self.ready.invoice.facts:
            self.writer.compare(self.ready, self.bill, found)
        return is_ours(self.bill, found)

    def reserve(self) -> Outcome | None:
        return self.writer.claim_number(self.key, self.bill)

    def create(self, leaving: Callable[[], None]) -> FoundBill:
        return self.writer.create(self.ready, self.writer.billables.completed(self.ready, self.bill), leaving)

    def accept(self, found: FoundBill, *, ours: bool, sent: Record | None = None, created: bool = False) -> Outcome:
        if sent:
            self.writer.report_twins(self.key, self.ready, self.bill, found)
        return self.writer.accept(self.key, self.ready, found, self.bill.document, ours=ours, created=created)

    def given_up(self, record: Record) -> Blocked:
        facts = {"attempts": str(record.attempts), "answer": record.detail}
        return Blocked(cause=Cause.RETRIES_EXHAUSTED, facts=facts)


def is_ours(bill: Bill, found: FoundBill) -> bool:
    """Return whether a bill in NetSuite was created by wbs-sync. Raises Blocked if it does not match to the cent, or belongs to another invoice."""
    ours = same_external_id(found.external_id, bill.external_id)
    differs = difference(bill, found)
    if not ours and is_our_bill(found.external_id):
        differs = SAME_NUMBER
    if differs:
        cause = Cause.BILL_DIFFERS if ours else Cause.DOCUMENT_NUMBER_TAKEN
        raise Blocked(cause=cause, facts={"bill_id": found.id, "difference": differs})
    return ours


def _finding(key: InvoiceKey, ready: Billable, kind: FindingKind, words: str) -> Finding:
    """Return a finding about an invoice; `words` follow its name."""
    sentence = f"Invoice {ready.invoice.label} of project {ready.project.label}{words}"
    return Finding(kind, str(key), sentence, ready.invoice.document_number)
