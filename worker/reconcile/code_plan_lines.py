"""The lines of a plan for the codes of a project: what a scan would do. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.domain.errors import NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Outcome, OutcomeKind, outcome_of
from worker.domain.plans import LineData, PlanLine, Requests, line_of
from worker.domain.problems import Cause, describe, of_project
from worker.domain.wbs_codes import Project
from worker.domain.work import scan_of
from worker.reconcile.dry_run import NOTHING, DryRun, blocked, name_of, not_readable
from worker.sync.items import NO_SUCH_CODE, Items, ResolvedCode
from worker.sync.projects import Projects
from worker.sync.wbs_scan import ScanResult, WbsScan


@dataclass(frozen=True, slots=True)
class CodePlanLines:
    """Adds the lines of codes to a dry run."""

    projects: Projects
    items: Items
    wbs_scan: WbsScan

    def add_project(self, project: Project, dry: DryRun) -> None:
        """Add a line for each of a project's codes, or one that says why its budget cannot be read."""
        try:
            result = self.wbs_scan.resolve_project(project)
        except (NotFound, NotPermitted) as error:
            dry.add(not_readable(project.id, project.label, "budget", str(error)))
            return
        except UnexpectedAnswer as error:
            unreadable = blocked(Cause.UNREADABLE_RESPONSE, {"answer": str(error)})
            dry.add(line_of(scan_of(project.id), project.label, "budget", unreadable))
            return
        if result.odd:
            facts = {"count": str(len(result.odd)), "what": "budget", "project": project.label}
            left_out = blocked(Cause.UNREADABLE_ROWS, facts | {"answer": result.odd[0].complaint})
            dry.add(line_of(of_project(project.id, "budget_rows"), project.label, "budget", left_out))
        for code in sorted(result.resolved, key=lambda code: code.code.flat_code):
            self.add(project, code, dry)
        for code_id, flat_code, outcome in _without_item_to_create(result):
            # An unconfirmed Item is looked up by external id and, if that finds nothing, by id and name: two requests at most.
            requests = Requests(0, 2) if outcome.kind is OutcomeKind.UNKNOWN else Requests()
            key = str(CodeKey(project.id, code_id))
            dry.add(line_of(key, project.label, flat_code, outcome, requests=requests))

    def add(self, project: Project, resolved: ResolvedCode, dry: DryRun) -> None:
        """Add the line of a code that would get an Item, or that a problem blocks."""
        code, name = resolved.code, name_of(resolved)
        item_id = resolved.item.id if resolved.item else ""
        reason = describe(resolved.cause, resolved.facts).sentence if resolved.cause else ""
        data: LineData = {
            "project number": project.number or "",
            "WBS code": code.flat_code,
            "description": code.description,
            "Item name": resolved.name,
            "in NetSuite": f"Item {item_id} {name!r}" if resolved.item else "" if resolved.cause else NOTHING,
        }
        fields = self.items.writer.fields.names.shown(resolved.fields)
        outcome = Outcome(resolved.kind, name, item_id, reason, resolved.cause)
        requests = Requests(0, self.items.writes(resolved))
        data = {**data, "fields": fields} if fields else data
        key = str(CodeKey(project.id, code.id))
        dry.add(line_of(key, project.label, code.flat_code, outcome, data=data, requests=requests))
        if resolved.kind is not OutcomeKind.BLOCKED:
            dry.resolved.setdefault(project.id, {})[code.id] = resolved

    def not_scanned(self, project_id: int) -> PlanLine:
        """Return why a scan would skip a requested project."""
        project = next((each for each in self.projects.all() if each.id == project_id), None)
        if not self.projects.in_pilot(project_id):
            outcome = Outcome(OutcomeKind.SKIPPED, reason="the project is not in PROJECT_IDS")
        elif project is None:
            return not_readable(project_id, f"id {project_id}", "budget", "the project is not visible to the app")
        else:
            why = self.projects.why_left_out(project) or f"project {project.label} is not active"
            outcome = Outcome(OutcomeKind.SKIPPED, reason=why)
        label = project.label if project else f"id {project_id}"
        return line_of(of_project(project_id, "budget"), label, "budget", outcome)


def _without_item_to_create(result: ScanResult) -> Iterator[tuple[int, str, Outcome]]:
    """Yield the id, the flat code and the outcome of the codes for which a scan creates no Item."""
    for code, record in result.already:
        yield code.id, code.flat_code, outcome_of(record)
    for code, record in result.in_doubt:
        reason = "NetSuite did not confirm a write; wbs-sync is checking for it"
        yield code.id, code.flat_code, Outcome(OutcomeKind.UNKNOWN, record.name, reason=reason)
    for code in result.inactive:
        reason = "the code is budgeted, but not active"
        yield code.id, code.flat_code, Outcome(OutcomeKind.SKIPPED, reason=reason)
    for number, record in result.gone.items():
        yield number, record.code, Outcome(OutcomeKind.SKIPPED, record.name, reason=NO_SUCH_CODE)
