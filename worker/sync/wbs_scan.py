"""The scan ("Export Cost Codes"): checks all projects for budgeted codes without an Item. Its cost depends on what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from worker.clients.fields import UnreadableRow
from worker.clients.remotes import Remotes
from worker.domain.errors import NotFound, NotPermitted
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Children, Outcome, OutcomeKind, Record, State
from worker.domain.problems import Cause, of_project, subject_of
from worker.domain.wbs_codes import Project, WbsCode
from worker.domain.work import SCAN_OF_ALL, Lane, RunKind, scan_of
from worker.store.runs import Run
from worker.store.stores import Stores
from worker.sync.items import Items, ResolvedCode
from worker.sync.projects import Projects


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan would do in one project. `already`: codes whose Item is in the ledger, and `in_doubt`: those with an unconfirmed write, both
    with their records; `inactive`: budgeted but not active; `gone`: blocked until now, and no longer budgeted or active; `odd`: budget rows
    that could not be read.
    """

    project: Project
    resolved: Sequence[ResolvedCode]
    already: Sequence[tuple[WbsCode, Record]]
    in_doubt: Sequence[tuple[WbsCode, Record]]
    inactive: Sequence[WbsCode]
    gone: Mapping[int, Record]
    odd: Sequence[UnreadableRow] = ()


@dataclass(frozen=True, slots=True)
class WbsScan:
    """Finds the codes that need an Item and queues them for `Items.make`."""

    stores: Stores
    remotes: Remotes
    projects: Projects
    items: Items

    def request(self, trigger: str, project_ids: Collection[int] = ()) -> tuple[Run, bool]:
        """Start a scan of all projects or of some, or join the one in progress: return (run, joined). A worker does the rest."""
        if project_ids:
            # A project is often requested right after it was fixed (its number, its link): the cached list would not show that.
            self.projects.outdate()
        keys = [scan_of(project_id) for project_id in project_ids]
        run, joined = self.stores.runs.begin(RunKind.SCAN, trigger, keys or [SCAN_OF_ALL])
        # A project that is being scanned is scanned once more afterwards; the run waits for that.
        self.stores.work.request(Lane.SCANS, keys)
        if not keys and self.stores.runs.is_open(run, SCAN_OF_ALL):
            self.stores.work.add(Lane.SCANS, [SCAN_OF_ALL])
        return run, joined

    def resolve_project(self, project: Project) -> ScanResult:
        """Return what would happen in one project; reads only. Raises NotFound or NotPermitted if the app has no access."""
        odd: list[UnreadableRow] = []
        budgeted = self.remotes.procore.list_budgeted_codes(project.id, odd)
        records = self.stores.ledger.codes(project.id)
        known = [(code, records[code.id]) for code in budgeted if code.id in records]
        already = [(code, record) for code, record in known if record.done]
        in_doubt = [(code, record) for code, record in known if record.in_doubt]
        settled = {code.id for code, _ in (*already, *in_doubt)}
        missing = [code for code in budgeted if code.id not in settled]
        blocked = {
            number: record
            for number, record in records.items()
            if record.state is State.BLOCKED and not record.for_invoice
        }
        gone = {number: record for number, record in blocked.items() if number not in {code.id for code in budgeted}}
        if not missing:
            return ScanResult(project, (), already, in_doubt, (), gone, odd)
        active = {code.id: code for code in self.remotes.procore.list_active_codes(project.id)}
        inactive = [code for code in missing if code.id not in active]
        # The list of codes has the fuller description of the two.
        resolved = self.items.resolve(project, [active[code.id] for code in missing if code.id in active])
        gone |= {code.id: blocked[code.id] for code in inactive if code.id in blocked}
        return ScanResult(project, resolved, already, in_doubt, inactive, gone, odd)

    def list_projects(self) -> Outcome:
        """List the company's projects, and queue the scan of each."""
        listed = self.projects.relist()
        keys = [scan_of(project_id) for project_id in listed.to_scan]
        odd = {row.id: row for row in listed.unreadable if row.id}
        self._report_odd_projects(odd)
        # Their new codes and invoices are no longer seen.
        for project_id in self.projects.not_visible(self.projects.pilot or self.stores.ledger.projects()):
            if project_id not in odd and (self.projects.pilot or self._has_worked_on(project_id)):
                self._not_visible(project_id)
        children = Children(keys, Lane.SCANS, {"projects": len(keys)})
        return Outcome(OutcomeKind.ALREADY, reason=f"{len(keys)} projects to scan", children=children)

    def _report_odd_projects(self, odd: Mapping[int, UnreadableRow]) -> None:
        """Open a problem for each project whose row could not be read, and close the problem of one that can be read again."""
        for problem in self.stores.ledger.problems():
            about = subject_of(problem.key)
            if about.part == "row" and about.project_id not in odd:
                self.stores.ledger.resolve(problem.key)
        for project_id, row in odd.items():
            if self.projects.in_pilot(project_id):
                self._report_odd(of_project(project_id, "row"), f"id {project_id}", "list of projects", [row])

    def _report_odd(self, key: str, label: str, what: str, odd: Sequence[UnreadableRow]) -> None:
        if odd:
            facts = {"count": str(len(odd)), "what": what, "project": label, "answer": odd[0].complaint}
            self.stores.ledger.report(key, Cause.UNREADABLE_ROWS, facts, at=self.stores.now())
        else:
            self.stores.ledger.resolve(key)

    def _has_worked_on(self, project_id: int) -> bool:
        """Return whether the ledger has a record of the project that is not skipped; a project that never existed has skipped codes at most."""
        return any(record.state is not State.SKIPPED for record in self.stores.ledger.codes(project_id).values())

    def scan_project(self, project_id: int) -> Outcome:
        """Find the codes of one project that need an Item: adopt existing Items, and queue the other codes."""
        if not self.projects.in_pilot(project_id):
            return Outcome(OutcomeKind.SKIPPED, reason="the project is not in PROJECT_IDS")
        project = self.projects.get(project_id)
        if project is None:
            return self._not_visible(project_id)
        if not project.active:
            self.stores.ledger.resolve(of_project(project_id, "budget"))
            why = self.projects.why_left_out(project) or f"project {project.label} is not active"
            return Outcome(OutcomeKind.SKIPPED, reason=why)
        try:
            result = self.resolve_project(project)
        except (NotFound, NotPermitted) as error:
            return self._not_readable(project_id, project.label, "budget", str(error))
        budget, rows = of_project(project_id, "budget"), of_project(project_id, "budget_rows")
        if result.odd:
            self._report_odd(rows, project.label, "budget", result.odd)
        over = (budget,) if result.odd else (budget, rows)
        noted = self.items.note(project_id, result.resolved)
        for number, record in result.gone.items():
            self.items.skip(CodeKey(project_id, number), record)
        return replace(_looked_through(result, noted), closes=over)

    def resolve_codes(self, project_id: int) -> Outcome:
        """Look up waiting codes of one project again, in a long backlog or because a retry was requested: all of them in the same requests.

        Runs that wait for them continue to wait.
        """
        old = self.items.outdated(project_id)
        project = self.projects.get(project_id)
        label = project.label if project else f"id {project_id}"
        try:
            if project is None:
                raise NotFound("the project is not visible to the app")
            wanted = self._still_wanted(project, old)
            resolved = self.items.resolve(project, list(wanted.values())) if wanted else []
        except (NotFound, NotPermitted) as error:
            facts = {"project": label, "what": "budget", "answer": str(error)}
            for number, record in old.items():
                self.items.block(CodeKey(project_id, number), record, Cause.PROJECT_NOT_READABLE, facts)
            return self._not_readable(project_id, label, "budget", str(error))
        noted = []
        for for_invoice in (False, True):
            some = [one for one in resolved if old[one.code.id].for_invoice is for_invoice]
            noted += self.items.note(project_id, some, for_invoice=for_invoice)
        for number in old.keys() - wanted.keys():
            self.items.skip(CodeKey(project_id, number), old[number])
        # Before all that waits: they are the oldest of it, or what a person asked for.
        children = Children([str(key) for key in noted], Lane.ITEMS, at=0)
        reason = f"{label}: {len(old)} codes looked up again, {len(noted)} waiting"
        return Outcome(OutcomeKind.ALREADY, reason=reason, children=children)

    def _still_wanted(self, project: Project, old: Mapping[int, Record]) -> dict[int, WbsCode]:
        """Return the codes that are active now, and budgeted or needed by an invoice; none outside of PROJECT_IDS."""
        numbers = set(old) if self.projects.in_pilot(project.id) else set()
        without_budget = {number for number in numbers if old[number].for_invoice}
        if project.active and numbers > without_budget:
            numbers &= without_budget | {code.id for code in self.remotes.procore.list_budgeted_codes(project.id)}
        else:
            numbers = without_budget
        active = self.remotes.procore.list_active_codes(project.id) if numbers else []
        return {code.id: code for code in active if code.id in numbers}

    def _not_visible(self, project_id: int) -> Outcome:
        return self._not_readable(project_id, f"id {project_id}", "budget", "the project is not visible to the app")

    def _not_readable(self, project_id: int, label: str, what: str, answer: str) -> Outcome:
        facts = {"project": label, "what": what, "answer": answer}
        at = self.stores.now()
        self.stores.ledger.report(of_project(project_id, what), Cause.PROJECT_NOT_READABLE, facts, at=at)
        return Outcome(OutcomeKind.BLOCKED, reason=f"{label}: {answer}", cause=Cause.PROJECT_NOT_READABLE)


def _looked_through(result: ScanResult, noted: Sequence[CodeKey]) -> Outcome:
    """End the project's work and queue its codes in one step; the run counts what was settled immediately."""
    settled = Counter(one.kind.value for one in result.resolved if one.kind is not OutcomeKind.CREATED)
    settled["already"] += len(result.already)
    settled["skipped"] += len(result.inactive)
    counts = {"projects_done": 1, "codes": sum(settled.values()) + len(noted) + len(result.in_doubt), **settled}
    doubtful = [CodeKey(result.project.id, code.id) for code, _ in result.in_doubt]
    children = Children([str(key) for key in (*noted, *doubtful)], Lane.ITEMS, counts)
    reason = f"{result.project.label}: {counts['codes']} budgeted codes, {len(noted)} need an Item"
    return Outcome(OutcomeKind.ALREADY, reason=reason, children=children)
