"""One vendor bill for one invoice, exactly once: lock, look, intent, write, read back, record, tell Procore.

Nothing but the external id (and in some accounts the document number of a vendor) stands between us and a double payment,
so a bill whose write got no answer is never sent again before the settle window has passed with look-ups that find nothing,
and a bill that stands is taken or refused, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain import money
from worker.domain.billed import billed_digest, changes
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    NoRoom,
    OutcomeUnknown,
    SeriesStopped,
    SyncError,
    Transient,
)
from worker.domain.findings import KIND_OF_ASPECT, Finding, FindingKind
from worker.domain.identities import InvoiceKey, bill_external_id, bill_origin_id, is_our_bill, same_external_id
from worker.domain.invoices import (
    MEMO_LIMIT,
    Bill,
    Document,
    FixedItems,
    FoundBill,
    Invoice,
    Retainage,
    bill_lines,
    difference,
    differences,
)
from worker.domain.links import Entity
from worker.domain.outcomes import SETTLED, Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.problems import Cause, describe
from worker.domain.series import Deviation, Series
from worker.domain.story import Happening, What
from worker.domain.wbs_codes import Project
from worker.services.attempts import busy
from worker.services.bill_ownership import SAME_NUMBER, BillOwnership
from worker.services.invoice_items import InvoiceItems
from worker.services.items import LEDGER_IS_YOUNG
from worker.services.links import Links
from worker.services.posting_periods import PostingPeriods
from worker.services.settled_by_hand import SettledByHand, refused_before
from worker.services.systematic_differences import SystematicDifferences
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.decisions import Decisions
from worker.store.ledger import Ledger
from worker.store.locks import Lock, Locks

MOST_WRITES = 5
"""A bill is sent again only after a settle time each; after so many the invoice is a person's."""

BY_HAND = "a person entered it in NetSuite with the same vendor, number and amount"
"""Why an invoice that cannot be exported needs no bill of ours."""


@dataclass(frozen=True, slots=True)
class Billable:
    """An invoice that may become a bill now, with its vendor and its project as NetSuite has them."""

    invoice: Invoice
    project: Project
    retained: Retainage
    vendor: Entity
    job: Entity


class Bills:
    """Writes bills and finds those that stand."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        netsuite: NetSuite,
        links: Links,
        invoice_items: InvoiceItems,
        ledger: Ledger,
        locks: Locks,
        ownership: BillOwnership,
        differences: SystematicDifferences,
        settled: SettledByHand,
        decisions: Decisions,
        posting_periods: PostingPeriods,
        fixed_items: FixedItems,
        settle_seconds: float,
    ) -> None:
        self._client = client
        self._procore = procore
        self._netsuite = netsuite
        self._links = links
        self._items = invoice_items
        self._ledger = ledger
        self._locks = locks
        self._ownership = ownership
        self._differences = differences
        self._settled = settled
        self._decisions = decisions
        self._periods = posting_periods
        self._fixed_items = fixed_items
        self._settle = settle_seconds

    def make(self, key: InvoiceKey, ready: Billable) -> Outcome:
        """Write the invoice's bill, or take the one that stands. Raises Transient and Misconfigured when nothing was done."""
        with self._locks.hold(str(key), reads=self._ledger.place(key)) as lock:
            if lock is None:
                return busy(self._client, ready.invoice.label)
            record = self._ledger.read_with(lock)
            if record and record.done:
                return outcome_of(record)
            if decision := self._decisions.of(key):
                return self._end(
                    key, lock, Record(State.SKIPPED, ready.invoice.label, at=lock.at, detail=decision.reason)
                )
            try:
                bill = self.draft(ready)
                # Whatever is known of this invoice, a write of ours may stand that SuiteQL does not show yet.
                found = self._look(bill, thorough=record is not None)
                doubt = record if record and record.in_doubt else None
                unsettled = doubt is not None and lock.at < doubt.sent_at + self._settle
                # One that a person entered is not taken while ours may still come to stand: nobody would look for ours any more.
                if found and doubt and doubt.facts == ready.invoice.facts:
                    self._compare_found(ready, bill, found)
                if found and (_require_same(bill, found) or not unsettled):
                    if doubt:
                        self._tell_twins(key, ready, bill, found)
                    return self._accept(key, ready, bill, found)
                if doubt and unsettled:
                    return self._not_yet(key, doubt, lock.at)
                return self._write(key, ready, self._periods.placed(bill), record, lock)
            except Blocked as error:
                if settled := self._settled.bill_of(key, ready.invoice, error):
                    return self._take_settled(key, ready.invoice, settled.id, project=ready.project.label)
                # Perhaps because of a link that somebody corrects next: it is looked up anew then.
                self._links.forget(ready.invoice, ready.project)
                end = self.blocked(key, ready.invoice, error)
                if end.cause is Cause.DOCUMENT_NUMBER_TAKEN:
                    end = replace(end, facts={**end.facts, **refused_before(record)})
                return self._end(key, lock, end)

    def read_ahead(self) -> None:
        """Read what writing any bill needs, before the bill is made."""
        self._periods.read_ahead()

    def plan(self, key: InvoiceKey, ready: Billable, coming: Mapping[int, str]) -> tuple[Bill, FoundBill | None]:
        """What `make` would come to: the bill, and the one that stands and would be taken for it; reads only.

        `coming`: ids, by WBS code id, for Items that are made first. Raises Blocked.
        """
        try:
            bill = self.draft(ready, coming)
            found = self._look(bill, thorough=self._ledger.invoice(key) is not None)
            ours = found is not None and _require_same(bill, found)
            if not ours:
                self._ownership.require_free(key, bill, found)
            if not found:
                bill = self._periods.placed(bill)
        except Blocked as error:
            if settled := self._settled.bill_of(key, ready.invoice, error):
                return self.draft(ready, coming), settled
            self._links.forget(ready.invoice, ready.project)
            raise
        return bill, found

    def draft(self, ready: Billable, coming: Mapping[int, str] = MappingProxyType({})) -> Bill:
        """The bill as it should stand; `coming`: ids for Items that are made first. Raises Blocked when it does not come to the
        payment due.
        """
        invoice = ready.invoice
        if invoice.billing_date is None:
            raise Blocked(cause=Cause.BILLING_DATE_MISSING, facts=invoice.facts)
        known = {**coming, **self._items.known(invoice)}
        if lacking := [line.flat_code for line in invoice.lines if line.gross and line.wbs_code_id not in known]:
            raise Blocked(cause=Cause.CODES_BLOCKED, facts=invoice.facts | {"codes": ", ".join(lacking[:5])})
        bill = Bill(
            external_id=bill_external_id(self._procore.company_id, invoice.id),
            vendor_id=ready.vendor.id,
            job_id=ready.job.id,
            document_number=invoice.document_number,
            date=invoice.billing_date,
            memo=f"Procore invoice {invoice.number}, {ready.project.label}"[:MEMO_LIMIT],
            lines=bill_lines(invoice, ready.retained, known, self._fixed_items),
            vendor_name=invoice.vendor_name,
        )
        if bill.total != invoice.payment_due:
            facts = invoice.facts | {"lines_total": money.text(bill.total)}
            raise Blocked(cause=Cause.LINES_DO_NOT_TIE, facts=facts)
        return bill

    def settle(self, key: InvoiceKey, invoice: Invoice, bill_id: str, *, project: str) -> Outcome:
        """Take the bill that a person entered for an invoice that cannot be exported, and name it to Procore."""
        with self._locks.hold(str(key)) as lock:
            if lock is None:
                return busy(self._client, invoice.label)
            record = self._ledger.invoice(key)
            if record and (record.done or record.in_doubt):
                return outcome_of(record) if record.done else self._not_yet(key, record, lock.at)
            try:
                return self._take_settled(key, invoice, bill_id, project=project)
            except Blocked as error:
                return self._end(key, lock, self.blocked(key, invoice, error))

    def _take_settled(self, key: InvoiceKey, invoice: Invoice, bill_id: str, *, project: str) -> Outcome:
        if other_first := self._ownership.claim_bill(key, bill_id):
            return replace(other_first, name=invoice.label)
        facts = invoice.facts | {SETTLED: "by hand", "document": invoice.document.value}
        record = Record(
            State.ADOPTED,
            invoice.label,
            bill_id,
            at=seconds(self._client),
            facts=facts,
            write_back_due=True,
            billed=billed_digest(invoice),
        )
        self._ledger.write(key, record, Happening(What.SETTLED, {"id": bill_id}))
        outcome = self.write_back(key, record, invoice, project=project)
        return replace(outcome, kind=OutcomeKind.ADOPTED, reason="; ".join(filter(None, (outcome.reason, BY_HAND))))

    def write_back(self, key: InvoiceKey, record: Record, invoice: Invoice, *, project: str) -> Outcome:
        """Write the bill's id to its invoice in Procore, which locks the invoice there.

        Refused, the bill is in NetSuite all the same: a problem of its own, tried again with the next export. When Procore's answer
        shows that the invoice was changed after it was read, a problem says so: it is locked under a bill of other figures.
        """
        origin_id = bill_origin_id(record.remote_id, credit=record.facts.get("document") == Document.CREDIT)
        if invoice.origin_id != origin_id:
            try:
                locked = self._procore.write_origin_id(invoice, origin_id)
            except Blocked as error:
                return replace(self.stands_still(key, record, invoice, error), reason="Procore refused the origin id")
            if locked and (differs := changes(invoice, locked)):
                kind = KIND_OF_ASPECT[next(iter(differs))]
                self.report_locked(key, record, locked, kind, "; ".join(differs.values()), project=project)
        told = Happening(What.WRITTEN_BACK, {"origin_id": origin_id})
        self._ledger.write(key, replace(record, write_back_due=False, facts={**record.facts, **invoice.facts}), told)
        return outcome_of(record)

    def report_locked(
        self, key: InvoiceKey, record: Record, invoice: Invoice, kind: FindingKind, differs: str, *, project: str
    ) -> None:
        """Open a problem, which `verify` will close, for an invoice that was changed before Procore locked it under its bill."""
        words = (
            f"Invoice {invoice.label} of project {project} was changed in Procore before it was locked there, after its bill "
            f"(id {record.remote_id}) was written: {differs}."
        )
        self._report(Finding(kind, str(key), words, invoice.document_number))

    def stands_still(self, key: InvoiceKey, record: Record, invoice: Invoice, error: Blocked) -> Outcome:
        """The bill stands, but Procore cannot be told of it now: a problem, looked at again with the next export."""
        facts = {**invoice.facts, "bill_id": record.remote_id, **error.facts}
        self._ledger.report(str(key), error.cause, facts, at=seconds(self._client))
        return replace(outcome_of(record), cause=error.cause, reason=describe(error.cause, facts).sentence)

    def require_still_its_bill(self, record: Record, ready: Billable) -> None:
        """Raise Blocked when the bill that was made is not the invoice's any more, since that was edited meanwhile."""
        bill, found = self.draft(ready), self._netsuite.bill(record.remote_id)
        differs = difference(bill, found) if found else "it is gone from NetSuite"
        if differs:
            raise Blocked(cause=Cause.BILL_DIFFERS, facts={"difference": differs})

    def block(self, key: InvoiceKey, invoice: Invoice | None, error: Blocked) -> Outcome:
        """Record the problem of an invoice. A bill in doubt stays in doubt: then it is looked for as well."""
        return self.conclude(key, self.blocked(key, invoice, error))

    def conclude(self, key: InvoiceKey, end: Record) -> Outcome:
        """Record how an invoice's export ended without a write: skipped, blocked, or found done. Raises Transient, Misconfigured."""
        if self._ledger.write(key, end):
            return outcome_of(end)
        with self._locks.hold(str(key)) as lock:
            return self._end(key, lock, end) if lock else busy(self._client, end.name)

    def blocked(self, key: InvoiceKey, invoice: Invoice | None, error: Blocked) -> Record:
        """The record of an invoice's problem, not written yet."""
        facts = {**(invoice.facts if invoice else {}), **error.facts}
        if invoice and invoice.billing_date:
            facts["date"] = invoice.billing_date.isoformat()
            facts.setdefault("period", f"of {facts['date']}")
        name = invoice.label if invoice else facts.get("invoice", str(key.invoice_id))
        return Record(State.BLOCKED, name, at=seconds(self._client), cause=error.cause, facts=facts)

    def _end(self, key: InvoiceKey, lock: Lock, end: Record) -> Outcome:
        """End the export, but no doubt with it: a bill that was sent may come to stand though the invoice changed meanwhile.

        One that stands is told as a problem of its own; while one may still come, it is looked for again.
        """
        record = self._ledger.invoice(key)
        if record and record.done:
            return outcome_of(record)
        if record and record.in_doubt and end.cause is not Cause.BILL_DIFFERS:
            found = self._netsuite.bill_by_external_id(bill_external_id(self._procore.company_id, key.invoice_id))
            if found:
                words = describe(end.cause, end.facts).sentence if end.cause else end.detail
                facts = {"invoice": record.name, **end.facts, "bill_id": found.id, "difference": words}
                end = replace(end, state=State.BLOCKED, cause=Cause.BILL_DIFFERS, facts=facts)
            elif lock.until(record.sent_at + self._settle):
                if end.cause:
                    self._ledger.report(str(key), end.cause, end.facts, at=end.at)
                return replace(self._not_yet(key, record, lock.now()), reason=outcome_of(end).reason, cause=end.cause)
        self._ledger.write(key, replace(end, fence=lock.fence))
        return outcome_of(end)

    def _look(self, bill: Bill, *, thorough: bool) -> FoundBill | None:
        """Our bill, or one of the same vendor with the same number. `thorough`: also where SuiteQL may lag behind a write of ours."""
        if thorough and (found := self._netsuite.bill_by_external_id(bill.external_id)):
            return found
        ids = self._netsuite.find_bill_ids(
            external_id=bill.external_id,
            vendor_id=bill.vendor_id,
            document_number=bill.document_number,
            document=bill.document,
        )
        bills = [found for bill_id in ids if (found := self._netsuite.bill(bill_id))]
        ours = [found for found in bills if same_external_id(found.external_id, bill.external_id)]
        if len(ours or bills) > 1:
            doubled = ", ".join(found.id for found in ours or bills)
            raise Blocked(cause=Cause.BILL_DOUBLED, facts={"bill_ids": doubled})
        return next(iter(ours or bills), None)

    def _write(self, key: InvoiceKey, ready: Billable, bill: Bill, record: Record | None, lock: Lock) -> Outcome:
        """Intent, POST, read back, record, tell Procore. Every way out leaves the ledger saying what is true."""
        attempts = record.attempts if record and record.in_doubt else 0
        if attempts >= MOST_WRITES:
            facts = {"attempts": str(attempts), "answer": record.detail if record else ""}
            raise Blocked(cause=Cause.ATTEMPTS_EXHAUSTED, facts=facts)
        if held_back_until := lock.held_back_until(self._settle):
            self._ledger.journal.tell(key, Happening(What.HELD_BACK, again_at=held_back_until))
            return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=LEDGER_IS_YOUNG, again_at=held_back_until)
        if self._differences.state(Series.BILLS).stopped:
            if record and record.state is State.BLOCKED:
                waiting = Record(State.WAITING, record.name, at=lock.at, facts=record.facts, fence=lock.fence)
                self._ledger.write(key, waiting)
            return self._paused(key, ready)
        if other_first := self._ownership.claim_number(key, bill):
            return replace(other_first, name=ready.invoice.label)
        facts = ready.invoice.facts
        waiting = Record(
            State.WAITING, ready.invoice.label, at=lock.at, attempts=attempts, facts=facts, fence=lock.fence
        )
        intents = [waiting]
        try:
            bill_id = self._netsuite.create_bill(
                bill, before_sending=lambda: intents.append(self._intend(key, waiting, lock))
            )
            written = self._read_back(bill_id)
        except AlreadyExists as error:
            return self._already_exists(key, ready, bill, replace(intents[-1], detail=str(error)), lock)
        except OutcomeUnknown as error:
            unknown = replace(intents[-1], state=State.UNKNOWN, sent_at=lock.now(), detail=str(error))
            self._ledger.write(key, unknown)
            found = self._look(bill, thorough=True)
            if found:
                self._compare_found(ready, bill, found)
            if found and _require_same(bill, found):
                return self._accept(key, ready, bill, found)
            return self._not_yet(key, unknown, lock.now())
        except SeriesStopped:
            self._ledger.write(key, waiting)
            return self._paused(key, ready)
        except (Blocked, Transient, Misconfigured):
            # Certainly not done: no bill is in doubt any more.
            self._ledger.write(key, waiting)
            raise
        self._differences.note(Series.BILLS, ready.invoice.label, self._deviations(bill, written))
        return self._accept(key, ready, bill, written, kind=OutcomeKind.CREATED)

    def _compare_found(self, ready: Billable, bill: Bill, found: FoundBill) -> None:
        """Count a bill of ours whose write got no answer like one that was answered. The invoice is as it was sent."""
        if same_external_id(found.external_id, bill.external_id):
            self._differences.note(Series.BILLS, ready.invoice.label, self._deviations(bill, found))

    def _paused(self, key: InvoiceKey, ready: Billable) -> Outcome:
        """The series of bills is stopped, so the bill waits."""
        paused = self._differences.pause(Series.BILLS, key, ready.invoice.label)
        self._ledger.journal.tell(key, Happening(What.PAUSED, {"why": paused.reason}, paused.again_at or 0))
        return paused

    def _deviations(self, bill: Bill, written: FoundBill) -> dict[Deviation, str]:
        """In what a bill that was just created differs from what was sent."""
        found = {Deviation.of(aspect): words for aspect, words in differences(bill, written).items()}
        if period := self._periods.unwanted(written):
            found[Deviation.PERIOD] = f"posted in {period}, not in the period of its date {written.date}"
        wanted = self._netsuite.subsidiary_id
        if wanted and written.subsidiary_id and written.subsidiary_id != wanted:
            found[Deviation.SUBSIDIARY] = f"subsidiary {written.subsidiary_id} instead of {wanted}"
        return found

    def _read_back(self, bill_id: str) -> FoundBill:
        """The bill that was just made. It stands, so whatever goes wrong here leaves it in doubt and is no failed write."""
        try:
            written = self._netsuite.bill(bill_id)
        except SyncError as error:
            raise OutcomeUnknown(f"bill {bill_id} was made, but cannot be read back: {error}") from error
        if written is None:
            raise OutcomeUnknown(f"bill {bill_id} was made, but cannot be read back")
        return written

    def _intend(self, key: InvoiceKey, waiting: Record, lock: Lock) -> Record:
        """Note that the write leaves now. Raises NoRoom when the lock or the ledger is not ours to write by any more, SeriesStopped."""
        now = lock.now()
        intent = replace(waiting, state=State.INTENT, at=now, sent_at=now, attempts=waiting.attempts + 1)
        if not self._ledger.intend(key, intent, lock):
            raise NoRoom("the lock was lost, or its holder stood still, before the write")
        return intent

    def _already_exists(self, key: InvoiceKey, ready: Billable, bill: Bill, intent: Record, lock: Lock) -> Outcome:
        """NetSuite says that it stands. Ours or by hand: look. Seen by nobody yet: it is in doubt like any other write."""
        self._ledger.journal.tell(key, Happening(What.EXISTS, {"answer": intent.detail}))
        found = self._look(bill, thorough=True)
        if found:
            return self._accept(key, ready, bill, found)
        unknown = replace(intent, state=State.UNKNOWN)
        self._ledger.write(key, unknown)
        return self._not_yet(key, unknown, lock.now())

    def _accept(
        self, key: InvoiceKey, ready: Billable, bill: Bill, found: FoundBill, *, kind: OutcomeKind | None = None
    ) -> Outcome:
        """Take a bill that stands for the invoice's, if it is the same to the cent; never change it."""
        ours = _require_same(bill, found)
        if not ours and (other_first := self._ownership.claim_bill(key, found.id)):
            return replace(other_first, name=ready.invoice.label)
        state = State.CREATED if ours else State.ADOPTED
        at, facts = seconds(self._client), ready.invoice.facts
        if bill.document is Document.CREDIT:
            facts["document"] = bill.document.value
        record = Record(
            state,
            ready.invoice.label,
            found.id,
            at=at,
            facts=facts,
            write_back_due=True,
            billed=billed_digest(ready.invoice),
        )
        stands = What.FOUND if ours else What.ADOPTED
        told = What.CREATED if kind is OutcomeKind.CREATED else stands
        notes = ["less than nothing is due, so it is a vendor credit"] if bill.document is Document.CREDIT else []
        # Before the record, after which nobody looks at it again: who dies in between comes here once more.
        notes += [elsewhere] if ours and (elsewhere := self._tell_period(key, ready, found)) else []
        self._ledger.write(key, record, Happening(told, {"id": found.id}))
        outcome = self.write_back(key, record, ready.invoice, project=ready.project.label)
        kind = kind or (OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED)
        return replace(outcome, kind=kind, reason="; ".join([outcome.reason, *notes] if outcome.reason else notes))

    def _tell_twins(self, key: InvoiceKey, ready: Billable, bill: Bill, found: FoundBill) -> None:
        """Say so when somebody entered the bill by hand while ours was in doubt, and both stand now."""
        ids = self._netsuite.find_bill_ids(
            external_id=bill.external_id,
            vendor_id=bill.vendor_id,
            document_number=bill.document_number,
            document=bill.document,
        )
        others = [other for bill_id in ids if bill_id != found.id and (other := self._netsuite.bill(bill_id))]
        twins = [other.id for other in others if not other.void and not is_our_bill(other.external_id)]
        if twins:
            words = (
                f"{bill.vendor_name} has {len(twins) + 1} bills with its number: ids {', '.join([found.id, *twins])}."
            )
            self._report(_finding(key, ready, FindingKind.BILL_DOUBLED, f": {words}"))

    def _report(self, finding: Finding) -> None:
        """Open the problem that `verify` would find, and will close."""
        self._ledger.report(finding.problem_key, finding.cause, finding.facts, at=seconds(self._client))

    def _tell_period(self, key: InvoiceKey, ready: Billable, found: FoundBill) -> str:
        """Say so when a bill of ours is not in the posting period of its date: in the journal, and as a problem if nobody wanted that."""
        elsewhere = self._periods.elsewhere(found)
        if not elsewhere:
            return ""
        self._ledger.journal.tell(key, Happening(What.POSTED_ELSEWHERE, {"period": elsewhere, "date": str(found.date)}))
        words = f"posted in {elsewhere}, not in the period of its date {found.date}"
        if self._periods.unwanted(found):
            self._report(_finding(key, ready, FindingKind.BILL_IN_OTHER_PERIOD, f": its {found.label} is {words}."))
        return words

    def _not_yet(self, key: InvoiceKey, record: Record, now: float) -> Outcome:
        """It is looked for; nothing is sent before the settle window has passed."""
        reason = record.detail or "an earlier write was interrupted; looking for its bill"
        again_at = record.look_again_at(now, record.sent_at + self._settle)
        self._ledger.journal.tell(key, Happening(What.LOOKED, {"sent": str(int(record.at))}, again_at))
        return Outcome(OutcomeKind.UNKNOWN, record.name, reason=reason, again_at=again_at)


def _finding(key: InvoiceKey, ready: Billable, kind: FindingKind, words: str) -> Finding:
    """About an invoice; `words` go on after its name."""
    sentence = f"Invoice {ready.invoice.label} of project {ready.project.label}{words}"
    return Finding(kind, str(key), sentence, ready.invoice.document_number)


def _require_same(bill: Bill, found: FoundBill) -> bool:
    """Whether a bill that stands is ours. Raises Blocked when it is not the same to the cent, or another invoice's."""
    ours = same_external_id(found.external_id, bill.external_id)
    differs = difference(bill, found)
    if not ours and is_our_bill(found.external_id):
        differs = SAME_NUMBER
    if differs:
        cause = Cause.BILL_DIFFERS if ours else Cause.DOCUMENT_NUMBER_TAKEN
        raise Blocked(cause=cause, facts={"bill_id": found.id, "difference": differs})
    return ours
