"""Exports one vendor bill per approved subcontractor invoice: Items first, then the bill, then the invoice's origin id.

The bill is written only if every line has its Item, whichever messages arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from functools import partial

from worker.clients.procore.client import Procore
from worker.domain.bill_lines import FixedItems, bills_nothing, require_retainage_item, require_tie, require_whole_cents
from worker.domain.billed import billed_digest
from worker.domain.bills import Bill, FoundBill, number_key
from worker.domain.errors import Blocked, NotFound, NotPermitted
from worker.domain.identities import CodeKey, InvoiceKey, bill_id_of_origin
from worker.domain.invoices import NOTHING_BILLED, Invoice, reason_to_skip, require_billable
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.problems import Cause, FindingKind
from worker.domain.retainage import Retainage, retainage
from worker.domain.story import Happening, What
from worker.domain.wbs_codes import Project
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.decisions import Decisions
from worker.store.ledger import Ledger
from worker.sync.bill_writer import Billable
from worker.sync.bills import BY_HAND, Bills
from worker.sync.books_currency import BooksCurrency
from worker.sync.invoice_items import InvoiceItems
from worker.sync.items import ResolvedCode
from worker.sync.links import Links
from worker.sync.parallel_reads import read_in_parallel
from worker.sync.projects import Projects
from worker.sync.settled_by_hand import SettledByHand, settles
from worker.sync.unchanged_invoices import UnchangedInvoices

ITEMS_LATE_SECONDS = 5.0

LookUp = Callable[[Project, Invoice], Sequence[ResolvedCode]]
"""Looks up an invoice's Items while its links are resolved. Reads only."""


class InvoiceExport:
    """Exports invoices, one at a time."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        projects: Projects,
        links: Links,
        invoice_items: InvoiceItems,
        bills: Bills,
        settled: SettledByHand,
        decisions: Decisions,
        ledger: Ledger,
        export_statuses: Collection[str],
        fixed_items: FixedItems,
        makes_credits: bool,
        books_currency: BooksCurrency,
        unchanged: UnchangedInvoices,
        pool: Executor,
    ) -> None:
        """`pool`: threads for independent reads."""
        self._client = client
        self._procore = procore
        self._projects = projects
        self._links = links
        self._items = invoice_items
        self._ledger = ledger
        self._bills = bills
        self._settled = settled
        self._decisions = decisions
        self._statuses = export_statuses
        self._fixed_items = fixed_items
        self._makes_credits = makes_credits
        self._books_currency = books_currency
        self._unchanged = unchanged
        self._pool = pool

    def export(self, key: InvoiceKey) -> Outcome:
        """Export one invoice. If Items are missing, it stops before the bill, and the outcome has their codes: the caller creates them and then
        the bill.
        """
        ready = self._ready(key, look_up=self._items.resolve_missing)
        if isinstance(ready, Outcome):
            return ready
        missing: Sequence[int] = ()
        try:
            if self._items.missing(ready.invoice):
                missing = self._items.note(ready.project, ready.invoice, ready.resolved)
        except Blocked as error:
            return self._refuse(key, ready.invoice, error)
        if not missing:
            return self._bills.make(key, ready)
        self._ledger.journal.tell(key, Happening(What.WAITING_FOR_ITEMS, {"count": str(len(missing))}))
        reason = f"waiting for {len(missing)} Items to be created first"
        return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=reason, missing=tuple(missing))

    def make_items(self, key: InvoiceKey, wbs_code_ids: Collection[int]) -> Outcome:
        """Create the Items that `export` found missing. Whatever the result, `create_bill` checks again afterwards."""
        outcomes = self._items.make([CodeKey(key.project_id, wbs_code_id) for wbs_code_id in wbs_code_ids])
        made = sum(
            outcome.kind in (OutcomeKind.CREATED, OutcomeKind.ADOPTED, OutcomeKind.ALREADY) for outcome in outcomes
        )
        return Outcome(OutcomeKind.WAITING, reason=f"{made} of {len(outcomes)} Items exist; the bill is next")

    def create_bill(self, key: InvoiceKey) -> Outcome:
        """Write the bill, if every line has its Item now."""
        ready = self._ready(key, last_step=True)
        if isinstance(ready, Outcome):
            return ready
        try:
            self._items.require_none_blocked(ready.invoice)
        except Blocked as error:
            return self._refuse(key, ready.invoice, error)
        if missing := self._items.missing(ready.invoice):
            soon = seconds(self._client) + ITEMS_LATE_SECONDS
            again_at = max(soon, self._items.looked_at_again(ready.invoice.project_id, missing))
            self._ledger.journal.tell(key, Happening(What.WAITING_FOR_ITEMS, {"count": str(len(missing))}, again_at))
            return Outcome(
                OutcomeKind.WAITING, ready.invoice.label, reason=f"waiting for {len(missing)} Items", again_at=again_at
            )
        return self._bills.make(key, ready)

    def preview(self, key: InvoiceKey, *, look_up: LookUp | None = None, last_step: bool = False) -> Outcome | Billable:
        """Return whether an invoice would be billed; reads only. An outcome says why not; raises Blocked for a problem.

        `look_up` is called in parallel if the invoice may be billed. `last_step`: the first step of the export has already read the vendor
        in Procore.
        """
        return self._preview(key, look_up=look_up, last_step=last_step)

    def _preview(
        self,
        key: InvoiceKey,
        *,
        look_up: LookUp | None = None,
        last_step: bool = False,
        on_read: Callable[[Invoice], None] = lambda _invoice: None,
    ) -> Outcome | Billable:
        """Return the result of `preview`; calls `on_read` with the invoice before anything is decided about its bill."""
        if not self._projects.in_pilot(key.project_id):
            return Outcome(OutcomeKind.SKIPPED, f"id {key.invoice_id}", reason="its project is not in PROJECT_IDS")
        if decision := self._decisions.of(key):
            return Outcome(OutcomeKind.SKIPPED, decision.label, reason=decision.reason)
        with read_in_parallel(self._pool, partial(self._read, key)) as read:
            project = self._projects.get(key.project_id)
            if project and (why := self._projects.why_left_out(project)):
                return Outcome(OutcomeKind.SKIPPED, f"id {key.invoice_id}", reason=why)
            invoice = read()
        if skip := reason_to_skip(invoice, self._statuses):
            return Outcome(
                OutcomeKind.SKIPPED, invoice.label, reason=skip, facts=invoice.facts, payment_due=invoice.base_due
            )
        if bill_id := bill_id_of_origin(invoice.origin_id):
            return Outcome(
                OutcomeKind.ALREADY, invoice.label, bill_id, facts=invoice.facts, payment_due=invoice.base_due
            )
        on_read(invoice)
        try:
            self._books_currency.require_known(invoice)
            ready = self._billable(invoice, look_up=look_up, last_step=last_step)
        except Blocked as error:
            if settled := self.settled(key, invoice, error):
                return settled
            error.payment_due = invoice.base_due
            raise
        if bills_nothing(invoice, ready.retained):
            return Outcome(
                OutcomeKind.SKIPPED,
                invoice.label,
                reason=NOTHING_BILLED,
                facts=invoice.facts,
                payment_due=invoice.base_due,
            )
        return ready

    def settled(self, key: InvoiceKey, invoice: Invoice, error: Blocked) -> Outcome | None:
        """Return how the export of a blocked invoice ends if its bill was entered in NetSuite by hand; None if it was not. Reads only."""
        bill = self._settled.bill_of(key, invoice, error)
        return Outcome(OutcomeKind.ADOPTED, invoice.label, bill.id, BY_HAND, facts=invoice.facts) if bill else None

    def is_settled_by(self, key: InvoiceKey, bill: FoundBill) -> bool:
        """Return whether a bill settles an invoice that cannot be exported: entered by hand, with its number and amount. Reads only."""
        try:
            invoice = self._read(key)
        except Blocked:
            return False
        same_number = number_key(bill.vendor_id, invoice.document, invoice.document_number) == bill.number_key
        return same_number and settles(invoice, bill)

    def why_none(self, key: InvoiceKey) -> str | None:
        """Return why the invoice in its current state in Procore would not be billed; None if it would be processed. Reads only."""
        try:
            return reason_to_skip(self._read(key), self._statuses)
        except Blocked as error:
            return f"it could not be read from Procore ({error})"

    def expected_bill(self, key: InvoiceKey) -> Bill:
        """Return the expected bill of an invoice, whether it exists or not; reads only. Raises Blocked if there can be none."""
        return self._bills.draft(self._billable(self._read(key), comparing=True))

    def _billable(
        self, invoice: Invoice, *, comparing: bool = False, look_up: LookUp | None = None, last_step: bool = False
    ) -> Billable:
        """Return what the bill is made of. Raises Blocked for a problem, with the invoice's names as facts."""
        try:
            retained, project = self._checked(invoice)
            # Both links first: without them nothing is written, not even Items that only this invoice needs.
            ahead = (
                self._ahead(partial(look_up, project, invoice)) if look_up else nullcontext(tuple[ResolvedCode, ...])
            )
            with ahead as resolved, read_in_parallel(self._pool, partial(self._links.job, project)) as job:
                vendor = self._links.vendor(invoice, remembered=comparing, last_step=last_step)
                return Billable(invoice, project, retained, vendor, job(), resolved())
        except Blocked as error:
            raise Blocked(str(error), cause=error.cause, facts=invoice.facts | error.facts) from error

    @contextmanager
    def _ahead(self, look_up: Callable[[], Sequence[ResolvedCode]]) -> Iterator[Callable[[], Sequence[ResolvedCode]]]:
        """Read what the next steps need while the links are resolved. Yields a function that waits for the look-up and returns its result."""
        with read_in_parallel(self._pool, look_up) as resolved, read_in_parallel(self._pool, self._bills.read_ahead):
            yield resolved

    def _checked(self, invoice: Invoice) -> tuple[Retainage, Project]:
        """Check what needs no link. Returns the retainage and the project. Raises Blocked."""
        require_billable(
            invoice,
            makes_credits=self._makes_credits,
            bills_tax=bool(self._fixed_items.tax),
            books_currency=self._books_currency.setting,
        )
        retained = retainage(invoice, self._previous(invoice))
        require_retainage_item(invoice, retained, self._fixed_items)
        require_whole_cents(invoice, retained)
        require_tie(invoice, retained)
        project = self._projects.get(invoice.project_id)
        if project is None:
            raise self._unreadable(InvoiceKey(invoice.project_id, invoice.id), "the project is not visible to the app")
        return retained, project

    def _refuse(self, key: InvoiceKey, invoice: Invoice, error: Blocked) -> Outcome:
        """Record a problem, unless the invoice was settled by hand."""
        if settled := self.settled(key, invoice, error):
            return self._bills.settle(key, invoice, settled.remote_id, project=self._label(key.project_id))
        return self._bills.block(key, invoice, error)

    def _ready(self, key: InvoiceKey, *, look_up: LookUp | None = None, last_step: bool = False) -> Outcome | Billable:
        """Return the invoice as it is now, or the outcome if its export has ended already."""
        record = self._ledger.invoice(key)
        if record and record.done:
            return self._name_to_procore(key, record) if record.write_back_due else outcome_of(record)
        try:
            ready = self._preview(key, look_up=look_up, last_step=last_step, on_read=self._note_currency)
        except Blocked as error:
            return self._bills.block(key, None, error)
        if isinstance(ready, Billable):
            if record:
                self._unchanged.found_unblocked(record, key.project_id)
            return ready
        if ready.kind is OutcomeKind.ADOPTED:
            return self._bills.settle(key, self._read(key), ready.remote_id, project=self._label(key.project_id))
        state = State.CREATED if ready.kind is OutcomeKind.ALREADY else State.SKIPPED
        at = seconds(self._client)
        end = Record(
            state,
            ready.name,
            ready.remote_id,
            at=at,
            detail=ready.reason,
            facts=ready.facts,
            payment_due=ready.payment_due,
        )
        return self._bills.conclude(key, end)

    def _note_currency(self, invoice: Invoice) -> None:
        self._books_currency.note([invoice.base_currency])

    def _name_to_procore(self, key: InvoiceKey, record: Record) -> Outcome:
        """Write the bill's id to its invoice, which locks it, unless the invoice has changed since the bill was written.

        This may be long after the bill: Procore rejects the id until the permission is granted.
        """
        invoice = self._read(key)
        is_named, project = bill_id_of_origin(invoice.origin_id) == record.remote_id, self._label(key.project_id)
        try:
            if not is_named and (not_ours := reason_to_skip(invoice, self._statuses)):
                raise Blocked(cause=Cause.BILL_DIFFERS, facts={"difference": not_ours})
            if billed_digest(invoice) != record.billed and not (is_named and not record.billed):
                self._bills.require_still_its_bill(record, self._billable(invoice))
        except Blocked as error:
            if not is_named:
                return self._bills.records.not_named(key, record, invoice, error)
            differs, kind = error.facts.get("difference", str(error)), FindingKind.BILL_LINES_MISMATCH
            self._bills.records.report_locked(key, record, invoice, kind, differs, project=project)
        return self._bills.records.write_back(key, record, invoice, project=project)

    def _label(self, project_id: int) -> str:
        project = self._projects.get(project_id)
        return project.label if project else f"id {project_id}"

    def _read(self, key: InvoiceKey) -> Invoice:
        try:
            return self._procore.get_invoice(key.project_id, key.invoice_id)
        except (NotFound, NotPermitted) as error:
            raise self._unreadable(key, str(error)) from error

    def _previous(self, invoice: Invoice) -> Invoice | None:
        """Return the subcontract's previous invoice, whose balances determine this period's retainage."""
        if not invoice.previous_id:
            return None
        try:
            return self._procore.get_invoice(invoice.project_id, invoice.previous_id)
        except (NotFound, NotPermitted) as error:
            answer = f"the invoice before it, id {invoice.previous_id}: {error}"
            raise self._unreadable(InvoiceKey(invoice.project_id, invoice.id), answer) from error

    def _unreadable(self, key: InvoiceKey, answer: str) -> Blocked:
        """Return the facts of the invoice with the name recorded by an earlier attempt, if any."""
        record = self._ledger.invoice(key)
        name = record.name if record and record.name else f"id {key.invoice_id}"
        facts = {"invoice": name, "project": f"id {key.project_id}", "answer": answer}
        return Blocked(answer, cause=Cause.INVOICE_NOT_FOUND, facts=facts)
