"""Applies a plan: checks each line again and queues only lines with unchanged data.

From there, work continues as after a scan or export: workers create one record after the other, with lock, intent, check and record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.bills import NumberKey
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import NOT_STARTED, Outcome, OutcomeKind, Record, outcome_of
from worker.domain.plans import Action, Plan, PlanLine, refusals
from worker.domain.problems import Problem, record_of
from worker.domain.work import Lane, RunKind
from worker.engine.recovery import Recovery
from worker.engine.settlement import RUN_WAITS_SECONDS
from worker.inspect.pauses import Stoppages
from worker.reconcile.dry_run import DryRun
from worker.reconcile.planning import Planning
from worker.store.stores import Stores
from worker.sync.items import Items
from worker.sync.projects import Projects

A_PLAN = "a plan"
"""Trigger name for work from a plan."""


@dataclass(slots=True)
class Applied:
    """The lines of a plan after it was applied. `at`: start time in unix seconds; `to_do`: unchanged lines, now queued; `already`: NetSuite ids
    of records that exist already, by key; `refused`: what changed, by key.
    """

    at: float
    to_do: list[PlanLine] = field(default_factory=list)
    already: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Applying:
    """Applies saved plans, and reports on their lines."""

    stores: Stores
    planning: Planning
    projects: Projects
    items: Items
    recovery: Recovery
    stoppages: Stoppages

    def apply(self, plan: Plan, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Applied:
        """Check every line that requires a change again, and queue the unchanged ones.

        Works project by project, so that little time passes between check and work. Calls `progress(done, of)` after each. A lost ledger is
        restored first.
        """
        self.recovery.ensure_ledger()
        self.projects.refresh()
        applied, bills = Applied(self.stores.now()), dict[NumberKey, str]()
        projects: dict[int, list[PlanLine]] = {}
        for line in plan.lines:
            projects.setdefault(line.project_id, []).append(line)
        for done, (project_id, lines) in enumerate(projects.items(), 1):
            if any(line.action.is_change for line in lines):
                dry = self.planning.check_again(plan.kind, project_id, lines, bills)
                to_do = self._unchanged(plan.kind, lines, dry, applied)
                self._queue(plan.kind, project_id, to_do, dry)
                applied.to_do += to_do
            progress(done, len(projects))
        return applied

    def _unchanged(self, kind: RunKind, lines: Sequence[PlanLine], dry: DryRun, applied: Applied) -> list[PlanLine]:
        already = {}
        for line in lines:
            record, current = self._record(line), dry.lines.get(line.key)
            if record and record.done:
                already[line.key] = record.remote_id
            elif current and current.action is Action.ALREADY:
                already[line.key] = current.remote_id
        refused = refusals(kind, lines, dry.lines, already)
        applied.already |= already
        applied.refused |= refused
        return [line for line in lines if line.action.is_change and line.key not in {*already, *refused}]

    def _queue(self, kind: RunKind, project_id: int, to_do: Sequence[PlanLine], dry: DryRun) -> None:
        """Record the results as after a scan: existing records are adopted, and missing ones are queued. Items before bills."""
        codes = [CodeKey.parse(line.key).wbs_code_id for line in to_do if not line.is_invoice]
        resolved = [dry.resolved[project_id][code_id] for code_id in codes]
        noted = self.items.note(project_id, resolved, for_invoice=kind is RunKind.EXPORT, by=A_PLAN)
        self.stores.work.request(Lane.ITEMS, [str(key) for key in noted])
        for line in to_do:
            if line.is_invoice:
                self.stores.ledger.journal.add(InvoiceKey.parse(line.key), AuditEvent(EventKind.QUEUED, {"by": A_PLAN}))
        self.stores.work.request(Lane.EXPORTS, [line.key for line in to_do if line.is_invoice])

    def count_unfinished(self, applied: Applied) -> int:
        """Return how many lines have not ended. Work due in more than a minute is not waited for."""
        soon = self.stores.now() + RUN_WAITS_SECONDS
        return len(self.stores.work.pending([line.key for line in applied.to_do], due_before=soon))

    def outcomes(self, applied: Applied) -> dict[str, Outcome]:
        """Return the current outcomes of the queued lines, by key."""
        problems = {one.key: one.problem for one in self.stores.ledger.problems()}
        return {line.key: self._outcome(line, applied.at, problems.get(line.key)) for line in applied.to_do}

    def _outcome(self, line: PlanLine, since: float, problem: Problem | None) -> Outcome:
        """Return the outcome of a line. A record that exists since `since` (unix seconds) is created or adopted, an older one `already` there."""
        record = self._record(line)
        outcome = outcome_of(record) if record else NOT_STARTED
        if record and record.done and record.at >= since:
            outcome = replace(outcome, kind=OutcomeKind(record.state.value))
        if outcome.kind is OutcomeKind.WAITING:
            stoppages = self.stoppages.of(Lane.EXPORTS if line.is_invoice else Lane.ITEMS, line.key)
            outcome = replace(outcome, reason=" ".join(one.text for one in stoppages) or outcome.reason)
        if problem:
            kind = outcome.kind if record and record.done else OutcomeKind.BLOCKED
            outcome = replace(outcome, kind=kind, reason=problem.sentence, cause=problem.cause)
        return outcome

    def _record(self, line: PlanLine) -> Record | None:
        key = record_of(line.key)
        return self.stores.ledger.record(key) if key else None
