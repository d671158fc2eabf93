"""One vendor bill for each approved subcontractor invoice: Items first, then the bill, then the invoice's origin id.

The order holds by itself: the bill is only written when every line has its Item, whatever message came or did not come.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain import money
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Transient,
)
from worker.domain.identities import (
    CodeKey,
    InvoiceKey,
    bill_external_id,
    bill_id_of_origin,
    bill_origin_id,
    is_our_bill,
    same_external_id,
)
from worker.domain.invoices import (
    Bill,
    FoundBill,
    Invoice,
    Retainage,
    bill_lines,
    difference,
    reason_to_skip,
    require_billable,
    require_retainage_item,
    require_tie,
    retainage,
)
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.domain.work import Lane
from worker.services.attempts import Attempts
from worker.services.invoice_items import InvoiceItems
from worker.services.links import Links
from worker.services.projects import Projects
from worker.store.connection import Redis, seconds
from worker.store.ledger import Ledger
from worker.store.locks import Lock, Locks

MOST_WRITES = 5
"""Bills are sent again only after a settle time each; after so many the invoice is a person's."""
ITEMS_LATE_SECONDS = 5.0
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 5.0, 120.0
MEMO_LIMIT = 999
"""NetSuite's usual length of a memo; it is for reading and identifies nothing."""


@dataclass(frozen=True, slots=True)
class Billable:
    """An invoice that may become a bill now; ids are NetSuite's internal ids."""

    invoice: Invoice
    project: Project
    retained: Retainage
    vendor_id: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """What `export` came to: an outcome, and the codes that need an Item before it can go on."""

    outcome: Outcome
    missing: Sequence[int] = ()


class InvoiceExport:
    """Exports invoices, one at a time."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        netsuite: NetSuite,
        projects: Projects,
        links: Links,
        invoice_items: InvoiceItems,
        ledger: Ledger,
        locks: Locks,
        attempts: Attempts,
        export_statuses: Collection[str],
        retainage_item_id: str,
        settle_seconds: float,
    ) -> None:
        self._client = client
        self._procore = procore
        self._netsuite = netsuite
        self._projects = projects
        self._links = links
        self._items = invoice_items
        self._ledger = ledger
        self._locks = locks
        self._attempts = attempts
        self._statuses = export_statuses
        self._retainage_item_id = retainage_item_id
        self._settle = settle_seconds

    def export(self, key: InvoiceKey) -> Step:
        """Export one invoice. Where Items are missing it stops before the bill and names their codes: the caller makes them
        and then calls `create_bill`.
        """
        missing: list[int] = []

        def attempt() -> Outcome:
            return self._export(key, missing)

        return Step(self._attempts.make(Lane.EXPORTS, str(key), attempt), missing)

    def make_items(self, key: InvoiceKey, wbs_code_ids: Collection[int]) -> Outcome:
        """Make the Items that `export` found missing. Whatever comes of it, `create_bill` decides for itself afterwards."""
        codes = [CodeKey(key.project_id, wbs_code_id) for wbs_code_id in wbs_code_ids]

        def attempt() -> Outcome:
            outcomes = self._items.make(codes)
            made = sum(
                outcome.kind in (OutcomeKind.CREATED, OutcomeKind.ADOPTED, OutcomeKind.ALREADY) for outcome in outcomes
            )
            return Outcome(OutcomeKind.WAITING, reason=f"{made} of {len(codes)} Items stand; the bill is next")

        return self._attempts.make(Lane.EXPORTS, str(key), attempt)

    def create_bill(self, key: InvoiceKey) -> Outcome:
        """Write the bill, if every line has its Item now."""
        return self._attempts.make(Lane.EXPORTS, str(key), lambda: self._create_bill(key))

    def plan(self, key: InvoiceKey) -> Outcome | Billable:
        """Whether an invoice would become a bill; reads only. An outcome says why not; raises Blocked for a problem."""
        invoice = self._read(key)
        if skip := reason_to_skip(invoice, self._statuses):
            return Outcome(OutcomeKind.SKIPPED, invoice.label, reason=skip)
        if bill_id := bill_id_of_origin(invoice.origin_id):
            return Outcome(OutcomeKind.ALREADY, invoice.label, bill_id)
        return self._billable(invoice)

    def expected_bill(self, key: InvoiceKey) -> Bill:
        """The bill of an invoice as it should stand, whether it stands or not; reads only. Raises Blocked where there cannot be one."""
        return self._draft(self._billable(self._read(key)))

    def _billable(self, invoice: Invoice) -> Billable:
        """What the bill is made of. Raises Blocked for a problem, told with the invoice's names."""
        try:
            return self._checked(invoice)
        except Blocked as error:
            raise Blocked(str(error), cause=error.cause, facts=invoice.facts | error.facts) from error

    def _checked(self, invoice: Invoice) -> Billable:
        require_billable(invoice)
        retained = retainage(invoice, self._previous(invoice))
        require_retainage_item(invoice, retained, self._retainage_item_id)
        require_tie(invoice, retained)
        project = self._projects.get(invoice.project_id)
        if project is None:
            raise _unreadable(InvoiceKey(invoice.project_id, invoice.id), "the project is not visible to the app")
        # Both links first: without them nothing is written, not even Items that only this invoice needs.
        return Billable(invoice, project, retained, self._links.vendor_id(invoice), self._links.job_id(project))

    def _export(self, key: InvoiceKey, missing: list[int]) -> Outcome:
        ready = self._ready(key)
        if isinstance(ready, Outcome):
            return ready
        try:
            missing += self._items.look_up(ready.project, ready.invoice) if self._items.missing(ready.invoice) else []
        except Blocked as error:
            return self._block(key, ready.invoice, error)
        if missing:
            return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=f"{len(missing)} Items come first")
        return self._bill(key, ready)

    def _create_bill(self, key: InvoiceKey) -> Outcome:
        ready = self._ready(key)
        if isinstance(ready, Outcome):
            return ready
        try:
            self._items.require_none_blocked(ready.invoice)
        except Blocked as error:
            return self._block(key, ready.invoice, error)
        if missing := self._items.missing(ready.invoice):
            again_at = seconds(self._client) + ITEMS_LATE_SECONDS
            return Outcome(
                OutcomeKind.WAITING, ready.invoice.label, reason=f"waits for {len(missing)} Items", again_at=again_at
            )
        return self._bill(key, ready)

    def _ready(self, key: InvoiceKey) -> Outcome | Billable:
        """The invoice as it is now, or how its export ended already."""
        record = self._ledger.invoice(key)
        if record and record.done:
            return self._write_back(key, record) if record.write_back_due else outcome_of(record)
        try:
            ready = self.plan(key)
        except Blocked as error:
            return self._block(key, None, error)
        if isinstance(ready, Billable):
            return ready
        state = State.CREATED if ready.kind is OutcomeKind.ALREADY else State.SKIPPED
        now = seconds(self._client)
        if not self._ledger.write(key, Record(state, ready.name, ready.remote_id, at=now, detail=ready.reason)):
            return self._still_in_doubt(ready, now)
        return ready

    def _read(self, key: InvoiceKey) -> Invoice:
        try:
            return self._procore.get_invoice(key.project_id, key.invoice_id)
        except (NotFound, NotPermitted) as error:
            raise _unreadable(key, str(error)) from error

    def _previous(self, invoice: Invoice) -> Invoice | None:
        """The subcontract's invoice before: needed only where retainage on stored materials can have changed."""
        return self._procore.get_invoice(invoice.project_id, invoice.previous_id) if invoice.previous_id else None

    # The bill itself

    def _bill(self, key: InvoiceKey, ready: Billable) -> Outcome:
        with self._locks.hold(str(key)) as lock:
            if lock is None:
                return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason="another worker has it in hand")
            record = self._ledger.invoice(key)
            if record and record.done:
                return outcome_of(record)
            try:
                bill = self._draft(ready)
                found = self._look(bill, thorough=bool(record and record.in_doubt))
                if found:
                    return self._accept(key, ready, bill, found)
                if record and record.in_doubt and lock.at < record.sent_at + self._settle:
                    return self._not_yet(record, lock.at)
                return self._write(key, ready, bill, record, lock)
            except Blocked as error:
                return self._block(key, ready.invoice, error, lock)

    def _draft(self, ready: Billable) -> Bill:
        """The bill as it should stand. Raises Blocked when it does not come to the payment due."""
        invoice = ready.invoice
        if invoice.billing_date is None:
            raise Blocked(cause=Cause.BILLING_DATE_MISSING, facts=invoice.facts)
        known = self._items.known(invoice)
        if lacking := [line.flat_code for line in invoice.lines if line.gross and line.wbs_code_id not in known]:
            raise Blocked(cause=Cause.CODES_BLOCKED, facts=invoice.facts | {"codes": ", ".join(lacking[:5])})
        bill = Bill(
            external_id=bill_external_id(self._procore.company_id, invoice.id),
            vendor_id=ready.vendor_id,
            job_id=ready.job_id,
            document_number=invoice.document_number,
            date=invoice.billing_date,
            memo=f"Procore invoice {invoice.number}, {ready.project.label}"[:MEMO_LIMIT],
            lines=bill_lines(invoice, ready.retained, known, self._retainage_item_id),
        )
        if bill.total != invoice.payment_due:
            facts = invoice.facts | {"lines_total": money.text(bill.total)}
            raise Blocked(cause=Cause.LINES_DO_NOT_TIE, facts=facts)
        return bill

    def _look(self, bill: Bill, *, thorough: bool) -> FoundBill | None:
        """Our bill, or one of the same vendor with the same number. `thorough`: also where SuiteQL may lag behind a write of ours."""
        if thorough and (found := self._netsuite.bill_by_external_id(bill.external_id)):
            return found
        ids = self._netsuite.find_bill_ids(
            external_id=bill.external_id, vendor_id=bill.vendor_id, document_number=bill.document_number
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
        now = seconds(self._client)
        intent = Record(State.INTENT, ready.invoice.label, at=now, sent_at=now, attempts=attempts + 1, fence=lock.fence)
        if not lock.still_ours() or not self._ledger.write(key, intent):
            return Outcome(OutcomeKind.WAITING, intent.name, reason="the lock was lost before the write")
        try:
            bill_id = self._netsuite.create_bill(bill)
        except AlreadyExists as error:
            return self._already_exists(key, ready, bill, intent, error)
        except OutcomeUnknown as error:
            unknown = replace(intent, state=State.UNKNOWN, sent_at=seconds(self._client), detail=str(error))
            self._ledger.write(key, unknown)
            found = self._look(bill, thorough=True)
            return self._accept(key, ready, bill, found) if found else self._not_yet(unknown, seconds(self._client))
        except (Blocked, Transient, Misconfigured) as error:
            if isinstance(error, Blocked):
                self._links.forget(ready.invoice, ready.project)
            # Certainly not done: no bill is in doubt any more.
            self._ledger.write(key, replace(intent, state=State.WAITING, attempts=attempts))
            raise
        written = self._netsuite.bill(bill_id)
        if written is None:
            raise OutcomeUnknown(f"bill {bill_id} was made but cannot be read back")
        return self._accept(key, ready, bill, written, kind=OutcomeKind.CREATED)

    def _already_exists(
        self, key: InvoiceKey, ready: Billable, bill: Bill, intent: Record, error: AlreadyExists
    ) -> Outcome:
        """NetSuite says that it stands. Ours or by hand: look. Seen by nobody yet: it is in doubt like any other write."""
        found = self._look(bill, thorough=True)
        if found:
            return self._accept(key, ready, bill, found)
        unknown = replace(intent, state=State.UNKNOWN, detail=str(error))
        self._ledger.write(key, unknown)
        return self._not_yet(unknown, seconds(self._client))

    def _accept(
        self, key: InvoiceKey, ready: Billable, bill: Bill, found: FoundBill, *, kind: OutcomeKind | None = None
    ) -> Outcome:
        """Take a bill that stands for the invoice's, if it is the same to the cent; never change it."""
        ours = same_external_id(found.external_id, bill.external_id)
        differs = difference(bill, found)
        if not ours and is_our_bill(found.external_id):
            differs = "it is the bill of another Procore invoice with the same number"
        if differs:
            cause = Cause.BILL_DIFFERS if ours else Cause.DOCUMENT_NUMBER_TAKEN
            raise Blocked(cause=cause, facts={"bill_id": found.id, "difference": differs})
        state = State.CREATED if ours else State.ADOPTED
        facts = {"vendor": ready.invoice.vendor_name, "total": money.text(bill.total)}
        record = Record(
            state, ready.invoice.label, found.id, at=seconds(self._client), facts=facts, write_back_due=True
        )
        self._ledger.write(key, record)
        kind = kind or (OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED)
        return replace(self._write_back(key, record, ready.invoice), kind=kind)

    def _write_back(self, key: InvoiceKey, record: Record, invoice: Invoice | None = None) -> Outcome:
        """Tell Procore which bill it is. Refused, the bill still stands: a problem of its own, tried again with the next export."""
        invoice = invoice or self._read(key)
        origin_id = bill_origin_id(record.remote_id)
        if invoice.origin_id != origin_id:
            try:
                self._procore.write_origin_id(invoice, origin_id)
            except Blocked as error:
                facts = {**invoice.facts, "bill_id": record.remote_id, **error.facts}
                self._ledger.report(str(key), error.cause, facts, at=seconds(self._client))
                return replace(outcome_of(record), cause=error.cause, reason="Procore refused the origin id")
        self._ledger.write(key, replace(record, write_back_due=False))
        return outcome_of(record)

    def _not_yet(self, record: Record, now: float) -> Outcome:
        """Look again in growing steps; nothing is sent before the settle window has passed."""
        settled_at = record.sent_at + self._settle
        step = min(max((now - record.sent_at) / 2, FIRST_LOOK_SECONDS), LONGEST_LOOK_SECONDS)
        reason = record.detail or "an earlier write was interrupted; looking for its bill"
        return Outcome(
            OutcomeKind.UNKNOWN, record.name, reason=reason, again_at=min(now + step, max(settled_at, now + 1))
        )

    def _block(self, key: InvoiceKey, invoice: Invoice | None, error: Blocked, lock: Lock | None = None) -> Outcome:
        facts = {**(invoice.facts if invoice else {}), **error.facts}
        if invoice and invoice.billing_date:
            facts["date"] = invoice.billing_date.isoformat()
        name = invoice.label if invoice else facts.get("invoice", str(key.invoice_id))
        fence = lock.fence if lock else 0
        blocked = Record(State.BLOCKED, name, at=seconds(self._client), cause=error.cause, facts=facts, fence=fence)
        if not self._ledger.write(key, blocked):
            self._ledger.report(str(key), error.cause, facts, at=blocked.at)
            return self._still_in_doubt(outcome_of(blocked), blocked.at)
        return outcome_of(blocked)

    def _still_in_doubt(self, outcome: Outcome, now: float) -> Outcome:
        """The invoice changed while a bill of it was in doubt: nothing is sent, but the doubt is not dropped either."""
        return replace(outcome, kind=OutcomeKind.UNKNOWN, again_at=now + LONGEST_LOOK_SECONDS)


def _unreadable(key: InvoiceKey, answer: str) -> Blocked:
    facts = {"invoice": f"id {key.invoice_id}", "project": f"id {key.project_id}", "answer": answer}
    return Blocked(answer, cause=Cause.INVOICE_NOT_FOUND, facts=facts)
