"""Finds bills of wbs-sync whose invoice Procore no longer lists and that a rebuilt ledger does not have. Reads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from worker.clients.netsuite.api import ROWS_PER_PAGE
from worker.clients.netsuite.bills import BillHead
from worker.clients.remotes import Remotes
from worker.domain.bills import FoundBill
from worker.domain.findings import Finding, Verified
from worker.domain.identities import InvoiceKey, bill_external_ids_of
from worker.domain.problems import FindingKind
from worker.domain.wbs_codes import Project
from worker.store.stores import Stores

UNIT = "orphaned bills"


@dataclass(frozen=True, slots=True)
class OrphanedBills:
    """Compares all bills that have a wbs-sync external id with the invoices that Procore has listed."""

    stores: Stores
    remotes: Remotes

    def compare(
        self,
        projects: Sequence[Project],
        compared: Collection[int],
        not_listed: Callable[[Collection[int]], list[int]],
        *,
        full: bool,
    ) -> Verified:
        """Return the findings. `projects`: all projects that Procore has listed; `compared`: ids of those whose invoices were listed;
        `not_listed`: returns which of the given invoices were in no list; `full`: read unchanged bills again too.
        """
        orphans = list(self._orphans(not_listed))
        known = {} if full else self.stores.verifications.equal(UNIT)
        verified, labels = Verified(), {project.id: project.label for project in projects}
        for invoice_id, head in orphans:
            name = f"{head.id} {head.modified}"
            project_id, label = json.loads(known[name]) if name in known else self._read(head, projects)
            self.stores.verifications.keep_equal(UNIT, name, json.dumps([project_id, label]))
            if label and project_id in compared:
                verified.find(_finding(InvoiceKey(project_id, invoice_id), labels[project_id], label))
            elif label and not project_id:
                why = f"Its {label} refers to no project that Procore lists, so wbs-sync cannot determine whether the invoice was withdrawn."
                verified.not_compared[f"invoice:0:{invoice_id}"] = f"Invoice id {invoice_id}: {why}"
        current = {f"{head.id} {head.modified}" for _, head in orphans}
        self.stores.verifications.forget_equal(UNIT, [name for name in known if name not in current])
        return verified

    def _orphans(self, not_listed: Callable[[Collection[int]], list[int]]) -> Iterator[tuple[int, BillHead]]:
        stem = bill_external_ids_of(self.remotes.company_id)
        for heads in self._pages(stem):
            by_invoice = {number: head for head in heads if (number := _invoice_id(head, stem))}
            unlisted = not_listed(list(by_invoice))
            recorded = self._recorded(unlisted)
            yield from ((number, by_invoice[number]) for number in unlisted if number not in recorded)

    def _pages(self, stem: str) -> Iterator[list[BillHead]]:
        after, more = 0, True
        while more:
            heads = self.remotes.netsuite.bills_of_ours(stem, after=after)
            yield heads
            more = len(heads) == ROWS_PER_PAGE
            after = int(heads[-1].id) if heads else after

    def _recorded(self, invoice_ids: Collection[int]) -> set[int]:
        """Return which of the invoices are in the ledger: those are compared with their project."""
        if not invoice_ids:
            return set()
        return {
            number
            for project_id in self.stores.ledger.projects()
            for number in self.stores.ledger.invoices(project_id, invoice_ids)
        }

    def _read(self, head: BillHead, projects: Iterable[Project]) -> tuple[int, str]:
        """Return the project of a bill's lines (0 = unknown) and the bill's label; (0, "") for a bill that is void or missing."""
        found = self.remotes.netsuite.bill(head.id)
        if found is None or found.void:
            return 0, ""
        return self._project_of(found, projects), found.label

    def _project_of(self, found: FoundBill, projects: Iterable[Project]) -> int:
        if not found.job_id:
            return 0
        linked = [project.id for project in projects if project.origin_id == found.job_id]
        if not linked:
            numbers = {
                job.entity_id for job in self.remotes.netsuite.linked_jobs(internal_id=found.job_id, external_id="")
            }
            linked = [project.id for project in projects if project.number in numbers]
        return linked[0] if len(linked) == 1 else 0


def _invoice_id(head: BillHead, stem: str) -> int:
    rest = str(head.external_id or "").lower().removeprefix(stem)
    return int(rest) if rest.isdecimal() and len(rest) < 20 else 0


def _finding(key: InvoiceKey, project: str, bill: str) -> Finding:
    sentence = f"Invoice id {key.invoice_id} of project {project}: its {bill} is in NetSuite, but Procore no longer lists this invoice."
    return Finding(FindingKind.BILL_NOT_COMPARABLE, str(key), sentence)
