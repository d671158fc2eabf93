"""The export of all approved invoices: lists each project's invoices and queues each one separately."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from worker.clients.fields import UnreadableRow
from worker.clients.procore.client import Procore
from worker.domain.errors import NotFound, NotPermitted
from worker.domain.identities import InvoiceKey, bill_id_of_origin
from worker.domain.invoice_heads import InvoiceHead
from worker.domain.outcomes import Children, Outcome, OutcomeKind, Record, State
from worker.domain.problem_keys import of_project
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.domain.work import EXPORTS_OF_ALL, Lane, RunKind, exports_of
from worker.store.bill_claims import BillClaims
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.lanes import Lanes
from worker.store.ledger import Ledger
from worker.store.runs import Run, Runs
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


class ExportRuns:
    """Starts runs over all projects and lists what is to be exported."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        projects: Projects,
        ledger: Ledger,
        work: Lanes,
        runs: Runs,
        claims: BillClaims,
        unchanged: UnchangedInvoices,
        books_currency: BooksCurrency,
        export_statuses: Collection[str],
    ) -> None:
        self._client = client
        self._procore = procore
        self._projects = projects
        self._ledger = ledger
        self._work = work
        self._runs = runs
        self._claims = claims
        self._unchanged = unchanged
        self._books_currency = books_currency
        self._statuses = export_statuses

    def request(self, trigger: str) -> tuple[Run, bool]:
        """Start an export of all approved invoices, or join the one in progress: return (run, joined). A worker does the rest.

        `trigger`: who requested it. A requested run reads all invoices without a bill; a scheduled run leaves out unchanged ones.
        """
        if trigger != SCHEDULE:
            self._unchanged.ask_for_all()
            self._projects.ask_for_all()
        run, joined = self._runs.begin(RunKind.EXPORT, trigger, [EXPORTS_OF_ALL])
        if self._runs.is_open(run, EXPORTS_OF_ALL):
            self._work.add(Lane.LISTINGS, [EXPORTS_OF_ALL])
        return run, joined

    def heads(self, project_id: int, odd: list[UnreadableRow] | None = None) -> list[InvoiceHead]:
        """Return the project's invoices in the statuses to export. Raises NotFound, NotPermitted."""
        return self._procore.list_invoices(project_id, self._statuses, odd)

    def _select(self, project_id: int, listed: Listed) -> Selection:
        """Return the project's listed invoices without a bill that are to be read.

        A bill that Procore has the id of and the ledger does not (Redis was lost) is recorded.
        """
        self._note(project_id, [head for head in listed.exported if head.id not in listed.known], listed.exported)
        return self._unchanged.select(project_id, listed.to_export, listed.known)

    def listed(self, project_id: int) -> Listed:
        """Return the project's invoices in the statuses to export; reads only. Raises NotFound, NotPermitted."""
        odd: list[UnreadableRow] = []
        heads = self.heads(project_id, odd)
        known = self._ledger.invoices(project_id, [head.id for head in heads])
        to_export, exported = [], {}
        for head in heads:
            record, told = known.get(head.id), bill_id_of_origin(head.origin_id)
            # One whose origin id stands in Procore though the ledger says something else is looked at once more, to close it.
            if record and record.done and not record.write_back_due:
                exported[head] = record.remote_id
            elif told and record is None:
                exported[head] = told
            else:
                to_export.append(head)
        return Listed(to_export, exported, known, odd)

    def _note(self, project_id: int, heads: Sequence[InvoiceHead], bill_ids: Mapping[InvoiceHead, str]) -> None:
        at = seconds(self._client) if heads else 0
        # A bill that a person entered says nothing of its invoice: no other one may adopt it.
        self._claims.note({bill_claim(bill_ids[head]): InvoiceKey(project_id, head.id) for head in heads})
        self._ledger.restore(
            {
                InvoiceKey(project_id, head.id): Record(State.CREATED, head.document_number, bill_ids[head], at=at)
                for head in heads
            }
        )

    def list_projects(self) -> Outcome:
        """List the projects with invoices, and queue the listing of each."""
        keys = [exports_of(project_id) for project_id in self._projects.list_anew().with_invoices]
        children = Children(keys, Lane.LISTINGS, {"projects": len(keys)})
        return Outcome(OutcomeKind.ALREADY, reason=f"{len(keys)} projects to check", children=children)

    def list_invoices(self, project_id: int) -> Outcome:
        """Find one project's invoices that have no bill yet and queue them."""
        if not self._projects.in_pilot(project_id):
            self._ledger.resolve(of_project(project_id, "commitments"))
            return Outcome(OutcomeKind.SKIPPED, reason="the project is not in PROJECT_IDS")
        project = self._projects.get(project_id)
        if project and (why := self._projects.why_left_out(project)):
            return Outcome(OutcomeKind.SKIPPED, reason=why)
        label = project.label if project else f"id {project_id}"
        try:
            listed = self.listed(project_id)
        except (NotFound, NotPermitted) as error:
            return self._not_readable(project_id, project, str(error))
        self._ledger.resolve(of_project(project_id, "commitments"))
        self._report_odd(project_id, label, listed.odd)
        self._books_currency.note(head.base_currency for head in (*listed.to_export, *listed.exported))
        selection, exported = self._select(project_id, listed), len(listed.exported)
        if project:
            self._projects.note_listed(project, left=bool(listed.to_export))
        keys = [str(InvoiceKey(project_id, head.id)) for head in selection.to_read]
        counts = {"projects_done": 1, "already": exported, "blocked": selection.blocked, "skipped": selection.skipped}
        counts["invoices"] = len(keys) + exported + selection.blocked + selection.skipped
        counts = {name: count for name, count in counts.items() if count or name in ("invoices", "already")}
        reason = f"{label}: {len(keys)} invoices to export, {exported} exported before"
        return Outcome(OutcomeKind.ALREADY, reason=reason, children=Children(keys, Lane.EXPORTS, counts))

    def _not_readable(self, project_id: int, project: Project | None, answer: str) -> Outcome:
        """Open a problem, unless the project is inactive and nothing was ever exported there: the tools of old projects are often switched off."""
        label = project.label if project else f"id {project_id}"
        if project and not project.active and not self._ledger.invoices(project_id):
            self._projects.note_listed(project, left=False, refused=answer)
            return Outcome(
                OutcomeKind.SKIPPED, reason=f"{label} is not active, and its invoices cannot be read: {answer}"
            )
        facts = {"project": label, "what": "commitments", "answer": answer}
        at = seconds(self._client)
        self._ledger.report(of_project(project_id, "commitments"), Cause.PROJECT_NOT_READABLE, facts, at=at)
        return Outcome(OutcomeKind.BLOCKED, reason=f"{label}: {answer}", cause=Cause.PROJECT_NOT_READABLE)

    def _report_odd(self, project_id: int, label: str, odd: Sequence[UnreadableRow]) -> None:
        key = of_project(project_id, "commitment_rows")
        if odd:
            facts = {"count": str(len(odd)), "what": "invoices", "project": label, "answer": odd[0].complaint}
            self._ledger.report(key, Cause.UNREADABLE_ROWS, facts, at=seconds(self._client))
        else:
            self._ledger.resolve(key)
