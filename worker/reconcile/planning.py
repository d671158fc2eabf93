"""Plans what a scan or an export would do, line by line. Reads only.

A dry run makes the same checks as the work makes before it writes, so the requests it used are those that the work needs for checking. Only
the requests after a check are estimated here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from worker.domain.bills import NumberKey
from worker.domain.identities import InvoiceKey
from worker.domain.plans import VERSION, Action, Plan, PlanLine, Requests
from worker.domain.scopes import CREDITS
from worker.domain.wbs_codes import Project
from worker.domain.work import Lane, RunKind
from worker.inspect.stoppages import Stoppage, Stoppages
from worker.reconcile.code_plans import CodePlans
from worker.reconcile.dry_run import DryRun
from worker.reconcile.invoice_plans import InvoicePlans
from worker.store.stores import Stores

Progress = Callable[[Project], None]


@dataclass(frozen=True, slots=True)
class Planning:
    """Makes plans, and checks the lines of a plan again. `requests`: returns the number of requests this process has sent so far;
    `fixed_names`: returns the names of the retainage and tax Items, by id.
    """

    stores: Stores
    requests: Callable[[], Requests]
    codes: CodePlans
    invoices: InvoicePlans
    stoppages: Stoppages
    fixed_names: Callable[[], Mapping[str, str]]

    def scan(self, project_ids: Collection[int] = (), progress: Progress = lambda _: None) -> Plan:
        """Plan a scan of all projects, or of some."""
        dry, began = DryRun(), self.requests()
        projects = self.codes.projects.refresh()
        for project_id in sorted(set(project_ids) - {one.id for one in self.codes.projects.in_scope(projects)}):
            dry.add(self.codes.not_scanned(project_id))
        for project in self.codes.projects.in_scope(projects):
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

    def look_again(
        self, kind: RunKind, project_id: int, lines: Sequence[PlanLine], bills: dict[NumberKey, str]
    ) -> DryRun:
        """Return the current lines of one project that require a change. `bills`: bills of projects planned before."""
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
        found = dry.lines.values()
        read_back = self.codes.items.reads_back() if any(line.action is Action.CREATE for line in found) else 0
        takes = sum((line.requests for line in found), dry.reads + Requests(0, read_back))
        looked = self.requests() - began
        stopped: dict[tuple[Lane, bool, bool], list[Stoppage]] = {}
        lines = tuple(replace(line, waits_for=self._waits_for(line, stopped)) for line in found)
        company_id, account = self.stores.installation.company_id, self.stores.installation.account
        return Plan(VERSION, kind, company_id, account, made_at, takes, looked, lines)

    def _waits_for(self, line: PlanLine, known: dict[tuple[Lane, bool, bool], list[Stoppage]]) -> str:
        """Return what keeps such a line from being carried out now, whatever its record; "" for a line that requires no change. `known`:
        values read for earlier lines.
        """
        if not line.action.is_change:
            return ""
        writes = line.action in (Action.CREATE, Action.BILL)
        needed = [(Lane.EXPORTS if line.is_invoice else Lane.ITEMS, writes, line.is_credit)]
        needed += [(Lane.ITEMS, True, False)] if line.needs else []
        for one in needed:
            if one not in known:
                lane, writes, credit = one
                known[one] = self.stoppages.of(lane, scopes=CREDITS if credit else (), writes=writes)
        return " ".join(dict.fromkeys(each.words for one in needed for each in known[one]))
