"""The lines of a plan for the codes of a project: what a scan would do. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.domain.errors import NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Outcome, OutcomeKind, outcome_of
from worker.domain.plans import LineData, PlanLine, Requests, line_of
from worker.domain.problem_keys import of_project
from worker.domain.problems import Cause, describe
from worker.domain.wbs_codes import Project
from worker.domain.work import scan_of
from worker.reconcile.dry_run import NOTHING, DryRun, name_of, not_readable
from worker.sync.items import NO_SUCH_CODE, Items, Planned
from worker.sync.projects import Projects
from worker.sync.wbs_scan import ProjectPlan, WbsScan


@dataclass(frozen=True, slots=True)
class CodePlanLines:
    """Adds the lines of codes to a dry run."""

    projects: Projects
    items: Items
    wbs_scan: WbsScan

    def add_project(self, project: Project, dry: DryRun) -> None:
        """Add a line for each of a project's codes, or one that says why its budget cannot be read."""
        try:
            plan = self.wbs_scan.plan_project(project)
        except (NotFound, NotPermitted) as error:
            dry.add(not_readable(project.id, project.label, "budget", str(error)))
            return
        except UnexpectedAnswer as error:
            blocked = _blocked(Cause.UNREADABLE_RESPONSE, {"answer": str(error)})
            dry.add(line_of(scan_of(project.id), project.label, "budget", blocked))
            return
        if plan.odd:
            facts = {"count": str(len(plan.odd)), "what": "budget", "project": project.label}
            left_out = _blocked(Cause.UNREADABLE_ROWS, facts | {"answer": plan.odd[0].complaint})
            dry.add(line_of(of_project(project.id, "budget_rows"), project.label, "budget", left_out))
        for code in sorted(plan.planned, key=lambda code: code.code.flat_code):
            self.add(project, code, dry)
        for code_id, flat_code, outcome in _without_item_to_create(plan):
            # An unconfirmed Item is looked up by external id and, if that finds nothing, by id and name: two requests at most.
            requests = Requests(0, 2) if outcome.kind is OutcomeKind.UNKNOWN else Requests()
            key = str(CodeKey(project.id, code_id))
            dry.add(line_of(key, project.label, flat_code, outcome, requests=requests))

    def add(self, project: Project, planned: Planned, dry: DryRun) -> None:
        """Add the line of a code that would get an Item, or that a problem blocks."""
        code, name = planned.code, name_of(planned)
        item_id = planned.item.id if planned.item else ""
        reason = describe(planned.cause, planned.facts).sentence if planned.cause else ""
        data: LineData = {
            "project number": project.number or "",
            "WBS code": code.flat_code,
            "description": code.description,
            "Item name": planned.name,
            "in NetSuite": f"Item {item_id} {name!r}" if planned.item else "" if planned.cause else NOTHING,
        }
        outcome = Outcome(planned.kind, name, item_id, reason, planned.cause)
        requests = Requests(0, self.items.writes(planned))
        key = str(CodeKey(project.id, code.id))
        dry.add(line_of(key, project.label, code.flat_code, outcome, data=data, requests=requests))
        if planned.kind is not OutcomeKind.BLOCKED:
            dry.planned.setdefault(project.id, {})[code.id] = planned

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


def _without_item_to_create(plan: ProjectPlan) -> Iterator[tuple[int, str, Outcome]]:
    """Yield the id, the flat code and the outcome of the codes for which a scan creates no Item."""
    for code, record in plan.already:
        yield code.id, code.flat_code, outcome_of(record)
    for code, record in plan.in_doubt:
        reason = "NetSuite did not confirm a write; wbs-sync is checking for it"
        yield code.id, code.flat_code, Outcome(OutcomeKind.UNKNOWN, record.name, reason=reason)
    for code in plan.inactive:
        reason = "the code is budgeted, but not active"
        yield code.id, code.flat_code, Outcome(OutcomeKind.SKIPPED, reason=reason)
    for number, record in plan.gone.items():
        yield number, record.code, Outcome(OutcomeKind.SKIPPED, record.name, reason=NO_SUCH_CODE)


def _blocked(cause: Cause, facts: dict[str, str]) -> Outcome:
    return Outcome(OutcomeKind.BLOCKED, reason=describe(cause, facts).sentence, cause=cause)
