"""Plans what a scan or an export would do, line by line. Reads only.

A dry run makes the same checks as the work makes before it writes, so the requests it used are those that the work needs for checking. Only
the requests after a check are estimated here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

from worker.domain.bills import NumberKey
from worker.domain.identities import InvoiceKey
from worker.domain.plans import VERSION, Action, Plan, PlanLine, Requests
from worker.domain.scopes import CREDITS
from worker.domain.wbs_codes import Project
from worker.domain.work import Lane, RunKind
from worker.inspect.pauses import Stoppage, Stoppages
from worker.reconcile.code_plan_lines import CodePlanLines
from worker.reconcile.dry_run import DryRun
from worker.reconcile.invoice_plan_lines import InvoicePlanLines
from worker.store.stores import Stores

Progress = Callable[[Project], None]


@dataclass(frozen=True, slots=True)
class Planning:
    """Makes plans, and checks the lines of a saved plan again. `requests`: returns the number of requests this process has sent so far;
    `fixed_names`: returns the names of the retainage and tax Items, by id.
    """

    stores: Stores
    requests: Callable[[], Requests]
    codes: CodePlanLines
    invoices: InvoicePlanLines
    stoppages: Stoppages
    fixed_names: Callable[[], Mapping[str, str]]

    def scan(self, project_ids: Collection[int] = (), progress: Progress = lambda _: None) -> Plan:
        """Plan a scan of all projects, or of some."""
        dry, began = DryRun(), self.requests()
        projects = self.codes.projects.in_scope(self.codes.projects.refresh())
        for project_id in sorted(set(project_ids) - {project.id for project in projects}):
            dry.add(self.codes.not_scanned(project_id))
        for project in projects:
            if not project_ids or project.id in project_ids:
                progress(project)
                self.codes.add_project(project, dry)
        dry.reads = self.requests() - began
        return self._plan(RunKind.SCAN, dry, began)

    def export_approved(self, progress: Progress = lambda _: None) -> Plan:
        """Plan an export of all approved invoices."""
        dry, began = DryRun(item_names=self.fixed_names()), self.requests()
        projects = self.codes.projects.with_invoices(self.codes.projects.refresh())
        dry.reads = self.requests() - began
        for project in projects:
            progress(project)
            self.invoices.add_project(project, dry)
        return self._plan(RunKind.EXPORT, dry, began)

    def export_one(self, key: InvoiceKey) -> Plan:
        """Plan the export of one invoice. The list of projects is read before counting starts, because the export has it already."""
        dry, began = DryRun(item_names=self.fixed_names()), self.requests()
        self.codes.projects.all()
        self.invoices.add(key, dry)
        return self._plan(RunKind.EXPORT, dry, began)

    def check_again(
        self, kind: RunKind, project_id: int, lines: Sequence[PlanLine], bills: dict[NumberKey, str]
    ) -> DryRun:
        """Return the current state of the lines of one project that require a change. `bills`: bills of the plan's earlier projects."""
        dry = DryRun(bills=bills, item_names=self.fixed_names() if kind is RunKind.EXPORT else {})
        if kind is RunKind.SCAN:
            project = self.codes.projects.get(project_id)
            if project and self.codes.projects.in_scope([project]):
                self.codes.add_project(project, dry)
            else:
                dry.add(self.codes.not_scanned(project_id))
        for line in lines:
            if line.is_invoice and (line.action.is_change or line.needs):
                self.invoices.add(InvoiceKey.parse(line.key), dry)
        return dry

    def _plan(self, kind: RunKind, dry: DryRun, began: Requests) -> Plan:
        made_at = datetime.fromtimestamp(self.stores.now(), UTC).isoformat(timespec="seconds")
        dry_lines = dry.lines.values()
        read_back = self.codes.items.reads_back() if any(line.action is Action.CREATE for line in dry_lines) else 0
        requests = sum((line.requests for line in dry_lines), dry.reads + Requests(0, read_back))
        dry_run_requests = self.requests() - began
        stoppages = cache(self._stoppages)
        lines = tuple(replace(line, waits_for=_waits_for(line, stoppages)) for line in dry_lines)
        company_id, account = self.stores.installation.company_id, self.stores.installation.account
        return Plan(VERSION, kind, company_id, account, made_at, requests, dry_run_requests, lines)

    def _stoppages(self, lane: Lane, writes: bool, is_credit: bool) -> list[Stoppage]:
        return self.stoppages.of(lane, scopes=CREDITS if is_credit else (), writes=writes)


def _waits_for(line: PlanLine, stoppages: Callable[[Lane, bool, bool], Sequence[Stoppage]]) -> str:
    """Return what blocks all lines like this one now; "" for a line that requires no change.

    `stoppages`: what blocks a lane; whether for work that creates records, and for vendor credits.
    """
    if not line.action.is_change:
        return ""
    creates = line.action in (Action.CREATE, Action.BILL)
    blocking = [*stoppages(Lane.EXPORTS if line.is_invoice else Lane.ITEMS, creates, line.is_credit)]
    blocking += stoppages(Lane.ITEMS, True, False) if line.needs else []
    return " ".join(dict.fromkeys(stoppage.text for stoppage in blocking))
