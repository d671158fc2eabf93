"""Checks that an invoice can be billed, and resolves what its bill is made of: retainage, project, vendor. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from worker.domain.bill_lines import require_retainage_item, require_tie, require_whole_cents
from worker.domain.bills import Bill
from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice, require_billable
from worker.domain.links import Entity
from worker.domain.policy import Policy
from worker.domain.retainage import Retainage, retainage
from worker.domain.wbs_codes import Project
from worker.sync.field_sources import FieldSources
from worker.sync.invoice_reader import InvoiceReader
from worker.sync.items import ResolvedCode
from worker.sync.links import Links
from worker.sync.parallel_reads import read_in_parallel
from worker.sync.posting_periods import PostingPeriods

NO_JOB = Entity("")
"""The project of a bill in a company without projects in NetSuite."""
LookUp = Callable[[Project, Invoice], Sequence[ResolvedCode]]
"""Looks up an invoice's Items while its links are resolved. Reads only."""


@dataclass(frozen=True, slots=True)
class Billable:
    """An invoice that may be billed now, with its NetSuite vendor and project (`NO_JOB` if bills name none). `resolved`: its codes without an Item, if they were looked up."""

    invoice: Invoice
    project: Project
    retained: Retainage
    vendor: Entity
    job: Entity
    resolved: Sequence[ResolvedCode] = ()


@dataclass(frozen=True, slots=True)
class Billables:
    """Resolves invoices, and completes new bills with what an existing one does not need."""

    policy: Policy
    reader: InvoiceReader
    links: Links
    periods: PostingPeriods
    fields: FieldSources

    def of(
        self, invoice: Invoice, *, comparing: bool = False, look_up: LookUp | None = None, last_step: bool = False
    ) -> Billable:
        """Return what the bill is made of. Raises Blocked for a problem, with the invoice's names as facts.

        `comparing`: a vendor that was found minutes ago is accepted; `look_up`: called in parallel; `last_step`: the first step of the export
        has already read the vendor in Procore.
        """
        try:
            retained, project = self._checked(invoice)
            # Both links first: without them nothing is written, not even Items that only this invoice needs.
            ahead = (
                self._ahead(partial(look_up, project, invoice)) if look_up else nullcontext(tuple[ResolvedCode, ...])
            )
            with ahead as resolved, read_in_parallel(self.reader.pool, partial(self._job, project)) as job:
                vendor = self.links.vendor(invoice, remembered=comparing, last_step=last_step)
                return Billable(invoice, project, retained, vendor, job(), resolved())
        except Blocked as error:
            raise Blocked(str(error), cause=error.cause, facts=invoice.facts | error.facts) from error

    def completed(self, ready: Billable, bill: Bill) -> Bill:
        """Return a new bill as it is written: with its further fields and its posting period. Raises Blocked if a field has no value, or the period
        is closed.
        """
        filled = self.fields.of_bill(ready.invoice, ready.project, bill) if self.policy.fields.rules else bill
        return self.periods.placed(filled)

    def _job(self, project: Project) -> Entity:
        return self.links.job(project) if self.policy.names_projects else NO_JOB

    @contextmanager
    def _ahead(self, look_up: Callable[[], Sequence[ResolvedCode]]) -> Iterator[Callable[[], Sequence[ResolvedCode]]]:
        """Read what the next steps need while the links are resolved. Yields a function that waits for the look-up and returns its result."""
        pool = self.reader.pool
        with read_in_parallel(pool, look_up) as resolved, read_in_parallel(pool, self.periods.read_ahead):
            yield resolved

    def _checked(self, invoice: Invoice) -> tuple[Retainage, Project]:
        """Check what needs no link. Returns the retainage and the project. Raises Blocked."""
        fixed = self.policy.fixed_items
        require_billable(
            invoice,
            makes_credits=self.policy.makes_credits,
            bills_tax=bool(fixed.tax),
            books_currency=self.policy.currency,
        )
        retained = retainage(invoice, self.reader.previous(invoice))
        require_retainage_item(invoice, retained, fixed)
        require_whole_cents(invoice, retained)
        require_tie(invoice, retained)
        return retained, self.reader.project_of(invoice)
