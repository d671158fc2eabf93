"""The export of all approved invoices: lists each project's invoices and queues each one separately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.clients.fields import UnreadableRow
from worker.clients.remotes import Remotes
from worker.domain.errors import NotFound, NotPermitted
from worker.domain.identities import InvoiceKey, bill_id_of_origin
from worker.domain.invoices import InvoiceHead
from worker.domain.outcomes import Children, Outcome, OutcomeKind, Record, State
from worker.domain.policy import Policy
from worker.domain.problems import Cause, of_project
from worker.domain.wbs_codes import Project
from worker.domain.work import EXPORTS_OF_ALL, Lane, RunKind, exports_of
from worker.store.runs import Run
from worker.store.stores import Stores
from worker.sync.bill_ownership import bill_claim
from worker.sync.books_currency import BooksCurrency
from worker.sync.projects import Projects
from worker.sync.unchanged_invoices import Selection, UnchangedInvoices

SCHEDULE = "schedule"
"""Trigger name of scheduled runs (config/schedule.py)."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A project's invoices: those without a bill, those with one and its id, and the ledger records of all of them.

    `odd`: rows of the list without an invoice id.
    """

    to_export: list[InvoiceHead]
    exported: Mapping[InvoiceHead, str]
    known: Mapping[int, Record]
    odd: Sequence[UnreadableRow] = ()


@dataclass(frozen=True, slots=True)
class ExportRuns:
    """Starts runs over all projects and lists what is to be exported."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    projects: Projects
    unchanged: UnchangedInvoices
    books_currency: BooksCurrency

    def request(self, trigger: str) -> tuple[Run, bool]:
        """Start an export of all approved invoices, or join the one in progress: return (run, joined). A worker does the rest.

        `trigger`: who requested it. A requested run reads all invoices without a bill; a scheduled run leaves out unchanged ones.
        """
        if trigger != SCHEDULE:
            self.unchanged.ask_for_all()
            self.projects.ask_for_all()
        run, joined = self.stores.runs.begin(RunKind.EXPORT, trigger, [EXPORTS_OF_ALL])
        if self.stores.runs.is_open(run, EXPORTS_OF_ALL):
            self.stores.work.add(Lane.LISTINGS, [EXPORTS_OF_ALL])
        return run, joined

    def heads(self, project_id: int, odd: list[UnreadableRow] | None = None) -> list[InvoiceHead]:
        """Return the project's invoices in the statuses to export. Raises NotFound, NotPermitted."""
        return self.remotes.procore.list_invoices(project_id, self.policy.export_statuses, odd)

    def _select(self, project_id: int, listed: Listed) -> Selection:
        """Return the project's listed invoices without a bill that are to be read.

        A bill that Procore has the id of and the ledger does not (Redis was lost) is recorded.
        """
        self._note(project_id, [head for head in listed.exported if head.id not in listed.known], listed.exported)
        return self.unchanged.select(project_id, listed.to_export, listed.known)

    def listed(self, project_id: int) -> Listed:
        """Return the project's invoices in the statuses to export; reads only. Raises NotFound, NotPermitted."""
        odd: list[UnreadableRow] = []
        heads = self.heads(project_id, odd)
        known = self.stores.ledger.invoices(project_id, [head.id for head in heads])
        to_export, exported = [], {}
        for head in heads:
            record, bill_id = known.get(head.id), bill_id_of_origin(head.origin_id)
            # If Procore has a bill's id and the ledger's record has none, the export reads the invoice again, and records the bill.
            if record and record.done and not record.write_back_due:
                exported[head] = record.remote_id
            elif bill_id and record is None:
                exported[head] = bill_id
            else:
                to_export.append(head)
        return Listed(to_export, exported, known, odd)

    def _note(self, project_id: int, heads: Sequence[InvoiceHead], bill_ids: Mapping[InvoiceHead, str]) -> None:
        at = self.stores.now() if heads else 0
        # A bill that a person entered says nothing of its invoice: no other one may adopt it.
        self.stores.bill_claims.note({bill_claim(bill_ids[head]): InvoiceKey(project_id, head.id) for head in heads})
        self.stores.ledger.restore(
            {
                InvoiceKey(project_id, head.id): Record(State.CREATED, head.document_number, bill_ids[head], at=at)
                for head in heads
            }
        )

    def list_projects(self) -> Outcome:
        """List the projects with invoices, and queue the listing of each."""
        keys = [exports_of(project_id) for project_id in self.projects.relist().with_invoices]
        children = Children(keys, Lane.LISTINGS, {"projects": len(keys)})
        return Outcome(OutcomeKind.ALREADY, reason=f"{len(keys)} projects to check", children=children)

    def list_invoices(self, project_id: int) -> Outcome:
        """Find one project's invoices that have no bill yet and queue them."""
        if not self.projects.in_pilot(project_id):
            self.stores.ledger.resolve(of_project(project_id, "commitments"))
            return Outcome(OutcomeKind.SKIPPED, reason="the project is not in PROJECT_IDS")
        project = self.projects.get(project_id)
        if project and (why := self.projects.why_left_out(project)):
            return Outcome(OutcomeKind.SKIPPED, reason=why)
        label = project.label if project else f"id {project_id}"
        try:
            listed = self.listed(project_id)
        except (NotFound, NotPermitted) as error:
            return self._not_readable(project_id, project, str(error))
        self.stores.ledger.resolve(of_project(project_id, "commitments"))
        self._report_odd(project_id, label, listed.odd)
        self.books_currency.note(head.base_currency for head in (*listed.to_export, *listed.exported))
        selection, exported = self._select(project_id, listed), len(listed.exported)
        if project:
            self.projects.note_listed(project, left=bool(listed.to_export))
        keys = [str(InvoiceKey(project_id, head.id)) for head in selection.to_read]
        counts = {"projects_done": 1, "already": exported, "blocked": selection.blocked, "skipped": selection.skipped}
        counts["invoices"] = len(keys) + exported + selection.blocked + selection.skipped
        counts = {name: count for name, count in counts.items() if count or name in ("invoices", "already")}
        reason = f"{label}: {len(keys)} invoices to export, {exported} exported before"
        return Outcome(OutcomeKind.ALREADY, reason=reason, children=Children(keys, Lane.EXPORTS, counts))

    def _not_readable(self, project_id: int, project: Project | None, answer: str) -> Outcome:
        """Open a problem, unless the project is inactive and nothing was ever exported there: the tools of old projects are often switched off."""
        label = project.label if project else f"id {project_id}"
        if project and not project.active and not self.stores.ledger.invoices(project_id):
            self.projects.note_listed(project, left=False, refused=answer)
            return Outcome(
                OutcomeKind.SKIPPED, reason=f"{label} is not active, and its invoices cannot be read: {answer}"
            )
        facts = {"project": label, "what": "commitments", "answer": answer}
        at = self.stores.now()
        self.stores.ledger.report(of_project(project_id, "commitments"), Cause.PROJECT_NOT_READABLE, facts, at=at)
        return Outcome(OutcomeKind.BLOCKED, reason=f"{label}: {answer}", cause=Cause.PROJECT_NOT_READABLE)

    def _report_odd(self, project_id: int, label: str, odd: Sequence[UnreadableRow]) -> None:
        key = of_project(project_id, "commitment_rows")
        if odd:
            facts = {"count": str(len(odd)), "what": "invoices", "project": label, "answer": odd[0].complaint}
            self.stores.ledger.report(key, Cause.UNREADABLE_ROWS, facts, at=self.stores.now())
        else:
            self.stores.ledger.resolve(key)
